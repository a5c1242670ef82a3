"""What can go wrong with one AWS call, below the retry, so that the real one runs."""

from collections.abc import Callable
from enum import Enum
from typing import Any

from valet.aws.connection import NoAnswer

from local.aws.calls import Call, refusal
from tests.support.world import RIVAL

_READS = frozenset({"GetItem", "Query", "Sign"})


class Killed(BaseException):
    """The function's process is killed, so no handler catches this."""


class Fault(Enum):
    THROTTLED = "throttled"
    LOST = "lost, and sent again"
    LOST_TWICE = "lost, and lost again"
    UNHEARD = "done, its answer lost, and sent again"
    UNHEARD_TWICE = "done, its answer lost, and lost again"
    LATE = "no answer, done before the client tries again"
    LATER = "no answer, done after the client has tried again"
    DENIED = "denied"
    DISABLED = "the key is disabled"
    KILLED = "done, and killed"

    def __str__(self) -> str:
        return self.value


def faults_of(call: str) -> list[Fault]:
    """The faults that the call can meet and that make a difference. A read has one: each kind leaves the table as
    TemporarilyUnavailable, which tests/contract/test_outages.py holds. A read that took effect is a read that did not,
    and a function that is killed after it leaves what the call before it left.
    """
    action = call.split()[0]
    if action in ("Sign", "GenerateMac", "Encrypt", "Decrypt"):
        return [Fault.THROTTLED, Fault.LOST, Fault.LOST_TWICE, Fault.DENIED, Fault.DISABLED, Fault.KILLED]
    if action in _READS:
        return [Fault.LOST_TWICE]
    return [fault for fault in Fault if fault is not Fault.DISABLED]


class Injection:
    """An interceptor that makes the n-th call fail in one way, its repetition included."""

    def __init__(self, position: int, fault: Fault) -> None:
        self._position = position
        self._fault = fault
        self._calls = 0
        self._attempts = 0
        self._body = b""
        self._on_their_way: list[Callable[[], Any]] = []

    @property
    def has_struck(self) -> bool:
        return self._attempts > 0

    def land(self) -> None:
        """A write that was still on its way takes effect."""
        for forward in self._on_their_way:
            forward()
        self._on_their_way = []

    def __call__(self, call: Call, forward: Callable[[], Any]) -> Any:
        if call.function == RIVAL:
            return forward()
        is_repetition = self._attempts == 1 and self._calls == self._position and call.body == self._body
        if not is_repetition:
            self._calls += 1
        if self._calls != self._position:
            return forward()
        self._attempts += 1
        self._body = call.body
        return self._befall(forward)

    def _befall(self, forward: Callable[[], Any]) -> Any:
        match self._fault:
            case Fault.THROTTLED:
                return refusal("ThrottlingException")
            case Fault.DENIED:
                return refusal("AccessDeniedException")
            case Fault.DISABLED:
                return refusal("DisabledException")
            case Fault.LOST if self._attempts > 1:
                return forward()
            case Fault.UNHEARD if self._attempts > 1:
                return forward()
            case Fault.UNHEARD | Fault.UNHEARD_TWICE:
                forward()
            case Fault.LATE | Fault.LATER:
                self._on_their_way.append(forward)
            case Fault.KILLED:
                forward()
                raise Killed
        raise NoAnswer("ReadTimeout")
