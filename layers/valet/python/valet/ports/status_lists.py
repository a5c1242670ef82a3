"""Status lists: leases of indices, and the bits that are set."""

from typing import Protocol

from valet.models.grants import LiveToken
from valet.models.status_lists import Lease, StatusListContent

NOTHING = StatusListContent()


class StatusLists(Protocol):
    """The status indices: which client each belongs to, and which are set."""

    def lease(self, client_id: str, list_id: str, length: int, expires_at: int, client_epoch: int = 0) -> Lease:
        """The next `length` indices of that list, recorded as the client's."""

    def leases(self, client_id: str) -> tuple[Lease, ...]:
        """All blocks that are recorded as the client's. Strongly consistent."""

    def put_ranges(self, leases: tuple[Lease, ...]) -> None:
        """Set every index of those blocks. Idempotent."""

    def put_bits(self, tokens: tuple[LiveToken, ...]) -> None:
        """Set the tokens' bits. Idempotent."""

    def is_set(self, token: LiveToken) -> bool:
        """Whether the token's own bit is set. Strongly consistent."""

    def is_in_range(self, token: LiveToken, block: int) -> bool:
        """Whether the token's block, of `block` indices, is set as a range. Strongly consistent."""

    def find_list(self, list_id: str, known: StatusListContent = NOTHING) -> StatusListContent:
        """Which of a list's indices are set, and how many are leased. Strongly consistent.

        `known` is what an earlier call found. Then only what was set since is read, and the answer is as complete.
        """


class HasStatusLists(Protocol):
    @property
    def status_lists(self) -> StatusLists: ...
