"""`valet tail`: audit events from the log groups, each once."""

from __future__ import annotations

import json
from typing import Any

import boto3
import pytest

from admin.commands.tail import _print, events
from admin.desk import Desk
from tests.admin.conftest import Operator


@pytest.fixture
def logs(refused: Operator) -> Any:
    client = boto3.client("logs")
    for group in ("/aws/lambda/tail-token", "/aws/lambda/tail-login"):
        client.create_log_group(logGroupName=group)
        client.create_log_stream(logGroupName=group, logStreamName="s")
    yield client
    for group in ("/aws/lambda/tail-token", "/aws/lambda/tail-login"):
        client.delete_log_group(logGroupName=group)


GROUPS = ("/aws/lambda/tail-token", "/aws/lambda/tail-login")


def write(logs: Any, group: str, at: float, message: str) -> None:
    logs.put_log_events(
        logGroupName=group, logStreamName="s", logEvents=[{"timestamp": int(at * 1000), "message": message}]
    )


def test_events_of_all_groups_come_in_their_order_each_once(logs: Any) -> None:
    import time

    now = time.time()
    write(logs, GROUPS[0], now + 2, json.dumps({"event": "token.issued", "client_id": "a"}))
    write(logs, GROUPS[1], now + 1, json.dumps({"event": "login.failed", "sub": "b"}))
    write(logs, GROUPS[1], now + 3, "not JSON")
    rounds = iter([now + 5, now + 6, now + 7])

    def sleep(seconds: float) -> None:
        write(logs, GROUPS[0], now + 6, json.dumps({"event": "refresh.reused"}))

    desk = Desk(clock=lambda: next(rounds), sleep=sleep)
    found = events(desk, logs, GROUPS, now, follow=True)
    assert [next(found)["event"] for _ in range(3)] == ["login.failed", "token.issued", "refresh.reused"]
    quiet = Desk(clock=lambda: now + 10)
    assert [each["event"] for each in events(quiet, logs, GROUPS, now + 5, follow=False)] == ["refresh.reused"]


def test_a_line_says_what_happened_and_cannot_command_the_terminal(capsys: pytest.CaptureFixture[str]) -> None:
    event = {"at": "2026-01-31T12:00:00Z", "event": "login.failed", "user_agent": "\x1b[2J", "level": "INFO"}
    _print(Desk(), event)
    assert capsys.readouterr().out == "2026-01-31T12:00:00Z login.failed user_agent=�[2J\n"
    _print(Desk(is_json=True), event)
    assert json.loads(capsys.readouterr().out) == event
