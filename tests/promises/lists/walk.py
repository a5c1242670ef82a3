"""Every interleaving of a few revocations and of readers of one status list, through the real store.

Each actor stops before every AWS call, and before every item that its query reads: a Query of DynamoDB reads each item
as it is at that moment, and not all of them at one. A walk repeats its steps from the beginning to take another turn,
and does not enter a state twice.
"""

from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any

import greenlet  # type: ignore[import-untyped]
from valet.aws.dynamodb.status_lists import DynamoStatusLists
from valet.aws.dynamodb.table import ConditionFailed, Item
from valet.errors import TemporarilyUnavailable
from valet.models.grants import LiveToken
from valet.models.status_lists import StatusListContent
from valet.ports.status_lists import NOTHING

from tests.promises.model.processes import Fate
from tests.support.memory_table import Call, MemoryTable
from tests.support.status_bits import indices_of

LIST_ID = "aost"
Step = tuple[str, Callable[[], None]]


@dataclass(frozen=True)
class Scenario:
    """`revocations`: what each writer revokes; `reads`: how often each reader reads, one after the other."""

    name: str
    revocations: tuple[tuple[int, ...], ...]
    reads: tuple[int, ...]
    faults: int
    page: int  # indices of a full page
    sees_blocks: bool = False  # others may act before a block is written, and that write may fail


@dataclass(frozen=True)
class Walked:
    states: int
    violation: str = ""
    trace: tuple[str, ...] = ()


class Violation(Exception):
    """A promise is broken."""


class ScannedItems(MemoryTable):
    """A table whose queries take their time: others may write between two items of one answer."""

    def query(self, pk: str, prefix: str = "", *, since: str = "", **_: Any) -> Iterator[Item]:
        last, is_first = since, True
        while last != "open":  # nothing in these lists is behind it

            def step(last: str = last, is_first: bool = is_first) -> str:
                later = (sk for of, sk in self.items if of == pk and (sk >= last if is_first else sk > last))
                return min(later, default="open")

            last = self.wire(Call("query", pk, last, False), step)
            is_first = False
            if last != "open":
                yield self.items[pk, last]  # a page does not change
        opened = self.wire(Call("query", pk, last, False), lambda: self.items.get((pk, last)))
        if opened is not None:
            yield opened


@dataclass
class Actor:
    """A writer or a reader, in a greenlet of its own."""

    name: str
    run: Callable[[Any], None]
    waiting: Call | None = None
    observed: list[str] = field(default_factory=list)
    promised: frozenset[int] | None = frozenset()  # what was acknowledged when its reading began

    def __post_init__(self) -> None:
        self._greenlet = greenlet.greenlet(self.run)

    def resume(self, fate: Fate) -> None:
        came = self._greenlet.switch(fate)
        self.waiting = None if self._greenlet.dead else came

    def pause(self, call: Call) -> Fate:
        fate: Fate = self._greenlet.parent.switch(call)
        return fate

    def kill(self) -> None:
        self._greenlet.throw(greenlet.GreenletExit)
        self.waiting = None


class Run:
    """One execution of a scenario."""

    def __init__(self, scenario: Scenario) -> None:
        self.faults, self.sees_blocks = scenario.faults, scenario.sees_blocks
        self.table = ScannedItems(self._wire, lambda *_: None)
        self.lists = DynamoStatusLists(self.table)
        self.acknowledged: frozenset[int] = frozenset()
        self.revoked = frozenset(idx for each in scenario.revocations for idx in each)
        self.late: list[tuple[str, Callable[[], Any]]] = []  # writes that are still in the network
        self.current: Actor | None = None
        writers = (Actor(f"writer {at}", self._writer(each)) for at, each in enumerate(scenario.revocations))
        readers = (Actor(f"reader {at}", self._reader(times)) for at, times in enumerate(scenario.reads))
        self.actors = (*writers, *readers)
        for actor in self.actors:
            self._resume(actor, Fate.RUN)

    def _writer(self, indices: tuple[int, ...]) -> Callable[[Any], None]:
        def run(_: Any) -> None:
            with suppress(TemporarilyUnavailable):  # 503: nothing is promised
                self.lists.put_bits(tuple(LiveToken(0, LIST_ID, idx) for idx in indices))
                self.acknowledged |= frozenset(indices)

        return run

    def _reader(self, times: int) -> Callable[[Any], None]:
        def run(_: Any) -> None:
            known, reader = NOTHING, self._current()
            for _each in range(times):
                reader.promised = None
                try:
                    found = self.lists.find_list(LIST_ID, known)
                except TemporarilyUnavailable:
                    raise Violation("a reader finds a page missing") from None
                self._judge(found, known, reader.promised or frozenset())
                known = found

        return run

    def _judge(self, found: StatusListContent, known: StatusListContent, promised: frozenset[int]) -> None:
        served = indices_of(found)
        if not promised <= served:
            raise Violation("a reader that began after the acknowledgement serves a list without the bit")
        if not indices_of(known) <= served <= self.revoked:
            raise Violation("a bit is taken back, or was never revoked")
        for idx in served:
            block = self.table.items.get((f"status#{LIST_ID}#0", "block"), {})
            if idx not in block.get("indices", ()):
                raise Violation("a list shows a bit which an exact read does not")

    def _current(self) -> Actor:
        assert self.current is not None
        return self.current

    def _pause(self, call: Call) -> Fate:
        return self._current().pause(call)

    def _wire(self, call: Call, run: Callable[[], Any]) -> Any:
        """The call, as fate has it. A call without an answer is sent once more."""
        if call.sk == "block" and not self.sees_blocks:
            return run()
        actor, fate = self._current(), self._pause(call)
        if fate in (Fate.DELAYED, Fate.LATE):
            self.late.append((f"{actor.name}: {call.sk}", run))
        if fate in (Fate.RESENT, Fate.UNKNOWN):
            with suppress(ConditionFailed):
                run()
        if fate in (Fate.UNKNOWN, Fate.LATE):
            raise TemporarilyUnavailable(detail="no answer")
        if fate in (Fate.RESENT, Fate.DELAYED):
            self._pause(Call(call.operation, call.pk, call.sk, True, is_again=True))
        if actor.promised is None:  # it has just begun to read
            actor.promised = self.acknowledged
            actor.observed.append(repr(sorted(actor.promised)))
        try:
            answer = run()
        except ConditionFailed as failed:
            actor.observed.append(f"failed {sorted((failed.found or {}).items())}")
            raise
        actor.observed.append(repr(answer))
        return answer

    def steps(self) -> Iterator[Step]:
        for actor in self.actors:
            if actor.waiting is None:
                continue
            words = f"{actor.name}: {actor.waiting.operation} {actor.waiting.sk}"
            yield words, lambda actor=actor: self._resume(actor, Fate.RUN)  # type: ignore[misc]
            if self.faults and actor.waiting.is_write:
                for fate in Fate:
                    is_possible = fate is Fate.KILLED or not actor.waiting.is_again
                    if fate not in (Fate.RUN, Fate.FAILED) and is_possible:
                        yield f"{words} {fate.value}", lambda actor=actor, fate=fate: self._fail(actor, fate)  # type: ignore[misc]
        for at, (words, _) in enumerate(self.late):
            yield f"{words} lands late", lambda at=at: self._land(at)  # type: ignore[misc]

    def _fail(self, actor: Actor, fate: Fate) -> None:
        self.faults -= 1
        if fate is Fate.KILLED:
            actor.kill()
        else:
            self._resume(actor, fate)

    def _resume(self, actor: Actor, fate: Fate) -> None:
        self.current = actor
        actor.observed.append(fate.name)
        actor.resume(fate)

    def _land(self, at: int) -> None:
        _, run = self.late.pop(at)
        with suppress(ConditionFailed):
            run()

    def state(self) -> int:
        items = frozenset((key, repr(sorted(item.items()))) for key, item in self.table.items.items())
        actors = tuple((each.waiting, tuple(each.observed)) for each in self.actors)
        late = tuple(sorted(words for words, _ in self.late))
        return hash((items, actors, late, self.acknowledged, self.faults))

    def stop(self) -> None:
        for actor in self.actors:
            if actor.waiting is not None:
                actor.kill()


def walk(scenario: Scenario) -> Walked:
    """Walk, depth first, until all is seen or a promise is broken."""
    seen: set[int] = set()
    todo: list[list[int]] = [[]]
    while todo:
        path, trace = todo.pop(), list[str]()
        run = Run(scenario)
        try:
            for turn in path:
                _take(run, turn, trace)
            while (state := run.state()) not in seen:
                seen.add(state)
                count = sum(1 for _ in run.steps())
                if not count:
                    break
                todo += [[*path, turn] for turn in range(1, count)]
                path = [*path, 0]
                _take(run, 0, trace)
        except Violation as violation:
            return Walked(len(seen), str(violation), tuple(trace))
        finally:
            run.stop()
    return Walked(len(seen))


def _take(run: Run, turn: int, trace: list[str]) -> None:
    words, do = list(run.steps())[turn]
    trace.append(words)
    do()
