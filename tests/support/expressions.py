"""DynamoDB's expressions on an item in plain Python values: whether a condition is met, and what an update makes.

They read what the stores write, and refuse everything else: an expression that was passed over would be a test that
cannot fail.
"""

import re
from collections.abc import Mapping
from functools import cache
from typing import Any

from valet.aws.dynamodb.table import Item
from valet.aws.dynamodb.wire import attribute

Parsed = re.Match[str] | tuple[str, tuple["Parsed", ...]]
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
_KINDS = {str: "S", int: "N", bool: "BOOL", bytes: "B", list: "L", dict: "M"}
_WORD = re.compile(rf"(?:{_TEST.pattern})|\(|\)| AND | OR ")


class NotSent(NotImplementedError):
    """No store sends it. An answer would be a guess, and a test that stands on a guess could not fail."""


class InvalidUpdate(ValueError):
    """DynamoDB refuses the update, whatever its condition says."""


def is_met(item: Item, condition: str, values: Item) -> bool:
    """Whether the item meets the condition. Raises NotSent."""
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
        raise NotSent(f"the condition {condition!r}")
    words.reverse()
    parsed = _joined(words, " OR ", " AND ")
    if words:
        raise NotSent(f"the condition {condition!r}")
    return parsed


def _joined(words: list[re.Match[str]], *operators: str) -> Parsed:
    """The tree that begins with the last of `words`, which are in reverse. Removes the words that it reads."""
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
    if _kind(left) != _kind(right):  # to Python, True is 1
        return False
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
        raise NotSent(f"the update {expression!r}")
    changed = [match[1] for parts in found.values() for match in parts]
    if not found or not all(found.values()):
        raise InvalidUpdate(f"there is a clause with nothing in it: {expression!r}")
    if len(set(changed)) < len(changed) or not {"pk", "sk"}.isdisjoint(changed):
        raise InvalidUpdate(f"it changes an attribute twice, or the key: {expression!r}")
    return found


def attributes_changed(expression: str) -> tuple[str, ...]:
    """The attributes that the update changes. Raises InvalidUpdate and NotSent."""
    return tuple(match[1] for parts in _clauses(expression).values() for match in parts)


def updated(item: Mapping[str, Any], expression: str, values: Mapping[str, Any]) -> Item:
    """The item after the update. Raises InvalidUpdate and NotSent."""
    clauses, changed = _clauses(expression), dict(item)
    for assignment in clauses.get("SET", ()):
        name, fallback_of, fallback, value = assignment.groups()
        changed[name] = item.get(fallback_of, values[fallback]) if fallback_of else values[value]
    for addition in clauses.get("ADD", ()):
        name, amount = addition[1], values[addition[2]]
        before = _like(amount, item[name]) if name in item else type(amount)()
        changed[name] = before | amount if isinstance(amount, set | frozenset) else before + amount
    for removal in clauses.get("REMOVE", ()):
        changed.pop(removal[1], None)
    for deletion in clauses.get("DELETE", ()):
        name, members = deletion[1], values[deletion[2]]
        if name in item:
            changed[name] = _like(members, item[name]) - members
            if not changed[name]:
                del changed[name]  # DynamoDB holds no empty set
    return changed


def _like(operand: Any, held: Any) -> Any:
    """The held value. Raises InvalidUpdate if the operand is of another kind: DynamoDB adds no member to a list."""
    if _kind(held) != _kind(operand):
        raise InvalidUpdate(f"{operand!r} is of another kind than {held!r}")
    return held


def _kind(value: Any) -> str:
    """DynamoDB's word for it."""
    if isinstance(value, set | frozenset):
        return f"{_kind(next(iter(value)))}S"
    return _KINDS.get(type(value)) or next(iter(attribute(value)))
