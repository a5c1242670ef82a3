"""Lambda authorizers as an HTTP API calls them (API Gateway Developer Guide, "Lambda authorizers").

`authorize` answers a Decision. For a REST API's TOKEN and REQUEST authorizers, which have another event, cache default
and cache key, see rest_gateway.py.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import parse_qsl

from local.functions import FunctionFailed, FunctionTimedOut, Invoker
from local.gateway.http_events import HttpRequest, HttpResponse, authorizer_event_of, joined, message, route_arn
from local.gateway.http_events_1 import authorizer_event_of as authorizer_event_1_of
from local.gateway.policy import MalformedPolicy, allows
from local.system import Authorizer, Route

_LONGEST = 10.0  # seconds that an HTTP API waits for an authorizer

UNAUTHORIZED = message(401, "Unauthorized")
FORBIDDEN = message(403, "Forbidden")
FAILED = message(500, "Internal Server Error")


@dataclass(frozen=True)
class Decision:
    """Either a refusal, or the context that the function will see."""

    refusal: HttpResponse | None = None
    is_asked: bool = True  # whether the authorizer decided, now or in a cached answer
    context: Mapping[str, Any] = field(default_factory=dict)


class HttpApiAuthorizers:
    """Calls authorizers, and caches their answers for as long as the template says."""

    def __init__(self, functions: Invoker, clock: Callable[[], float] = time.monotonic) -> None:
        self._functions = functions
        self._clock = clock
        self._lock = threading.Lock()
        self._cache: dict[tuple[str, str, tuple[str, ...]], tuple[float, Any]] = {}

    def authorize(
        self, authorizer: Authorizer, request: HttpRequest, route: Route, api_id: str, parameters: Mapping[str, str]
    ) -> Decision:
        """Decide about the request. If an identity source is missing, refuse without calling the authorizer."""
        identity = identity_of(authorizer, request, route)
        if identity is None:
            return Decision(UNAUTHORIZED, is_asked=False)
        # The cache key has the identity, but no route unless an identity source names it.
        key = (api_id, authorizer.name, identity)
        answer = self._remembered(key)
        if answer is None:
            event_for = authorizer_event_of if authorizer.payload == "2.0" else authorizer_event_1_of
            event = event_for(request, route, api_id, parameters, identity)
            try:
                answer = self._functions.invoke(authorizer.function, event, _LONGEST)
            except FunctionFailed as failure:
                return Decision(UNAUTHORIZED if failure.error_message == "Unauthorized" else FAILED)
            except FunctionTimedOut:
                return Decision(FAILED)
            self._remember(key, answer, authorizer.result_ttl if identity else 0)
        return decision_of(answer, authorizer.simple_responses, route_arn(request, api_id))

    def forget(self) -> None:
        """Empties the cache."""
        with self._lock:
            self._cache.clear()

    def _remembered(self, key: tuple[str, str, tuple[str, ...]]) -> Any:
        with self._lock:
            expires_at, answer = self._cache.get(key, (0.0, None))
            return answer if self._clock() < expires_at else None

    def _remember(self, key: tuple[str, str, tuple[str, ...]], answer: Any, ttl: int) -> None:
        if ttl <= 0:
            return
        now = self._clock()
        with self._lock:
            self._cache = {each: entry for each, entry in self._cache.items() if now < entry[0]}
            self._cache[key] = (now + ttl, answer)


def decision_of(answer: Any, simple: bool, arn: str) -> Decision:
    """Reads an authorizer's answer, a policy or a simple response, for one route."""
    if not isinstance(answer, dict):
        return Decision(FAILED)
    context = answer.get("context") or {}
    if simple:
        allowed = answer.get("isAuthorized")
    else:
        try:
            allowed = allows(answer.get("policyDocument"), arn) if answer.get("principalId") else None
        except MalformedPolicy:
            return Decision(FAILED)
    if not isinstance(allowed, bool) or not isinstance(context, dict):
        return Decision(FAILED)
    return Decision(context=context) if allowed else Decision(FORBIDDEN)


def identity_of(authorizer: Authorizer, request: HttpRequest, route: Route) -> tuple[str, ...] | None:
    """The values of the identity sources; None if one is missing or empty."""
    query = joined(parse_qsl(request.query, keep_blank_values=True, errors="replace"))
    values = []
    for source in authorizer.identity_sources:
        kind, _, name = source.removeprefix("$").rpartition(".")
        if kind == "request.header":
            value = request.headers.get(name.lower(), "")
        elif kind == "request.querystring":
            value = query.get(name, "")
        else:
            value = {"routeKey": route.key, "path": request.path, "httpMethod": request.method}[name]
        if not value:
            return None
        values.append(value)
    return tuple(values)
