"""Operators and logouts: what clients register, and that a command that signs people out says so before it writes."""

from __future__ import annotations

import json
from typing import Any

import pytest

from tests.parts.admin.audited import Asked
from tests.parts.admin.conftest import Operator
from tests.parts.admin.people import sign_in

SIGN_OUTS = "arn:aws:sqs:us-east-1:123456789012:valet-local-SignOuts"
DEAD_LETTERS = "arn:aws:sqs:us-east-1:123456789012:valet-local-DeadLetters"
ADDRESS = "https://webapp.example.com/logged-out"


def messages(valet: Operator, queue: str = SIGN_OUTS) -> list[dict[str, Any]]:
    return [json.loads(each.body) for each in valet.stack.aws.queues.named(queue).messages]


def test_an_address_is_registered_shown_and_taken_away(valet: Operator) -> None:
    change = ("clients", "change", "web_app_123")
    shown = valet.json(*change, "--backchannel-logout-uri", ADDRESS, "--logout-sid")
    assert shown["backchannel_logout_uri"] == ADDRESS
    assert shown["backchannel_logout_session_required"] is True
    shown = valet.json(*change, "--backchannel-logout-uri", "", "--no-logout-sid")
    assert (shown["backchannel_logout_uri"], shown["backchannel_logout_session_required"]) == ("", False)


def test_the_local_stack_takes_an_address_on_this_machine_and_no_private_one(valet: Operator) -> None:
    change = ("clients", "change", "web_app_123", "--backchannel-logout-uri")
    assert valet.json(*change, "http://127.0.0.1:8000/out")["backchannel_logout_uri"] == "http://127.0.0.1:8000/out"
    for address in ("http://169.254.169.254/latest", "https://10.0.0.1/x", "http://localhost:8000/out"):
        assert "back-channel logout URI" in valet(*change, address, status=2).err


@pytest.mark.parametrize(
    ("command", "typed"),
    [
        (("users", "disable", "john", "--yes"), ""),
        (("users", "delete", "john", "--yes"), ""),
        (("users", "sign-out", "john", "--revoke", "--yes"), ""),
        (("users", "set-password", "john", "--password-stdin", "--revoke"), "the new password of john\n"),
        (("grants", "revoke", "--user", "john", "--yes"), ""),
    ],
    ids=lambda value: " ".join(value[:2]) if isinstance(value, tuple) else "",
)
def test_what_ends_all_that_a_person_has_opened_is_announced_before_it_is_written(
    valet: Operator, asked: Asked, command: tuple[str, ...], typed: str
) -> None:
    sign_in(valet.stack)
    asked.operations.clear()
    valet(*command, typed=typed)
    (message,) = messages(valet)
    assert message == {
        "sub": "demo-john",
        "issuer": valet.stack.issuer,
        "revoked_for": "operator",
    }, "the epoch before the write is 0, and left out"
    calls = asked.operations
    assert calls.index("SendMessage") < min(calls.index(each) for each in ("PutItem", "UpdateItem") if each in calls)


def test_signing_a_person_out_of_their_browsers_announces_each_session(valet: Operator) -> None:
    sign_in(valet.stack)
    sign_in(valet.stack)
    valet("users", "sign-out", "john", "--yes")
    found = messages(valet)
    assert len({each["session"] for each in found}) == len(found) == 2
    assert {each["sub"] for each in found} == {"demo-john"}


@pytest.mark.parametrize(
    "command",
    [
        ("users", "set-password", "john", "--generate"),
        ("users", "enable", "john"),
        ("grants", "revoke", "--client", "web_app_123", "--yes"),
        ("users", "roles", "john", "--add", "admin"),
    ],
    ids=lambda command: " ".join(command[:2]),
)
def test_what_ends_no_session_is_not_announced(valet: Operator, command: tuple[str, ...]) -> None:
    sign_in(valet.stack)
    valet(*command)
    assert messages(valet) == []


def test_the_doctor_finds_dead_letters_and_nothing_else_where_logouts_are_told(valet: Operator) -> None:
    valet("clients", "change", "web_app_123", "--backchannel-logout-uri", ADDRESS)
    only = ("doctor", "--only", "clients.logouts")
    assert valet.json(*only)["findings"] == []
    queue = valet.stack.aws.queues.named(DEAD_LETTERS)
    body = json.dumps({"QueueUrl": queue.url, "MessageBody": '{"client_id":"web_app_123"}'})
    valet.stack.aws.queues.answer("SendMessage", body.encode())
    (finding,) = valet.json(*only, status=1)["findings"]
    assert finding["what"] == "The dead-letter queue has 1 message"
