"""Design faults of the journal, to be put into the running store on purpose: the walk has to find each."""

from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass, replace
from typing import Any

import pytest
from valet.aws.dynamodb import status_lists
from valet.aws.dynamodb.status_lists import DynamoStatusLists
from valet.aws.dynamodb.table import ConditionFailed, Item

from tests.promises.lists.walk import ScannedItems

LOST = "a reader that began after the acknowledgement serves a list without the bit"
MISSING = "a reader finds a page missing"
NOT_EXACT = "a list shows a bit which an exact read does not"


@dataclass(frozen=True)
class Fault:
    name: str
    scenario: str  # one that finds it
    violation: str
    patch: Callable[[pytest.MonkeyPatch], None]


def _turning(change: Callable[[list[Callable[[], None]]], list[Callable[[], None]]], **weakened: str) -> Any:
    """The two writes that turn a page, in another order or without their conditions; each takes out its own copy."""

    def turn(lists: DynamoStatusLists, list_id: str, opened: Item) -> None:
        number, indices = opened["number"], frozenset(opened["indices"])
        pk, packed = f"status#{list_id}", status_lists._packed(indices)

        def copy() -> None:
            condition = weakened.get("copy", "attribute_not_exists(#indices)")
            lists.table.update(
                pk, status_lists._page(number), "SET #indices = :indices", {":indices": packed}, condition
            )

        def take_out() -> None:
            lists.table.update(
                pk,
                "open",
                "SET #number = :next DELETE #indices :indices",
                {":next": number + 1, ":indices": indices, ":number": number},
                weakened.get("take_out", "#number = :number"),
            )

        for write in change([copy, take_out]):
            with suppress(ConditionFailed):
                write()

    return lambda monkeypatch: monkeypatch.setattr(DynamoStatusLists, "_turn_page", turn)


def _reading(change: Callable[[Item], Item]) -> Any:
    """What a reader is told of each item."""

    def patch(monkeypatch: pytest.MonkeyPatch) -> None:
        original = ScannedItems.query

        def query(self: ScannedItems, *arguments: Any, **named: Any) -> Iterator[Item]:
            return map(change, original(self, *arguments, **named))

        monkeypatch.setattr(ScannedItems, "query", query)

    return patch


def _counts_the_open_page(monkeypatch: pytest.MonkeyPatch) -> None:
    original = DynamoStatusLists.find_list

    def find_list(self: DynamoStatusLists, *arguments: Any) -> Any:
        found = original(self, *arguments)
        return replace(found, pages=found.pages + 1)

    monkeypatch.setattr(DynamoStatusLists, "find_list", find_list)


def _acknowledges_the_block(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(DynamoStatusLists, "_add_to_journal", lambda *_: None)


def _trusts_the_block(monkeypatch: pytest.MonkeyPatch) -> None:
    original = DynamoStatusLists._add_to_block

    def add(self: DynamoStatusLists, *arguments: Any) -> Item:
        before = original(self, *arguments)
        return {**before, "listed": before.get("indices", frozenset())}

    monkeypatch.setattr(DynamoStatusLists, "_add_to_block", add)


def _journal_first(monkeypatch: pytest.MonkeyPatch) -> None:
    original = DynamoStatusLists.put_bits

    def put_bits(self: DynamoStatusLists, tokens: Any) -> None:
        self._add_to_journal(tokens[0].list_id, {token.idx for token in tokens})
        original(self, tokens)

    monkeypatch.setattr(DynamoStatusLists, "put_bits", put_bits)


FAULTS = (
    Fault("a page is taken out before it is copied", "turned pages", MISSING, _turning(lambda writes: writes[::-1])),
    Fault(
        "a later copy replaces a page, and each takes out its own",
        "turned pages",
        LOST,
        _turning(lambda writes: writes, copy=""),
    ),
    Fault(
        "a page is taken out although it has been turned",
        "turned pages",
        LOST,
        _turning(lambda writes: writes, take_out="attribute_exists(#number)"),
    ),
    Fault("a reader believes its first query", "a page of two", LOST, _reading(lambda item: {**item, "number": 0})),
    Fault("a reader goes on behind the open page", "a second read", LOST, _counts_the_open_page),
    Fault("a revocation is acknowledged after its block", "turned pages", LOST, _acknowledges_the_block),
    Fault("a repetition trusts the block", "repeated", LOST, _trusts_the_block),
    Fault("the journal is written before the block", "repeated", NOT_EXACT, _journal_first),
)
