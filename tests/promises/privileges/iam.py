"""IAM's judgement of one call by a role's policies and a key's own (IAM User Guide, "Policy evaluation logic").

Only what Valet's policies say: statements that allow or deny, with the condition operators below. Whatever else stands
in one raises, because a condition that is passed over would allow too much.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import lru_cache
from typing import Any

from tests.parts.template.cloudformation import listed

Context = Mapping[str, Sequence[str]]
"""A request's condition keys; one that the request does not have is absent."""


@dataclass(frozen=True)
class Request:
    """One call, as IAM sees it."""

    principal: str  # the role's ARN
    action: str
    resource: str  # an ARN, or `*` where the thing does not exist yet
    context: Context


@dataclass(frozen=True)
class Permission:
    """The smallest thing that a policy allows or denies: one action on one resource and one pattern of partitions."""

    action: str
    resource: str
    leading_keys: str | None
    conditions: tuple[tuple[str, str, tuple[str, ...]], ...]
    is_deny: bool = False
    is_elsewhere: bool = False  # on every resource but this one (NotResource)

    @property
    def attributes(self) -> frozenset[str] | None:
        """The attributes that a request may name; None if it may name any."""
        named = [frozenset(values) for operator, key, values in self.conditions if (operator, key) == _ATTRIBUTES]
        return frozenset.intersection(*named) if named else None

    @property
    def of_any_attribute(self) -> Permission:
        """This permission, with nothing said about attributes."""
        return replace(self, conditions=tuple(each for each in self.conditions if each[1] != _ATTRIBUTES[1]))

    def covers(self, request: Request) -> bool:
        return (
            _matches(self.action.lower(), request.action.lower())
            and _matches(self.resource, request.resource) != self.is_elsewhere
            and all(_holds(operator, request.context.get(key), values) for operator, key, values in self.conditions)
        )


def permissions(statement: Mapping[str, Any], resource: str | None = None) -> Iterator[Permission]:
    """What a statement grants, taken apart. `resource` stands for the `*` of a key's own policy: that key."""
    unknown = set(statement) - {"Sid", "Effect", "Action", "Resource", "NotResource", "Condition", "Principal"}
    is_deny, is_elsewhere = statement["Effect"] == "Deny", "NotResource" in statement
    # What a Deny does not cover is open, so one that is understood by half would allow too much: none has a condition.
    if unknown or statement["Effect"] not in ("Allow", "Deny") or (is_deny and "Condition" in statement):
        raise ValueError(f"a statement that this judge does not understand: {statement}")
    if is_elsewhere and not (is_deny and isinstance(statement["NotResource"], str)):
        raise ValueError(f"a NotResource that this judge does not understand: {statement}")
    conditions = tuple(_conditions(statement.get("Condition", {})))
    partitions = [condition for condition in conditions if condition[:2] == _LEADING_KEYS]
    others = tuple(condition for condition in conditions if condition[:2] != _LEADING_KEYS)
    for action in listed(statement["Action"]):
        for named in (
            listed(statement["NotResource" if is_elsewhere else "Resource"]) if resource is None else [resource]
        ):
            if not partitions:
                yield Permission(action, named, None, others, is_deny, is_elsewhere)
            for operator, key, patterns in partitions:
                for pattern in patterns:
                    yield Permission(action, named, pattern, (*others, (operator, key, (pattern,))))


_LEADING_KEYS = ("ForAllValues:StringLike", "dynamodb:LeadingKeys")
_ATTRIBUTES = ("ForAllValues:StringEquals", "dynamodb:Attributes")


def _conditions(block: Mapping[str, Any]) -> Iterator[tuple[str, str, tuple[str, ...]]]:
    for operator, keys in block.items():
        if operator not in _OPERATORS:
            raise ValueError(f"{operator} is not known to this judge")
        for key, values in keys.items():
            yield operator, key, tuple(str(value) for value in listed(values))


def _holds(operator: str, found: Sequence[str] | None, values: tuple[str, ...]) -> bool:
    return _OPERATORS[operator](found, values)


_OPERATORS: Mapping[str, Callable[[Sequence[str] | None, tuple[str, ...]], bool]] = {
    "StringEquals": lambda found, values: found is not None and all(value in values for value in found),
    "StringEqualsIfExists": lambda found, values: found is None or all(value in values for value in found),
    "Bool": lambda found, values: found is not None and all(value.lower() in values for value in found),
    "Null": lambda found, values: (found is None) == (values == ("true",)),
    # True of a request without the key at all, as in IAM, so the policies add a Null condition.
    "ForAllValues:StringLike": lambda found, values: all(
        any(_matches(value, each) for value in values) for each in found or ()
    ),
    "ForAllValues:StringEquals": lambda found, values: all(each in values for each in found or ()),
}


def _matches(pattern: str, text: str) -> bool:
    return _pattern(pattern).fullmatch(text) is not None


@lru_cache(maxsize=1024)
def _pattern(text: str) -> re.Pattern[str]:
    """`*` is any number of characters, `?` exactly one."""
    parts = (".*" if char == "*" else "." if char == "?" else re.escape(char) for char in text)
    return re.compile("".join(parts), re.DOTALL)
