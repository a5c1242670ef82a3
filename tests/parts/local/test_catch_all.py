"""The local stack plays a catch-all route behind the real authorizer, which judges by path (MATCH=path)."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from local.gateway.rest_gateway import RestGateway
from tests.parts.authorizer.issuer import Stand
from tests.parts.local.small_system import ECHO, small_system

TEMPLATE = """\
Globals:
  Function: {Handler: app.handler, Timeout: 5}
Resources:
  Api:
    Type: AWS::Serverless::KIND
    Properties:
      MORE
      Auth:
        DefaultAuthorizer: Guard
        Authorizers: {Guard: {FunctionArn: !GetAtt GuardFunction.Arn, PAYLOAD}}
  GuardFunction: {Type: AWS::Serverless::Function, Properties: {CodeUri: functions/guard}}
  EchoFunction:
    Type: AWS::Serverless::Function
    Properties:
      CodeUri: functions/echo
      Events:
        All: {Type: EVENT, Properties: {ID: !Ref Api, Method: ANY, Path: '/{proxy+}'}}
"""
HTTP = {
    "KIND": "HttpApi",
    "EVENT": "HttpApi",
    "ID": "ApiId",
    "MORE": "Description: all",
    "PAYLOAD": "AuthorizerPayloadFormatVersion: '2.0', EnableSimpleResponses: false, "
    "Identity: {Headers: [Authorization]}",
}
REST = {
    "KIND": "Api",
    "EVENT": "Api",
    "ID": "RestApiId",
    "MORE": "StageName: v1",
    "PAYLOAD": "FunctionPayloadType: REQUEST, Identity: {Headers: [Authorization], ReauthorizeEvery: 0}",
}
GUARD = """\
decide = None

def handler(event, context):
    return decide(event)
"""
ROUTES = {
    "GET /items/{id}": {"scopes": ["items"]},
    "GET /admin": {"scopes": ["admin"]},
    "GET /{page}": {},
    "GET /files/{path+}": {},
}


@pytest.mark.parametrize(
    ("path", "http", "rest"),
    [
        ("/items/1", 200, 200),
        ("/items/1/", 200, 200),
        ("/items/J%C3%BCrgen", 200, 200),
        ("/files/a/b", 200, 200),
        ("/about", 200, 200),
        ("/admin", 403, 403),
        ("/admin/", 403, 403),
        ("/ADMIN", 403, 403),
        ("/files/..%2Fadmin", 403, 403),
        ("/files/%2e%2e/admin", 403, 403),
        ("/files//x", 403, 403),
        ("/admin;x", 403, 403),
        ("/admin%00", 403, 403),
        ("/%2561dmin", 403, 403),
        ("/other/x", 403, 403),
        # An HTTP API shows its authorizer and its function the same decoded path; a REST API shows both the escapes.
        ("/%61dmin", 403, 403),
        ("/files/a%2Fb", 200, 403),
    ],
)
def test_a_framework_behind_ANY_proxy_is_reached_by_what_ROUTES_names(
    path: str, http: int, rest: int, tmp_path: Path
) -> None:
    stand = Stand(routes=ROUTES, MATCH="path")
    headers = {"authorization": f"Bearer {stand.issuer.token()}"}
    for names, expected in ((HTTP, http), (REST, rest)):
        text = TEMPLATE
        for name, value in names.items():
            text = text.replace(name, value)
        folder = tmp_path / names["KIND"]
        folder.mkdir()
        small = small_system(folder, text, guard=GUARD, echo=ECHO)
        small.functions.module("GuardFunction").decide = stand.answer  # type: ignore[attr-defined]
        small.gateway._rest = (RestGateway(small.system.rest_apis, small.functions),)
        answer = small.send("GET", path if names is HTTP else f"/v1{path}", headers)
        assert answer.status == expected, (names["KIND"], answer.body)
        seen = small.functions.module("EchoFunction").events
        assert len(seen) == (expected == 200)
    assert all("reason" in line for line in stand.lines)
    assert headers["authorization"].removeprefix("Bearer ") not in json.dumps(stand.lines)
