"""Requests under way: what each waits for, what may happen to it there, and the code that answers it."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from enum import Enum
from typing import Any

import greenlet  # type: ignore[import-untyped]
from valet.aws.dynamodb.table import ConditionFailed
from valet.errors import TemporarilyUnavailable
from valet.server import Server

from tests.promises.model.acts import Act
from tests.promises.model.alike import alike
from tests.support.memory_table import Call

Answer = Mapping[str, Any]
Handler = Callable[[Mapping[str, Any], Any], Answer]


class Fate(Enum):
    """What happens to a call. A call that got no answer is sent once more."""

    RUN = "runs"
    KILLED = "never happens: the function is killed before it"
    FAILED = "fails, twice: no effect"
    RESENT = "takes effect, its answer is lost, and it is sent again"
    DELAYED = "stays in the network, is sent again, and lands some time later as well"
    UNKNOWN = "takes effect, and both answers are lost"
    LATE = "gets no answer, twice, and lands some time later"


@dataclass(frozen=True, slots=True)
class Asked:
    """An AWS call that a function makes; `run` lets it take effect, and is its result."""

    call: Call
    run: Callable[[], Any]


@dataclass(frozen=True, slots=True)
class Told:
    """What a function is told of its call: the result, or how it failed."""

    how: str  # the call's operation, "failed" or "unavailable"
    what: Any = None  # the result, or the item that did not meet the condition

    def given(self) -> Any:
        if self.how == "failed":
            raise ConditionFailed(self.what)
        if self.how == "unavailable":
            raise TemporarilyUnavailable(detail="no answer")
        return list(self.what) if isinstance(self.what, list) else self.what

    def words(self) -> tuple[object, ...]:
        """To compare it by."""
        return (self.how, tuple(map(_spelt, self.what)) if isinstance(self.what, list) else _spelt(self.what))


_said: dict[int, tuple[object, str]] = {}


def _spelt(thing: object) -> object:
    """Items are replaced, never changed: each is spelt out once."""
    if not isinstance(thing, dict):
        return thing
    found = _said.get(id(thing))
    if found is None or found[0] is not thing:
        if len(_said) > 200_000:
            _said.clear()
        found = _said[id(thing)] = (thing, repr(thing))
    return found[1]


UNAVAILABLE = Told("unavailable")


class Invocation:
    """A function at work on one request, in a greenlet that stops before every AWS call."""

    def __init__(self, number: int, act: Act, server: Server, handler: Handler, started_at: float) -> None:
        self.number = number
        self.act = act
        self.server = server
        self.started_at = started_at
        self.drawn = 0  # how often it asked for randomness
        self._greenlet = greenlet.greenlet(lambda _: handler(act.event, None))

    def go_on(self, told: Told | None) -> Asked | Answer:
        """Run to the next call, or to the answer; only the world does that, and it says whose turn it is."""
        came: Asked | Answer = self._greenlet.switch(told)
        return came

    def ask(self, asked: Asked) -> Any:
        """Called from inside: stop before the call until somebody says what came of it."""
        told: Told = self._greenlet.parent.switch(asked)
        return told.given()

    def kill(self) -> None:
        if not self._greenlet.dead:
            self._greenlet.throw(greenlet.GreenletExit)


@dataclass
class Process:
    """One request under way, as the ledger and the walk see it."""

    number: int
    act: Act
    sandbox: int
    started_at: float
    dead_before: frozenset[tuple[str, int]] = frozenset()  # the status bits that were set when it began
    waiting: Call | None = None
    run: Callable[[], Any] | None = None  # lets what it waits for take effect
    waiting_since: float = 0.0  # when the function made the call
    faults: int = 0
    is_of_used: bool = False  # it brings a request_uri that was used before it began
    met_revoked: frozenset[str] = frozenset()  # grants that it was told of when they were revoked
    met_redeemed: frozenset[str] = frozenset()  # ... or their code redeemed
    observed: int = 0  # a digest of all that it was told
    is_stale: bool = False  # its sandbox goes by clients' records of before an operator's write
    after: frozenset[int] = frozenset()  # the operators' commands that were answered before it began
    after_commit: frozenset[int] = frozenset()  # ... and those whose one write had taken effect
    replaced: frozenset[tuple[str, int]] = frozenset()  # how many passwords each end-user had had before
    over: frozenset[int] = frozenset()  # sign-ins and sign-outs that had come to their end when it began
    linked: frozenset[str] = frozenset()  # identities at other providers that accounts named when it began
    is_device_answered: bool = False  # it is about a device that a person had answered when it began
    proof: str = ""  # the proof that it comes back by, if that was there and new when it began
    answer: Answer | None = None
    is_done: bool = False

    def met(self, item: Mapping[str, Any]) -> None:
        """It was told of this item."""
        grant = frozenset({item.get("pk", "").partition("#")[2]})
        self.met_revoked |= grant if "revoked_at" in item else frozenset()
        self.met_redeemed |= grant if "redeemed_at_ms" in item else frozenset()

    def came(self, came: Asked | Answer, now: float) -> None:
        """It has run on, to a call or to its answer."""
        if isinstance(came, Asked):
            self.waiting, self.run, self.waiting_since = came.call, came.run, now
        else:
            self.waiting, self.run, self.answer, self.is_done = None, None, came, True

    def killed(self) -> None:
        self.waiting, self.run, self.is_done = None, None, True

    def again(self) -> "Process":
        """The same, for another way on."""
        return alike(self)
