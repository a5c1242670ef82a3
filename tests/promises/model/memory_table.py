"""One DynamoDB table in memory: the stores' own conditions, decided in microseconds, each call a point to stop at.

The model drives the real stores, so that the conditions it checks are the very strings that production sends. Every
verb is one AWS call: it is handed to the `wire`, which may run it, lose its answer, repeat it, or never come back.
"""

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from threading import Lock
from typing import Any, cast

from valet.aws.dynamodb.table import ConditionFailed, Item

from admin.records.scans import ScannedTable

Key = tuple[str, str]
Parsed = re.Match[str] | tuple[str, tuple["Parsed", ...]]
Wire = Callable[["Call", Callable[[], Any]], Any]
Watcher = Callable[["Call", Item | None, Item | None], None]
_CLAUSES = {
    "SET": re.compile(r"#(\w+) = (?:if_not_exists\(#(\w+), (:\w+)\)|(:\w+))"),
    "ADD": re.compile(r"#(\w+) (:\w+)"),
    "REMOVE": re.compile(r"#(\w+)"),
    "DELETE": re.compile(r"#(\w+) (:\w+)"),
}
_TEST = re.compile(
    r"(attribute_exists|attribute_not_exists)\(#(\w+)\)|(NOT )?contains\(#(\w+), (:\w+)\)"
    r"|(?:(size)\(#(\w+)\)|#(\w+)) (<=|[=<>]) (:\w+)"
)
_WORD = re.compile(rf"(?:{_TEST.pattern})|\(|\)| AND | OR ")


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

    def get(self, pk: str, sk: str, *, consistent: bool = True, only: tuple[str, ...] = ()) -> Item | None:
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
        consistent: bool = True,
        only: tuple[str, ...] = (),
        where: str = "",
    ) -> Iterator[Item]:
        def run() -> list[Item]:
            keys = sorted(key for key in list(self.items) if _is_in(key, pk, prefix) and key[1] >= since)
            found = [self.items[key] for key in keys]
            kept = [item for item in found if not where or _is_met(item, where, {})]
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
            return _updated({"pk": pk, "sk": sk, **(old or {})}, expression, values)

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
            if condition and not _is_met(old or {}, condition, values):
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


def _is_met(item: Item, condition: str, values: Item) -> bool:
    return _decided(_parsed(condition), item, values)


def _decided(parsed: Parsed, item: Item, values: Item) -> bool:
    if isinstance(parsed, re.Match):
        return _holds(item, parsed, values)
    operator, parts = parsed
    decided = (_decided(part, item, values) for part in parts)
    return all(decided) if operator == "AND" else any(decided)


@cache
def _parsed(condition: str) -> Parsed:
    """The condition as a tree: AND binds more tightly than OR, parentheses more tightly than both."""
    words = list(_WORD.finditer(condition))
    if "".join(word[0] for word in words) != condition:
        # If a store uses an expression that this table cannot read, it must fail and not be ignored.
        raise NotImplementedError(f"the condition {condition!r}")
    words.reverse()
    parsed = _joined(words, " OR ", " AND ")
    if words:
        raise NotImplementedError(f"the condition {condition!r}")
    return parsed


def _joined(words: list[re.Match[str]], *operators: str) -> Parsed:
    """What the last of `words`, which are in reverse, begin; they are used up."""
    if not operators:
        word = words.pop()
        if word[0] != "(":
            return word
        inner = _joined(words, " OR ", " AND ")
        words.pop()
        return inner
    parts = [_joined(words, *operators[1:])]
    while words and words[-1][0] == operators[0]:
        words.pop()
        parts.append(_joined(words, *operators[1:]))
    return (operators[0].strip(), tuple(parts)) if parts[1:] else parts[0]


def _holds(item: Item, test: re.Match[str], values: Item) -> bool:
    function, subject, is_not, members, member, size, sized, named, operator, value = test.groups()
    if function:
        return (subject in item) == (function == "attribute_exists")
    if members:
        return (values[member] in item.get(members, ())) == (not is_not)
    name = sized or named
    if name not in item:
        return False
    left, right = len(item[name]) if size else item[name], values[value]
    if operator == "<=":
        return bool(left <= right)
    return bool(left == right if operator == "=" else left < right if operator == "<" else left > right)


@cache
def _clauses(expression: str) -> Mapping[str, tuple[re.Match[str], ...]]:
    words = re.split(r"\b(SET|ADD|REMOVE|DELETE) ", expression)
    clauses = zip(words[1::2], words[2::2], strict=True)
    found = {clause: tuple(_CLAUSES[clause].finditer(text)) for clause, text in clauses}
    understood = (f"{clause} {', '.join(match[0] for match in parts)}" for clause, parts in found.items())
    if " ".join(understood) != expression:
        # Fail here too: if a clause were ignored, the model would miss a write.
        raise NotImplementedError(f"the update {expression!r}")
    return found


def _updated(item: dict[str, Any], expression: str, values: Mapping[str, Any]) -> Item:
    clauses, changed = _clauses(expression), dict(item)
    for assignment in clauses.get("SET", ()):
        name, fallback_of, fallback, value = assignment.groups()
        changed[name] = item.get(fallback_of, values[fallback]) if fallback_of else values[value]
    for addition in clauses.get("ADD", ()):
        name, amount = addition[1], values[addition[2]]
        is_set = isinstance(amount, set | frozenset)
        changed[name] = set(item.get(name, ())) | amount if is_set else item.get(name, 0) + amount
    for removal in clauses.get("REMOVE", ()):
        changed.pop(removal[1], None)
    for deletion in clauses.get("DELETE", ()):
        name = deletion[1]
        changed[name] = set(item.get(name, ())) - values[deletion[2]]
        if not changed[name]:
            del changed[name]  # DynamoDB holds no empty set
    return changed
