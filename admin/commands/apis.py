"""`valet apis`: the protected APIs, which tokens are for."""

from typing import Any

import click
from valet.models import ProtectedApi

from admin import registration
from admin.desk import Desk
from admin.endings import refuse_if
from admin.options import SPAN, changed, confirmed, words


@click.group()
def apis() -> None:
    """Register protected APIs: audience, scopes, roles."""


@apis.command()
@click.argument("audience")
@click.argument("name")
@click.option("--scope", "scopes", multiple=True, callback=words, help="Scopes that belong to it; repeat for more.")
@click.option("--role", "roles", multiple=True, callback=words, help="End-users' roles that it is told.")
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
    desk.list(rows, "audience", "name", "scopes", "roles", "access_token_lifetime")


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
@click.option(
    "--role", "roles", multiple=True, callback=words, help="The roles it is told, instead of those until now."
)
@click.option("--access-token", "access_token_lifetime", type=SPAN, help="Lifetime of its access tokens.")
@click.pass_obj
def change(desk: Desk, /, audience: str, **given: Any) -> None:
    """Change a protected API."""
    before = desk.register.api(audience)
    after = changed(before, given)
    _refuse_wrong(desk, after)
    desk.register.change_api(before, after)
    desk.done(f"Changed {audience}.", **_facts_of(after))


@apis.command()
@click.argument("audience")
@confirmed
@click.pass_obj
def delete(desk: Desk, audience: str) -> None:
    """Delete a protected API: no token is issued for it any more."""
    api = desk.register.api(audience)
    desk.confirm(f"Delete {audience} ({api.name})? Its clients get no tokens for it any more.")
    desk.register.delete_api(api)
    desk.done(f"Deleted {audience}. Its tokens are good until they expire.", audience=audience, deleted=True)


def _refuse_wrong(desk: Desk, api: ProtectedApi) -> None:
    refuse_if(registration.wrong_with_api(api, desk.register.scopes(), desk.deployment.issuer))


def _facts_of(api: ProtectedApi) -> dict[str, Any]:
    return {
        "audience": api.audience,
        "name": api.name,
        "scopes": sorted(api.scopes),
        "roles": sorted(api.roles),
        "access_token_lifetime": api.access_token_lifetime,
    }
