"""The AWS calls of each mail, in their order, in an execution environment that knows nothing; and of asking for one."""

from __future__ import annotations

from typing import Any

import pytest
from valet.models.mails import ADDRESS, FIRST_MEANS, JOIN, NOTICE, RECOVER, Letter
from valet.people.mail_throttling import may_ask

from tests.support.post import Post
from tests.support.world import World, label

KEPT = "GetItem people, PutItem mail, PutItem code, SendEmail"
# By the kind of letter: what it says, and its calls.
LETTERS: dict[str, tuple[dict[str, Any], str]] = {
    "a stranger joins": ({"purpose": JOIN, "address": "ada@example.org"}, f"GetItem identifier, {KEPT}"),
    "a stranger joins for an app": (
        {"purpose": JOIN, "address": "ada@example.org", "client_id": "web_app_123"},
        "GetItem identifier, GetItem people, GetItem client, PutItem mail, PutItem code, SendEmail",
    ),
    "john joins again": (
        {"purpose": JOIN, "address": "john@example.com"},
        "GetItem identifier, GetItem account, GetItem people, SendEmail",
    ),
    "john resets": (
        {"purpose": RECOVER, "address": "john@example.com"},
        f"GetItem identifier, GetItem account, {KEPT}",
    ),
    "a stranger resets": ({"purpose": RECOVER, "address": "ada@example.org"}, "GetItem identifier"),
    "john changes the address": (
        {"purpose": ADDRESS, "address": "ada@example.org", "sub": "demo-john"},
        f"GetItem account, GetItem identifier, {KEPT}",
    ),
    "john adds a first passkey": ({"purpose": FIRST_MEANS, "sub": "demo-john"}, f"GetItem account, {KEPT}"),
    "john is told": (
        {"purpose": NOTICE, "sub": "demo-john", "what": "recovery.used", "key": ""},
        "GetItem account, UpdateItem throttle, GetItem people, PutItem mail, SendEmail",
    ),
    "john is not told yet": (
        {"purpose": NOTICE, "sub": "demo-john", "what": "passkey.added", "mark": "none", "key": ""},
        "GetItem account, SendMessage",
    ),
}


@pytest.mark.parametrize("kind", LETTERS)
def test_a_letter_makes_these_calls(world: World, kind: str) -> None:
    facts, expected = LETTERS[kind]
    post = Post(world.deployment)
    asked_ms = int(world.deployment.clock.now * 1000)
    with world.deployment.aws.recorded() as calls:
        post.send(Letter(**{"issuer": world.deployment.issuer, "asked_ms": asked_ms, "key": "5e" * 32, **facts}))
    assert [label(call) for call in calls if call.function == "mailer"] == expected.split(", ")


@pytest.mark.parametrize("address", ["john@example.com", "ada@example.org"])
def test_asking_for_a_mail_counts_three_times_whoever_has_the_address(world: World, address: str) -> None:
    """P12: the same calls, and none of them to the table of people."""
    deployment = world.deployment
    with deployment.aws.recorded() as calls:
        assert may_ask(deployment.server, RECOVER, address, "192.0.2.1", deployment.clock.now)
    assert [label(call) for call in calls] == [*["UpdateItem throttle"] * 3, "GetItem people"]
    assert deployment.settings.users_table not in {call.table for call in calls}
