"""APIs with reference tokens (RFC 7662): some client must be able to introspect them, and no cache may outlive that."""

from collections.abc import Iterator, Mapping

from valet.models.clients import Client
from valet.protocol.supported import JWT

from admin.doctor.check import Check
from admin.doctor.evidence import Evidence
from admin.doctor.findings import Finding, warning
from admin.doctor.gateways import Authorizer, all_authorizers, trusting, without_cache
from admin.terminal.spelling import command

_DAYS = 365  # a secret in an environment is replaced once a year


def look_clients(evidence: Evidence) -> Iterator[Finding]:
    """Finds APIs whose tokens no client may introspect; clients that introspect them and do something else too, or with
    a secret that is older than a year.
    """
    for audience in _audiences(evidence):
        clients = [each for each in evidence.clients if audience in each.introspects and not each.is_disabled]
        if not clients:
            yield Finding(
                f"The API {audience} has reference tokens, and no client may introspect them",
                "Only Valet can tell what such a token is good for: the API refuses every call.",
                f"Register a client for the API's authorizer: {_add(audience)}",
            )
        for client in clients:
            if client.scope:
                yield warning(
                    f"The client {client.client_id} introspects the reference tokens of {audience}, and gets tokens",
                    "Its secret is in the environment of the authorizer. A person who reads it there gets tokens too.",
                    f"Register a client for introspection alone: {_add(audience)}",
                )
            days = int(evidence.now - client.secret_made_at_ms / 1000) // 86_400
            if client.secret_made_at_ms and days > _DAYS:
                yield warning(
                    f"{client.client_id} introspects the reference tokens of {audience}; its secret is {days} days old",
                    "A person who has read it in the environment of the authorizer since then can introspect as well.",
                    command("valet clients rotate-secret", client.client_id),
                )


def look_authorizers(evidence: Evidence) -> Iterator[Finding]:
    """Finds authorizers of such APIs that cannot introspect, and answers that outlive a revocation."""
    audiences, seen = _audiences(evidence), set[str]()
    if not audiences:
        return
    for each, environment in trusting(evidence, all_authorizers(evidence)):
        if environment.get("AUDIENCE") not in audiences:
            continue
        yield from _kept(each)
        if each.function not in seen:
            yield from _wrong_with(each.function, environment, evidence.clients)
        seen.add(each.function)


def _kept(each: Authorizer) -> Iterator[Finding]:
    if each.seconds:
        yield Finding(
            f"{each.api} keeps the answers of its authorizer {each.authorizer_id} for {each.seconds} s",
            f"Its API has reference tokens: a revoked one is refused {each.seconds} s later, and not at the next call.",
            without_cache(each),
        )


def _wrong_with(function: str, environment: Mapping[str, str], clients: tuple[Client, ...]) -> Iterator[Finding]:
    audience, named = environment["AUDIENCE"], environment.get("INTROSPECTION_CLIENT", "")
    client = next((each for each in clients if each.client_id == named and not each.is_disabled), None)
    if not named:
        yield Finding(
            f"The authorizer {function} has no INTROSPECTION_CLIENT, and {audience} has reference tokens",
            "It refuses every one of them.",
            "Deploy it with IntrospectionClient and IntrospectionSecret (docs/authorizer.md)",
        )
    elif client is None:
        yield Finding(
            f"The authorizer {function} introspects as {named}, which is not registered, or is disabled",
            "It cannot tell what a reference token stands for: every call with one is an error.",
            f"Register another client, and deploy the authorizer with it: {_add(audience)}",
        )
    elif audience not in client.introspects:
        both = " ".join(sorted({*client.introspects, audience}))
        yield Finding(
            f"The authorizer {function} introspects as {named}, which may not introspect tokens for {audience}",
            "It refuses every reference token.",
            command("valet clients change", named, "--introspects", both),
        )


def _add(audience: str) -> str:
    """The command that registers a client without scopes: it can get no token."""
    return command("valet clients add", f"Authorizer of {audience}", "--introspects", audience)


def _audiences(evidence: Evidence) -> list[str]:
    return sorted(name for name, api in evidence.scopes.apis.items() if api.access_token_format != JWT)


CHECKS = (Check("apis.reference-tokens", look_clients), Check("gateways.reference-tokens", look_authorizers))
