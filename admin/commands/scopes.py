"""`valet scopes`: the scopes that clients can ask for, each with its sentence for the consent page."""

from typing import Any

import click
from valet.models.clients import Scope
from valet.protocol.scope import ISSUERS_OWN, closure
from valet.registration.scopes import needs_scope, wrong_with_scope

from admin.desk import Desk
from admin.options import changed, confirmed, translating, with_said, words
from admin.terminal import registrations
from admin.terminal.endings import Refused, refuse_if


@click.group()
def scopes() -> None:
    """Register scopes, each with its sentence for the consent page."""


@scopes.command(short_help="Register a scope.")
@click.argument("name")
@click.argument("description")
@click.option("--includes", multiple=True, callback=words, help="Include these scopes (repeat, or separate by spaces).")
@translating("description#de=…")
@click.pass_obj
def add(
    desk: Desk, name: str, description: str, includes: frozenset[str] | None, translations: tuple[str, ...]
) -> None:
    """Register the scope NAME. The consent page shows DESCRIPTION."""
    scope = with_said(Scope(name, description, includes or frozenset()), {"translations": translations})
    _refuse_wrong(desk, scope)
    desk.register.add_scope(scope)
    desk.done(f"Registered {name}. Within 10 seconds clients that have it may ask for it.", **_facts_of(scope))


@scopes.command("list")
@click.pass_obj
def list_(desk: Desk) -> None:
    """List every scope."""
    known = desk.register.scopes()
    owners = {name: api.audience for api in known.apis.values() for name in api.scopes - ISSUERS_OWN}
    rows = [
        {
            **_facts_of(scope),
            "means": closure([name], known),
            "api": "the issuer" if name in ISSUERS_OWN else owners.get(name, ""),
        }
        for name, scope in sorted(known.scopes.items())
    ]
    desk.list(rows, "name", "description", "includes", "api")


@scopes.command()
@click.argument("name")
@click.option("--description", help="Set the sentence that the consent page shows.")
@click.option("--includes", multiple=True, callback=words, help="Replace the scopes that it includes with these.")
@click.option("--includes-nothing", is_flag=True, help="Remove every scope that it includes.")
@translating("description#de=…")
@click.pass_obj
def change(
    desk: Desk,
    name: str,
    description: str | None,
    includes: frozenset[str] | None,
    includes_nothing: bool,
    translations: tuple[str, ...],
) -> None:
    """Change a scope. Existing grants can only lose scopes by it, at their next refresh."""
    before = desk.register.scope(name)
    given = {
        "description": description,
        "includes": frozenset() if includes_nothing else includes,
        "translations": translations,
    }
    after = changed(before, given)
    _refuse_wrong(desk, after)
    desk.register.change_scope(before, after)
    desk.done(f"Changed {name}.", **_facts_of(after))


@scopes.command()
@click.argument("name")
@confirmed
@click.pass_obj
def delete(desk: Desk, name: str) -> None:
    """Delete a scope that nothing names any more."""
    scope = desk.register.scope(name)
    if name in ISSUERS_OWN:
        raise Refused(f"{name} is the issuer's own scope (OpenID Connect Core): the stack would add it again.")
    if needed := needs_scope(name, desk.register.scopes(), desk.register.clients()):
        raise Refused(f"{name} is still needed: " + "; ".join(needed) + ".")
    desk.confirm(f"Delete the scope {name}? Grants that hold it lose it at their next refresh.")
    desk.register.delete_scope(scope)
    desk.done(f"Deleted {name}.", name=name, deleted=True)


def _facts_of(scope: Scope) -> dict[str, Any]:
    return {
        "name": scope.name,
        "description": scope.description,
        "includes": sorted(scope.includes),
        "translations": sorted(scope.translations),
    }


def _refuse_wrong(desk: Desk, scope: Scope) -> None:
    wrong = wrong_with_scope(scope, desk.register.scopes())
    refuse_if(registrations.told(wrong, registrations.SCOPE))
