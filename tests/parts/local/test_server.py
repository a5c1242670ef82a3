"""Requests and responses survive the way over a socket."""

from __future__ import annotations

import http.client
import json
import socket
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest

from local.server import PortTaken, Server, listen
from tests.parts.local.small_system import ECHO, SmallSystem, small_system

TEMPLATE = """\
Globals:
  Function: {Handler: app.handler, Timeout: 5}
Resources:
  Api: {Type: AWS::Serverless::HttpApi}
  EchoFunction:
    Type: AWS::Serverless::Function
    Properties:
      CodeUri: functions/echo
      Events: {Any: {Type: HttpApi, Properties: {ApiId: !Ref Api, Method: ANY, Path: /echo}}}
  AnswerFunction:
    Type: AWS::Serverless::Function
    Properties:
      CodeUri: functions/answer
      Events: {Any: {Type: HttpApi, Properties: {ApiId: !Ref Api, Method: ANY, Path: /answer}}}
"""

ANSWER = """\
answer = {}

def handler(event, context):
    return answer
"""


@pytest.fixture
def small(tmp_path: Path) -> SmallSystem:
    return small_system(tmp_path, TEMPLATE, echo=ECHO, answer=ANSWER)


@pytest.fixture
def port(small: SmallSystem) -> Iterator[int]:
    listener = listen(0)
    server = Server(listener, small.gateway, threads=16)
    server.start()
    yield listener.getsockname()[1]
    server.stop()


def raw(port: int, request: bytes) -> bytes:
    """Whatever comes back on one connection until it is closed."""
    with socket.create_connection(("127.0.0.1", port), timeout=5) as connection:
        connection.sendall(request)
        answer = b""
        while chunk := connection.recv(65536):
            answer += chunk
        return answer


def echoed(port: int, request: bytes) -> Any:
    head, _, body = raw(port, request).partition(b"\r\n\r\n")
    assert head.startswith(b"HTTP/1.1 200"), head
    return json.loads(body)


def test_repeated_headers_are_joined_and_names_are_lower_case(port: int) -> None:
    event = echoed(
        port, b"GET /echo HTTP/1.1\r\nHost: a\r\nX-A: 1\r\nx-a: 2\r\nCookie: a=1; b=2\r\nConnection: close\r\n\r\n"
    )
    assert [part.strip() for part in event["headers"]["x-a"].split(",")] == ["1", "2"]
    assert event["cookies"] == ["a=1", "b=2"]
    assert "connection" not in event["headers"]


def test_the_target_arrives_as_it_was_sent(port: int) -> None:
    event = echoed(port, b"GET /echo?a=%2F&b=+ HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n")
    assert event["rawQueryString"] == "a=%2F&b=+"
    assert raw(port, b"GET //echo HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n").startswith(b"HTTP/1.1 404")


def test_a_header_with_an_underscore_cannot_pass_for_one_with_a_dash(port: int) -> None:
    event = echoed(port, b"GET /echo HTTP/1.1\r\nHost: a\r\nX_User: evil\r\nConnection: close\r\n\r\n")
    assert "x-user" not in event["headers"]


def test_several_cookies_of_an_answer_are_several_headers(small: SmallSystem, port: int) -> None:
    small.functions.module("AnswerFunction").answer = {  # type: ignore[attr-defined]
        "statusCode": 303,
        "headers": {"Location": "/"},
        "cookies": ["a=1; Path=/", "b=2; Path=/"],
    }
    connection = http.client.HTTPConnection("127.0.0.1", port)
    connection.request("GET", "/answer")
    response = connection.getresponse()
    assert response.headers.get_all("set-cookie") == ["a=1; Path=/", "b=2; Path=/"]
    connection.close()


def test_one_connection_serves_many_requests(port: int) -> None:
    connection = http.client.HTTPConnection("127.0.0.1", port)
    connection.connect()
    first = connection.sock
    for method, path in [("GET", "/echo"), ("POST", "/echo"), ("HEAD", "/echo"), ("GET", "/nothing"), ("GET", "/echo")]:
        connection.request(method, path, body=b"x" if method == "POST" else None)
        response = connection.getresponse()
        body = response.read()
        assert (body == b"") is (method == "HEAD")
    assert connection.sock is first
    connection.close()


def test_head_tells_the_length_and_sends_nothing(port: int) -> None:
    answer = raw(port, b"HEAD /echo HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n")
    head, _, body = answer.partition(b"\r\n\r\n")
    assert int(dict(line.split(b": ") for line in head.split(b"\r\n")[1:])[b"Content-Length"]) > 0
    assert body == b""


def test_no_content_has_neither_body_nor_chunks(small: SmallSystem, port: int) -> None:
    small.functions.module("AnswerFunction").answer = {"statusCode": 204, "body": ""}  # type: ignore[attr-defined]
    answer = raw(port, b"GET /answer HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n")
    assert answer.endswith(b"\r\n\r\n")
    assert b"chunked" not in answer


def test_a_chunked_body_arrives_whole(port: int) -> None:
    event = echoed(
        port,
        b"POST /echo HTTP/1.1\r\nHost: a\r\nContent-Type: text/plain\r\nTransfer-Encoding: chunked\r\n"
        b"Connection: close\r\n\r\n3\r\nabc\r\n2\r\nde\r\n0\r\n\r\n",
    )
    assert event["body"] == "abcde"


@pytest.mark.parametrize(
    ("request_", "status"),
    [
        (b"GET /echo HTTP/1.1\r\nHost: a\r\nX: " + b"x" * 11_000 + b"\r\nConnection: close\r\n\r\n", b"431"),
        (b"GET /echo HTTP/1.1\r\nHost: a\r\nX: " + b"x" * 100_000 + b"\r\nConnection: close\r\n\r\n", b"431"),
        (b"POST /echo HTTP/1.1\r\nHost: a\r\nContent-Length: 99999999999\r\n\r\n", b"413"),
        (b"GARBAGE\r\n\r\n", b"400"),
        (b"POST /echo HTTP/1.1\r\nHost: a\r\nContent-Length: -1\r\n\r\n", b"400"),
    ],
    ids=["long head", "longer head", "endless body", "garbage", "negative length"],
)
def test_what_is_too_large_or_ill_formed_is_refused(request_: bytes, status: bytes, port: int) -> None:
    assert raw(port, request_).split(b" ")[1] == status


def test_a_head_without_end_is_read_to_a_bound_only(small: SmallSystem, port: int) -> None:
    with socket.create_connection(("127.0.0.1", port), timeout=5) as connection:
        connection.sendall(b"GET /echo HTTP/1.1\r\nHost: a\r\nX: ")
        with pytest.raises(ConnectionError):
            connection.sendall(b"x" * (64 * 1024 * 1024))
    assert small.functions.module("EchoFunction").events == []


def test_eleven_megabytes_are_refused_with_an_answer(port: int) -> None:
    connection = http.client.HTTPConnection("127.0.0.1", port)
    connection.request("POST", "/echo", body=b"x" * (11 * 1024 * 1024))
    response = connection.getresponse()
    assert response.status == 413
    assert json.loads(response.read()) == {"message": "Request Entity Too Large"}
    connection.close()


def test_many_requests_at_once_each_get_their_own_answer(port: int) -> None:
    def ask(number: int) -> str:
        connection = http.client.HTTPConnection("127.0.0.1", port)
        connection.request("GET", f"/echo?n={number}")
        event = json.loads(connection.getresponse().read())
        connection.close()
        return str(event["rawQueryString"])

    with ThreadPoolExecutor(32) as threads:
        assert list(threads.map(ask, range(200))) == [f"n={number}" for number in range(200)]


def test_a_taken_port_is_told_apart() -> None:
    with listen(0) as listener, pytest.raises(PortTaken):
        listen(listener.getsockname()[1])
