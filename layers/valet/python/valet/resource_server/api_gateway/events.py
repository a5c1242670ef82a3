"""The events that API Gateway and AppSync send to an authorizer, read into one question.

| shape          | known by                              | names its route as             |
| REST TOKEN     | type TOKEN                            | nothing: the ARN's path        |
| REST REQUEST   | type REQUEST, no version              | httpMethod and resource        |
| HTTP API 1.0   | type REQUEST, version 1.0             | httpMethod and resource        |
| HTTP API 2.0   | version 2.0 (policy or simple answer) | routeKey                       |
| WebSocket      | REQUEST, ARN ends in /$connect        | $connect                       |
| AppSync        | authorizationToken, no type           | Type.field, all at once        |

Behind a catch-all route, paths.py names the route instead (MATCH=path).
"""

import re
from collections.abc import Mapping
from typing import Any, NamedTuple

from valet.authorization import find_credentials
from valet.resource_server.api_gateway.routes import CONNECT, Routes
from valet.resource_server.outcomes import TokenRefused

Event = Mapping[str, Any]

REST_TOKEN, REST_REQUEST, HTTP_1, HTTP_2, WEBSOCKET, APPSYNC = range(6)

_ESCAPE = re.compile(r"%(?!2[Ff])([0-9A-Fa-f]{2})")  # an escaped slash ends no segment


class Asked(NamedTuple):
    """An event's question: may the sender of `authorization` call `route` at `arn`?

    `route` is a key of ROUTES, ANY resolved, or None where the event's route cannot be one.
    """

    shape: int
    authorization: str | None
    arn: str
    route: str | None


class UnknownEvent(Exception):
    """An event of no known shape: the API's developer has to look at how the authorizer is wired."""


def read(event: Event, routes: Routes) -> Asked:
    """The question that `event` asks. Raises UnknownEvent."""
    try:
        if event.get("version") == "2.0":
            return Asked(HTTP_2, _authorization(event), event["routeArn"], _route_of_key(event))
        kind = event.get("type")
        if kind == "REQUEST":
            return _read_request(event)
        if kind == "TOKEN":
            arn = event["methodArn"]
            method, _, path = arn.split("/", 2)[2].partition("/")
            route = _route_of_path(routes, method, f"/{path}")
            return Asked(REST_TOKEN, _text(event.get("authorizationToken")), arn, route)
        if kind is None and "authorizationToken" in event and "apiId" in event["requestContext"]:
            return Asked(APPSYNC, _appsync_authorization(event["authorizationToken"]), "", None)
    except (KeyError, IndexError, TypeError, AttributeError) as error:
        raise UnknownEvent(f"an authorizer event that lacks {error}") from None
    raise UnknownEvent("not an event of an authorizer")


def _read_request(event: Event) -> Asked:
    arn = event["methodArn"]
    # A REST API's path may end in /$connect as well; a WebSocket event names no method.
    if arn.endswith("/" + CONNECT) and "httpMethod" not in event:
        return Asked(WEBSOCKET, _authorization(event), arn, CONNECT)
    shape = HTTP_1 if event.get("version") == "1.0" else REST_REQUEST
    return Asked(shape, _authorization(event), arn, f"{event['httpMethod']} {event['resource']}")


def _route_of_key(event: Event) -> str | None:
    key = event["routeKey"]
    if key.startswith("ANY "):
        return f"{event['requestContext']['http']['method']}{key[3:]}"
    return str(key)


def _route_of_path(routes: Routes, method: str, path: str) -> str | None:
    route = routes.route_of(method, path)
    # Whether the gateway reads escapes before it chooses is nowhere written. Where that matters, nobody can tell.
    if "%" in path and routes.route_of(method, _ESCAPE.sub(lambda found: chr(int(found[1], 16)), path)) != route:
        return None
    return route


def _authorization(event: Event) -> str | None:
    """The one Authorization header. Payload 2.0 joins repeated ones by commas, which no token holds."""
    values = header_values(event, "authorization")
    return _text(values[0]) if len(values) == 1 else None


def _appsync_authorization(value: object) -> str | None:
    """AppSync's clients send the token with or without a scheme: there, one word alone is a token."""
    return f"Bearer {value}" if isinstance(value, str) and " " not in value else _text(value)


def header_values(event: Event, wanted: str) -> list[object]:
    """All values of the header `wanted`, given in lower case."""
    length = len(wanted)
    values: list[object] = []
    repeated = event.get("multiValueHeaders")
    if repeated:
        for name, each in repeated.items():
            if len(name) == length and name.lower() == wanted:
                values += each
    else:
        for name, value in (event.get("headers") or {}).items():
            if len(name) == length and name.lower() == wanted:
                values.append(value)
    return values


def _text(value: object) -> str | None:
    return value if isinstance(value, str) else None


def presented_token(authorization: str | None) -> tuple[str, bool]:
    """The token of `Bearer <token>` (RFC 6750 §2.1) or `DPoP <token>` (RFC 9449 §7.1), and whether the scheme is DPoP.

    Raises TokenRefused.
    """
    if authorization is None:
        raise TokenRefused("not one Authorization header")
    token = find_credentials(authorization, "bearer")
    if token is not None:
        return token, False
    token = find_credentials(authorization, "dpop")
    if token is not None:
        return token, True
    raise TokenRefused("neither Bearer nor DPoP")
