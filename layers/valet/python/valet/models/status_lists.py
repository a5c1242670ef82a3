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
    """The content of a status list: the indices that are set, and how many are leased."""

    leased: int = 0
    revoked: frozenset[int] = frozenset()
