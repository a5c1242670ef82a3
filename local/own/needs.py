"""What each route of a developer's stack asks of its caller, in words for the terminal."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from local.own.valets import Rule, Valet
from local.system import System

_METHODS = ("DELETE", "GET", "HEAD", "PATCH", "POST", "PUT")  # that a rule can name, and that its ANY stands for


def needs(system: System, valets: Mapping[str, Valet]) -> dict[tuple[str, str], str]:
    """By the API's id and the route, such as `GET /orders`."""
    found = {}
    for api in system.apis:
        for route in api.routes:
            found[api.api_id, route.key] = _need(route.method, route.path, route.authorizer, valets)
    for rest in system.rest_apis:
        for each in rest.routes:
            found[rest.api_id, f"{each.method} {each.resource}"] = _need(
                each.method, each.resource, each.authorizer, valets
            )
    return found


def _need(method: str, path: str, authorizer: Any, valets: Mapping[str, Valet]) -> str:
    if authorizer is None:
        return "public"
    valet = valets.get(authorizer.function.logical_id)
    if valet is None:
        return f"authorizer {authorizer.name}"
    if valet.is_by_path:
        return "as Routes says for each path"
    rules = {valet.rules.get(f"{each} {path}") for each in (_METHODS if method == "ANY" else (method,))}
    return _in_words(rules.pop()) if len(rules) == 1 else "as Routes says for each method"


def _in_words(rule: Rule | None) -> str:
    if rule is None:
        return "answers 403: Routes does not name it"
    asked = [f"scope {' and '.join(sorted(rule.scopes))}"] if rule.scopes else []
    asked += [f"role {' or '.join(sorted(rule.roles))}"] if rule.roles else []
    asked += [f"{tool}: scope {' and '.join(sorted(scopes))}" for tool, scopes in rule.tools]
    return ", ".join(asked) or "any token for this API"
