"""The other providers that people sign in with: what would keep people out, or let the wrong ones in."""

from collections.abc import Iterator

import click
from valet.jose.jwk import usable_keys
from valet.models.providers import LOCAL, Provider
from valet.registration.discovery import drift
from valet.registration.providers import overlaps, wrong_with_provider

from admin.desk import moment, span
from admin.doctor.check import Check
from admin.doctor.evidence import Evidence
from admin.doctor.findings import Finding, warning
from admin.records.discovery import described, fetched
from admin.terminal import registrations
from admin.terminal.spelling import command

_SOON = 30 * 86_400


def _enabled(evidence: Evidence) -> list[Provider]:
    return [each for each in evidence.providers if not each.is_disabled]


def look_registration(evidence: Evidence) -> Iterator[Finding]:
    known = {client.client_id for client in evidence.clients}
    for provider in evidence.providers:
        what = f"The provider {provider.provider_id}"
        wrong = wrong_with_provider(provider, is_local=evidence.deployment.where.is_local)
        for told in registrations.told(wrong, registrations.PROVIDER):
            yield Finding(
                f"{what} breaks a rule: {told}",
                "No command would store it: the item was edited by hand, or by another release.",
                _how(provider),
            )
        for client_id in sorted(provider.clients - known):
            yield warning(
                f"{what} is for the client {client_id}, which is not registered",
                "If it is for no other client, nobody is offered it.",
                f"{_how(provider)}: --client, or --reset client",
            )


def look_clients(evidence: Evidence) -> Iterator[Finding]:
    enabled = {each.provider_id for each in _enabled(evidence)} | {LOCAL}
    for client in evidence.clients:
        gone = sorted(client.providers - enabled)
        if gone and not client.is_disabled:
            nobody = "Nobody can sign in for it." if not client.providers & enabled else "It is offered to nobody."
            yield Finding(
                f"The client {client.client_id} is for the provider {gone[0]}, which is disabled or not registered",
                nobody,
                f"{command('valet clients change', client.client_id, '--help')}: --provider",
                is_error=not client.providers & enabled,
            )


def look_federation(evidence: Evidence) -> Iterator[Finding]:
    deployment = evidence.deployment
    registered = evidence.providers
    if deployment.parameters.get("Federation") != "on":
        if registered:
            yield warning(
                f"The deployment lets nobody sign in with other providers, and {len(registered)} are registered",
                "People who have no other means cannot sign in.",
                "Deploy with Federation=on: `make deploy`",
            )
        return
    key_id = deployment.outputs["PeopleKey"]
    key = evidence.described_key(key_id)
    if key is None or key["KeyState"] != "Enabled":
        yield Finding(
            f"The key {key_id} is {'gone' if key is None else key['KeyState']}",
            "It opens the secrets at other providers and people's second factors. Without it neither works.",
            f"{command('aws kms cancel-key-deletion --key-id', key_id)}; "
            f"then {command('aws kms enable-key --key-id', key_id)}",
        )


def look_discovery(evidence: Evidence) -> Iterator[Finding]:
    """What providers say of themselves today. One that does not answer is a finding of its own."""
    is_local = evidence.deployment.where.is_local
    for provider in _enabled(evidence):
        what = f"The provider {provider.provider_id}"
        if not provider.jwks_uri:
            continue
        try:
            has_userinfo = bool(provider.userinfo_endpoint)
            now = described(provider, has_userinfo=has_userinfo, is_local=is_local)
            listed = fetched(provider.jwks_uri, is_local=is_local).get("keys")
        except click.ClickException as error:
            yield Finding(
                f"{what}: {error.message}",
                "People cannot sign in with it, unless only this machine cannot reach it.",
                "Look at the provider's status page, and at this machine's network.",
            )
            continue
        if members := drift(provider, now):
            yield warning(
                f"{what} says another {' and '.join(members)} of itself than when it was registered",
                "Sign-ins go on to the registered addresses, which the provider may be about to end.",
                f"If its operator confirms the new addresses: {_change(provider, '--refresh')}",
            )
        keys = usable_keys(listed) if isinstance(listed, list) else []
        if not any(alg in key.verifiers for key in keys for alg in provider.algs):
            yield Finding(
                f"{what} publishes no key for {' or '.join(provider.algs)} at {provider.jwks_uri}",
                "No ID token of it can be verified, so everybody who signs in with it is refused.",
                f"{_how(provider)}: --alg, with those that it signs by",
            )


def look_secrets(evidence: Evidence) -> Iterator[Finding]:
    for provider in _enabled(evidence):
        left = provider.secret_expires_at - evidence.now
        if not provider.secret_expires_at or left > _SOON:
            continue
        ends = f"ends in {span(left)}" if left > 0 else "has ended"
        yield Finding(
            f"The secret at the provider {provider.provider_id} {ends}: {moment(provider.secret_expires_at)}",
            "From then on the provider refuses Valet, and everybody who signs in with it.",
            f"Make another one there, then {_how(provider)}: --new-secret, with --secret-expires",
            is_error=left <= 0,
        )


def look_domains(evidence: Evidence) -> Iterator[Finding]:
    registered = evidence.providers
    for domain, owners in overlaps(registered):
        names = " and ".join(each.provider_id for each in owners)
        yield Finding(
            f"The providers {names} both have the domain {domain}",
            "Each of them may say who an address there belongs to, and only the first is offered for it.",
            f"Leave it to one: {_how(owners[-1])}: --domain, without it",
        )
    for provider in registered:
        if provider.is_disabled and provider.domains:
            yield warning(
                f"The provider {provider.provider_id} is disabled, and has the domain {min(provider.domains)}",
                "People with an address there can sign in by their other means alone.",
                f"{_change(provider, '--enable')}, or {_change(provider, '--reset', 'domain')}",
            )


def _change(provider: Provider, *words: str) -> str:
    return command("valet providers change", provider.provider_id, *words)


def _how(provider: Provider) -> str:
    return _change(provider, "--help")


CHECKS = (
    Check("providers.registration", look_registration),
    Check("providers.clients", look_clients),
    Check("providers.federation", look_federation),
    Check("providers.discovery", look_discovery),
    Check("providers.secrets", look_secrets),
    Check("providers.domains", look_domains),
)
