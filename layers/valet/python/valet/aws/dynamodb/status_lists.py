"""Status indices in DynamoDB: whose they are (leases), and which are set (Token Status List, §4).

A bit that is set is stored twice: by its place, so that one read tells whether it is set, and by the order of
revocations, so that a reader of the list reads only what is new (docs/decisions/status-list-storage.md).

    status#<list>#<block>  block           the bits of one block of indices
    status#<list>          journal#<n>     a full page of the journal: indices in the order of their revocation
    status#<list>          leased, open    the number of leased indices; the journal's newest page, still being written
    status#<list>          range#<start>   a whole block
    status#<list>          set#<idx>       a bit that the release before has set

The sort keys are in this order, so one query from the first page that a reader does not have finds all that is new.
"""

import struct
from collections import defaultdict
from collections.abc import Iterable, Mapping
from contextlib import suppress

from valet.aws.dynamodb.table import ConditionFailed, Item, Table, item_from_model, model_from_item
from valet.errors import TemporarilyUnavailable
from valet.frozen import Frozen
from valet.models.grants import LiveToken
from valet.models.status_lists import Lease, StatusListContent
from valet.ports.status_lists import NOTHING
from valet.tokens.status_index import BLOCK, list_ends_at

PAGE = 128  # indices: an open page and what is added until it is full stay under 1 KB, which one write unit pays for
_MOST_QUERIES = 5  # of one reading
_KEPT = 86_400  # seconds longer than a token can matter, so that no verifier's late clock misses its bit


class DynamoStatusLists(Frozen):
    """The port StatusLists."""

    table: Table

    def lease(self, client_id: str, list_id: str, length: int, expires_at: int, client_epoch: int = 0) -> Lease:
        # A try whose answer was lost skips a block. There are many indices, and an unused one is never set.
        counter = self.table.update(
            f"status#{list_id}",
            "leased",
            "ADD #leased :length SET #expires_at = :end",
            {":length": length, ":end": expires_at},
            returned="UPDATED_NEW",
        )
        lease = Lease(client_id, list_id, counter["leased"] - length, length, expires_at, client_epoch)
        self.table.put(item_from_model(lease, f"lease#{client_id}", f"{list_id}#{lease.start}"))
        return lease

    def leases(self, client_id: str) -> tuple[Lease, ...]:
        return tuple(model_from_item(Lease, item) for item in self.table.query(f"lease#{client_id}"))

    def put_ranges(self, leases: tuple[Lease, ...]) -> None:
        for lease in leases:
            item = {"pk": f"status#{lease.list_id}", "sk": f"range#{lease.start}"}
            self.table.put({**item, "length": lease.length, "expires_at": lease.expires_at})

    def put_bits(self, tokens: tuple[LiveToken, ...]) -> None:
        for list_id, blocks in _by_block(tokens).items():
            new, repeated = set[int](), dict[int, set[int]]()
            for block, places in blocks.items():
                before = self._add_to_block(list_id, block, "indices", places)
                if places <= before.get("listed", frozenset()):
                    continue
                new |= {block * BLOCK + place for place in places}
                if places <= before.get("indices", frozenset()):
                    repeated[block] = places
            # The block comes first, so that no list shows a bit which an exact read does not.
            if new:
                self._add_to_journal(list_id, new)
            # The invocation that set these bits first may have died before the journal, so they had to be added again.
            # From now on it is certain that they are there: repeating a revocation does not lengthen the journal.
            for block, places in repeated.items():
                self._add_to_block(list_id, block, "listed", places)

    def find_list(self, list_id: str, known: StatusListContent = NOTHING) -> StatusListContent:
        bits, pages, leased = bytearray(known.bits), known.pages, 0
        for _ in range(_MOST_QUERIES):
            turned = 0
            for item in self.table.query(f"status#{list_id}", since=_page(pages), only=_NEEDED):
                kind, _, number = item["sk"].partition("#")
                if kind == "journal":
                    _set(bits, _unpacked(item["indices"]))
                    pages += int(number) == pages
                elif kind == "leased":
                    leased = item["leased"]
                elif kind == "open":
                    turned = item["number"]
                    _set(bits, map(int, item.get("indices", ())))
                elif kind == "range":
                    _set(bits, range(int(number), int(number) + item["length"]))
                elif kind == "set":
                    _set(bits, (int(number),))
            if pages >= turned:
                return StatusListContent(leased, bytes(bits), pages)
            # A page was turned between the reading of its place and of the open page, so it has not been read.
        raise TemporarilyUnavailable(detail=f"page {pages} of the status list {list_id} cannot be read")

    def is_set(self, token: LiveToken) -> bool:
        block, place = divmod(token.idx, BLOCK)
        found = self.table.get(f"status#{token.list_id}#{block}", "block")
        if found is not None and place in found.get("indices", ()):
            return True
        return self.table.get(f"status#{token.list_id}", f"set#{token.idx}") is not None  # by the release before

    def is_in_range(self, token: LiveToken, block: int) -> bool:
        return self.table.get(f"status#{token.list_id}", f"range#{token.idx - token.idx % block}") is not None

    def _add_to_block(self, list_id: str, block: int, attribute: str, places: set[int]) -> Item:
        """Answers the block as it was before."""
        return self.table.update(
            f"status#{list_id}#{block}",
            "block",
            f"ADD #{attribute} :places SET #expires_at = :end",
            {":places": places, ":end": list_ends_at(list_id) + _KEPT},
            returned="ALL_OLD",
        )

    def _add_to_journal(self, list_id: str, indices: set[int]) -> None:
        opened = self.table.update(
            f"status#{list_id}",
            "open",
            "ADD #indices :indices SET #expires_at = :end, #number = if_not_exists(#number, :first)",
            {":indices": indices, ":end": list_ends_at(list_id) + _KEPT, ":first": 0},
            returned="ALL_NEW",
        )
        if len(opened["indices"]) >= PAGE:
            self._turn_page(list_id, opened)

    def _turn_page(self, list_id: str, opened: Item) -> None:
        """Copy the open page to its place in the journal, then take out of it what the copy holds.

        Other invocations may do so at the same time, or may have died half-way: the first copy is the page, for all.
        An index that is added meanwhile stays in the open page.
        """
        number, indices = opened["number"], _packed(opened["indices"])
        try:
            self.table.update(
                f"status#{list_id}",
                _page(number),
                "SET #indices = :indices, #expires_at = :end",
                {":indices": indices, ":end": opened["expires_at"]},
                "attribute_not_exists(#indices)",
            )
        except ConditionFailed as failed:
            indices = (failed.found or {})["indices"]
        with suppress(ConditionFailed):  # another invocation has taken it out
            self.table.update(
                f"status#{list_id}",
                "open",
                "SET #number = :next DELETE #indices :indices",
                {":next": number + 1, ":indices": set(_unpacked(indices)), ":number": number},
                "#number = :number",
            )


# There may be many items, and their other attributes would cost more to parse than all the rest.
_NEEDED = ("sk", "leased", "length", "number", "indices")


def _page(number: int) -> str:
    return f"journal#{number:08}"


def _by_block(tokens: Iterable[LiveToken]) -> Mapping[str, Mapping[int, set[int]]]:
    """The tokens' places in their blocks, by list and block."""
    found: dict[str, dict[int, set[int]]] = defaultdict(lambda: defaultdict(set))
    for token in tokens:
        block, place = divmod(token.idx, BLOCK)
        found[token.list_id][block].add(place)
    return found


def _set(bits: bytearray, indices: Iterable[int]) -> None:
    """Set those bits, and lengthen the list to the last of them."""
    length = len(bits)
    for idx in indices:
        at = idx >> 3
        if at >= length:
            bits.extend(bytes(at + 1 - length))
            length = at + 1
        bits[at] |= 1 << (idx & 7)


def _packed(indices: Iterable[int]) -> bytes:
    """Four bytes an index: a set of numbers would take five, and a hundred times as long to parse."""
    ordered = sorted(map(int, indices))
    return struct.pack(f">{len(ordered)}I", *ordered)


def _unpacked(indices: bytes) -> tuple[int, ...]:
    return struct.unpack(f">{len(indices) // 4}I", indices)
