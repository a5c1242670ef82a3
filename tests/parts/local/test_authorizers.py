"""Lambda authorizers are called, believed and remembered as an HTTP API does it."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from local.template import TemplateError
from tests.parts.local.small_system import ECHO, SmallSystem, small_system

TEMPLATE = """\
Globals:
  Function: {Handler: app.handler, Timeout: 5}
Resources:
  Api:
    Type: AWS::Serverless::HttpApi
    Properties:
      Auth:
        DefaultAuthorizer: Guard
        Authorizers:
          Guard:
            FunctionArn: !GetAtt GuardFunction.Arn
            AuthorizerPayloadFormatVersion: '2.0'
            EnableSimpleResponses: false
            Identity: {Headers: [Authorization], ReauthorizeEvery: 0}
  GuardFunction: {Type: AWS::Serverless::Function, Properties: {CodeUri: functions/guard}}
  EchoFunction:
    Type: AWS::Serverless::Function
    Properties:
      CodeUri: functions/echo
      Events:
        One: {Type: HttpApi, Properties: {ApiId: !Ref Api, Method: GET, Path: '/one/{id}'}}
        Two: {Type: HttpApi, Properties: {ApiId: !Ref Api, Method: GET, Path: /two}}
        Open: {Type: HttpApi, Properties: {ApiId: !Ref Api, Method: GET, Path: /open, Auth: {Authorizer: NONE}}}
"""

GUARD = """\
events = []
answer = None

def handler(event, context):
    events.append(event)
    if isinstance(answer, str):
        raise Exception(answer)
    return answer
"""

ARN = "arn:aws:execute-api:us-east-1:123456789012:local-api/$default/GET"
TOKEN = {"authorization": "Bearer a"}


def policy(effect: str = "Allow", resource: Any = "*", **context: Any) -> dict[str, Any]:
    statement = {"Effect": effect, "Action": "execute-api:Invoke", "Resource": resource}
    return {"principalId": "john", "policyDocument": {"Statement": [statement]}, "context": context}


def guarded(folder: Path, answer: Any, simple: bool = False, ttl: int = 0, identity: str = "") -> SmallSystem:
    template = TEMPLATE.replace("EnableSimpleResponses: false", f"EnableSimpleResponses: {str(simple).lower()}")
    template = template.replace("ReauthorizeEvery: 0", f"ReauthorizeEvery: {ttl}{identity}")
    small = small_system(folder, template, guard=GUARD, echo=ECHO)
    small.functions.module("GuardFunction").answer = answer  # type: ignore[attr-defined]
    return small


def calls(small: SmallSystem) -> list[Any]:
    return list(small.functions.module("GuardFunction").events)


@pytest.mark.parametrize("headers", [{}, {"authorization": ""}])
def test_without_the_identity_source_it_is_401_and_nobody_is_called(headers: dict[str, str], tmp_path: Path) -> None:
    small = guarded(tmp_path, policy())
    response = small.send("GET", "/two", headers)
    assert (response.status, response.body) == (401, b'{"message":"Unauthorized"}')
    assert calls(small) == []
    assert small.functions.module("EchoFunction").events == []


def test_the_authorizers_event_has_the_members_of_payload_format_2_0(tmp_path: Path) -> None:
    small = guarded(tmp_path, policy())
    small.event("GET", "/one/1%202?x=y", {**TOKEN, "cookie": "a=1"})
    (event,) = calls(small)
    assert event["version"] == "2.0"
    assert event["type"] == "REQUEST"
    assert event["routeArn"] == f"{ARN}/one/1 2"
    assert event["identitySource"] == ["Bearer a"]
    assert event["routeKey"] == "GET /one/{id}"
    assert event["rawPath"] == "/one/1 2"
    assert event["rawQueryString"] == "x=y"
    assert event["pathParameters"] == {"id": "1 2"}
    assert event["cookies"] == ["a=1"]
    assert event["headers"]["authorization"] == "Bearer a"
    assert event["requestContext"]["http"]["method"] == "GET"
    assert "body" not in event


def test_an_allowed_function_sees_the_context(tmp_path: Path) -> None:
    small = guarded(tmp_path, policy(sub="john", scope="a b"))
    event = small.event("GET", "/two", TOKEN)
    assert event["requestContext"]["authorizer"] == {"lambda": {"sub": "john", "scope": "a b"}}


@pytest.mark.parametrize(
    ("answer", "status", "message"),
    [
        (policy("Deny"), 403, b'{"message":"Forbidden"}'),
        (policy("Allow", f"{ARN}/one/*"), 403, b'{"message":"Forbidden"}'),
        ("Unauthorized", 401, b'{"message":"Unauthorized"}'),
        ("unauthorized", 500, b'{"message":"Internal Server Error"}'),
        ("Unauthorized.", 500, b'{"message":"Internal Server Error"}'),
        ("the issuer is down", 500, b'{"message":"Internal Server Error"}'),
        (None, 500, b'{"message":"Internal Server Error"}'),
        ({"isAuthorized": True}, 500, b'{"message":"Internal Server Error"}'),
        ({"policyDocument": policy()["policyDocument"]}, 500, b'{"message":"Internal Server Error"}'),
        ({**policy(), "context": "text"}, 500, b'{"message":"Internal Server Error"}'),
        ({"principalId": "john"}, 500, b'{"message":"Internal Server Error"}'),
    ],
)
def test_what_is_not_allowed_never_reaches_the_function(
    answer: Any, status: int, message: bytes, tmp_path: Path
) -> None:
    small = guarded(tmp_path, answer)
    response = small.send("GET", "/two", TOKEN)
    assert (response.status, response.body) == (status, message)
    assert small.functions.module("EchoFunction").events == []


def test_a_raised_unauthorized_is_no_crash_and_another_exception_is(tmp_path: Path) -> None:
    small = guarded(tmp_path, "Unauthorized")
    small.send("GET", "/two", TOKEN)
    assert not small.functions.crashes
    small.functions.module("GuardFunction").answer = "the issuer is down"  # type: ignore[attr-defined]
    small.send("GET", "/two", TOKEN)
    assert len(small.functions.crashes) == 1


@pytest.mark.parametrize(
    ("answer", "status"),
    [
        ({"isAuthorized": True, "context": {"sub": "john"}}, 200),
        ({"isAuthorized": False}, 403),
        ({"isAuthorized": "true"}, 500),
        ({}, 500),
        (policy(), 500),
    ],
)
def test_simple_responses_are_taken_where_they_are_switched_on(answer: Any, status: int, tmp_path: Path) -> None:
    assert guarded(tmp_path, answer, simple=True).send("GET", "/two", TOKEN).status == status


def test_nothing_is_remembered_where_the_template_says_so(tmp_path: Path) -> None:
    small = guarded(tmp_path, policy())
    small.event("GET", "/two", TOKEN)
    small.event("GET", "/two", TOKEN)
    assert len(calls(small)) == 2


def test_a_remembered_policy_is_weighed_for_each_route_until_its_time_is_up(tmp_path: Path) -> None:
    small = guarded(tmp_path, policy("Allow", f"{ARN}/two"), ttl=300)
    assert small.send("GET", "/two", TOKEN).status == 200
    assert small.send("GET", "/one/1", TOKEN).status == 403  # the well-known bug of policies that name one route
    assert len(calls(small)) == 1
    assert small.send("GET", "/two", {"authorization": "Bearer b"}).status == 200
    assert len(calls(small)) == 2
    small.now[0] += 300
    assert small.send("GET", "/two", TOKEN).status == 200
    assert len(calls(small)) == 3


def test_a_remembered_simple_response_holds_for_every_route(tmp_path: Path) -> None:
    small = guarded(tmp_path, {"isAuthorized": True}, simple=True, ttl=300)
    small.event("GET", "/two", TOKEN)
    small.event("GET", "/one/1", TOKEN)
    assert len(calls(small)) == 1


def test_the_route_in_the_cache_key_keeps_routes_apart(tmp_path: Path) -> None:
    small = guarded(tmp_path, {"isAuthorized": True}, simple=True, ttl=300, identity=", Context: [routeKey]")
    small.event("GET", "/two", TOKEN)
    small.event("GET", "/one/1", TOKEN)
    small.event("GET", "/one/2", TOKEN)
    assert len(calls(small)) == 2


def test_a_failure_is_not_remembered(tmp_path: Path) -> None:
    small = guarded(tmp_path, "the issuer is down", ttl=300)
    assert small.send("GET", "/two", TOKEN).status == 500
    small.functions.module("GuardFunction").answer = policy()  # type: ignore[attr-defined]
    assert small.send("GET", "/two", TOKEN).status == 200


def test_a_route_without_authorizer_is_open(tmp_path: Path) -> None:
    small = guarded(tmp_path, policy("Deny"))
    event = small.event("GET", "/open")
    assert "authorizer" not in event["requestContext"]
    assert calls(small) == []


def test_the_authorizers_event_has_the_members_of_payload_format_1_0(tmp_path: Path) -> None:
    template = TEMPLATE.replace("AuthorizerPayloadFormatVersion: '2.0'", "AuthorizerPayloadFormatVersion: '1.0'")
    small = small_system(tmp_path, template, guard=GUARD, echo=ECHO)
    vars(small.functions.module("GuardFunction"))["answer"] = policy(sub="john")
    small.event("GET", "/one/1?x=y", TOKEN)
    (event,) = calls(small)
    assert (event["version"], event["type"], event["methodArn"]) == ("1.0", "REQUEST", f"{ARN}/one/1")
    assert event["identitySource"] == event["authorizationToken"] == "Bearer a"
    assert (event["httpMethod"], event["resource"], event["path"]) == ("GET", "/one/{id}", "/one/1")
    assert event["requestContext"]["path"] == "/one/1"
    assert event["pathParameters"] == {"id": "1"}
    assert "body" not in event


def test_another_payload_format_stops_the_start(tmp_path: Path) -> None:
    template = TEMPLATE.replace("AuthorizerPayloadFormatVersion: '2.0'", "AuthorizerPayloadFormatVersion: '3.0'")
    with pytest.raises(TemplateError, match=r"payload format 3\.0"):
        small_system(tmp_path, template, guard=GUARD, echo=ECHO)
