"""The place of an access token in a status list (Token Status List, §5), leased in blocks to its client.

A list holds the tokens that expire within one hour. A client has blocks of its own, so that all that it was given can
be revoked as a few ranges. Nothing is leased before the first token needs it. A process that is cloned while it holds a
block gives an index twice; revoking one of the two tokens then refuses the other as well, and never neither.
"""

from threading import Lock
from typing import Protocol

from valet.models.grants import LiveToken
from valet.ports.status_lists import StatusLists

LIST_SPAN = 3600  # seconds
BLOCK = 256  # indices of a lease, whose first is a multiple of it
_DIGITS = "0123456789abcdefghijklmnopqrstuvwxyz"


def list_id_at(exp: int) -> str:
    """The id of the list for tokens that expire at `exp`: the number of its hour, in base 36."""
    number, digits = exp // LIST_SPAN, ""
    while number:
        number, digit = divmod(number, 36)
        digits = _DIGITS[digit] + digits
    return digits or "0"


def list_ends_at(list_id: str) -> int:
    """When the last token of that list expires, in epoch seconds."""
    return (int(list_id, 36) + 1) * LIST_SPAN


class StatusIndices:
    """Hands out the indices of the blocks that this process holds."""

    def __init__(self, lists: StatusLists) -> None:
        self._lists = lists
        self._blocks: dict[tuple[str, str, int], range] = {}
        self._newest = 0
        self._lock = Lock()

    def allot(self, client_id: str, exp: int, client_epoch: int = 0) -> LiveToken:
        """An index that no other token has.

        A block serves one `epoch` of its client. An operator who revokes the client's grants revokes the blocks of
        older epochs as ranges, so what is issued afterwards must come from others.
        """
        list_id = list_id_at(exp)
        with self._lock:
            block = self._blocks.pop((client_id, list_id, client_epoch), range(0))
            if not block:
                expires_at = list_ends_at(list_id) + 86_400
                lease = self._lists.lease(client_id, list_id, BLOCK, expires_at, client_epoch)
                block = range(lease.start, lease.start + lease.length)
                self._drop_ended(list_id)
            if block[1:]:
                self._blocks[client_id, list_id, client_epoch] = block[1:]
            return LiveToken(exp, list_id, block[0])

    def _drop_ended(self, newest: str) -> None:
        """Forget blocks of lists older than a day: a process may live long. Once an hour, not at each new client."""
        number = int(newest, 36)
        if number <= self._newest:
            return
        self._newest, oldest = number, number - 24 - 1
        for key in [key for key in self._blocks if int(key[1], 36) < oldest]:
            del self._blocks[key]


class HasStatusIndices(Protocol):
    @property
    def status_indices(self) -> StatusIndices: ...
