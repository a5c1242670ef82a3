"""What IAM and API Gateway do with a policy and a path, written down a second time, for tests to compare with."""

import functools
import json
import re
from collections.abc import Mapping, Sequence
from typing import Any

ANY = "ANY"


@functools.lru_cache(maxsize=100_000)
def _wildcard(pattern: str) -> re.Pattern[str]:
    """IAM's wildcards: `*` is any text, slashes too, and `?` one character."""
    return re.compile("".join({"*": ".*", "?": "."}.get(each, re.escape(each)) for each in pattern), re.DOTALL)


def iam_allows(policy: Mapping[str, Any], arn: str) -> bool:
    """An explicit deny wins; what nobody allows is denied."""
    hit = {
        statement["Effect"]
        for statement in policy["Statement"]
        for resource in statement["Resource"]
        if statement["Action"] == "execute-api:Invoke" and _wildcard(resource).fullmatch(arn)
    }
    return hit == {"Allow"}


def _template_regex(template: str) -> re.Pattern[str]:
    segment = re.sub(r"\{[^}+]+\}", "[^/]+", re.sub(r"/\{[^}]+\+\}$", "/(?!/*$).+", template))
    return re.compile(segment)


def _specificity(template: str) -> list[int]:
    return [2 if part.endswith("+}") else 1 if part.startswith("{") else 0 for part in template.split("/")[1:]]


def chosen(keys: Sequence[str], method: str, path: str, *, is_rest: bool) -> str | None:
    """The route key that a gateway with just these routes chooses for a request, or None."""
    routes = [tuple(key.split(" ", 1)) for key in keys]
    if not is_rest:
        routes = [(verb, template) for verb, template in routes if verb in (method, ANY)]
    found = [(_specificity(t), t) for _, t in routes if _template_regex(t).fullmatch(path)]
    if not found:
        return None
    template = min(found)[1]
    verbs = {verb for verb, each in routes if each == template}
    verb = method if method in verbs else ANY if ANY in verbs else None
    return f"{verb} {template}" if verb else None


def permits(rule: Mapping[str, Any], scope: str, roles: Sequence[str], acr: str = "", age: float = 10**9) -> bool:
    wanted = rule.get("roles")
    if not set(rule.get("scopes", [])) <= set(scope.split()) or (wanted and not set(wanted) & set(roles)):
        return False
    return acr in rule.get("acr", [acr]) and age <= rule.get("max_age", age)


def size(answer: Mapping[str, Any]) -> int:
    return len(json.dumps(answer))
