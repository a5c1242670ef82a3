"""The desk that every command works at: the deployment, the clock, and output for people or for scripts."""

import json
import os
import re
import shutil
import sys
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from functools import cached_property
from pathlib import Path
from typing import Any

import click
from rich.console import Console
from rich.progress import Progress
from rich.text import Text
from valet.log import printable
from valet.ports.runtime import Clock, Random

from admin.records.deployment import Deployment
from admin.records.people import People
from admin.records.providers import Providers
from admin.records.register import Register
from admin.terminal import layout
from admin.terminal.endings import NotConfirmed
from admin.terminal.spelling import DEFAULT_AWS_PORT, Where, in_full

Facts = Mapping[str, Any]
_PLAIN_WIDTH = 10_000  # of a file or a pipe, so that each row is one line
_LINE = 60  # characters; a longer list is printed one value a line


def called() -> str:
    """The name that this program was called by: one word if the shell finds it on the PATH, otherwise a path."""
    path = os.environ.get("VALET_CALLED", "") or "valet"
    found = shutil.which(Path(path).name)
    return Path(path).name if found is not None and Path(found) == Path(path) else path


class Seconds(int):
    """A length of time: scripts get a number, which the options accept; people get words."""


def _aws_port() -> int:
    """The default port of the local stack's AWS: PORT + 1, as `make run` chooses it."""
    port = os.environ.get("PORT", "")
    return int(port) + 1 if re.fullmatch("[1-9][0-9]{0,4}", port) else DEFAULT_AWS_PORT


@dataclass
class Desk:
    """The context of every command."""

    clock: Clock = time.time
    sleep: Callable[[float], None] = time.sleep
    random: Random = os.urandom
    environment: Mapping[str, str] = field(default_factory=lambda: os.environ)  # where secrets may be named
    where: Where = field(default_factory=lambda: Where(aws_port=_aws_port()))
    name: str = "valet"  # the name that this program was called by
    is_json: bool = False
    is_confirmed: bool = False

    def choose(self, name: str, value: Any) -> None:
        """Set one of the options that every command has."""
        if name in ("is_json", "is_confirmed"):
            setattr(self, name, value)
        else:
            self.where = replace(self.where, **{name: value})

    @cached_property
    def deployment(self) -> Deployment:
        if self.where.is_local and (self.where.profile or self.where.region):
            raise click.UsageError(
                "--local is the stack on this machine: it has no --profile and no --region. Leave them out."
            )
        return Deployment(self.where, self.random, self.clock)

    @property
    def register(self) -> Register:
        return Register.of(self.deployment)

    @property
    def people(self) -> People:
        return People(self.deployment.users, self.deployment.audit, self.clock)

    @property
    def providers(self) -> Providers:
        return Providers(self.deployment.registry, self.deployment.audit)

    # -- output --------------------------------------------------------------------------------------------------------

    def in_full(self, text: str) -> str:
        """The text, with its commands spelled for this deployment."""
        return in_full(text, self.where, self.name)

    def list(self, rows: Iterable[Facts], *columns: str, spare: str = "") -> None:
        """Print a table of some of the rows' facts.

        On a narrow terminal, leave out the columns in `spare`, or print a block for each row. Scripts get all facts.
        """
        rows = list(rows)
        if self.is_json:
            self._print_json(rows)
            return
        if not rows:
            self.say("None.")
            return
        out = self.out
        said = [{name: _said(row[name]) for name in columns} for row in rows]
        kept = layout.fitting(said, columns, spare.split(), out.width)
        if not kept:
            for number, row in enumerate(rows):
                if number:
                    self.say("")
                self.show({name: row[name] for name in columns})
            return
        out.print(layout.table(said, kept, out.width))
        if left := [layout.heading(name) for name in columns if name not in kept]:
            self.watch(f"The terminal is too narrow for: {', '.join(left)}. --json shows everything.")

    def show(self, facts: Facts) -> None:
        """Print every fact about one thing. The terminal wraps long values, so that they can be copied."""
        if self.is_json:
            self._print_json(facts)
            return
        wide = max(map(len, facts), default=0) + 2
        for name, value in facts.items():
            said = _said(value)
            if len(said) > _LINE and isinstance(value, Sequence | frozenset) and not isinstance(value, str):
                said = f"\n{' ' * wide}".join(map(_said, value))
            line = Text.assemble((layout.heading(name).ljust(wide), "bold"), said)
            self.out.print(line, soft_wrap=True)

    def done(self, sentence: str, **facts: Any) -> None:
        """Say what was done: a sentence for people, facts for scripts."""
        if self.is_json:
            self._print_json(facts)
        else:
            self.say(sentence)

    def say(self, sentence: str) -> None:
        self.out.print(Text(self.in_full(sentence)), soft_wrap=True)

    def watch(self, sentence: str) -> None:
        """Print progress on standard error, so that it is never part of the answer."""
        Console(stderr=True, highlight=False).print(Text(self.in_full(sentence)), style="dim", soft_wrap=True)

    def progress(self) -> Progress:
        """A progress bar, if standard error is a terminal."""
        return Progress(console=Console(stderr=True), disable=not sys.stderr.isatty(), transient=True)

    def confirm(self, question: str) -> None:
        """Ask the operator and return after a yes. Raises NotConfirmed."""
        if self.is_confirmed:
            return
        try:
            if click.confirm(self.in_full(question), err=True):
                return
        except click.Abort:
            click.echo(err=True)
        raise NotConfirmed

    @property
    def out(self) -> Console:
        console = Console(highlight=False, emoji=False, markup=False)
        if not console.is_terminal:
            console.width = _PLAIN_WIDTH
        return console

    def _print_json(self, value: Any) -> None:
        # ASCII, because text that others wrote could reverse the terminal's text or control it.
        click.echo(json.dumps(value, indent=2, default=_json))


def moment(seconds: float) -> str:
    """A time in ISO 8601 (UTC). 0 means never and gives an empty text."""
    return datetime.fromtimestamp(seconds, UTC).strftime("%Y-%m-%dT%H:%M:%SZ") if seconds else ""


def span(seconds: float) -> str:
    """A length of time in the largest unit that fits, to three digits."""
    for name, unit in (("d", 86_400), ("h", 3600), ("min", 60)):
        if seconds >= 2 * unit or seconds == unit:
            return f"{seconds / unit:.3g} {name}"
    return f"{seconds:.0f} s"


def counted(number: int, one: str, more: str = "") -> str:
    """`1 grant`, `2 grants`."""
    return f"{number} {one if number == 1 else more or one + 's'}"


def _said(value: Any) -> str:
    if isinstance(value, Seconds):
        return span(value)
    if value is None or value == "":
        return "–"
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, Mapping):
        return printable(", ".join(f"{name} {_said(each)}" for name, each in value.items()).replace("\n", " / ")) or "–"
    if isinstance(value, Sequence | frozenset) and not isinstance(value, str):
        return printable(" ".join(map(str, value))) or "–"
    return printable(str(value))


def _json(value: Any) -> Any:
    if isinstance(value, frozenset | set):
        return sorted(value)
    raise TypeError(f"a value of type {type(value).__name__} has no JSON form")
