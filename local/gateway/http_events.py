"""HTTP API events and answers, payload format 2.0 (API Gateway Developer Guide, "Lambda proxy integrations")."""

from __future__ import annotations

import base64
import binascii
import json
import re
import time
import uuid
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import parse_qsl, unquote, urlsplit

from local.aws.aws import ACCOUNT, REGION
from local.system import Route

STAGE = "$default"

# Media types whose bodies arrive as text; all others, forms and a missing type among them, arrive in base64.
_TEXT = re.compile(r"text/.*|application/(.*\+)?(json|xml)|application/javascript", re.IGNORECASE)
_HOP_BY_HOP = frozenset({"connection", "keep-alive", "te", "trailer", "transfer-encoding", "upgrade"})
_REWRITTEN = re.compile(r"x-forwarded-.*|forwarded|x-amzn-trace-id", re.IGNORECASE)


class MalformedAnswer(Exception):
    """The function's answer is one that API Gateway turns into a 500."""


@dataclass(frozen=True)
class HttpRequest:
    """A request as the gateway sees it: names lower-cased, the path decoded, the query as it came."""

    method: str
    target: str
    headers: Mapping[str, str]
    body: bytes
    source_ip: str
    protocol: str = "HTTP/1.1"
    request_id: str = field(default_factory=lambda: uuid.uuid4().hex[:16])
    received_at: float = field(default_factory=time.time)

    @property
    def path(self) -> str:
        """The decoded path, as in rawPath: despite that name, HTTP APIs decode it."""
        path = self.target.split("?", 1)[0] if self.target.startswith("/") else urlsplit(self.target).path
        return unquote(path, errors="replace") or "/"

    @property
    def query(self) -> str:
        return self.target.partition("?")[2].partition("#")[0]

    @property
    def head_size(self) -> int:
        """Bytes of the request line and the headers."""
        line = len(self.method) + len(self.target) + len(self.protocol) + 4
        return line + sum(len(name) + len(value) + 4 for name, value in self.headers.items())


@dataclass(frozen=True)
class HttpResponse:
    """The response that the gateway sends to the client."""

    status: int
    headers: tuple[tuple[str, str], ...]
    body: bytes


def request_from_environ(environ: Mapping[str, Any]) -> HttpRequest:
    """The request of a WSGI environ. The server has already joined repeated headers with commas and read the body."""
    headers = {
        name.removeprefix("HTTP_").replace("_", "-").lower(): str(value)
        for name, value in environ.items()
        if name.startswith("HTTP_") or (name in ("CONTENT_TYPE", "CONTENT_LENGTH") and value)
    }
    return HttpRequest(
        method=environ["REQUEST_METHOD"],
        target=environ["REQUEST_URI"],
        headers=headers,
        body=environ["wsgi.input"].read(),
        source_ip=environ["REMOTE_ADDR"],
        protocol=environ["SERVER_PROTOCOL"],
    )


def event_of(request: HttpRequest, route: Route, api_id: str, path_parameters: Mapping[str, str]) -> dict[str, Any]:
    """The event that a function with payload format 2.0 is called with."""
    return {**_shared_members(request, route, api_id, path_parameters), **body_members(request)}


def body_members(request: HttpRequest) -> dict[str, Any]:
    """The body, if there is one, and whether it is in base64."""
    if not request.body:
        return {"isBase64Encoded": False}
    text = _TEXT.fullmatch(request.headers.get("content-type", "").split(";")[0].strip())
    body = request.body.decode(errors="replace") if text else base64.b64encode(request.body).decode()
    return {"body": body, "isBase64Encoded": not text}


def authorizer_event_of(
    request: HttpRequest, route: Route, api_id: str, path_parameters: Mapping[str, str], identity: Iterable[str]
) -> dict[str, Any]:
    """The event that a Lambda authorizer with payload format 2.0 is called with; it never sees the body."""
    return {
        **_shared_members(request, route, api_id, path_parameters),
        "type": "REQUEST",
        "routeArn": route_arn(request, api_id),
        "identitySource": list(identity),
    }


def route_arn(request: HttpRequest, api_id: str) -> str:
    """The ARN that a policy's Resource is compared with: it has the request's method and path, not the route's."""
    return f"arn:aws:execute-api:{REGION}:{ACCOUNT}:{api_id}/{STAGE}/{request.method}{request.path}"


def _shared_members(
    request: HttpRequest, route: Route, api_id: str, path_parameters: Mapping[str, str]
) -> dict[str, Any]:
    headers = {
        name: value
        for name, value in request.headers.items()
        if name != "cookie" and name not in _HOP_BY_HOP and not _REWRITTEN.fullmatch(name)
    }
    headers |= {"x-forwarded-for": request.source_ip, "x-forwarded-proto": "http"}
    event: dict[str, Any] = {
        "version": "2.0",
        "routeKey": route.key,
        "rawPath": request.path,
        "rawQueryString": request.query,
        "headers": headers,
        "requestContext": _request_context(request, route, api_id),
    }
    if cookies := [cookie.strip() for cookie in request.headers.get("cookie", "").split(";") if cookie.strip()]:
        event["cookies"] = cookies
    if query := joined(parse_qsl(request.query, keep_blank_values=True, errors="replace")):
        event["queryStringParameters"] = query
    if path_parameters:
        event["pathParameters"] = dict(path_parameters)
    return event


def _request_context(request: HttpRequest, route: Route, api_id: str) -> dict[str, Any]:
    return {
        "accountId": ACCOUNT,
        "apiId": api_id,
        # This is never the Host header or a real host: the local stack's issuer comes from ISSUER_URL.
        "domainName": f"{api_id}.execute-api.{REGION}.localhost",
        "domainPrefix": api_id,
        "http": {
            "method": request.method,
            "path": request.path,
            "protocol": request.protocol,
            "sourceIp": request.source_ip,
            "userAgent": request.headers.get("user-agent", ""),
        },
        "requestId": request.request_id,
        "routeKey": route.key,
        "stage": STAGE,
        "time": time.strftime("%d/%b/%Y:%H:%M:%S +0000", time.gmtime(request.received_at)),
        "timeEpoch": int(1000 * request.received_at),
    }


def joined(pairs: Iterable[tuple[str, str]]) -> dict[str, str]:
    """The pairs by name. If a name is repeated, its values are joined with commas."""
    values: dict[str, str] = {}
    for name, value in pairs:
        values[name] = f"{values[name]},{value}" if name in values else value
    return values


def response_of(answer: Any) -> HttpResponse:
    """The response that API Gateway makes of a function's answer."""
    # API Gateway would send an answer without statusCode as the body of a 200 (`inferred`). None of ours intends that.
    status = answer.get("statusCode") if isinstance(answer, dict) else None
    if isinstance(status, bool) or not isinstance(status, int) or not 200 <= status <= 599:
        raise MalformedAnswer(f"statusCode is {status!r}, not a number from 200 to 599")
    headers = [(name, _header_value(name, value)) for name, value in (answer.get("headers") or {}).items()]
    cookies = answer.get("cookies") or []
    if not isinstance(cookies, list) or not all(isinstance(cookie, str) for cookie in cookies):
        raise MalformedAnswer("cookies is not a list of strings")
    headers += [("set-cookie", _header_value("set-cookie", cookie)) for cookie in cookies]
    return HttpResponse(status, tuple((name.lower(), value) for name, value in headers), _body(answer))


def inferred(answer: Any) -> Any:
    """An answer without statusCode is the body of a 200 (payload format 2.0)."""
    if isinstance(answer, dict) and "statusCode" in answer:
        return answer
    body = answer if isinstance(answer, str) else json.dumps(answer)
    return {"statusCode": 200, "headers": {"content-type": "application/json"}, "body": body}


def _header_value(name: str, value: Any) -> str:
    if not isinstance(value, str):
        raise MalformedAnswer(f"header {name} is {type(value).__name__}, but format 2.0 takes one string")
    if not (name + value).isprintable() or not name.isascii():
        raise MalformedAnswer(f"header {name} contains a control character, or its name is not ASCII")
    return value


def _body(answer: Mapping[str, Any]) -> bytes:
    body = answer.get("body") or ""
    if not isinstance(body, str):
        raise MalformedAnswer(f"body is {type(body).__name__}, not a string")
    if not answer.get("isBase64Encoded", False):
        return body.encode()
    try:
        return base64.b64decode(body, validate=True)
    except (binascii.Error, ValueError):
        raise MalformedAnswer("isBase64Encoded is true, but body is not base64") from None


def message(status: int, text: str) -> HttpResponse:
    """An answer that the gateway gives by itself."""
    return HttpResponse(status, (("content-type", "application/json"),), f'{{"message":"{text}"}}'.encode())
