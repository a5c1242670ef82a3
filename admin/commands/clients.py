"""`valet clients`: the clients, which may ask for tokens."""

from collections.abc import Iterator, Sequence
from dataclasses import replace
from typing import Any

import click
from valet.handles import new_id
from valet.models.clients import Client
from valet.models.providers import LOCAL
from valet.registration import rules
from valet.registration.addresses import risk_of_localhost
from valet.registration.signing_algs import refusals_of_alg, refusals_of_profile

from admin.commands import client_keys
from admin.commands.client_options import LISTS, adjustable, registration
from admin.commands.client_profile import with_profile
from admin.commands.client_secrets import tell_secret
from admin.commands.grants import revoke_clients
from admin.desk import Desk, Seconds, moment
from admin.options import adjusted, changed, confirmed, with_said
from admin.records.register import revoked
from admin.terminal import registrations
from admin.terminal.endings import refuse_if

_NO_PEOPLE = (
    "it gets tokens for itself, and people cannot sign in to it. If they should, add --redirect-uri with "
    '--grant-type "authorization_code refresh_token".'
)
_TOLD_AT_FIRST = ("client_id", "type", "authentication", "grant_types", "redirect_uris", "origins", "scope")


@click.group()
def clients() -> None:
    """Register clients, change them and delete them."""


@clients.command("add")
@click.argument("name")
@click.option("--id", "client_id", help="Set its client_id (default: drawn at random).")
@click.option("--type", "application_type", type=click.Choice(rules.APPLICATION_TYPES), default="web",
              show_default=True,
              help="Set its type: web keeps a secret on a server, native and browser keep none.")  # fmt: skip
@registration
@click.pass_obj
def add(desk: Desk, /, name: str, client_id: str | None, application_type: str, **given: Any) -> None:
    """Register the client NAME. Its secret, if it has one, is generated and shown this once.

    Without --redirect-uri and --grant-type, a web client is a machine client: it gets tokens for itself, and people
    cannot sign in to it.
    """
    idle, absolute = rules.lifetimes_of(application_type)
    registered = Client(
        client_id if client_id is not None else _drawn_id(desk),
        name,
        application_type=application_type,
        token_endpoint_auth_method="client_secret" if application_type == "web" else "none",
        refresh_idle_lifetime=idle,
        refresh_absolute_lifetime=absolute,
    )
    is_machine = not given["grant_types"] and not given["redirect_uris"] and application_type == "web"
    if not given["grant_types"]:
        ways = {"client_credentials"} if is_machine else {"authorization_code", "refresh_token"}
        given["grant_types"] = frozenset(ways)
    given, is_set = with_profile(registered, given)
    # Another client may have had this client_id before: permissions that people gave to it must not count for this one.
    client = rules.with_defaults(with_said(revoked(registered, desk.clock()), given))
    client, secret = client_keys.with_its_method(client, given, desk)
    _refuse_wrong(client, desk)
    client = desk.register.add_client(client)
    facts = facts_of(client)
    told = facts if desk.is_json else {each: facts[each] for each in _TOLD_AT_FIRST if facts[each]}
    kind = f" as a machine client: {_NO_PEOPLE}" if is_machine else "."
    tell_secret(desk, told, secret, f"Registered {name}{kind}{is_set} Within 10 seconds every function knows it.")
    _warn(desk, client)


@clients.command("list")
@click.pass_obj
def list_(desk: Desk) -> None:
    """List every client."""
    rows = sorted((facts_of(client) for client in desk.register.clients()), key=lambda row: str(row["client_id"]))
    columns = ("client_id", "name", "type", "authentication", "grant_types", "scope", "disabled")
    desk.list(rows, *columns, spare="authentication grant_types")


@clients.command()
@click.argument("client_id")
@click.pass_obj
def show(desk: Desk, client_id: str) -> None:
    """Show what is registered about a client. Its secrets are only counted."""
    desk.show(facts_of(desk.register.client(client_id)))


@clients.command(short_help="Change what is registered about a client.")
@click.argument("client_id")
@click.option("--name", "client_name", help="Set the name that the consent page shows.")
@adjustable
@registration
@click.pass_obj
def change(desk: Desk, /, client_id: str, **given: Any) -> None:
    """Change a client. An option with a list replaces the whole list; --add-… and --remove-… keep the rest of it."""
    before = desk.register.client(client_id)
    lists = {}
    for name, member, *_ in LISTS:
        exactly, added, removed = given.pop(member), given.pop(f"add_{member}"), given.pop(f"remove_{member}")
        options = f"--{name} --add-{name} --remove-{name}"
        lists[member] = adjusted(getattr(before, member), None if exactly == () else exactly, added, removed, options)
    given, is_set = with_profile(before, given)
    after, secret = client_keys.with_its_method(changed(before, given, **lists), given, desk)
    _refuse_wrong(after, desk, before)
    after = desk.register.change_client(before, after)
    sentence = f"Changed {client_id}.{is_set} Within 10 seconds every function uses the new values."
    if secret:
        tell_secret(desk, facts_of(after), secret, sentence)
    else:
        desk.done(sentence, **facts_of(after))
    _warn(desk, after, before)


@clients.command()
@click.argument("client_id")
@click.option("--revoke", is_flag=True, help="End its grants and refuse its access tokens as well.")
@confirmed
@click.pass_obj
def disable(desk: Desk, client_id: str, revoke: bool) -> None:
    """Refuse the client from now on. Tokens that it holds expire by themselves, or end at once with --revoke."""
    before = desk.register.client(client_id)
    if revoke:
        desk.confirm(f"Disable {client_id} and end all its grants? End-users have to sign in to it again.")
    desk.register.change_client(before, replace(before, is_disabled=True))
    if revoke:
        revoke_clients(desk, [before])
    ends = "" if revoke else " Access tokens that it holds are accepted until they expire."
    desk.done(f"Within 10 seconds {client_id} is refused.{ends}", client_id=client_id, disabled=True, revoked=revoke)


@clients.command()
@click.argument("client_id")
@click.pass_obj
def enable(desk: Desk, client_id: str) -> None:
    """Accept a disabled client again."""
    before = desk.register.client(client_id)
    desk.register.change_client(before, replace(before, is_disabled=False))
    desk.done(f"Within 10 seconds {client_id} is accepted again.", client_id=client_id, disabled=False)


@clients.command()
@click.argument("client_id")
@confirmed
@click.pass_obj
def delete(desk: Desk, client_id: str) -> None:
    """Delete a client, its grants and its access tokens. Its client_id cannot be used again."""
    before = desk.register.client(client_id)
    desk.confirm(f"Delete {client_id} ({before.client_name}) and everything that end-users allowed it?")
    for _ in ended_and_deleted(desk, [before]):
        pass
    desk.done(f"Deleted {client_id}.", client_id=client_id, deleted=True)


def ended_and_deleted(desk: Desk, clients: Sequence[Client]) -> Iterator[Client]:
    """Disable the clients, end what they hold, and delete them. Yields each one once it is deleted."""
    disabled = [replace(client, is_disabled=True) for client in clients]
    for before, after in zip(clients, disabled, strict=True):
        desk.register.change_client(before, after)
    revoke_clients(desk, disabled)
    for client in disabled:
        desk.register.delete_client(desk.register.client(client.client_id), desk.clock())
        yield client


def facts_of(client: Client) -> dict[str, Any]:
    """A client as the commands show it. Its secrets are only counted."""
    return {
        "client_id": client.client_id,
        "name": client.client_name,
        "owner": client.owner,
        "type": client.application_type,
        "authentication": client.token_endpoint_auth_method,
        **client_keys.facts_of(client),
        "profile": client.profile,
        "pkce": client.pkce,
        "device_network": client.device_network,
        "required_acr": client.required_acr,
        "providers": sorted(client.providers),
        "registration": client.registration or "as-policy",
        "dpop_bound_access_tokens": client.dpop_bound_access_tokens,
        "require_pushed": client.require_pushed_authorization_requests,
        "secrets": len(client.secret_digests),
        "secret_made_at": moment(client.secret_made_at_ms / 1000),
        "grant_types": sorted(client.grant_types),
        "redirect_uris": list(client.redirect_uris),
        "post_logout_redirect_uris": list(client.post_logout_redirect_uris),
        "backchannel_logout_uri": client.backchannel_logout_uri,
        "backchannel_logout_session_required": client.backchannel_logout_session_required,
        "logo": f"{len(client.logo)} bytes" if client.logo else "",
        "client_uri": client.client_uri,
        "tos_uri": client.tos_uri,
        "policy_uri": client.policy_uri,
        "translations": sorted(client.translations),
        "origins": sorted(client.origins),
        "scope": sorted(client.scope),
        "default_scope": sorted(client.default_scope),
        "introspects": sorted(client.introspects),
        "first_party": client.first_party,
        "id_token_on_refresh": client.id_token_on_refresh,
        "id_token_alg": client.id_token_signed_response_alg,
        "id_token_claims": sorted(client.id_token_claims),
        "roles": sorted(client.roles),
        "roles_claim": client.roles_claim,
        "retry_window": None if client.retry_window is None else Seconds(client.retry_window),
        "refresh_token_rotation": client.refresh_token_rotation,
        "refresh_idle": Seconds(client.refresh_idle_lifetime),
        "refresh_absolute": Seconds(client.refresh_absolute_lifetime),
        "grants_not_before": moment(client.grants_not_before_ms / 1000),
        "disabled": client.is_disabled,
    }


def _drawn_id(desk: Desk) -> str:
    """Draw a client_id that no shell and no option parser takes for an option."""
    while (drawn := new_id(desk.random)).startswith(("-", "_")):
        continue
    return drawn


def _refuse_wrong(client: Client, desk: Desk, before: Client | None = None) -> None:
    wrong = rules.wrong_with_client(client, desk.register.scopes(), is_local=desk.where.is_local)
    if before is None or client.providers != before.providers:
        wrong += _unknown_providers(client, desk)
    if client.id_token_signed_response_alg or client.is_fapi2:
        keys = desk.deployment.key_records.key_ring().keys
        wrong += refusals_of_alg(client, before, keys)
        wrong += refusals_of_profile(client, before, keys)
    refuse_if(registrations.told(wrong, registrations.CLIENT))


def _unknown_providers(client: Client, desk: Desk) -> list[rules.Wrong]:
    if not client.providers - {LOCAL}:
        return []
    known = {provider.provider_id for provider in desk.providers.all()}
    unknown = sorted(client.providers - known - {LOCAL})
    return [rules.Wrong("providers", rules.NOT_REGISTERED, each) for each in unknown]


def _warn(desk: Desk, client: Client, before: Client | None = None) -> None:
    """Warn of each new address that is worse than another that does the same."""
    _warn_of_logout_uri(desk, client, before)
    known = (*before.redirect_uris, *before.post_logout_redirect_uris) if before else ()
    for uri in (*client.redirect_uris, *client.post_logout_redirect_uris):
        if uri not in known and (risk := risk_of_localhost(uri)):
            desk.watch(f"Warning: {uri} is on {risk}.")


def _warn_of_logout_uri(desk: Desk, client: Client, before: Client | None) -> None:
    uri = client.backchannel_logout_uri
    is_new = bool(uri) and (before is None or before.backchannel_logout_uri != uri)
    if is_new and desk.deployment.parameters.get("BackChannelLogout") != "on":
        desk.watch("Warning: this deployment tells no client of logouts. Deploy it with BackChannelLogout=on.")
