"""Counters of failed sign-ins."""

from typing import Protocol


class Throttles(Protocol):
    """Counters of attempts, counted before the attempt is made."""

    def count(self, what: str, expires_at: int) -> int:
        """How many attempts there are, this one included."""

    def count_share(self, what: str, share: str, most_of_share: int, most: int, expires_at: int) -> bool:
        """Count the attempt, of this share and of all shares, in one write. False: a bound is reached, nothing counted.

        `share` is a word of letters, digits and underscores.
        """

    def forget_share(self, what: str, share: str) -> None:
        """Forget the share's attempts, and take one attempt, if any is counted, off the count of all shares."""

    def take_back(self, what: str) -> None:
        """Take one attempt off the count, if any is counted."""

    def forget(self, what: str) -> None: ...
    def remember_browser(self, browser_digest: bytes, account: str, expires_at: int) -> None: ...
    def knows_browser(self, browser_digest: bytes, account: str, now: float) -> bool: ...


class HasThrottles(Protocol):
    @property
    def throttles(self) -> Throttles: ...
