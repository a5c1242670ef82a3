"""The proofs that this process has accepted, so that it accepts none of them twice (RFC 9449 §11.1)."""

import hashlib
import threading
from collections.abc import Callable

from valet.binding.proof import AHEAD
from valet.clock import Moment

MOST = 50_000  # proofs in each of two sets; both full take 9 MB
_MARGIN = 10  # seconds that a proof is remembered beyond its acceptance


class ProofsSeen:
    """Remembers proofs for longer than they are accepted. `on_full` is called the first time that there are too many.

    There are two sets, and the older one is dropped as a whole. So nothing is sorted or searched for what is old.
    """

    def __init__(self, max_age: int, on_full: Callable[[], None]) -> None:
        # Acceptance ends `max_age` after an `iat` that may have been AHEAD of the first use.
        self._span = max_age + AHEAD + _MARGIN
        self._on_full: Callable[[], None] | None = on_full
        self._newer: set[bytes] = set()
        self._older: set[bytes] = set()
        self._turned = Moment(0, 0)
        self._lock = threading.Lock()

    def add(self, jkt: str, jti: str, now: Moment) -> bool:
        """Remember the proof `jti` of the key `jkt`. False if it is remembered already."""
        digest = hashlib.sha256(f"{jkt} {jti}".encode()).digest()[:16]
        with self._lock:
            age = now.since(self._turned)
            if age >= self._span:
                self._older, self._newer, self._turned = self._newer if age < 2 * self._span else set(), set(), now
            if digest in self._newer or digest in self._older:
                return False
            is_full = len(self._newer) >= MOST
            if is_full:
                self._older, self._newer, self._turned = self._newer, set(), now
            self._newer.add(digest)
        if is_full and self._on_full is not None:
            on_full, self._on_full = self._on_full, None
            on_full()
        return True
