"""The options that every command has, and the types of option values."""

import re
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any, BinaryIO, TypeVar

import click
from valet.models.accounts import Account
from valet.models.clients import Client, ProtectedApi, Scope
from valet.models.policy import Policy
from valet.models.providers import Provider
from valet.pages.logos import LARGEST
from valet.protocol.supported import ACR_VALUES, SIGNING_ALGS

from admin.desk import Desk
from configuration import durations

Command = TypeVar("Command", bound=Callable[..., Any])
Registration = TypeVar("Registration", Account, Client, Policy, ProtectedApi, Provider, Scope)
Values = TypeVar("Values", frozenset[str], tuple[str, ...])


class Span(click.ParamType[int]):
    """A length of time."""

    name = "duration"
    meaning = "DURATION: seconds, or a number with its unit: 90, 90s, 15m, 8h, 30d."

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> int:
        if isinstance(value, int):
            return value
        found = durations.seconds_of(value)
        if found is None:
            self.fail(f"{value!r} is not a duration such as 90, 15m, 8h or 30d", param, ctx)
        return found


class Moment(click.ParamType[float]):
    """A point in time, or a length of time before now."""

    name = "time"
    meaning = (
        "TIME: ISO 8601, such as 2026-01-31T12:00:00Z (default offset: UTC), or a duration before now, such as 2h."
    )

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> float:
        if isinstance(value, float):
            return value
        found = durations.seconds_of(value)
        if found is not None and durations.has_unit(value):
            desk = ctx.find_object(Desk) if ctx else None
            return (desk or Desk()).clock() - found
        try:
            time = datetime.fromisoformat(value)
        except ValueError:
            self.fail(f"{value!r} is not a time such as 2026-01-31T12:00:00Z, or a duration ago such as 2h", param, ctx)
        return (time if time.tzinfo else time.replace(tzinfo=UTC)).timestamp()


class Several(click.Choice[str]):
    """A choice of several words: the operator repeats the option, or separates the words by spaces."""

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> str:
        return " ".join(super(Several, self).convert(word, param, ctx) for word in _words(value))


class Alg(click.Choice[str]):
    """A signature algorithm, or the deployment's first one, which is registered as an empty text."""

    def __init__(self) -> None:
        super().__init__((*SIGNING_ALGS, _FIRST_LANE))

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> str:
        found = super().convert(value, param, ctx)
        return "" if found == _FIRST_LANE else found


class Acr(click.Choice[str]):
    """A level of a sign-in, or any, which is registered as an empty text."""

    def __init__(self) -> None:
        super().__init__((*ACR_VALUES, _ANY_LEVEL))

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> str:
        found = super().convert(value, param, ctx)
        return "" if found == _ANY_LEVEL else found


_FIRST_LANE, _ANY_LEVEL = "default", "any"
SPAN, MOMENT, ALG, ACR = Span(), Moment(), Alg(), Acr()

_YES = "Do not ask for confirmation."
_WHERE = (
    click.Option(["--stack"], envvar="VALET_STACK", help="CloudFormation stack name (default: valet)."),
    click.Option(["--profile"], help="AWS profile to sign in with."),
    click.Option(["--region"], help="AWS Region of the stack (default: the profile's)."),
    click.Option(["--local", "is_local"], is_flag=True, help="Use the local stack, which `make run` starts."),
    click.Option(
        ["--aws-port"],
        type=int,
        envvar="AWS_PORT",
        help="Port of the local stack's AWS (default: PORT + 1 if PORT is set, otherwise 3001).",
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
    """Give a command the options that choose the deployment, and explain its option types in the epilog."""
    types = {type(each.type): each.type for each in command.params}
    command.epilog = " ".join(each.meaning for each in types.values() if isinstance(each, Span | Moment)) or None
    command.params.extend(_shared(_WHERE))


def confirmed(command: Command) -> Command:
    """Give the option --yes to a command that asks for confirmation."""
    option = click.option("--yes", "is_confirmed", is_flag=True, expose_value=False, callback=_choose, help=_YES)
    return option(command)


def refuse_swallowed(command: click.Command, arguments: Sequence[str]) -> None:
    """Raises UsageError if an option would take another option as its value: `--name --local` would go to real AWS."""
    names, rest = _all_option_names(command), list(arguments)
    while rest:
        word = rest.pop(0)
        if word == "--":
            return
        if not word.startswith("-"):
            if isinstance(command, click.Group):
                if word not in command.commands:
                    return
                command = command.commands[word]
            continue
        if rest and _takes_a_value(command, word):
            value = rest.pop(0)
            if value.partition("=")[0] in names:
                raise click.UsageError(
                    f"{word} has no value: {value} is an option itself. If you mean the text, write {word}={value}"
                )


def _takes_a_value(command: click.Command, name: str) -> bool:
    options = [each for each in command.params if isinstance(each, click.Option)]
    return any(name in each.opts and not each.is_flag and not each.count for each in options)


def _all_option_names(command: click.Command) -> frozenset[str]:
    own = frozenset(
        name for each in command.params if isinstance(each, click.Option) for name in (*each.opts, *each.secondary_opts)
    )
    below = command.commands.values() if isinstance(command, click.Group) else ()
    return own.union({"--help"}, *(_all_option_names(each) for each in below))


def words(ctx: click.Context, param: click.Parameter, value: tuple[str, ...] | None) -> frozenset[str] | None:
    """Several values, from a repeated option or separated by spaces and commas; None if the option is absent."""
    if not value:
        return None
    return frozenset(word for each in value for word in _words(each))


def image(ctx: click.Context, param: click.Parameter, file: BinaryIO | None) -> bytes | None:
    """The first bytes of a logo's file: one too many shows that it is too large. None if the option is absent."""
    return None if file is None else file.read(LARGEST + 1)


def _words(text: str) -> list[str]:
    return [word for word in re.split(r"[\s,]+", text) if word]


def adjusted(
    before: Values,
    exactly: Values | None,
    added: Collection[str] | None,
    removed: Collection[str] | None,
    options: str,
) -> Values:
    """The values in `exactly`, or those before with some added and removed. Raises UsageError for both at once."""
    if exactly is not None and (added or removed):
        of_all, *of_some = options.split()
        raise click.UsageError(f"{of_all} replaces all values: it cannot be combined with {' or '.join(of_some)}.")
    if both := {*(added or ())} & {*(removed or ())}:
        raise click.UsageError(f"{' '.join(sorted(both))} is both added and removed: choose one.")
    chosen: Collection[str] = before if exactly is None else exactly
    kept: list[str] = [value for value in chosen if value not in (removed or ())]
    kept += [value for value in added or () if value not in kept]
    return type(before)(kept)


def with_said(before: Registration, given: Mapping[str, Any]) -> Registration:
    """The registration, with the options that the operator gave. Translations are added to those that it has."""
    said = {name: value for name, value in given.items() if value is not None and value != ()}
    if "translations" in said:
        said["translations"] = _translated(vars(before)["translations"], said["translations"])
    return replace(before, **said)


def _translated(before: frozenset[str], given: Iterable[str]) -> frozenset[str]:
    """The translations with the given ones in place of their former texts; an empty text removes one."""
    texts = dict(each.split("=", 1) for each in before) | dict(each.split("=", 1) for each in given)
    return frozenset(f"{key}={text}" for key, text in texts.items() if text)


def _pairs(ctx: click.Context, param: click.Parameter, value: tuple[str, ...]) -> tuple[str, ...]:
    for each in value:
        if "#" not in each.partition("=")[0] or "=" not in each:
            raise click.BadParameter(f"{each!r} is not of the form member#language=text", ctx, param)
    return value


def translating(example: str) -> Callable[[Command], Command]:
    """Give a command the option that sets members in other languages."""
    return click.option(
        "--translate",
        "translations",
        multiple=True,
        callback=_pairs,
        help=f"Set the text of another language, such as {example} (repeat for more; an empty text removes it).",
    )


def changed(before: Registration, given: Mapping[str, Any], **whole: Any) -> Registration:
    """The registration with the options that the operator gave, and with the members in `whole`, even if empty.

    Raises UsageError if nothing changes.
    """
    after = replace(with_said(before, given), **whole)
    if after == before:
        raise click.UsageError("No change: these values are already registered.")
    return after
