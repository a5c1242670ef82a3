"""One function invokes another: once, in a time of its own, and the answer is the function's."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator

import pytest
from valet.aws import calls as calls_module
from valet.aws.calls import AwsCalls, CallFailed

from tests.parts.aws.scripted import Peer, Server, answer, server

Asked = tuple[dict[str, str], bytes]
REQUEST = {"FunctionName": "valet-Fetch-1a_B", "Payload": {"url": "https://claude.ai/a"}}


def invoke(running: Server) -> object:
    functions = AwsCalls("lambda", {"AWS_REGION": "us-east-1", "AWS_ENDPOINT_URL": running.url})
    try:
        return functions("Invoke", REQUEST)
    finally:
        functions.close()


@pytest.fixture
def asked() -> list[Asked]:
    """The requests that came."""
    return []


def behaving(asked: list[Asked], sent: bytes, after: float = 0) -> Iterator[Server]:
    def behave(peer: Peer) -> None:
        asked.append(peer.request())
        time.sleep(after)
        peer.send(sent)

    with server(behave) as running:
        yield running


def test_the_function_gets_the_payload_and_its_answer_is_the_answer(asked: list[Asked]) -> None:
    for running in behaving(asked, answer(b'{"outcome": "fetched"}')):
        assert invoke(running) == {"outcome": "fetched"}
        (head,) = running.requests
    ((headers, body),) = asked
    assert head.startswith(b"POST /2015-03-31/functions/valet-Fetch-1a_B/invocations HTTP/1.1\r\n")
    assert "x-amz-target" not in headers
    assert json.loads(body) == REQUEST["Payload"]


def test_it_may_take_longer_than_any_other_call(asked: list[Asked], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("valet.aws.connection.ANSWER_WITHIN", 0.05)
    for running in behaving(asked, answer(b"{}"), after=0.2):
        assert invoke(running) == {}


@pytest.mark.parametrize(
    ("sent", "code"),
    [
        (answer(b'{"errorMessage": "x"}', "X-Amz-Function-Error: Unhandled"), "FunctionError"),
        (answer(b"{}", "X-Amzn-ErrorType: TooManyRequestsException", status=429), "TooManyRequestsException"),
        (answer(b"", status=500), "HTTP 500"),
        (answer(b"null"), "an answer that is no JSON object"),
    ],
)
def test_a_failure_is_told_and_nothing_is_invoked_twice(asked: list[Asked], sent: bytes, code: str) -> None:
    for running in behaving(asked, sent):
        with pytest.raises(CallFailed) as failed:
            invoke(running)
    assert (failed.value.code, len(asked)) == (code, 1)


def test_a_function_that_does_not_answer_is_given_up(asked: list[Asked], monkeypatch: pytest.MonkeyPatch) -> None:
    services = calls_module._SERVICES
    monkeypatch.setitem(services, "lambda", services["lambda"]._replace(within=0.1))
    for running in behaving(asked, answer(b"{}"), after=0.4):
        with pytest.raises(CallFailed, match="ReadTimeout"):
            invoke(running)
    assert len(asked) == 1
