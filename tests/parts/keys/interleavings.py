"""Every interleaving of two runs of the rotation, each call of a port one step.

A run knows only what its ports answered. So it is played once for each series of answers, by itself, and its next call
is remembered; every order of the calls of two runs is then looked up and made on the world that they share. Orders that
lead to the same world, with both runs about to do the same and knowing the same, are followed once.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from typing import Any

from valet.keys.rotation import Rotation
from valet.models.keys import KeyRing
from valet.settings import Settings

from tests.parts.keys.fakes import MemoryAudit, MemoryKeyMaker, MemoryKeyRecords

START = 1_800_000_000
Deed = Callable[[Rotation], KeyRing]


@dataclass
class World:
    """What the runs share."""

    records: MemoryKeyRecords = field(default_factory=MemoryKeyRecords)
    maker: MemoryKeyMaker = field(default_factory=MemoryKeyMaker)
    now: int = START

    def copy(self) -> World:
        maker = replace(self.maker, states=dict(self.maker.states))
        return World(replace(self.records), maker, self.now)

    def rotation(self, settings: Settings) -> Rotation:
        self.maker.settings = settings
        return Rotation(self.records, self.maker, MemoryAudit(), lambda: self.now, settings)

    def seen(self) -> object:
        return seen(self.records.ring), tuple(sorted(self.maker.states.items()))


@dataclass(frozen=True)
class Call:
    port: str
    name: str
    arguments: tuple[Any, ...]

    def made(self, world: World) -> tuple[World, Any]:
        """The world afterwards, and the answer."""
        if self.name not in ("key_ring", "is_usable"):  # which change nothing
            world = world.copy()
        return world, getattr(getattr(world, self.port), self.name)(*self.arguments)


class _Waits(BaseException):
    """The run makes a call whose answer is not known yet."""


class _Port:
    """Answers what was answered before."""

    def __init__(self, name: str, run: _Replayed) -> None:
        self._name = name
        self._run = run

    def __getattr__(self, name: str) -> Callable[..., Any]:
        return lambda *arguments: self._run.answered(Call(self._name, name, arguments))


class _Replayed(Rotation):
    """A run, and all that it knows: what it will do next depends on nothing else."""

    def __init__(self, answers: tuple[Any, ...], settings: Settings, now: int) -> None:
        records: Any = _Port("records", self)
        maker: Any = _Port("maker", self)
        super().__init__(records, maker, MemoryAudit(), lambda: now, settings)
        self._answers = iter(answers)
        self._is_rotating = False  # an emergency has two parts, and this is the second
        self._first_ring: KeyRing | None = None  # what "current" meant
        self._last_ring: KeyRing | None = None
        self._last_call: object = None
        self.next_call: Call | None = None
        self.key: object = None

    def rotate(self, due: frozenset[str] = frozenset()) -> KeyRing:
        self._is_rotating = True
        return super().rotate(due)

    def answered(self, call: Call) -> Any:
        if self.next_call is not None:
            raise _Waits  # on its way out it would clean up, as no process that is killed does
        self._last_call = (call.name, *(getattr(argument, "kid", None) for argument in call.arguments))
        try:
            answer = next(self._answers)
        except StopIteration:
            self.next_call = call
            self.key = self._known()
            raise _Waits from None
        if isinstance(answer, KeyRing):
            self._first_ring = self._first_ring or answer
            self._last_ring = answer
        return answer

    def played(self, deed: Deed) -> None:
        try:
            deed(self)
            self.key = self._known()
        except _Waits:
            pass

    def _known(self) -> object:
        usable = tuple(sorted(self._usable.items()))
        made = tuple(key.kid for key in self._made)
        return self._last_call, seen(self._first_ring), seen(self._last_ring), self._is_rotating, made, usable


@dataclass(frozen=True, eq=False)
class Standing:
    """Where a run stands: the answers that led there, and the call that comes next; None at its end."""

    answers: tuple[Any, ...]
    call: Call | None
    key: object
    following: dict[object, Standing] = field(default_factory=dict)


class Script:
    """One deed, wherever it may stand."""

    def __init__(self, deed: Deed, settings: Settings, now: int) -> None:
        self._deed, self._settings, self._now = deed, settings, now
        self._standings: dict[object, Standing] = {}
        self.beginning = self._after(())

    def following(self, standing: Standing, answer: Any) -> Standing:
        told = _told(answer)
        if told not in standing.following:
            standing.following[told] = self._after((*standing.answers, answer))
        return standing.following[told]

    def _after(self, answers: tuple[Any, ...]) -> Standing:
        run = _Replayed(answers, self._settings, self._now)
        run.played(self._deed)
        return self._standings.setdefault((run.key, run.next_call is None), Standing(answers, run.next_call, run.key))


@dataclass(frozen=True)
class Played:
    """The world after some turns, as it is if both runs are killed there. It is shared: `copy` it to go on."""

    world: World
    runs: tuple[Standing, ...]

    @property
    def waiting(self) -> tuple[int, ...]:
        """The runs that have not come to their end."""
        return tuple(index for index, run in enumerate(self.runs) if run.call is not None)

    def key(self) -> object:
        """All that what may come depends on."""
        return self.world.seen(), tuple(id(run) for run in self.runs)


def interleaved(start: World, settings: Settings, deeds: tuple[Deed, ...]) -> Iterator[Played]:
    """Every world that the runs can bring about, each once."""
    start = start.copy()
    start.maker.settings = settings
    scripts = [Script(deed, settings, start.now) for deed in deeds]
    reached = [Played(start, tuple(script.beginning for script in scripts))]
    found = {reached[0].key()}
    while reached:
        played = reached.pop()
        yield played
        for turn in played.waiting:
            call = played.runs[turn].call
            assert call is not None
            world, answer = call.made(played.world)
            runs = list(played.runs)
            runs[turn] = scripts[turn].following(runs[turn], answer)
            after = Played(world, tuple(runs))
            if (key := after.key()) not in found:
                found.add(key)
                reached.append(after)


def seen(ring: KeyRing | None) -> object:
    return ring and (ring.version, tuple((key.kid, key.state, key.ended_at) for key in ring.keys))


def _told(answer: Any) -> object:
    return seen(answer) if isinstance(answer, KeyRing) else getattr(answer, "kid", answer)
