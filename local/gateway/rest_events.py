"""REST API events and answers, payload format 1.0 (API Gateway Developer Guide, "Lambda proxy integrations")."""

from __future__ import annotations

import time
from collections.abc import Mapping
from typing import Any
from urllib.parse import parse_qsl

from local.aws.aws import ACCOUNT, REGION
from local.gateway.http_events import HttpRequest, HttpResponse, MalformedAnswer, response_of
from local.rest_api import RestApi, RestRoute


def token_event_of(request: HttpRequest, api: RestApi, path: str, token: str) -> dict[str, Any]:
    """The event of a TOKEN authorizer."""
    return {"type": "TOKEN", "authorizationToken": token, "methodArn": method_arn(request, api, path)}


def request_event_of(
    request: HttpRequest, api: RestApi, path: str, route: RestRoute, parameters: Mapping[str, str]
) -> dict[str, Any]:
    """The event of a REQUEST authorizer; it never sees the body."""
    event = {"type": "REQUEST", "methodArn": method_arn(request, api, path)}
    return {**event, **proxy_members(request, api.api_id, api.stage, path, route.resource, parameters)}


def event_of(
    request: HttpRequest,
    api: RestApi,
    path: str,
    route: RestRoute,
    parameters: Mapping[str, str],
    authorizer: Mapping[str, Any] | None,
) -> dict[str, Any]:
    """The event of a function with the proxy integration. The API has no binary media types, so the body is text."""
    event = proxy_members(request, api.api_id, api.stage, path, route.resource, parameters)
    if authorizer is not None:
        event["requestContext"]["authorizer"] = dict(authorizer)
    body = request.body.decode("utf-8", errors="replace") if request.body else None
    return {**event, "body": body, "isBase64Encoded": False}


def method_arn(request: HttpRequest, api: RestApi, path: str) -> str:
    """The ARN that a policy's Resource is compared with: it has the request's stage, method and path."""
    return f"arn:aws:execute-api:{REGION}:{ACCOUNT}:{api.api_id}/{api.stage}/{request.method}{path}"


def answer_of(answer: Any) -> HttpResponse:
    """The response that API Gateway makes of a function's answer; headers may have several values."""
    if not isinstance(answer, dict):
        raise MalformedAnswer("the answer is not an object")
    several = answer.get("multiValueHeaders") or {}
    if not all(isinstance(values, list) for values in several.values()):
        raise MalformedAnswer("each value of multiValueHeaders must be a list")
    single = {name: value for name, value in (answer.get("headers") or {}).items() if name not in several}
    response = response_of({**answer, "headers": single, "cookies": []})
    more = tuple((name.lower(), str(value)) for name, values in several.items() for value in values)
    return HttpResponse(response.status, (*response.headers, *more), response.body)


def proxy_members(
    request: HttpRequest, api_id: str, stage: str, path: str, resource: str, parameters: Mapping[str, str]
) -> dict[str, Any]:
    """All of a request in payload format 1.0 except its body."""
    headers = {_as_sent(name): value for name, value in request.headers.items()}
    pairs = parse_qsl(request.query, keep_blank_values=True, errors="replace")
    several: dict[str, list[str]] = {}
    for name, value in pairs:
        several.setdefault(name, []).append(value)
    return {
        "resource": resource,
        "path": path,
        "httpMethod": request.method,
        "headers": headers,
        "multiValueHeaders": {name: [value] for name, value in headers.items()},
        "queryStringParameters": dict(pairs) or None,
        "multiValueQueryStringParameters": several or None,
        "pathParameters": dict(parameters) or None,
        "stageVariables": None,
        "requestContext": {
            "accountId": ACCOUNT,
            "apiId": api_id,
            "domainName": f"{api_id}.execute-api.{REGION}.localhost",
            "httpMethod": request.method,
            "identity": {"sourceIp": request.source_ip, "userAgent": request.headers.get("user-agent")},
            "path": path if stage == "$default" else f"/{stage}{path}",
            "protocol": request.protocol,
            "requestId": request.request_id,
            "requestTimeEpoch": int(1000 * request.received_at),
            "requestTime": time.strftime("%d/%b/%Y:%H:%M:%S +0000", time.gmtime(request.received_at)),
            "resourceId": "local",
            "resourcePath": resource,
            "stage": stage,
        },
    }


def _as_sent(name: str) -> str:
    """The header's name with capitals, as most clients write it: a REST API passes names on unchanged."""
    return "-".join(part.capitalize() for part in name.split("-"))
