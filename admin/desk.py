"""Where an operator sits: the deployment at hand, the clock, and how things are said, to people or to scripts."""

import json
import os
import sys
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from functools import cached_property
from typing import Any

import click
from rich.console import Console
from rich.progress import Progress
from rich.table import Table
from rich.text import Text
from valet.ports import Clock, Random

from admin.deployment import Deployment, Where
from admin.endings import NotConfirmed
from admin.people import People
from admin.register import Register

Facts = Mapping[str, Any]
_PLAIN_WIDTH = 160  # of a table that is written to a file or a pipe


@dataclass
class Desk:
    """What every command is given."""

    clock: Clock = time.time
    sleep: Callable[[float], None] = time.sleep
    random: Random = os.urandom
    where: Where = field(default_factory=Where)
    is_json: bool = False
    is_confirmed: bool = False

    def choose(self, name: str, value: Any) -> None:
        """One of the options that every command has."""
        if name in ("is_json", "is_confirmed"):
            setattr(self, name, value)
        else:
            self.where = replace(self.where, **{name: value})

    @cached_property
    def deployment(self) -> Deployment:
        if self.where.is_local and (self.where.profile or self.where.region):
            raise click.UsageError("--local is this machine: it has no --profile and no --region.")
        return Deployment(self.where, self.random, self.clock)

    @property
    def register(self) -> Register:
        return Register(self.deployment.registry, self.deployment.audit)

    @property
    def people(self) -> People:
        return People(self.deployment.users, self.deployment.audit)

    # -- what is said --------------------------------------------------------------------------------------------------

    def list(self, rows: Iterable[Facts], *columns: str) -> None:
        """A table of some of the rows' facts; to scripts, all of them."""
        rows = list(rows)
        if self.is_json:
            self._print_json(rows)
            return
        if not rows:
            self.say("None.")
            return
        table = Table(box=None, header_style="bold", padding=(0, 2, 0, 0))
        for column in columns:
            table.add_column(column.replace("_", " "), overflow="fold")
        for row in rows:
            table.add_row(*(Text(_said(row[column])) for column in columns))
        self.out.print(table)

    def show(self, facts: Facts) -> None:
        """One thing and all that is known of it."""
        if self.is_json:
            self._print_json(facts)
            return
        table = Table.grid(padding=(0, 2, 0, 0))
        for name, value in facts.items():
            table.add_row(Text(name.replace("_", " "), style="bold"), Text(_said(value)))
        self.out.print(table)

    def done(self, sentence: str, **facts: Any) -> None:
        """What was done: a sentence to people, facts to scripts."""
        if self.is_json:
            self._print_json(facts)
        else:
            self.say(sentence)

    def say(self, sentence: str) -> None:
        self.out.print(Text(sentence), soft_wrap=True)

    def watch(self, sentence: str) -> None:
        """What goes on meanwhile; never part of the answer."""
        Console(stderr=True, highlight=False).print(Text(sentence), style="dim", soft_wrap=True)

    def progress(self) -> Progress:
        """A progress bar, where somebody looks."""
        return Progress(console=Console(stderr=True), disable=not sys.stderr.isatty(), transient=True)

    def confirm(self, question: str) -> None:
        """Go on only after a yes. Raises NotConfirmed."""
        if self.is_confirmed:
            return
        try:
            if click.confirm(question, err=True):
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
        click.echo(json.dumps(value, indent=2, ensure_ascii=False, default=_json))


def moment(seconds: float) -> str:
    """A time as people and scripts read it; nothing for 0, which stands for never."""
    return datetime.fromtimestamp(seconds, UTC).strftime("%Y-%m-%dT%H:%M:%SZ") if seconds else ""


def span(seconds: float) -> str:
    """A length of time in its largest unit that leaves no rest to speak of."""
    for name, unit in (("d", 86_400), ("h", 3600), ("min", 60)):
        if seconds >= 2 * unit or seconds == unit:
            return f"{seconds / unit:.3g} {name}"
    return f"{seconds:.0f} s"


def _said(value: Any) -> str:
    if value is None or value == "":
        return "–"
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, Sequence | frozenset) and not isinstance(value, str):
        return printable(" ".join(map(str, value))) or "–"
    return printable(str(value))


def printable(text: str) -> str:
    """Without what would command the terminal: names and log lines are other people's words."""
    return "".join(char if char.isprintable() else "�" for char in text)


def _json(value: Any) -> Any:
    if isinstance(value, frozenset | set):
        return sorted(value)
    raise TypeError(f"{type(value).__name__} is not for scripts")
