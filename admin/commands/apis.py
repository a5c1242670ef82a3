"""`valet apis`: the protected APIs, which tokens are for."""

from typing import Any

import click
from valet.models.clients import ProtectedApi
from valet.protocol.scope import ISSUERS_OWN
from valet.registration import rules

from admin.desk import Desk, Seconds
from admin.options import SPAN, adjusted, changed, confirmed, words
from admin.terminal import registrations
from admin.terminal.endings import Refused, refuse_if
from admin.terminal.spelling import command


@click.group()
def apis() -> None:
    """Register protected APIs: audience, scopes, roles."""


@apis.command(short_help="Register a protected API.")
@click.argument("audience")
@click.argument("name")
@click.option(
    "--scope", "scopes", multiple=True, callback=words, help="Scopes that belong to it; repeat, or separate by spaces."
)
@click.option("--role", "roles", multiple=True, callback=words, help="End-users' roles that it is told; likewise.")
@click.option("--access-token", "lifetime", type=SPAN, help="Lifetime of its access tokens, if not the deployment's.")
@click.pass_obj
def add(
    desk: Desk,
    audience: str,
    name: str,
    scopes: frozenset[str] | None,
    roles: frozenset[str] | None,
    lifetime: int | None,
) -> None:
    """Register the protected API NAME, whose tokens have AUDIENCE as their `aud`."""
    api = ProtectedApi(audience, name, scopes or frozenset(), roles or frozenset(), lifetime)
    _refuse_wrong(desk, api)
    desk.register.add_api(api)
    desk.done(f"Registered {name}; tokens are issued for it within 10 seconds.", **_facts_of(api))


@apis.command("list")
@click.pass_obj
def list_(desk: Desk) -> None:
    """Every protected API."""
    rows = [_facts_of(api) for _, api in sorted(desk.register.scopes().apis.items())]
    desk.list(rows, "audience", "name", "scopes", "roles", "access_token_lifetime", spare="access_token_lifetime roles")


@apis.command()
@click.argument("audience")
@click.pass_obj
def show(desk: Desk, audience: str) -> None:
    """All that is registered of a protected API."""
    desk.show(_facts_of(desk.register.api(audience)))


@apis.command()
@click.argument("audience")
@click.option("--name", help="What it is called.")
@click.option("--scope", "scopes", multiple=True, callback=words, help="Its scopes, instead of those until now.")
@click.option("--add-scope", "added", multiple=True, callback=words, help="Scopes that belong to it as well.")
@click.option("--remove-scope", "removed", multiple=True, callback=words, help="Scopes that do so no more.")
@click.option(
    "--role", "roles", multiple=True, callback=words, help="The roles it is told, instead of those until now."
)
@click.option("--access-token", "access_token_lifetime", type=SPAN, help="Lifetime of its access tokens.")
@click.pass_obj
def change(
    desk: Desk,
    /,
    audience: str,
    scopes: frozenset[str] | None,
    added: frozenset[str] | None,
    removed: frozenset[str] | None,
    **given: Any,
) -> None:
    """Change a protected API."""
    before = desk.register.api(audience)
    kept = adjusted(before.scopes, scopes, added, removed, "--scope --add-scope --remove-scope")
    after = changed(before, {**given, "scopes": kept})
    _refuse_wrong(desk, after)
    desk.register.change_api(before, after)
    desk.done(f"Changed {audience}.", **_facts_of(after))


@apis.command(short_help="Delete a protected API that nothing needs.")
@click.argument("audience")
@click.option("--with-scopes", is_flag=True, help="Delete its scopes as well, which would belong to nobody.")
@confirmed
@click.pass_obj
def delete(desk: Desk, audience: str, with_scopes: bool) -> None:
    """Delete a protected API that nothing needs any more: no token is issued for it."""
    api, known = desk.register.api(audience), desk.register.scopes()
    if needed := rules.needs_api(api, known, desk.register.clients()):
        raise Refused(f"{audience} is still needed: " + "; ".join(needed) + ".")
    own = [scope for name, scope in sorted(known.scopes.items()) if name in api.scopes - ISSUERS_OWN]
    names = [scope.name for scope in own]
    if own and not with_scopes:
        raise Refused(
            f"The scopes {' '.join(names)} of {audience} would belong to nobody, and a token that somebody gets for "
            f"them would be for the issuer: --with-scopes deletes them as well. To keep them, take them from it first: "
            + command("valet apis change", audience, "--remove-scope", " ".join(names))
        )
    with_them = f" with its scopes {' '.join(names)}" if own else ""
    desk.confirm(f"Delete {audience} ({api.name}){with_them}? Nobody gets tokens for it any more.")
    # The API at the end: killed in between, we leave one that can be deleted again.
    for scope in own:
        desk.register.delete_scope(scope)
    desk.register.delete_api(api)
    desk.done(
        f"Deleted {audience}{with_them}. Its tokens are good until they expire.",
        audience=audience,
        scopes=names,
        deleted=True,
    )


def _refuse_wrong(desk: Desk, api: ProtectedApi) -> None:
    wrong = rules.wrong_with_api(api, desk.register.scopes(), desk.deployment.issuer)
    refuse_if(registrations.told(wrong, registrations.API))


def _facts_of(api: ProtectedApi) -> dict[str, Any]:
    return {
        "audience": api.audience,
        "name": api.name,
        "scopes": sorted(api.scopes),
        "roles": sorted(api.roles),
        "access_token_lifetime": None if api.access_token_lifetime is None else Seconds(api.access_token_lifetime),
    }
