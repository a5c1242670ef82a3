"""The IAM policy of a Lambda authorizer, evaluated for one route (IAM User Guide, "Policy evaluation logic").

An authorizer's statements have Effect, Action and Resource. A statement with any other member raises: to ignore a
Condition would allow too much.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from functools import lru_cache
from typing import Any

INVOKE = "execute-api:Invoke"
_MEMBERS = frozenset({"Sid", "Effect", "Action", "Resource"})


class MalformedPolicy(Exception):
    """The document is not a policy that API Gateway would take."""


def allows(document: Any, resource: str, action: str = INVOKE) -> bool:
    """Whether at least one statement allows this action on this resource, and none denies it."""
    effects = {effect for effect, statement in _statements(document) if _covers(statement, action, resource)}
    return effects == {"Allow"}


def _statements(document: Any) -> list[tuple[str, Mapping[str, Any]]]:
    if not isinstance(document, dict) or "Statement" not in document:
        raise MalformedPolicy("the policy has no Statement")
    statements = document["Statement"]
    found: list[tuple[str, Mapping[str, Any]]] = []
    for statement in statements if isinstance(statements, list) else [statements]:
        if not isinstance(statement, dict) or not {"Effect", "Action", "Resource"} <= set(statement) <= _MEMBERS:
            raise MalformedPolicy(f"a statement needs Effect, Action and Resource, and may have Sid: {statement!r}")
        if statement["Effect"] not in ("Allow", "Deny"):
            raise MalformedPolicy(f"Effect is {statement['Effect']!r}, neither Allow nor Deny")
        found.append((statement["Effect"], statement))
    return found


def _covers(statement: Mapping[str, Any], action: str, resource: str) -> bool:
    return any(_pattern(each.lower()).fullmatch(action.lower()) for each in _texts(statement["Action"])) and any(
        _pattern(each).fullmatch(resource) for each in _texts(statement["Resource"])
    )


def _texts(value: Any) -> list[str]:
    texts = value if isinstance(value, list) else [value]
    if not texts or not all(isinstance(text, str) for text in texts):
        raise MalformedPolicy(f"{value!r} is neither a text nor a list of texts")
    return texts


@lru_cache(maxsize=1024)
def _pattern(text: str) -> re.Pattern[str]:
    """IAM's wildcards: `*` matches any number of characters, slashes included, and `?` exactly one."""
    parts = (".*" if char == "*" else "." if char == "?" else re.escape(char) for char in text)
    return re.compile("".join(parts), re.DOTALL)
