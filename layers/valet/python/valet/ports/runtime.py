"""Time, randomness and the audit log."""

from typing import Protocol

from valet.audit import EventName


class Clock(Protocol):
    def __call__(self) -> float:
        """Epoch seconds."""


class Random(Protocol):
    def __call__(self, length: int, /) -> bytes:
        """`length` bytes nobody can guess."""


class Audit(Protocol):
    """What matters is logged once, under a stable event name, with no secret in it."""

    def record(self, event: EventName, /, **fields: str | int | float | bool | None) -> None: ...
