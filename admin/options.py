"""The options that every command has, and values in the forms that people write."""

import re
from collections.abc import Callable, Mapping
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any, TypeVar

import click
from valet.models.accounts import Account
from valet.models.clients import Client, ProtectedApi, Scope

from admin.desk import Desk

Command = TypeVar("Command", bound=Callable[..., Any])
Registration = TypeVar("Registration", Account, Client, ProtectedApi, Scope)

_UNITS = {"s": 1, "m": 60, "min": 60, "h": 3600, "d": 86_400}
_SPAN = re.compile(r"([0-9]{1,9})(?: ?(s|m|min|h|d))?")  # also as we tell it: 8 h, 15 min


class Span(click.ParamType[int]):
    """A length of time."""

    name = "duration"
    meaning = "DURATION: seconds, or a number with its unit: 90, 90s, 15m, 8h, 30d."

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> int:
        if isinstance(value, int):
            return value
        found = _SPAN.fullmatch(value)
        if found is None:
            self.fail(f"{value!r} is not a duration such as 90, 15m, 8h or 30d", param, ctx)
        return int(found[1]) * _UNITS[found[2] or "s"]


class Moment(click.ParamType[float]):
    """A point in time, or so long ago."""

    name = "time"
    meaning = "TIME: ISO 8601, such as 2026-01-31T12:00:00Z (UTC where no offset is given), or so long ago, such as 2h."

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


class Several(click.Choice[str]):
    """Some of a few words; an option that takes them by repeating, or by spaces."""

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> str:
        return " ".join(super(Several, self).convert(word, param, ctx) for word in _words(value))


SPAN, MOMENT = Span(), Moment()

_YES = "Do it without a question."
_WHERE = (
    click.Option(["--stack"], envvar="VALET_STACK", help="The CloudFormation stack; valet if nobody says otherwise."),
    click.Option(["--profile"], help="The AWS profile to sign in with."),
    click.Option(["--region"], help="The stack's Region."),
    click.Option(["--local", "is_local"], is_flag=True, help="The local stack, which `make run` serves."),
    click.Option(
        ["--aws-port"],
        type=int,
        envvar="AWS_PORT",
        help="The port of the local stack's AWS; PORT + 1 where that variable is set, else 3001.",
    ),
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
    """Give a command the options that say which deployment is meant, and say what forms its options take."""
    types = {type(each.type): each.type for each in command.params}
    command.epilog = " ".join(each.meaning for each in types.values() if isinstance(each, Span | Moment)) or None
    command.params.extend(_shared(_WHERE))


def confirmed(command: Command) -> Command:
    """A command that asks before it does what cannot be undone."""
    option = click.option("--yes", "is_confirmed", is_flag=True, expose_value=False, callback=_choose, help=_YES)
    return option(command)


def words(ctx: click.Context, param: click.Parameter, value: tuple[str, ...] | None) -> frozenset[str] | None:
    """Several values, given by repeating the option or by spaces and commas; None where nothing was said."""
    if not value:
        return None
    return frozenset(word for each in value for word in _words(each))


def _words(text: str) -> list[str]:
    return [word for word in re.split(r"[\s,]+", text) if word]


def adjusted(
    before: frozenset[str],
    exactly: frozenset[str] | None,
    added: frozenset[str] | None,
    removed: frozenset[str] | None,
    options: str,
) -> frozenset[str]:
    """What is there, or exactly what is said, or more or less of it. Raises UsageError for both at once."""
    if exactly is not None and (added or removed):
        of_all, *of_some = options.split()
        raise click.UsageError(f"{of_all} names them all: it goes with neither {' nor '.join(of_some)}.")
    if added and removed and added & removed:
        raise click.UsageError(f"{' '.join(sorted(added & removed))}: to add, or to remove?")
    return (before if exactly is None else exactly) - (removed or frozenset()) | (added or frozenset())


def with_said(before: Registration, given: Mapping[str, Any]) -> Registration:
    """What is registered, with those of the options that somebody gave."""
    return replace(before, **{name: value for name, value in given.items() if value is not None and value != ()})


def changed(before: Registration, given: Mapping[str, Any]) -> Registration:
    """The same; raises UsageError where it says nothing new."""
    after = with_said(before, given)
    if after == before:
        raise click.UsageError("Nothing is said that would change it.")
    return after
