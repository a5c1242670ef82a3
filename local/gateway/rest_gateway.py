"""REST APIs below their stages, answering as API Gateway does ("Gateway responses", "Lambda authorizers")."""

from __future__ import annotations

import json
import re
import sys
import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any
from urllib.parse import parse_qs, unquote

from local.functions import EventTooLarge, FunctionFailed, FunctionTimedOut, Invoker
from local.gateway.http_events import HttpRequest, HttpResponse, MalformedAnswer
from local.gateway.policy import MalformedPolicy, allows
from local.gateway.rest_events import answer_of, event_of, method_arn, request_event_of, token_event_of
from local.rest_api import DEFAULTS, RestApi, RestAuthorizer, RestRoute

_LONGEST_INTEGRATION = 29.0  # seconds
_MESSAGES = {
    "ACCESS_DENIED": "User is not authorized to access this resource",
    "INTEGRATION_FAILURE": "Internal server error",
    "INTEGRATION_TIMEOUT": "Endpoint request timed out",
    "MISSING_AUTHENTICATION_TOKEN": "Missing Authentication Token",
    "REQUEST_TOO_LARGE": "Request Too Long",
    "UNAUTHORIZED": "Unauthorized",
}
_KEPT = "www-authenticate"
_PARAMETER = re.compile(r"(\{[^}]+\})")
_VARIABLE = re.compile(r"\$context\.([A-Za-z]+(?:\.[A-Za-z_]+)*)")


class _Refused(Exception):
    """The gateway answers by itself. Holds the kind of its response, the authorizer or function that was asked, and the
    authorizer's context if there is one.
    """

    def __init__(self, kind: str, asked: str | None = None, context: Mapping[str, str] | None = None) -> None:
        super().__init__(kind)
        self.kind, self.asked, self.context = kind, asked, context or {}


class RestGateway:
    """All REST APIs of a system, each below the path of its stage."""

    def __init__(
        self, apis: tuple[RestApi, ...], functions: Invoker, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._apis, self._functions, self._clock = apis, functions, clock
        self._lock = threading.Lock()
        self._kept: dict[tuple[str, str, tuple[str, ...]], tuple[float, Any]] = {}

    def answer(self, request: HttpRequest) -> tuple[HttpResponse, str | None] | None:
        """The response and the function that gave it; None if the path is below no stage."""
        path = request.target.partition("?")[0]
        for api in self._apis:
            if path == f"/{api.stage}" or path.startswith(f"/{api.stage}/"):
                try:
                    return self._answer(request, api, path.removeprefix(f"/{api.stage}") or "/")
                except _Refused as refused:
                    return _response(refused, request, api), refused.asked
        return None

    def _answer(self, request: HttpRequest, api: RestApi, path: str) -> tuple[HttpResponse, str]:
        found = _route(api, request.method, path)
        if found is None:
            raise _Refused("MISSING_AUTHENTICATION_TOKEN")
        route, parameters = found
        context = None
        if route.authorizer is not None:
            context = self._authorized(request, api, path, route, route.authorizer, parameters)
        if route.answer is not None:
            return HttpResponse(*route.answer), "API Gateway"
        event = event_of(request, api, path, route, parameters, context)
        try:
            answer = self._functions.invoke(route.function, event, min(route.function.timeout, _LONGEST_INTEGRATION))
            return _remapped(answer_of(answer)), route.function.logical_id
        except EventTooLarge:
            raise _Refused("REQUEST_TOO_LARGE", route.function.logical_id) from None
        except FunctionTimedOut:
            raise _Refused("INTEGRATION_TIMEOUT", route.function.logical_id) from None
        except FunctionFailed:
            raise _Refused("INTEGRATION_FAILURE", route.function.logical_id) from None
        except MalformedAnswer as malformed:
            print(f"{route.function.logical_id}: {malformed}", file=sys.stderr)
            raise _Refused("INTEGRATION_FAILURE", route.function.logical_id) from None

    def _authorized(
        self,
        request: HttpRequest,
        api: RestApi,
        path: str,
        route: RestRoute,
        authorizer: RestAuthorizer,
        parameters: Mapping[str, str],
    ) -> Mapping[str, Any]:
        """The context that the function sees. Raises _Refused."""
        identity = _identity(request, route, authorizer)
        if identity is None:
            raise _Refused("UNAUTHORIZED")
        # If nothing is cached, a REQUEST authorizer is called even when its identity sources are missing.
        key = (api.api_id, authorizer.name, identity)
        answer = self._remembered(key)
        if answer is None:
            if authorizer.kind == "TOKEN":
                event = token_event_of(request, api, path, identity[0])
            else:
                event = request_event_of(request, api, path, route, parameters)
            answer = self._asked(authorizer, event)
            self._remember(key, answer, authorizer.result_ttl)
        return _weighed(answer, method_arn(request, api, path), authorizer.function.logical_id)

    def _asked(self, authorizer: RestAuthorizer, event: Mapping[str, Any]) -> Any:
        try:
            return self._functions.invoke(authorizer.function, event)
        except FunctionFailed as failure:
            kind = "UNAUTHORIZED" if failure.error_message == "Unauthorized" else "AUTHORIZER_FAILURE"
            raise _Refused(kind, authorizer.function.logical_id) from None
        except FunctionTimedOut:
            raise _Refused("AUTHORIZER_FAILURE", authorizer.function.logical_id) from None

    def forget(self) -> None:
        """Empties the cache."""
        with self._lock:
            self._kept.clear()

    def stop(self) -> None:
        """Nothing is to be ended: the functions run in this process."""

    def _remembered(self, key: tuple[str, str, tuple[str, ...]]) -> Any:
        with self._lock:
            expires_at, answer = self._kept.get(key, (0.0, None))
            return answer if self._clock() < expires_at else None

    def _remember(self, key: tuple[str, str, tuple[str, ...]], answer: Any, ttl: int) -> None:
        if ttl > 0:
            with self._lock:
                self._kept[key] = (self._clock() + ttl, answer)


def _remapped(response: HttpResponse) -> HttpResponse:
    """The function's answer as its sender's client gets it: API Gateway keeps the name WWW-Authenticate for itself."""
    if not any(name == _KEPT for name, _ in response.headers):
        return response
    headers = tuple((f"x-amzn-remapped-{name}" if name == _KEPT else name, value) for name, value in response.headers)
    return replace(response, headers=headers)


def _identity(request: HttpRequest, route: RestRoute, authorizer: RestAuthorizer) -> tuple[str, ...] | None:
    """The values of the identity sources; None if the gateway refuses without calling the authorizer."""
    query = parse_qs(request.query, keep_blank_values=True)
    context = {"path": request.path, "httpMethod": request.method, "resourcePath": route.resource}
    values = []
    for kind, name in authorizer.identity_sources:
        if kind == "header":
            value = request.headers.get(name.lower(), "")
        else:
            value = query.get(name, [""])[0] if kind == "querystring" else context.get(name, "")
        if not value and (authorizer.kind == "TOKEN" or authorizer.result_ttl):
            return None
        values.append(value)
    if authorizer.validation and not re.fullmatch(authorizer.validation, values[0]):
        return None
    return tuple(values)


def _weighed(answer: Any, arn: str, authorizer: str) -> Mapping[str, Any]:
    """Apply the authorizer's policy to one method and return the context. Raises _Refused, with that context."""
    context = answer.get("context") or {} if isinstance(answer, dict) else None
    if not isinstance(context, dict) or not all(
        isinstance(each, str | int | float | bool) for each in context.values()
    ):
        raise _Refused("AUTHORIZER_CONFIGURATION_ERROR", authorizer)
    try:
        is_allowed = allows(answer.get("policyDocument"), arn) if answer.get("principalId") else None
    except MalformedPolicy:
        is_allowed = None
    if is_allowed is None:
        raise _Refused("AUTHORIZER_CONFIGURATION_ERROR", authorizer)
    told = {name: each if isinstance(each, str) else json.dumps(each) for name, each in context.items()}
    if not is_allowed:
        raise _Refused("ACCESS_DENIED", authorizer, told)
    return {"principalId": answer["principalId"], "integrationLatency": 0, **told}


def _response(refused: _Refused, request: HttpRequest, api: RestApi) -> HttpResponse:
    """The gateway response of that kind, with its variables replaced in headers and body."""
    chosen = api.responses.get(refused.kind, DEFAULTS[refused.kind])
    message = _MESSAGES.get(refused.kind)
    values: dict[str, str | None] = {
        "error.message": message,
        "error.messageString": json.dumps(message),
        "error.responseType": refused.kind,
        "requestId": request.request_id,
        **{f"authorizer.{name}": value for name, value in refused.context.items()},
    }
    headers = [("content-type", "application/json")]
    for name, source in chosen.headers.items():
        value = _header_value(source, values, request)
        if value:  # a variable without a value makes no header
            headers.append((name.lower(), value))
    body = _VARIABLE.sub(lambda match: values.get(match[1]) or "", chosen.body)
    return HttpResponse(chosen.status, tuple(headers), body.encode())


def _header_value(source: str, values: Mapping[str, str | None], request: HttpRequest) -> str | None:
    if source.startswith("'"):
        return source[1:-1]
    if source.startswith("context."):
        return values.get(source.removeprefix("context."))
    return request.headers.get(source.rpartition(".")[2].lower())


def _route(api: RestApi, method: str, path: str) -> tuple[RestRoute, dict[str, str]] | None:
    """Choose the resource (a literal segment before `{x}` before `{x+}`), then its route by method or ANY."""
    best: tuple[tuple[int, ...], str, dict[str, str]] | None = None
    for resource in {route.resource for route in api.routes}:
        parameters = _matched(resource, path)
        if parameters is not None:
            segments = resource.split("/")
            rank = tuple(2 if each.endswith("+}") else 1 if each.startswith("{") else 0 for each in segments)
            if best is None or rank < best[0]:
                best = (rank, resource, parameters)
    if best is None:
        return None
    methods = {route.method: route for route in api.routes if route.resource == best[1]}
    route = methods.get(method) or methods.get("ANY")
    return (route, best[2]) if route else None


def _matched(resource: str, path: str) -> dict[str, str] | None:
    parts = _PARAMETER.split(resource)  # literal, parameter, literal, …
    pattern = "".join(
        re.escape(part) if number % 2 == 0 else "(.+)" if part.endswith("+}") else "([^/]+)"
        for number, part in enumerate(parts)
    )
    found = re.fullmatch(pattern, path.removesuffix("/") or "/")
    if found is None:
        return None
    return {name.strip("{}+"): unquote(value) for name, value in zip(parts[1::2], found.groups(), strict=True)}
