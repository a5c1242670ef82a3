"""What an end-user is told by mail: each change of how they sign in, before its write, and a sign-in where nobody did
before.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest
from valet.people.totp import STEP, code_at, seed_from_base32

from tests.integration.guesses import anew, attempt
from tests.integration.visiting import at_account, press
from tests.support.application import Application
from tests.support.authenticator import SoftPasskey
from tests.support.browser import Browser, filled_in
from tests.support.deployment import Deployment
from tests.support.passkeys import give_passkey, use
from tests.support.post import Post
from tests.support.second_factors import App, give_codes, give_totp, type_code
from tests.support.wire import Answer

DAY = 86_400
SESSION = "__Host-valet-session"
Doing = Callable[[], Answer]


def change(deployment: Deployment, **attributes: Any) -> None:
    names = ", ".join(f"#{name} = :{name}" for name in attributes)
    values = {f":{name}": value for name, value in attributes.items()}
    deployment.table("Users").update("account#demo-john", "account", f"SET {names}", values)


def told(post: Post) -> list[tuple[str, str]]:
    """What the notices say that wait for the mailer, and by what the account shows it."""
    letters = [json.loads(message.body) for message in post.waiting("Mail")]
    return [(each["what"], each.get("mark", "")) for each in letters if each["purpose"] == "notice"]


# Changes --------------------------------------------------------------------------------------------------------------


def at_passkeys(deployment: Deployment, passkey: SoftPasskey) -> tuple[Browser, Answer]:
    browser = anew(deployment)
    asked = browser.open("/account/passkeys")
    deployment.clock.advance(1)
    return browser, browser.follow(use(browser, asked, passkey))


def new_password(deployment: Deployment) -> Doing:
    browser = at_account(deployment)
    sent = filled_in(browser.get("/account/password"), new_password="several words in a row")
    return lambda: browser.post(*sent)


def removed_passkey(deployment: Deployment) -> Doing:
    browser, page = at_passkeys(deployment, give_passkey(deployment.table("Users"), "demo-john", "id.example.com"))
    sent = filled_in(page, "do", "remove")
    return lambda: browser.post(*sent)


def deletion(deployment: Deployment) -> Doing:
    browser = at_account(deployment)
    sent = filled_in(browser.get("/account/delete"), confirm="john")
    return lambda: browser.post(*sent)


def with_app(deployment: Deployment, path: str) -> tuple[Browser, Answer, App]:
    """John has an app and recovery codes, and is at the page after his code."""
    app, browser = give_totp(deployment, "demo-john"), anew(deployment)
    give_codes(deployment, "demo-john")
    page = browser.sign_in(browser.open(path))
    return browser, browser.follow(type_code(browser, page, app.code(deployment.clock.now))), app


def other_app(deployment: Deployment) -> Doing:
    browser, page, _ = with_app(deployment, "/account/second")
    action, form = filled_in(page)
    code = code_at(seed_from_base32(form["seed"]), int(deployment.clock.now) // STEP)
    return lambda: browser.post(action, {**form, "code": code})


def removed_app(deployment: Deployment) -> Doing:
    browser, page, _ = with_app(deployment, "/account/second")
    sent = filled_in(page, "do", "remove")
    return lambda: browser.post(*sent)


def new_codes(deployment: Deployment) -> Doing:
    browser, page, _ = with_app(deployment, "/account/recovery")
    sent = filled_in(page)
    return lambda: browser.post(*sent)


CHANGES = {
    "password.changed": new_password,
    "passkey.removed": removed_passkey,
    "second.added": other_app,
    "second.removed": removed_app,
    "recovery.made": new_codes,
    "account.deleted": deletion,
}


@pytest.mark.parametrize("what", CHANGES)
def test_a_change_is_told_before_its_write(deployment: Deployment, post: Post, what: str) -> None:
    """An invocation that dies after the write has told of it."""
    do = CHANGES[what](deployment)
    deployment.aws.queues.clear()
    with deployment.aws.recorded() as calls:
        assert do().status in (200, 303)
    assert [said for said, _ in told(post)] == [what]
    made = [(call.action, call.partition_prefix) for call in calls]
    assert made.index(("SendMessage", None)) < made.index(("UpdateItem", "account#"))
    post.deliver()
    (mail,) = post.mails
    assert mail.to == ("john@example.com",)


@pytest.mark.parametrize("what", CHANGES)
def test_a_queue_that_is_out_of_reach_keeps_nobody_from_a_change(deployment: Deployment, post: Post, what: str) -> None:
    """A person must be able to remove a stolen passkey while no mail can be sent. The log says so."""
    do = CHANGES[what](deployment)
    deployment.settings = deployment.server.settings
    deployment.restart(mail_queue="https://sqs.us-east-1.amazonaws.com/123456789012/gone")
    assert do().status in (200, 303)
    assert "mail.failed" in deployment.audit.names


@pytest.mark.parametrize("what", CHANGES)
def test_without_mail_a_change_is_told_to_nobody(deployment: Deployment, what: str) -> None:
    do = CHANGES[what](deployment)
    with deployment.aws.recorded() as calls:
        assert do().status in (200, 303)
    assert [call.action for call in calls].count("SendMessage") <= 1  # the sign-out


# Codes ----------------------------------------------------------------------------------------------------------------


def test_ten_wrong_codes_in_a_row_are_told_once(deployment: Deployment, post: Post) -> None:
    app, browser = give_totp(deployment, "demo-john"), anew(deployment)
    page = browser.sign_in(browser.open("/account"))
    deployment.aws.queues.clear()
    said = []
    for number in range(12):
        if number % 5 == 0:  # five in a quarter of an hour; and the page is too old by then
            deployment.clock.advance(901)
            page = browser.open("/account")
        assert type_code(browser, page, app.wrong(deployment.clock.now)).status == 401
        said.append([what for what, _ in told(post)].count("second.guessed"))
    assert said == [0] * 9 + [1] * 3
    post.deliver()
    assert "second" in post.newest.text or "code" in post.newest.text


def test_a_recovery_code_is_told_before_it_is_used(deployment: Deployment, post: Post) -> None:
    give_totp(deployment, "demo-john")
    code, browser = give_codes(deployment, "demo-john")[2], anew(deployment)
    page = browser.sign_in(browser.open("/account"))
    deployment.aws.queues.clear()
    assert type_code(browser, page, "3-AAAA-AAAA-AAAA-AAAA").status == 401
    assert told(post) == []
    with deployment.aws.recorded() as calls:
        assert type_code(browser, page, code).status == 303
    assert [what for what, _ in told(post)] == ["recovery.used"]
    made = [(call.action, call.partition_prefix) for call in calls]
    assert made.index(("SendMessage", None)) < made.index(("UpdateItem", "factor#"))


# Sign-ins -------------------------------------------------------------------------------------------------------------


def test_a_sign_in_where_nobody_did_before_is_told_once(deployment: Deployment, post: Post) -> None:
    browser = at_account(deployment)
    assert told(post) == [("browser.new", "")]
    post.deliver()
    assert "in a browser that had not been used for it before" in post.newest.text
    deployment.clock.advance(4000)
    browser.sign_in(browser.open("/account/password"))
    assert told(post) == []


def test_the_notice_is_sent_before_the_browser_counts_as_known(
    deployment: Deployment, post: Post, web_app: Application
) -> None:
    """So no invocation that dies in between leaves a browser known that nobody was told of."""
    browser = anew(deployment)
    page = browser.open(web_app.ask().url)
    assert attempt(browser, page, "john", "wrong").status == 401
    assert told(post) == []
    with deployment.aws.recorded() as calls:
        assert attempt(browser, page, "john", "password123").status == 303
    made = [(call.action, call.partition_prefix) for call in calls]
    assert made.index(("SendMessage", None)) < made.index(("PutItem", "throttle#"))
    assert told(post) == [("browser.new", "")]


def test_a_thief_who_gives_the_password_twice_in_the_new_browser_is_told_of_all_the_same(
    deployment: Deployment, post: Post, web_app: Application
) -> None:
    """The thief does not follow the first answer. The browser counts as known from then on."""
    browser = anew(deployment)
    page = browser.open(web_app.ask().url)
    attempt(browser, page, "john", "password123")
    deployment.clock.advance(1)
    browser.follow(attempt(browser, page, "john", "password123"))
    assert SESSION in browser.cookies
    assert told(post) == [("browser.new", "")]


@pytest.mark.parametrize(("age", "is_told"), [(0, False), (DAY - 1, False), (DAY, True)])
def test_nobody_is_told_on_the_first_day_of_an_account(
    deployment: Deployment, post: Post, age: int, is_told: bool
) -> None:
    change(deployment, created_at=int(deployment.clock()) - age)
    at_account(deployment)
    assert bool(told(post)) is is_told


@pytest.mark.parametrize("attributes", [{"email": ""}, {"email_verified": False}])
def test_an_account_without_a_proven_address_costs_no_message(
    deployment: Deployment, post: Post, attributes: dict[str, Any]
) -> None:
    change(deployment, **attributes)
    at_account(deployment)
    assert told(post) == []


def test_a_passkey_tells_no_new_browser(deployment: Deployment, post: Post) -> None:
    """Nobody can phish it."""
    at_passkeys(deployment, give_passkey(deployment.table("Users"), "demo-john", "id.example.com"))
    assert told(post) == []


def test_an_address_that_can_undo_a_change_is_told_as_well(deployment: Deployment, post: Post) -> None:
    change(deployment, email="new@example.org", former_email="old@example.com", former_until=2_000_000_000)
    browser = at_account(deployment)
    deployment.aws.queues.clear()
    press(browser, browser.get("/account/password"), new_password="several words in a row")
    post.deliver()
    assert {mail.to for mail in post.mails} == {("new@example.org",), ("old@example.com",)}
