"""Ten thousand revocations in one list: the last costs what the first cost, to write and to read."""

from collections import Counter
from collections.abc import Iterator
from typing import Any

import pytest
from valet.aws.dynamodb.status_lists import PAGE, DynamoStatusLists
from valet.aws.dynamodb.table import Item
from valet.aws.dynamodb.wire import attribute
from valet.models.grants import LiveToken
from valet.models.status_lists import StatusListContent
from valet.ports.status_lists import NOTHING

from tests.promises.counts.test_item_size import size_of
from tests.support.memory_table import Call, MemoryTable
from tests.support.status_bits import indices_of

LIST_ID, REVOKED = "bvk0", 10_000


@pytest.fixture(scope="module")
def calls() -> Counter[str]:
    return Counter()


@pytest.fixture(scope="module")
def table(calls: Counter[str]) -> MemoryTable:
    """A list of which every thousandth token is revoked, one at a time."""

    def counted(call: Call, run: object) -> object:
        calls[call.sk.partition("#")[0]] += 1
        assert callable(run)
        return run()

    table = MemoryTable(counted, lambda *_: None)
    lists = DynamoStatusLists(table)
    for number in range(REVOKED):
        lists.put_bits((token(number),))
    return table


def token(number: int) -> LiveToken:
    return LiveToken(0, LIST_ID, 12_345_678 + 1000 * number)


def test_a_revocation_is_two_writes_and_a_page_of_the_journal_two_more(table: MemoryTable, calls: Counter[str]) -> None:
    pages = REVOKED // PAGE
    assert calls == Counter(block=REVOKED, open=REVOKED + pages, journal=pages)


def test_every_item_is_under_one_kilobyte_which_one_write_unit_pays_for(table: MemoryTable) -> None:
    sizes = (size_of({name: attribute(value) for name, value in item.items()}) for item in table.items.values())
    assert max(sizes) < 1024


def test_a_reader_reads_what_is_new_and_finds_everything(table: MemoryTable) -> None:
    lists = DynamoStatusLists(table)
    known = lists.find_list(LIST_ID)
    assert indices_of(known) == {token(number).idx for number in range(REVOKED)}
    again = lists.find_list(LIST_ID, known)
    assert again == known
    assert items_read(table, known) == 1, "the open page, and not the seventy-eight before it"
    assert items_read(table, NOTHING) == known.pages + 1 == REVOKED // PAGE + 1


def items_read(table: MemoryTable, known: StatusListContent) -> int:
    read: list[Item] = []

    class Watched(MemoryTable):
        def query(self, *arguments: Any, **named: Any) -> Iterator[Item]:
            for item in super().query(*arguments, **named):
                read.append(item)
                yield item

    watched = Watched(table.wire, lambda *_: None)
    watched.items = table.items
    DynamoStatusLists(watched).find_list(LIST_ID, known)
    return len(read)


def test_what_is_revoked_again_and_again_adds_nothing(table: MemoryTable) -> None:
    lists = DynamoStatusLists(table)
    lists.put_bits((token(0),))
    before = dict(table.items)
    for _ in range(1000):
        lists.put_bits((token(0),))
    assert table.items == before
