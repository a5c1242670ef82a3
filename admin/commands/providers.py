"""`valet providers`: the other providers that people sign in with (docs/providers.md)."""

from dataclasses import replace
from typing import Any

import click
from valet.models.providers import TENANT, Provider
from valet.ports.sealing import PROVIDER_SECRET
from valet.registration.discovery import PRESETS, entra_issuer
from valet.registration.providers import refusal_of_secret, wrong_with_provider
from valet.registration.rules import NOT_REGISTERED, Wrong

from admin.commands.provider_options import registration
from admin.desk import Desk, moment
from admin.options import Several, confirmed, with_said, words
from admin.records.discovery import described
from admin.records.given_secrets import read_secret
from admin.terminal import endings, registrations

_RESET = ("acr-value", "client", "domain", "role", "roles-claim", "secret-expires", "tenant")
_MEMBER = {"acr-value": "acr_values", "client": "clients", "domain": "domains", "role": "roles",
           "roles-claim": "roles_claim", "secret-expires": "secret_expires_at", "tenant": "tenants"}  # fmt: skip
_PINNED_BY_OPERATOR = ("algs", "scope", "token_endpoint_auth_method")


@click.group(short_help="Register other providers that people sign in with.")
def providers() -> None:
    """Register other providers that people sign in with, change them and delete them."""


@providers.command()
@click.argument("provider_id", metavar="ID")
@click.argument("name")
@click.option("--kind", type=click.Choice(list(PRESETS)), default="oidc", show_default=True,
              help="Set whose provider it is. oidc is any OpenID Provider.")  # fmt: skip
@click.option("--issuer", help="Set its issuer (default: the kind's; okta and oidc have none).")
@registration
@click.pass_obj
def add(
    desk: Desk, /, provider_id: str, name: str, kind: str, issuer: str | None, is_stdin: bool, file: str | None,
    **given: Any,
) -> None:  # fmt: skip
    """Register the provider ID. Its button says NAME. Valet reads its description now, and pins its addresses.

    The command asks for the secret that the provider gave Valet, or reads it from a file or from standard input. The
    secret is stored sealed, and no command shows it.
    """
    preset = PRESETS[kind]
    tenants = given["tenants"] or frozenset()
    named = issuer or (entra_issuer(tenants) if kind == "entra" else preset.issuer)
    if not named:
        raise click.UsageError(f"--kind {kind} needs --issuer: the address that its ID tokens name in iss.")
    if kind == "entra" and len(tenants) == 1 and issuer is None:
        given["tenants"] = None  # the issuer is that tenant's
    several = tenants if TENANT in named else frozenset()
    begun = Provider(provider_id, name, preset.kind, named, scope=preset.scope, tenants=several)
    sealing = desk.deployment.sealing
    provider = with_said(_described(desk, begun, has_userinfo=preset.has_userinfo), given)
    _refuse_wrong(desk, replace(provider, secret=b"to be asked for"))
    secret = _secret(provider, is_stdin=is_stdin, file=file)
    provider = replace(provider, secret=sealing.seal(PROVIDER_SECRET, provider_id, secret))
    desk.providers.add(provider)
    facts = facts_of(desk, provider)
    desk.done(
        f"Registered {name}. Register {facts['redirect_uri']} as the redirect URI there. Within 10 seconds people can "
        "sign in with it.",
        **facts,
    )


@providers.command("list")
@click.pass_obj
def list_(desk: Desk) -> None:
    """List every provider."""
    rows = [facts_of(desk, each) for each in desk.providers.all()]
    columns = ("id", "name", "kind", "issuer", "domains", "creates", "links", "disabled")
    desk.list(rows, *columns, spare="issuer domains")


@providers.command()
@click.argument("provider_id", metavar="ID")
@click.pass_obj
def show(desk: Desk, provider_id: str) -> None:
    """Show what is registered about a provider. Its secret is not shown."""
    desk.show(facts_of(desk, desk.providers.provider(provider_id)))


@providers.command(short_help="Change what is registered about a provider.")
@click.argument("provider_id", metavar="ID")
@click.option("--name", help="Set the name on its button.")
@registration
@click.option("--new-secret", is_flag=True, help="Ask for another secret. --secret-stdin and --secret-file imply it.")
@click.option("--refresh", is_flag=True, help="Read its description again, and pin the addresses that it says now.")
@click.option("--disable/--enable", "is_disabled", default=None, help="Refuse sign-ins with it, or take them again.")
@click.option("--reset", multiple=True, type=Several(_RESET), callback=words, help="Set these to their defaults.")
@click.pass_obj
def change(
    desk: Desk, /, provider_id: str, is_stdin: bool, file: str | None, new_secret: bool, refresh: bool,
    reset: frozenset[str] | None, **given: Any,
) -> None:  # fmt: skip
    """Change a provider. An option with a list replaces the whole list. Its issuer stays: people are known by it."""
    before = desk.providers.provider(provider_id)
    unset = {_MEMBER[name]: Provider.DEFAULTS[_MEMBER[name]] for name in reset or ()}
    if both := sorted(name for name in reset or () if given[_MEMBER[name]] not in (None, ())):
        raise click.UsageError(f"{' '.join(both)} cannot be set and reset at once: choose one.")
    after = _refreshed(desk, before) if refresh else before
    after = with_said(replace(after, **unset), given)
    is_given = new_secret or is_stdin or file is not None
    if after == before and not is_given and not refresh:
        raise click.UsageError("No change: these values are already registered.")
    _refuse_wrong(desk, after)
    if is_given:
        sealing = desk.deployment.sealing
        secret = _secret(after, is_stdin=is_stdin, file=file)
        after = replace(after, secret=sealing.seal(PROVIDER_SECRET, provider_id, secret))
    desk.providers.change(before, after)
    desk.done(f"Changed {provider_id}. Within 10 seconds every function uses the new values.", **facts_of(desk, after))


@providers.command()
@click.argument("provider_id", metavar="ID")
@confirmed
@click.pass_obj
def delete(desk: Desk, provider_id: str) -> None:
    """Delete a provider. Accounts, and what people have open, stay."""
    provider = desk.providers.provider(provider_id)
    desk.confirm(
        f"Delete {provider_id} ({provider.name})? People who have no other means cannot sign in any more. Links to it "
        "stay, and count again if it is registered again under this ID with the same issuer."
    )
    desk.providers.delete(provider)
    desk.done(f"Deleted {provider_id}. Within 10 seconds nobody can sign in with it.", id=provider_id, deleted=True)


def facts_of(desk: Desk, provider: Provider) -> dict[str, Any]:
    """A provider as the commands show it, without its secret."""
    return {
        "id": provider.provider_id,
        "name": provider.name,
        "kind": provider.kind,
        "redirect_uri": f"{desk.deployment.issuer}/federate/{provider.provider_id}/callback",
        "issuer": provider.issuer,
        "authorization_endpoint": provider.authorization_endpoint,
        "token_endpoint": provider.token_endpoint,
        "jwks_uri": provider.jwks_uri,
        "userinfo_endpoint": provider.userinfo_endpoint,
        "client_id": provider.client_id,
        "authentication": provider.token_endpoint_auth_method,
        "secret_expires": moment(provider.secret_expires_at),
        "key_id": provider.key_id,
        "team_id": provider.team_id,
        "scope": list(provider.scope),
        "algs": list(provider.algs),
        "sends_iss": provider.sends_iss,
        "tenants": sorted(provider.tenants),
        "domains": sorted(provider.domains),
        "creates": provider.creates,
        "links": provider.links,
        "roles_claim": provider.roles_claim,
        "roles": sorted(provider.roles),
        "acr_values": sorted(provider.acr_values),
        "clients": sorted(provider.clients),
        "translations": sorted(provider.translations),
        "disabled": provider.is_disabled,
    }


def _described(desk: Desk, provider: Provider, *, has_userinfo: bool) -> Provider:
    return described(provider, has_userinfo=has_userinfo, is_local=desk.where.is_local)


def _refreshed(desk: Desk, before: Provider) -> Provider:
    """The provider with today's addresses, and with what the operator may have chosen instead of the description."""
    now = _described(desk, before, has_userinfo=before.kind in ("oidc", "github"))
    return replace(now, **{member: getattr(before, member) for member in _PINNED_BY_OPERATOR})


def _refuse_wrong(desk: Desk, provider: Provider) -> None:
    wrong = wrong_with_provider(provider, is_local=desk.where.is_local)
    if provider.clients:
        known = {client.client_id for client in desk.register.clients()}
        wrong += [Wrong("clients", NOT_REGISTERED, each) for each in sorted(provider.clients - known)]
    endings.refuse_if(registrations.told(wrong, registrations.PROVIDER))


def _secret(provider: Provider, *, is_stdin: bool, file: str | None) -> bytes:
    secret = read_secret(is_stdin=is_stdin, file=file, is_file=provider.kind == "apple")
    if reason := refusal_of_secret(provider, secret):
        raise endings.Wrong(f"The secret is not right: it must be {reason}.")
    return secret
