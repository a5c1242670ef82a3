"""Time, randomness, the audit log, and the settings of the deployment."""

from typing import Protocol

from valet.audit import EventName
from valet.settings import Settings


class Clock(Protocol):
    def __call__(self) -> float:
        """Epoch seconds."""


class Random(Protocol):
    def __call__(self, length: int, /) -> bytes:
        """`length` bytes that no attacker can guess."""


class Audit(Protocol):
    """Logs each important event once, under a stable name, without any secret."""

    def record(self, event: EventName, /, **fields: str | int | float | bool | None) -> None: ...


class HasClock(Protocol):
    @property
    def clock(self) -> Clock: ...


class HasRandom(Protocol):
    @property
    def random(self) -> Random: ...


class HasAudit(Protocol):
    @property
    def audit(self) -> Audit: ...


class HasSettings(Protocol):
    @property
    def settings(self) -> Settings: ...
