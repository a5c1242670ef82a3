"""The values that clients have sent, and may not send again."""

from typing import Protocol

from valet.models.once import OneTimeValue


class Once(Protocol):
    def spend(self, value: OneTimeValue, attempt: bytes, /) -> bool:
        """True if nobody has spent the value before; `attempt` marks this spending as the caller's own."""


class HasOnce(Protocol):
    @property
    def once(self) -> Once: ...
