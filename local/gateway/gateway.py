"""The front door: HTTP APIs on one origin, answering as API Gateway does (AWS quotas and notes for HTTP APIs)."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, replace
from http import HTTPStatus
from typing import Any, Protocol

from werkzeug.exceptions import HTTPException
from werkzeug.routing import Map, Rule

from local.cors import Cors
from local.functions import EventTooLarge, FunctionFailed, FunctionTimedOut, Invoker
from local.gateway.authorizers import HttpApiAuthorizers
from local.gateway.http_events import (
    HttpRequest,
    HttpResponse,
    MalformedAnswer,
    event_of,
    inferred,
    message,
    request_from_environ,
    response_of,
)
from local.gateway.http_events_1 import event_of as event_1_of
from local.gateway.rest_events import answer_of
from local.system import Api, Route, System

MAX_HEAD = 10_240  # bytes of request line and headers
MAX_BODY = 10 * 1024 * 1024

NOT_FOUND = message(404, "Not Found")
TOO_LARGE = message(413, "Request Entity Too Large")
HEAD_TOO_LARGE = message(431, "Request Header Fields Too Large")
FAILED = message(500, "Internal Server Error")
TIMED_OUT = message(503, "Service Unavailable")


@dataclass(frozen=True)
class Served:
    """One request and its outcome, for the access log."""

    request: HttpRequest
    response: HttpResponse
    function: str | None
    seconds: float


@dataclass(frozen=True)
class _Match:
    api: Api
    route: Route
    parameters: Mapping[str, str]


class Stack(Protocol):
    """REST APIs on the same origin, each below its stage."""

    def answer(self, request: HttpRequest) -> tuple[HttpResponse, str | None] | None:
        """The response and the function that gave it; None if the path is below no stage."""


class Gateway:
    """A WSGI application for all APIs of a system."""

    def __init__(
        self,
        system: System,
        functions: Invoker,
        authorizers: HttpApiAuthorizers,
        fallback: Callable[[HttpRequest], HttpResponse | None] = lambda request: None,
        on_served: Callable[[Served], None] = lambda served: None,
        rest: tuple[Stack, ...] = (),
        infers: bool = False,
    ) -> None:
        """`infers`: an answer without statusCode is the body of a 200, and not a mistake."""
        self._functions = functions
        self._authorizers = authorizers
        self._routers = [(api, _router(api)) for api in system.apis]
        self._fallback = fallback
        self._on_served = on_served
        self._rest = rest
        self._infers = infers

    def __call__(self, environ: Mapping[str, Any], start_response: Any) -> Iterable[bytes]:
        started = time.monotonic()
        request = request_from_environ(environ)
        response, function = self.answer(request)
        self._on_served(Served(request, response, function, time.monotonic() - started))
        own = ((name, value) for name, value in response.headers if name != "content-length")  # the gateway counts
        headers = [*own, ("content-length", str(len(response.body)))]
        start_response(_status_line(response.status), [(name, _on_the_wire(value)) for name, value in headers])
        without_body = request.method == "HEAD" or response.status in (HTTPStatus.NO_CONTENT, HTTPStatus.NOT_MODIFIED)
        return [] if without_body else [response.body]

    def answer(self, request: HttpRequest) -> tuple[HttpResponse, str | None]:
        """The response, and the function that gave it; None if the gateway answered by itself."""
        if request.head_size > MAX_HEAD:
            return HEAD_TOO_LARGE, None
        if len(request.body) > MAX_BODY:
            return TOO_LARGE, None
        cors, origin = self._cors, request.headers.get("origin", "")
        if cors and origin and request.method == "OPTIONS" and "access-control-request-method" in request.headers:
            return HttpResponse(204, cors.preflight(origin), b""), None
        response, function = self._routed(request)
        return (replace(response, headers=cors.on_answer(response.headers, origin)) if cors else response), function

    @property
    def _cors(self) -> Cors | None:
        """Of the one API that has a configuration: such an API has an origin of its own."""
        return next((api.cors for api, _ in self._routers if api.cors), None)

    def _routed(self, request: HttpRequest) -> tuple[HttpResponse, str | None]:
        match = self._match(request)
        if match is None:
            found = next((answer for each in self._rest if (answer := each.answer(request))), None)
            return found or (self._fallback(request) or NOT_FOUND, None)
        context: Mapping[str, Any] | None = None
        if match.route.authorizer is not None:
            decision = self._authorizers.authorize(
                match.route.authorizer, request, match.route, match.api.api_id, match.parameters
            )
            if decision.refusal is not None:
                return decision.refusal, match.route.authorizer.function.shown_as if decision.is_asked else None
            context = decision.context
        return self._integrate(request, match, context), match.route.function.shown_as

    def _integrate(self, request: HttpRequest, match: _Match, context: Mapping[str, Any] | None) -> HttpResponse:
        is_2 = match.route.payload == "2.0"
        event = (event_of if is_2 else event_1_of)(request, match.route, match.api.api_id, match.parameters)
        if context is not None:
            event["requestContext"]["authorizer"] = {"lambda": dict(context)} if is_2 else dict(context)
        try:
            answer = self._functions.invoke(match.route.function, event, match.route.timeout)
            if not is_2:
                return answer_of(answer)
            return response_of(inferred(answer) if self._infers else answer)
        except EventTooLarge:
            return TOO_LARGE
        except FunctionTimedOut:
            return TIMED_OUT
        except FunctionFailed:
            return FAILED
        except MalformedAnswer as malformed:
            print(f"{match.route.function.logical_id}: {malformed}", file=sys.stderr)
            return FAILED

    def _match(self, request: HttpRequest) -> _Match | None:
        if not request.path.startswith("/") or request.path.startswith("//"):  # werkzeug would correct these
            return None
        for api, router in self._routers:
            try:
                route, parameters = router.bind("localhost").match(request.path, method=request.method)
            except HTTPException:  # the gateway answers an unknown path and an unknown method alike
                continue
            return _Match(api, route, parameters)
        for api, _ in self._routers:
            for route in api.routes:
                if route.path == "$default":
                    return _Match(api, route, {})
        return None


def _router(api: Api) -> Map:
    """The routes by precedence: a literal segment before `{x}` before `{x+}`, and a named method before ANY."""
    # As at API Gateway, /token/ reaches /token, and two slashes in a row are not merged.
    router = Map(strict_slashes=False, merge_slashes=False)
    for route in sorted(api.routes, key=lambda each: each.method == "ANY"):
        if route.path == "$default":
            continue
        rule = Rule(_werkzeug_path(route.path), endpoint=route, methods=None)
        if route.method != "ANY":
            rule.methods = {route.method}  # set afterwards: the constructor would add HEAD to GET
        router.add(rule)
    return router


def _werkzeug_path(path: str) -> str:
    segments = []
    for segment in path.split("/"):
        if segment.startswith("{") and segment.endswith("+}"):
            segments.append(f"<path:{segment[1:-2]}>")
        elif segment.startswith("{") and segment.endswith("}"):
            segments.append(f"<{segment[1:-1]}>")
        else:
            segments.append(segment)
    return "/".join(segments)


def _status_line(status: int) -> str:
    try:
        return f"{status} {HTTPStatus(status).phrase}"
    except ValueError:
        return f"{status} Unknown"


def _on_the_wire(value: str) -> str:
    """The value as WSGI wants it: each character stands for one byte of the UTF-8 encoding (PEP 3333)."""
    return value.encode().decode("latin-1")
