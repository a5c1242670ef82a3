"""Device codes: a device asks, and polls; each is one conditional write that answers its outcome (RFC 8628)."""

from typing import Protocol

from valet.frozen import Frozen
from valet.models.device_codes import DeviceCode


class Poll(Frozen):
    """One poll of a device. Its `attempt` marks the write as this invocation's own."""

    device_id: str
    client_id: str
    secret_digest: bytes
    attempt: bytes
    at_ms: int
    not_since_ms: int  # a poll after this time was too lately before


class NotPolled(Frozen):
    """The condition did not hold; `found` is the item as it was (ALL_OLD), None if there is none."""

    found: DeviceCode | None


class DeviceCodes(Protocol):
    """Device authorization requests."""

    def keep(self, device: DeviceCode, now: float) -> bool:
        """Keep the request. False: its user code is that of another one, which is kept."""

    def find_device_code(self, device_id: str, /) -> DeviceCode | None:
        """Strongly consistent."""

    def poll(self, poll: Poll) -> NotPolled | None:
        """Count the poll, if the device code is the client's, has not expired, and was not polled since; None: done."""


class HasDeviceCodes(Protocol):
    @property
    def device_codes(self) -> DeviceCodes: ...
