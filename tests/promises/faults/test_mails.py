"""The mailer, made to fail at each call to AWS: the queue brings the letter again, and a mail arrives that works."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
from valet.models.mails import JOIN, NOTICE, RECOVER, UNDO, Letter
from valet.people.mail_codes import code_key, exchange_code, find_mail

from local.aws.calls import Call
from tests.promises.faults.injection import Fault, Injection, Killed
from tests.support.post import Post, code_of, link_of
from tests.support.world import World

KEY = code_key("b" * 43, "h" * 43)
# The purpose of the link, what the letter says, and the least number of calls.
LETTERS: dict[str, tuple[str, dict[str, Any], int]] = {
    "join": (JOIN, {"purpose": JOIN, "address": "ada@example.org", "key": KEY.hex()}, 5),
    "recover": (RECOVER, {"purpose": RECOVER, "address": "john@example.com", "key": KEY.hex()}, 6),
    "notice": (UNDO, {"purpose": NOTICE, "sub": "demo-john", "what": "recovery.used"}, 4),
}


@pytest.fixture
def post(world: World) -> Post:
    return Post(world.deployment)


def of_the_mailer(injection: Injection) -> Callable[[Call, Callable[[], Any]], Any]:
    return lambda call, forward: injection(call, forward) if call.function == "mailer" else forward()


@pytest.mark.parametrize("fault", [Fault.KILLED, Fault.DENIED, Fault.LOST_TWICE, Fault.UNHEARD_TWICE], ids=str)
@pytest.mark.parametrize("kind", LETTERS)
def test_a_mailer_that_fails_at_any_call_is_run_again_and_its_mail_works(
    world: World, post: Post, kind: str, fault: Fault
) -> None:
    purpose, facts, least = LETTERS[kind]
    deployment = world.deployment
    for position in range(1, 20):
        deployment.aws.mailbox.clear()
        deployment.restart()
        injection = Injection(position, fault)
        letter = Letter(issuer=deployment.issuer, asked_ms=int(deployment.clock.now * 1000), **facts)
        try:
            with deployment.aws.intercept(of_the_mailer(injection)):
                post.send(letter)
        except Killed:
            deployment.restart()
        if not injection.has_struck:
            break
        post.pass_time(120)
        assert post.mails, f"no mail came after call {position}"
        assert not post.waiting("Mail")
        assert not post.dead_letters
        now = deployment.clock.now
        for mail in post.mails:  # where the answer of SES was lost, two came
            (token,) = parse_qs(urlsplit(link_of(mail)).query)["token"]
            assert find_mail(deployment.server, token, frozenset({purpose}), now) is not None
        if facts.get("key"):  # of the newest mail
            found = exchange_code(deployment.server, KEY, frozenset({purpose}), code_of(post.newest), now)
            assert isinstance(found, str)
    assert position > least


def test_a_notice_whose_mailer_is_killed_at_the_second_look_is_not_lost(world: World, post: Post) -> None:
    """The first look finds nothing yet; the function dies as it sends the letter for the second one."""
    deployment = world.deployment
    letter = Letter(NOTICE, deployment.issuer, int(deployment.clock.now * 1000), sub="demo-john", what="passkey.added")
    for fault in (Fault.KILLED, Fault.LOST_TWICE):
        deployment.aws.mailbox.clear()
        injection = Injection(2, fault)  # after the read of the account
        try:
            with deployment.aws.intercept(of_the_mailer(injection)):
                post.send(letter)
        except Killed:
            deployment.restart()
        assert injection.has_struck
        deployment.table("Users").update(
            "account#demo-john", "account", "SET #passkeys = :all", {":all": [""]}, "attribute_exists(#pk)"
        )
        post.pass_time(600)
        assert post.mails
        assert not post.dead_letters
        deployment.table("Users").update(
            "account#demo-john", "account", "REMOVE #passkeys", {}, "attribute_exists(#pk)"
        )
