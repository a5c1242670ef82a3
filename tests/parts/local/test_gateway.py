"""The gateway hands on requests, and makes responses, as an HTTP API with payload format 2.0 does."""

from __future__ import annotations

import base64
import io
import json
from pathlib import Path
from typing import Any

import pytest

from local.template import TemplateError
from tests.parts.local.small_system import ECHO, SmallSystem, small_system

TEMPLATE = """\
Globals:
  Function: {Handler: app.handler, Timeout: 1}
Resources:
  Api: {Type: AWS::Serverless::HttpApi}
  EchoFunction:
    Type: AWS::Serverless::Function
    Properties:
      CodeUri: functions/echo
      MemorySize: 256
      Events:
        Any: {Type: HttpApi, Properties: {ApiId: !Ref Api, Method: ANY, Path: /echo}}
        Item: {Type: HttpApi, Properties: {ApiId: !Ref Api, Method: GET, Path: '/items/{id}'}}
        Literal: {Type: HttpApi, Properties: {ApiId: !Ref Api, Method: GET, Path: /items/new}}
        AnyItem: {Type: HttpApi, Properties: {ApiId: !Ref Api, Method: ANY, Path: '/items/{id}'}}
        Greedy: {Type: HttpApi, Properties: {ApiId: !Ref Api, Method: GET, Path: '/files/{path+}'}}
        Only: {Type: HttpApi, Properties: {ApiId: !Ref Api, Method: GET, Path: /only-get}}
  AnswerFunction:
    Type: AWS::Serverless::Function
    Properties:
      CodeUri: functions/answer
      Events:
        Any: {Type: HttpApi, Properties: {ApiId: !Ref Api, Method: ANY, Path: /answer}}
"""

ANSWER = """\
import sys, time

answer = {"statusCode": 200}

def handler(event, context):
    if answer == "crash":
        raise RuntimeError("no")
    if answer == "exit":
        sys.exit(3)
    if answer == "sleep":
        time.sleep(0.9)
    if answer == "context":
        return {"statusCode": 200, "body": " ".join([
            context.function_name, context.aws_request_id, str(context.memory_limit_in_mb),
            context.invoked_function_arn, str(0 < context.get_remaining_time_in_millis() <= 1000)])}
    return answer
"""


@pytest.fixture
def small(tmp_path: Path) -> SmallSystem:
    return small_system(tmp_path, TEMPLATE, echo=ECHO, answer=ANSWER)


def answered(small: SmallSystem, answer: Any, method: str = "GET") -> Any:
    small.functions.module("AnswerFunction").answer = answer  # type: ignore[attr-defined]
    return small.send(method, "/answer")


def test_the_gateway_counts_the_body_itself(small: SmallSystem) -> None:
    """Was: two Content-Length headers, which a strict client refuses."""
    answer = {"statusCode": 200, "headers": {"Content-Length": "7"}, "body": "ab"}
    small.functions.module("AnswerFunction").answer = answer  # type: ignore[attr-defined]
    told: list[tuple[str, str]] = []
    environ: dict[str, Any] = {"REQUEST_METHOD": "GET", "REQUEST_URI": "/answer", "PATH_INFO": "/answer"}
    environ |= {"QUERY_STRING": "", "SERVER_PROTOCOL": "HTTP/1.1", "REMOTE_ADDR": "127.0.0.1"}
    small.gateway({**environ, "wsgi.input": io.BytesIO()}, lambda status, headers: told.extend(headers))
    assert [value for name, value in told if name == "content-length"] == ["2"]


# -- events ------------------------------------------------------------------------------------------------------------


def test_an_event_has_the_members_of_payload_format_2_0(small: SmallSystem) -> None:
    event = small.event("GET", "/echo?a=1&b=%20&a=2", {"user-agent": "test", "host": "evil.example"})
    assert event["version"] == "2.0"
    assert event["routeKey"] == "ANY /echo"
    assert event["rawPath"] == "/echo"
    assert event["rawQueryString"] == "a=1&b=%20&a=2"
    assert event["queryStringParameters"] == {"a": "1,2", "b": " "}
    assert event["isBase64Encoded"] is False
    assert "body" not in event
    assert "pathParameters" not in event
    assert "cookies" not in event
    context = event["requestContext"]
    assert context["http"] == {
        "method": "GET",
        "path": "/echo",
        "protocol": "HTTP/1.1",
        "sourceIp": "203.0.113.7",
        "userAgent": "test",
    }
    assert context["stage"] == "$default"
    assert context["routeKey"] == "ANY /echo"
    assert context["requestId"]
    assert context["timeEpoch"] > 1_600_000_000_000
    assert context["domainName"] == f"{context['apiId']}.execute-api.us-east-1.localhost"
    assert "authorizer" not in context


def test_the_issuers_name_is_never_the_host_header(small: SmallSystem) -> None:
    event = small.event("GET", "/echo", {"host": "evil.example"})
    assert "evil" not in json.dumps(event["requestContext"])
    assert "amazonaws.com" not in event["requestContext"]["domainName"]


def test_cookies_travel_apart_from_the_headers(small: SmallSystem) -> None:
    event = small.event("GET", "/echo", {"cookie": "a=1; b=2;c=3"})
    assert event["cookies"] == ["a=1", "b=2", "c=3"]
    assert "cookie" not in event["headers"]


def test_forwarding_headers_of_the_client_are_rewritten(small: SmallSystem) -> None:
    event = small.event("GET", "/echo", {"x-forwarded-for": "1.2.3.4", "x-forwarded-host": "a", "forwarded": "for=1"})
    assert event["headers"] == {"x-forwarded-for": "203.0.113.7", "x-forwarded-proto": "http"}


@pytest.mark.parametrize(
    ("content_type", "is_text"),
    [
        ("text/plain", True),
        ("Text/HTML; charset=utf-8", True),
        ("application/json", True),
        ("application/json;charset=utf-8", True),
        ("application/vnd.x+json", True),
        ("application/xml", True),
        ("application/javascript", True),
        ("application/x-www-form-urlencoded", False),
        ("application/octet-stream", False),
        ("application/jsonx", False),
        ("", False),
    ],
)
def test_a_body_is_text_for_text_types_alone(content_type: str, is_text: bool, small: SmallSystem) -> None:
    headers = {"content-type": content_type} if content_type else {}
    event = small.event("POST", "/echo", headers, b"a=b")
    assert event["isBase64Encoded"] is not is_text
    assert event["body"] == ("a=b" if is_text else base64.b64encode(b"a=b").decode())


def test_the_path_arrives_decoded_and_the_query_does_not(small: SmallSystem) -> None:
    event = small.event("GET", "/items/a%20b%C3%A9?q=%C3%A9")
    assert event["rawPath"] == "/items/a bé"
    assert event["pathParameters"] == {"id": "a bé"}
    assert event["rawQueryString"] == "q=%C3%A9"


def test_an_absolute_request_target_is_understood(small: SmallSystem) -> None:
    assert small.event("GET", "http://127.0.0.1:3000/echo?a=1")["rawPath"] == "/echo"


# -- routes ------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("method", "target", "route_key", "parameters"),
    [
        ("GET", "/items/1", "GET /items/{id}", {"id": "1"}),
        ("GET", "/items/new", "GET /items/new", None),
        ("DELETE", "/items/1", "ANY /items/{id}", {"id": "1"}),
        ("HEAD", "/items/1", "ANY /items/{id}", {"id": "1"}),
        ("POST", "/items/new", "ANY /items/{id}", {"id": "new"}),
        ("OPTIONS", "/echo", "ANY /echo", None),
        ("GET", "/echo/", "ANY /echo", None),
        ("GET", "/files/a/b.txt", "GET /files/{path+}", {"path": "a/b.txt"}),
    ],
)
def test_the_most_specific_route_is_taken(
    method: str, target: str, route_key: str, parameters: dict[str, str] | None, small: SmallSystem
) -> None:
    event = small.event(method, target)
    assert event["routeKey"] == route_key
    assert event.get("pathParameters") == parameters


@pytest.mark.parametrize(
    ("method", "target"),
    [
        ("GET", "/"),
        ("GET", "/nothing"),
        ("GET", "/ECHO"),
        ("GET", "//echo"),
        ("GET", "/items"),
        ("GET", "/items/1/2"),
        ("GET", "/files/"),
        ("POST", "/only-get"),
        ("HEAD", "/only-get"),
        ("OPTIONS", "*"),
    ],
)
def test_without_a_route_it_is_not_found_and_nobody_is_called(method: str, target: str, small: SmallSystem) -> None:
    response = small.send(method, target)
    assert (response.status, response.body) == (404, b'{"message":"Not Found"}')
    assert small.functions.module("EchoFunction").events == []


# -- answers -----------------------------------------------------------------------------------------------------------


def test_an_answer_becomes_a_response(small: SmallSystem) -> None:
    answer = {
        "statusCode": 303,
        "headers": {"Location": "/x", "X-Text": "é"},
        "cookies": ["a=1; HttpOnly", "b=2; Secure"],
        "body": "schön",
    }
    response = answered(small, answer)
    assert response.status == 303
    assert response.headers == (
        ("location", "/x"),
        ("x-text", "é"),
        ("set-cookie", "a=1; HttpOnly"),
        ("set-cookie", "b=2; Secure"),
    )
    assert response.body == "schön".encode()


def test_a_base64_answer_is_decoded(small: SmallSystem) -> None:
    answer = {"statusCode": 200, "body": base64.b64encode(b"\x00\xff").decode(), "isBase64Encoded": True}
    assert answered(small, answer).body == b"\x00\xff"


@pytest.mark.parametrize(
    "answer",
    [
        "crash",
        "exit",
        None,
        [],
        "text",
        {},
        {"body": "without status"},
        {"statusCode": "200"},
        {"statusCode": 99},
        {"statusCode": True},
        {"statusCode": 200, "headers": {"a": ["b"]}},
        {"statusCode": 200, "headers": {"a": 1}},
        {"statusCode": 200, "headers": {"a": "b\r\nc: d"}},
        {"statusCode": 200, "cookies": "a=1"},
        {"statusCode": 200, "cookies": ["a=1\n"]},
        {"statusCode": 200, "body": {"a": 1}},
        {"statusCode": 200, "body": "%%%", "isBase64Encoded": True},
        {"statusCode": 200, "body": b"bytes are not JSON"},
        {"statusCode": 200, "body": "x" * (6 * 1024 * 1024)},
    ],
    ids=lambda answer: str(answer)[:60],
)
def test_a_crash_or_a_malformed_answer_is_a_500(answer: Any, small: SmallSystem) -> None:
    response = answered(small, answer)
    assert (response.status, response.body) == (500, b'{"message":"Internal Server Error"}')


def test_a_crash_is_kept_for_whoever_looks(small: SmallSystem) -> None:
    answered(small, "crash")
    (crash,) = small.functions.crashes
    assert crash.function == "AnswerFunction"
    assert "RuntimeError: no" in crash.text


def test_a_function_over_its_time_is_a_503(tmp_path: Path) -> None:
    small = small_system(tmp_path, TEMPLATE.replace("Timeout: 1}", "Timeout: 0.2}"), echo=ECHO, answer=ANSWER)
    response = answered(small, "sleep")
    assert (response.status, response.body) == (503, b'{"message":"Service Unavailable"}')


def test_a_function_is_given_lambdas_context(small: SmallSystem) -> None:
    name, request_id, memory, arn, has_time = answered(small, "context").body.decode().split()
    assert name == "valet-local-AnswerFunction"
    assert len(request_id) == 36
    assert memory == "128"
    assert arn.endswith(":function:valet-local-AnswerFunction")
    assert has_time == "True"


# -- limits ------------------------------------------------------------------------------------------------------------


def test_more_than_10240_bytes_of_request_line_and_headers_are_refused(small: SmallSystem) -> None:
    assert small.send("GET", "/echo", {"a": "x" * 10_000}).status == 200
    assert small.send("GET", "/echo", {"a": "x" * 10_240}).status == 431
    assert small.send("GET", "/echo?" + "x" * 10_240).status == 431


def test_a_body_beyond_10_mb_or_an_event_beyond_6_mb_is_refused(small: SmallSystem) -> None:
    small.functions.module("AnswerFunction").answer = {"statusCode": 204}  # type: ignore[attr-defined]
    form = {"content-type": "application/x-www-form-urlencoded"}
    assert small.send("POST", "/answer", form, b"x" * (4 * 1024 * 1024)).status == 204
    # In base64 five megabytes are more than six.
    assert small.send("POST", "/answer", form, b"x" * (5 * 1024 * 1024)).status == 413
    assert small.send("POST", "/answer", {"content-type": "text/plain"}, b"x" * (5 * 1024 * 1024)).status == 204
    assert small.send("POST", "/answer", form, b"x" * (10 * 1024 * 1024 + 1)).status == 413


# -- descriptions that cannot be played --------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("ApiId: !Ref Api, Method: ANY, Path: /answer", "Method: ANY, Path: /answer"),
        ("{Type: HttpApi, Properties: {ApiId: !Ref Api, Method: ANY, Path: /answer}}", "{Type: SQS}"),
        ("Path: /answer", "Path: /answer, PayloadFormatVersion: '3.0'"),
        ("Path: /answer", "Path: /answer, Auth: {Authorizer: Nobody}"),
        ("Path: /answer", "Path: /echo"),
        (
            "Api: {Type: AWS::Serverless::HttpApi}",
            "Api: {Type: AWS::Serverless::HttpApi, Properties: {CorsConfiguration: {AllowOrigin: '*'}}}",
        ),
    ],
)
def test_a_route_that_cannot_be_played_stops_the_start(old: str, new: str, tmp_path: Path) -> None:
    assert old in TEMPLATE
    with pytest.raises(TemplateError):
        small_system(tmp_path, TEMPLATE.replace(old, new), echo=ECHO, answer=ANSWER)


def test_globals_and_own_properties_are_merged(tmp_path: Path) -> None:
    template = TEMPLATE.replace("Timeout: 1}", "Timeout: 1, Environment: {Variables: {SHARED: true, OWN: 1}}}").replace(
        "MemorySize: 256", "MemorySize: 256\n      Environment: {Variables: {OWN: 1, ALONE: !Ref AWS::Region}}"
    )
    system = small_system(tmp_path, template, echo=ECHO, answer=ANSWER).system
    assert system.functions["EchoFunction"].environment == {"SHARED": "true", "OWN": "1", "ALONE": "us-east-1"}
    assert system.functions["EchoFunction"].memory == 256
    assert system.environment() == {"SHARED": "true", "OWN": "1", "ALONE": "us-east-1"}


def test_two_functions_with_different_values_of_one_variable_are_refused(tmp_path: Path) -> None:
    template = TEMPLATE.replace("Timeout: 1}", "Timeout: 1, Environment: {Variables: {NAME: a}}}").replace(
        "MemorySize: 256", "MemorySize: 256\n      Environment: {Variables: {NAME: b}}"
    )
    small = small_system(tmp_path, template, echo=ECHO, answer=ANSWER)
    with pytest.raises(TemplateError, match="EchoFunction and AnswerFunction have different values of NAME"):
        small.system.environment()
