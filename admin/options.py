"""The options that every command has, and values in the forms that people write."""

import re
from collections.abc import Callable, Mapping
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any, TypeVar

import click
from valet.models import Client, ProtectedApi, Scope

from admin.desk import Desk

Command = TypeVar("Command", bound=Callable[..., Any])
Registration = TypeVar("Registration", Client, ProtectedApi, Scope)

_UNITS = {"s": 1, "m": 60, "h": 3600, "d": 86_400}
_SPAN = re.compile(r"([0-9]{1,9})([smhd]?)")


class Span(click.ParamType[int]):
    """A length of time: 90, 90s, 15m, 8h, 30d."""

    name = "duration"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> int:
        if isinstance(value, int):
            return value
        found = _SPAN.fullmatch(value)
        if found is None:
            self.fail(f"{value!r} is not a duration such as 90, 15m, 8h or 30d", param, ctx)
        return int(found[1]) * _UNITS[found[2] or "s"]


class Moment(click.ParamType[float]):
    """A time: ISO 8601, in UTC where no offset is given, or a duration ago, such as 2h."""

    name = "time"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> float:
        if isinstance(value, float):
            return value
        found = _SPAN.fullmatch(value)
        if found is not None and found[2]:
            desk = ctx.find_object(Desk) if ctx else None
            return (desk or Desk()).clock() - int(found[1]) * _UNITS[found[2]]
        try:
            time = datetime.fromisoformat(value)
        except ValueError:
            self.fail(f"{value!r} is not a time such as 2026-01-31T12:00:00Z, or a duration ago such as 2h", param, ctx)
        return (time if time.tzinfo else time.replace(tzinfo=UTC)).timestamp()


SPAN, MOMENT = Span(), Moment()

_YES = "Do it without a question."
_WHERE = (
    click.Option(["--stack"], envvar="VALET_STACK", help="The CloudFormation stack; valet if nobody says otherwise."),
    click.Option(["--profile"], help="The AWS profile to sign in with."),
    click.Option(["--region"], help="The stack's Region."),
    click.Option(["--local", "is_local"], is_flag=True, help="The local stack, which `make run` serves."),
    click.Option(["--aws-port"], type=int, envvar="AWS_PORT", help="The port of the local stack's AWS; 3001."),
    click.Option(["--json", "is_json"], is_flag=True, help="Answer in JSON, for scripts."),
)


def _choose(ctx: click.Context, param: click.Parameter, value: Any) -> None:
    if value is not None and value is not False and param.name:
        ctx.ensure_object(Desk).choose(param.name, value)


def _shared(options: tuple[click.Option, ...]) -> list[click.Parameter]:
    for option in options:
        option.expose_value, option.callback = False, _choose
    return list(options)


def for_deployment(command: click.Command) -> None:
    """Give a command the options that say which deployment is meant."""
    command.params.extend(_shared(_WHERE))


def confirmed(command: Command) -> Command:
    """A command that asks before it does what cannot be undone."""
    option = click.option("--yes", "is_confirmed", is_flag=True, expose_value=False, callback=_choose, help=_YES)
    return option(command)


def words(ctx: click.Context, param: click.Parameter, value: tuple[str, ...] | None) -> frozenset[str] | None:
    """Several values, given by repeating the option or by spaces and commas; None where nothing was said."""
    if not value:
        return None
    return frozenset(word for each in value for word in re.split(r"[\s,]+", each) if word)


def with_said(before: Registration, given: Mapping[str, Any]) -> Registration:
    """What is registered, with those of the options that somebody gave."""
    return replace(before, **{name: value for name, value in given.items() if value is not None and value != ()})


def changed(before: Registration, given: Mapping[str, Any]) -> Registration:
    """The same; raises UsageError where it says nothing new."""
    after = with_said(before, given)
    if after == before:
        raise click.UsageError("Nothing is said that would change it.")
    return after
