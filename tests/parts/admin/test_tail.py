"""`valet tail`: audit events from the log groups, each once."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, cast

import boto3
import pytest

from admin.commands.tail import _print, events
from admin.desk import Desk
from local.stack import LocalStack
from tests.parts.admin.conftest import Operator
from tests.parts.admin.people import sign_in
from tests.support.local_program import program, ready


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


@dataclass(frozen=True)
class Remote:
    """A local stack in a process of its own, as `make run` starts it."""

    issuer: str
    aws_url: str


@pytest.fixture
def remote(tmp_path: Path) -> Iterator[Remote]:
    with program("--quiet", "--ready-file", str(tmp_path / "ready")) as process:
        facts = ready(tmp_path / "ready", process)
        yield Remote(facts["url"], facts["aws_url"])


@pytest.mark.slow
def test_a_sign_in_and_an_operators_change_are_seen_in_the_local_stack(remote: Remote) -> None:
    valet = Operator(cast(LocalStack, remote), time.time, lambda seconds: None)
    sign_in(cast(LocalStack, remote))
    valet("clients", "disable", "web_app_123")
    valet("users", "roles", "john", "--add", "admin")

    def told(*arguments: str) -> list[str]:
        ran = valet("tail", "--since", "1h", "--no-follow", "--json", *arguments)
        return [json.loads(line)["event"] for line in ran.out.splitlines()]

    signed_in = ["login.succeeded", "consent.granted", "code.issued", "token.issued"]
    changed = ["client.changed", "user.changed"]
    # The notice of a new browser is mailed by its queue, at a time of its own.
    everything = [event for event in told() if not event.startswith(("key", "mail"))]
    assert sorted(everything) == sorted([*signed_in, *changed])
    assert everything.index("login.succeeded") < everything.index("token.issued") < everything.index("client.changed")
    assert "keys.checked" in told()  # and what came before anybody asked
    assert told("--event", "login.succeeded client.changed") == ["login.succeeded", "client.changed"]
    assert "login.succeeded" not in told("--client", "mobile_app")
    assert set(told("--client", "web_app_123")) >= {"token.issued", "client.changed"}
    assert "client.changed" not in told("--sub", "demo-john")
    assert set(told("--sub", "demo-john")) >= {"login.succeeded", "token.issued", "user.changed"}
    text = valet("tail", "--since", "1h", "--no-follow").out
    assert "client.changed client_id=web_app_123 deed=disabled members=is_disabled before.is_disabled=False" in text
    assert "operator=arn:aws:sts::123456789012:user/moto" in text
    assert "LoginsSucceeded" not in text


def test_a_misspelled_event_is_refused_with_the_nearest_names_instead_of_waiting_for_ever(refused: Operator) -> None:
    told = refused("tail", "--event", "grant.revoke", status=2).err
    assert "there is no event grant.revoke. The nearest names: grant.revoked" in told
    assert "token.issued" in refused("tail", "--event", "login.succeeded tokens.isued", status=2).err
    assert "consent.denied" in refused("tail", "--event", "xyzzy", status=2).err  # near to none: all of them


def test_who_stops_following_ends_it_well(valet: Operator) -> None:
    def stop() -> None:
        raise KeyboardInterrupt

    valet.while_asleep = stop
    assert valet("tail").err == ""
