"""HTTP API events, payload format 1.0: a REST API's members, with the body as format 2.0 has it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from local.gateway.http_events import STAGE, HttpRequest, body_members, route_arn
from local.gateway.rest_events import proxy_members
from local.system import Route


def event_of(request: HttpRequest, route: Route, api_id: str, parameters: Mapping[str, str]) -> dict[str, Any]:
    """The event that a function with payload format 1.0 is called with."""
    return {"body": None, **_members(request, route, api_id, parameters), **body_members(request)}


def authorizer_event_of(
    request: HttpRequest, route: Route, api_id: str, parameters: Mapping[str, str], identity: Iterable[str]
) -> dict[str, Any]:
    """The event that a Lambda authorizer with payload format 1.0 is called with; it never sees the body."""
    source = ",".join(identity)
    return {
        **_members(request, route, api_id, parameters),
        "type": "REQUEST",
        "methodArn": route_arn(request, api_id),
        "identitySource": source,
        "authorizationToken": source,
    }


def _members(request: HttpRequest, route: Route, api_id: str, parameters: Mapping[str, str]) -> dict[str, Any]:
    return {"version": "1.0", **proxy_members(request, api_id, STAGE, request.path, route.path, parameters)}
