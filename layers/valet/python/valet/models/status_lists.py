"""Status lists: who leased which indices, and which indices are set."""

from valet.frozen import Frozen


class Lease(Frozen):
    """A block of status indices that belongs to one client."""

    client_id: str
    list_id: str
    start: int
    length: int
    expires_at: int
    client_epoch: int = 0  # the client's `epoch` as the leaseholder knew it


class StatusListContent(Frozen):
    """The content of a status list, as one read found it."""

    leased: int = 0  # indices
    bits: bytes = b""  # one bit an index, the least significant first; the last byte has a bit that is set
    pages: int = 0  # of the journal that `bits` holds: the next read begins behind them
