"""One DynamoDB table in memory: the stores' own conditions, decided in microseconds, each call a point to stop at.

The model drives the real stores, so that the conditions it checks are the very strings that production sends. Every
verb is one AWS call: it is handed to the `wire`, which may run it, lose its answer, repeat it, or never come back.
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from threading import Lock
from typing import Any, cast

from valet.aws.dynamodb.table import ConditionFailed, Item

from admin.records.scans import ScannedTable
from tests.support.expressions import is_met, updated

Key = tuple[str, str]
Wire = Callable[["Call", Callable[[], Any]], Any]
Watcher = Callable[["Call", Item | None, Item | None], None]


@dataclass(frozen=True, slots=True)
class Call:
    """One AWS call, on its way."""

    operation: str
    pk: str
    sk: str
    is_write: bool
    is_again: bool = False  # the second try, after no answer

    @property
    def kind(self) -> str:
        """What the item is, by its key's prefix: grant, status, sub, session, account..."""
        return self.pk.partition("#")[0]

    @property
    def is_of_grant(self) -> bool:
        """Whether the item is a grant or the status of its tokens: other items matter only to their caller.

        What may happen between a block and its list, tests/promises/lists walks.
        """
        return self.kind == "grant" or (self.kind == "status" and self.sk == "block")


class MemoryTable(ScannedTable):
    """A table whose calls go through `wire`; `watch` sees every write that takes effect. Operators read it as well."""

    def __init__(self, wire: Wire, watch: Watcher) -> None:
        super().__init__(cast(Any, None), "memory", lambda: None)
        self.items: dict[Key, Item] = {}  # an item is replaced, never changed
        self._lock = Lock()
        self.wire = wire
        self._watch = watch

    def get(self, pk: str, sk: str, *, only: tuple[str, ...] = ()) -> Item | None:
        def run() -> Item | None:
            item = self.items.get((pk, sk))
            return {name: item[name] for name in only if name in item} if item and only else item

        found: Item | None = self.wire(Call("get", pk, sk, False), run)
        return found

    def query(
        self,
        pk: str,
        prefix: str = "",
        *,
        since: str = "",
        only: tuple[str, ...] = (),
        where: str = "",
    ) -> Iterator[Item]:
        def run() -> list[Item]:
            keys = sorted(key for key in list(self.items) if _is_in(key, pk, prefix) and key[1] >= since)
            found = [self.items[key] for key in keys]
            kept = [item for item in found if not where or is_met(item, where, {})]
            return [{name: item[name] for name in only or item if name in item} for item in kept]

        return iter(self.wire(Call("query", pk, prefix, False), run))

    def scan(self, prefix: str) -> Iterator[Item]:
        def run() -> list[Item]:
            return [self.items[key] for key in sorted(self.items) if key[0].startswith(prefix)]

        return iter(self.wire(Call("scan", prefix, "", False), run))

    def get_many(self, keys: Sequence[Key]) -> list[Item]:
        def run() -> list[Item]:
            return [self.items[key] for key in keys if key in self.items]

        found: list[Item] = self.wire(Call("get many", keys[0][0] if keys else "", "", False), run)
        return found

    def put(self, item: Item, condition: str = "", values: Item | None = None) -> None:
        call = Call("put", item["pk"], item["sk"], True)
        self.wire(call, lambda: self._apply(call, lambda _: item, condition, values or {}))

    def update(
        self, pk: str, sk: str, expression: str, values: Item, condition: str = "", returned: str = "NONE"
    ) -> Item:
        call = Call("update", pk, sk, True)

        def change(old: Item | None) -> Item:
            return updated({"pk": pk, "sk": sk, **(old or {})}, expression, values)

        def run() -> Item:
            old = self.items.get((pk, sk))
            new = self._apply(call, change, condition, values)
            if returned == "ALL_OLD":
                return old or {}
            return new if returned.endswith("_NEW") else {}

        return cast(Item, self.wire(call, run))

    def delete(self, pk: str, sk: str, condition: str = "", values: Item | None = None) -> None:
        call = Call("delete", pk, sk, True)
        self.wire(call, lambda: self._apply(call, lambda _: None, condition, values or {}))

    def _apply(self, call: Call, change: Callable[[Item | None], Item | None], condition: str, values: Item) -> Any:
        key = (call.pk, call.sk)
        with self._lock:
            old = self.items.get(key)
            if condition and not is_met(old or {}, condition, values):
                raise ConditionFailed(old)
            new = change(old)
            if new is None:
                self.items.pop(key, None)
            else:
                self.items[key] = new
        self._watch(call, old, new)
        return new

    def expire(self, now: float) -> None:
        """Delete expired items, as DynamoDB's TTL does at some time after they expire."""
        for key, item in list(self.items.items()):
            if item.get("expires_at", now) < now:
                del self.items[key]
                self._watch(Call("expire", *key, True), item, None)


def _is_in(key: Key, pk: str, prefix: str) -> bool:
    return key[0] == pk and key[1].startswith(prefix)
