"""The functions' log lines are in emulated CloudWatch Logs, behind the AWS port, and cost each request only an
append.
"""

from __future__ import annotations

import contextvars
import json
from typing import Any

import boto3
import pytest

from local import function_logs
from local.function_logs import FunctionLogs
from local.functions import LOG_GROUP
from local.stack import LocalStack
from tests.endpoints import FUNCTIONS

GROUP = "/aws/lambda/function-logs"


@pytest.fixture
def logs(stack: LocalStack) -> Any:
    """CloudWatch Logs, with one empty group."""
    client = boto3.client("logs")
    client.create_log_group(logGroupName=GROUP)
    yield client
    client.delete_log_group(logGroupName=GROUP)


def take(lines: FunctionLogs, *texts: str, group: str = GROUP) -> None:
    """As a function of that group prints them."""

    def run() -> None:
        LOG_GROUP.set(group)
        for text in texts:
            lines.take(text)

    contextvars.copy_context().run(run)


def held(client: Any) -> list[str]:
    pages = client.get_paginator("filter_log_events").paginate(logGroupName=GROUP)
    return [event["message"] for page in pages for event in page["events"]]


def test_lines_are_delivered_when_somebody_asks_each_once_and_in_their_order(logs: Any) -> None:
    lines = FunctionLogs()
    take(lines, "1", "2")
    assert held(logs) == []
    lines.deliver()
    take(lines, "3")
    lines.deliver()
    lines.deliver()
    assert held(logs) == ["1", "2", "3"]


def test_what_no_function_prints_and_what_has_no_group_here_is_left_out(logs: Any) -> None:
    lines = FunctionLogs()
    lines.take("of nobody")
    take(lines, "of another stack", group="/aws/lambda/elsewhere")
    take(lines, "ours")
    lines.deliver()
    assert held(logs) == ["ours"]


def test_the_oldest_are_forgotten_before_and_after_the_delivery(logs: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(function_logs, "MOST", 4)
    lines = FunctionLogs()
    take(lines, *map(str, range(10)))
    lines.deliver()
    assert held(logs) == ["6", "7", "8", "9"]
    for number in range(10, 30):
        take(lines, str(number))
        lines.deliver()
    assert held(logs)[-5:] == ["25", "26", "27", "28", "29"]
    assert len(held(logs)) <= 8
    assert len(logs.describe_log_streams(logGroupName=GROUP)["logStreams"]) == 2


def test_the_groups_are_the_templates_with_its_retention_and_each_function_has_its_own(stack: LocalStack) -> None:
    groups = {group["logGroupName"]: group for group in boto3.client("logs").describe_log_groups()["logGroups"]}
    own = {function.log_group for function in stack.system.functions.values()}
    assert len(own) == len(FUNCTIONS)
    assert own | {"/valet/valet-local/operator", "/aws/vendedlogs/valet-local-api"} <= set(groups)
    assert groups["/valet/valet-local/operator"]["retentionInDays"] == 90


def test_the_door_delivers_before_it_answers(stack: LocalStack, logs: Any) -> None:
    take(stack.function_logs, json.dumps({"event": "token.issued"}))
    outside = boto3.client("logs", endpoint_url=stack.aws_url)
    assert held(outside) == ['{"event": "token.issued"}']
