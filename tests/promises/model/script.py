"""What functions do, remembered: a function that is told the same does the same, so it runs once for all that it may
be told.

A walk goes through a million steps, and most of them were taken before in another order of the other requests: the
request is the same, and so is all that the function was told since, and when. What it asks for next is then looked up.
The walk itself relies on that: it does not enter a state twice in which the functions were told the same. Where a
function has to go another way from a point that it has left, it runs anew and is told the same, and must ask for the
same.
"""

from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from valet.server import Server

from tests.promises.model.acts import Act
from tests.promises.model.processes import Answer, Asked, Invocation, Told
from tests.support.known_registry import KnownRegistry

_PLAYERS = 1000  # that stand somewhere, should their function go on from there


@dataclass(frozen=True, slots=True)
class Cue:
    """What makes a function go on, all that it can know: the request or what it is told, the time, and the clients."""

    now: float
    registry: KnownRegistry
    told: Told | None = None
    begins: tuple[int, Act] | None = None  # the request's number, and the request

    def key(self) -> tuple[object, ...]:
        """Equal to another cue's if a function cannot tell the two apart."""
        # A line keeps its cue, so that no id that is in a key is given away again.
        said = self.told.words() if self.told is not None else self.begins and (self.begins[0], id(self.begins[1]))
        return (said, self.now, id(self.registry))


@dataclass(slots=True)
class Line:
    """A point in the life of a sandbox, and what the function asks for or answers there."""

    sandbox: int
    before: "Line | None" = None
    cue: Cue | None = None
    came: Asked | Answer = field(default_factory=dict)
    next: dict[Any, "Line"] = field(default_factory=dict)
    player: "_Player | None" = None  # stands here


class Script:
    """All that the sandboxes did on the ways that were walked so far. `play` runs an invocation on a cue."""

    def __init__(
        self,
        made: Callable[[int], Server],
        begun: Callable[[Server, Cue], Invocation],
        play: Callable[[Invocation, Cue], Asked | Answer],
    ) -> None:
        self._made, self.begun, self.play = made, begun, play
        self._roots: dict[int, Line] = {}
        self._players: deque[_Player] = deque()

    def root(self, sandbox: int) -> Line:
        """Where the sandbox has not run yet."""
        return self._roots.setdefault(sandbox, Line(sandbox))

    def after(self, line: Line, cue: Cue) -> Line:
        """The point that the cue leads to."""
        key = cue.key()
        found = line.next.get(key)
        if found is None:
            player = line.player or self._player_at(line)
            line.player = None
            found = line.next[key] = player.line = Line(line.sandbox, line, cue, player.play(cue), player=player)
        return found

    def _player_at(self, line: Line) -> "_Player":
        """The sandbox once more, from its beginning to this point."""
        way = [line]
        while (before := way[-1].before) is not None:
            way.append(before)
        if len(self._players) == _PLAYERS:
            self._players.popleft().leave()
        player = _Player(self, self._made(line.sandbox), line)
        self._players.append(player)
        for passed in reversed(way[:-1]):
            assert passed.cue is not None
            if _what(player.play(passed.cue)) != _what(passed.came):
                raise AssertionError("a function that was told the same did something else")
        return player

    def close(self) -> None:
        for player in self._players:
            player.leave()


class _Player:
    """A sandbox that runs, and the point where it stands."""

    def __init__(self, script: Script, server: Server, line: Line) -> None:
        self._script, self._server, self.line = script, server, line
        self.invocation: Invocation | None = None

    def leave(self) -> None:
        self.line.player = None
        if self.invocation is not None:
            self.invocation.kill()

    def play(self, cue: Cue) -> Asked | Answer:
        if cue.begins is not None:
            self.invocation = self._script.begun(self._server, cue)
        assert self.invocation is not None
        return self._script.play(self.invocation, cue)


def _what(came: Asked | Answer) -> object:
    return came.call if isinstance(came, Asked) else came
