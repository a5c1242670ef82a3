"""Requests under way, each in a greenlet that stops before every AWS call, and what may happen to it there."""

from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass, field, replace
from enum import Enum
from typing import Any

import greenlet  # type: ignore[import-untyped]
from valet.aws.dynamodb.table import ConditionFailed
from valet.errors import TemporarilyUnavailable
from valet.server import Server

from tests.promises.model.acts import Act
from tests.promises.model.memory_table import Call

Answer = Mapping[str, Any]


class Fate(Enum):
    """What happens to a call. A call that got no answer is sent once more."""

    RUN = "runs"
    KILLED = "never happens: the function is killed before it"
    FAILED = "fails, twice: no effect"
    RESENT = "takes effect, its answer is lost, and it is sent again"
    DELAYED = "stays in the network, is sent again, and lands some time later as well"
    UNKNOWN = "takes effect, and both answers are lost"
    LATE = "gets no answer, twice, and lands some time later"


@dataclass
class Process:
    """One invocation of a function."""

    number: int
    act: Act
    server: Server
    handler: Callable[[Mapping[str, Any], Any], Answer]
    started_at: float
    dead_before: frozenset[tuple[str, int]] = frozenset()  # the status bits that were set when it began
    waiting: Call | None = None
    waiting_since: float = 0.0  # when the function made the call
    drawn: int = 0  # how often it asked for randomness
    faults: int = 0
    is_of_used: bool = False  # it brings a request_uri that was used before it began
    has_met_revoked: bool = False  # it has read a grant that is revoked
    has_met_redeemed: bool = False  # ... or whose code is redeemed
    observed: list[int] = field(default_factory=list)  # digests of all that it was told
    is_stale: bool = False  # its sandbox goes by clients' records of before an operator's write
    after: frozenset[int] = frozenset()  # the operators' commands that were answered before it began
    after_commit: frozenset[int] = frozenset()  # ... and those whose one write had taken effect
    replaced: int = 0  # login: how many passwords the end-user had had before
    answer: Answer | None = None
    is_done: bool = False

    def __post_init__(self) -> None:
        self._greenlet = greenlet.greenlet(lambda _: self.handler(self.act.event, None))

    def resume(self, fate: Fate) -> None:
        """Run to the next call, or to the answer; only the world does that, and it says whose turn it is."""
        if fate is not Fate.RUN:
            self.faults += 1
        if fate is Fate.KILLED:
            self.kill()
            return
        came = self._greenlet.switch(fate)
        if self._greenlet.dead:
            self.answer, self.is_done, self.waiting = came, True, None
        else:
            self.waiting = came

    def pause(self, call: Call) -> Fate:
        """Called from inside: stop before the call until somebody says what becomes of it."""
        fate: Fate = self._greenlet.parent.switch(call)
        return fate

    def kill(self) -> None:
        self._greenlet.throw(greenlet.GreenletExit)
        self.is_done, self.waiting = True, None


def perform(process: Process, call: Call, run: Callable[[], Any], delay: Callable[[], None]) -> Any:
    """The call, as fate has it; `delay` keeps the write in the network."""
    fate = process.pause(call)
    if fate is Fate.FAILED:
        raise TemporarilyUnavailable(detail="no answer")
    if fate in (Fate.DELAYED, Fate.LATE):
        delay()
    if fate in (Fate.RESENT, Fate.UNKNOWN):
        with suppress(ConditionFailed):
            run()
    if fate in (Fate.UNKNOWN, Fate.LATE):
        raise TemporarilyUnavailable(detail="no answer")
    if fate in (Fate.RESENT, Fate.DELAYED):
        process.pause(replace(call, is_again=True))  # it waits a little; whatever else happens happens now
    return run()
