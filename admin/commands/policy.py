"""`valet people`: the policy for people, one record of the deployment (docs/people.md)."""

from collections.abc import Callable
from dataclasses import replace
from typing import Any, TypeVar

import click
from valet.models.policy import Policy
from valet.registration.policy import wrong_with_policy

from admin.desk import Desk
from admin.options import Several, image, translating, with_said, words
from admin.terminal import registrations
from admin.terminal.endings import refuse_if
from configuration.kinds import COUNT, FLAG, LOGO, TRANSLATIONS, WORDS
from configuration.table import POLICY, Row

Decorated = TypeVar("Decorated", bound=Callable[..., Any])


@click.group("people")
def people() -> None:
    """Set how people sign in, and how the pages look."""


@people.command()
@click.pass_obj
def show(desk: Desk) -> None:
    """Show the policy."""
    desk.show(_facts_of(desk.register.policy()))


def _options(command: Decorated) -> Decorated:
    for row in reversed(POLICY.rows):
        command = _option(row)(command)
    return command


def _option(row: Row) -> Callable[[Decorated], Decorated]:
    name, says = f"--{row.key.replace('_', '-')}", f"Set this: {row.says[0].lower()}{row.says[1:]}"
    if row.kind is TRANSLATIONS:
        return translating("tos_uri#de=https://example.com/agb")
    if row.kind is LOGO:
        return click.option(name, row.member, type=click.File("rb"), callback=image, help=says)
    if row.kind is COUNT:
        return click.option(name, row.member, type=click.IntRange(min=0), help=says)
    if row.kind is WORDS:
        return click.option(
            name,
            row.member,
            multiple=True,
            type=Several(row.choices) if row.choices else None,
            callback=words,
            help=says,
        )
    if row.kind is FLAG:
        return click.option(f"{name}/--no-{name.removeprefix('--')}", row.member, default=None, help=says)
    return click.option(name, row.member, type=click.Choice(row.choices) if row.choices else None, help=says)


@people.command("set", short_help="Change the policy.")
@_options
@click.option(
    "--reset", multiple=True, type=Several(POLICY.keys), callback=words, help="Set these members to their defaults."
)
@click.pass_obj
def set_(desk: Desk, /, reset: frozenset[str] | None, **given: Any) -> None:
    """Change the policy. Members that no option names stay as they are."""
    before = desk.register.policy()
    unset = {row.member: getattr(Policy(), row.member) for row in POLICY.rows if row.key in (reset or ())}
    if both := sorted(row.key for row in POLICY.rows if row.member in unset and given[row.member] not in (None, ())):
        raise click.UsageError(f"{' '.join(both)} cannot be set and reset at once: choose one.")
    after = with_said(replace(before, **unset), given)
    if after == before:
        raise click.UsageError("No change: these values are already set.")
    refuse_if(registrations.told(wrong_with_policy(after), registrations.POLICY))
    desk.register.change_policy(before, after)
    desk.done("Changed the policy. Within 10 seconds every function uses the new values.", **_facts_of(after))


def _facts_of(policy: Policy) -> dict[str, Any]:
    """The logo is only measured."""
    facts = {row.key: row.kind.write(getattr(policy, row.member)) for row in POLICY.rows}
    return {**facts, "logo": f"{len(policy.brand_logo)} bytes" if policy.brand_logo else ""}
