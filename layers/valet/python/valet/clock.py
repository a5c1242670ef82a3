"""Time as the resource server sees it: two clocks, because a Lambda process is frozen, thawed and cloned.

The monotonic clock may stand still while the process is frozen, and the wall clock may be set back; an age is
therefore what the clock that moved further says, and never negative.
"""

import os
import time
from typing import NamedTuple, Protocol


class Moment(NamedTuple):
    """One instant on both clocks; `wall` is epoch seconds."""

    wall: float
    monotonic: float

    def since(self, earlier: "Moment") -> float:
        """Seconds passed since `earlier`, by the clock that moved further."""
        return max(self.wall - earlier.wall, self.monotonic - earlier.monotonic, 0.0)


class Clock(Protocol):
    """Says what time it is."""

    def __call__(self) -> Moment: ...


class Jitter(Protocol):
    """Draws a number from 0 up to 1, so that a thousand processes do not act in the same instant."""

    def __call__(self) -> float: ...


def system_clock() -> Moment:
    return Moment(time.time(), time.monotonic())  # noqa: TID251 - the one clock of this process, which has no server.py


def system_jitter() -> float:
    """Draw a number when it is needed, never at init, because every clone of a snapshot would have the same number."""
    return os.urandom(1)[0] / 256
