"""Which calls to AWS are sent once more, and after how long: as AWS's own tools decide it in their standard mode.

Each call has two attempts. A retry that is never useful makes an outage worse, so retries are paid from a budget that
calls that go well fill again.
"""

from threading import Lock

from valet.clock import Jitter

ATTEMPTS = 2

_CAPACITY = 500
_COST = 14
_COST_IF_THROTTLED = 5
_LONGEST_HINT = 1.0  # seconds; the function has to answer in time
_THROTTLED = frozenset(
    (
        *("Throttling", "ThrottlingException", "ThrottledException", "RequestThrottledException", "RequestThrottled"),
        *("TooManyRequestsException", "ProvisionedThroughputExceededException", "RequestLimitExceeded", "SlowDown"),
        *("LimitExceededException", "BandwidthLimitExceeded", "TransactionInProgressException"),
        *("PriorRequestNotComplete", "EC2ThrottledException"),
    )
)
_TRANSIENT = frozenset(
    (
        *("RequestTimeout", "RequestTimeoutException"),
        *("InternalServerError", "ReplicatedWriteConflictException"),  # DynamoDB's
        *("KMSInternalException", "DependencyTimeoutException"),  # KMS's
    )
)
_TRANSIENT_STATUS = frozenset((500, 502, 503, 504))


def is_throttled(code: str, status: int) -> bool:
    return code in _THROTTLED or status == 429


def is_worth_repeating(code: str, status: int) -> bool:
    """Whether a refusal may become an answer if the same request is sent again."""
    return is_throttled(code, status) or code in _TRANSIENT or status in _TRANSIENT_STATUS


def pause(*, throttled: bool, hint: str | None, base: float, jitter: Jitter) -> float:
    """How many seconds to wait: at random up to `base`, or up to a second if AWS throttles, or as long as it asks.

    `hint` is the header x-amz-retry-after, in milliseconds.
    """
    drawn = jitter() * (1.0 if throttled else base)
    if hint is not None and hint.isdecimal() and len(hint) < 10:
        return max(drawn, min(int(hint) / 1000, _LONGEST_HINT))
    return drawn


class Budget:
    """What one process may still spend on retries."""

    def __init__(self) -> None:
        self._left = _CAPACITY
        self._lock = Lock()

    def spend(self, *, throttled: bool) -> int:
        """What a retry costs; 0 if nothing is left for it, and it must not be made."""
        cost = _COST_IF_THROTTLED if throttled else _COST
        with self._lock:
            if cost > self._left:
                return 0
            self._left -= cost
            return cost

    def refund(self, spent: int) -> None:
        """The call went well: give back what its retry cost, or a little if it had none."""
        if self._left < _CAPACITY:
            with self._lock:
                self._left = min(_CAPACITY, self._left + (spent or 1))
