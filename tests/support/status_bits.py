"""The content of a status list as a set of indices, and back."""

from collections.abc import Iterable

from valet.models.status_lists import StatusListContent


def indices_of(content: StatusListContent) -> frozenset[int]:
    """The indices that are set."""
    return frozenset(8 * at + bit for at, byte in enumerate(content.bits) for bit in range(8) if byte >> bit & 1)


def content_of(leased: int, indices: Iterable[int], pages: int = 0) -> StatusListContent:
    """A list in which these indices are set."""
    number = sum(1 << idx for idx in set(indices))
    return StatusListContent(leased, number.to_bytes((number.bit_length() + 7) // 8, "little"), pages)
