"""Setting a new password at /account/password: by a fresh sign-in, by the rules, and by one write that ends everything
which was opened before it (promise P17).
"""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

import pytest
from valet.models.accounts import Account
from valet.models.policy import ITEM
from valet.people.passwords import credential_in_force
from valet.people.totp import STEP

from tests.integration.conftest import Redeemed
from tests.integration.guesses import anew
from tests.integration.visiting import at_account, items_of, press
from tests.support.application import Application
from tests.support.browser import Browser, filled_in
from tests.support.deployment import Deployment, queue_arn
from tests.support.passkeys import give_passkey
from tests.support.second_factors import App, give_totp, type_code
from tests.support.wire import Answer

PATH, OLD, NEW = "/account/password", "password123", "several words in a row"
JOHN = "account#demo-john"
# A refusal makes the page again, for which nothing is written but that the session was used.
BUT = ("session#",)


@pytest.fixture
def page(browser: Browser) -> Answer:
    """John has just signed in, and is at the page."""
    return browser.sign_in(browser.open(PATH))


def account_of(deployment: Deployment) -> Account:
    found = deployment.users().find_account("demo-john")
    assert found is not None
    return found


def change(deployment: Deployment, **attributes: Any) -> None:
    """The account as another function has left it."""
    names = ", ".join(f"#{name} = :{name}" for name in attributes)
    values = {f":{name}": value for name, value in attributes.items()}
    deployment.table("Users").update(JOHN, "account", f"SET {names}", values)


def signs_in(deployment: Deployment, password: str, username: str = "john") -> bool:
    browser = anew(deployment)
    return browser.sign_in(browser.open("/account"), username, password).status == 200


def assert_refused(deployment: Deployment, browser: Browser, page: Answer, typed: str, why: str) -> None:
    with deployment.nothing_spent(BUT):
        answer = press(browser, page, new_password=typed)
    assert answer.status == 400
    assert why in answer.body
    assert typed == "" or typed not in answer.body
    assert "password.changed" not in deployment.audit.names


def test_the_new_password_signs_in_and_the_old_one_never_again(
    deployment: Deployment, browser: Browser, page: Answer
) -> None:
    answer = press(browser, page, new_password=NEW)
    assert answer.status == 200
    assert "Your password is changed" in answer.body
    assert f'href="{deployment.issuer}/account"' in answer.body
    assert deployment.audit.names[-1] == "password.changed"
    assert signs_in(deployment, NEW)
    assert not signs_in(deployment, OLD)
    # nothing is left of the old one
    kept = [item["password_hash"]["S"] for item in items_of(deployment, "password") if item["sub"]["S"] == "demo-john"]
    assert len(kept) == 1


def test_everything_that_was_opened_before_is_over(
    deployment: Deployment, browser: Browser, web_app: Application, redeemed: Redeemed
) -> None:
    other = at_account(deployment)
    page = browser.open(PATH)
    deployment.aws.queues.clear()
    press(browser, page, new_password=NEW)
    assert 'name="password"' in browser.open("/account").body
    assert 'name="password"' in other.open("/account").body
    assert web_app.refresh(redeemed.refresh_token).error == "invalid_grant"
    assert web_app.userinfo(redeemed.access_token).status == 401


def test_the_sign_out_is_announced_before_the_write(deployment: Deployment, browser: Browser, page: Answer) -> None:
    """An invocation that dies after the write leaves nothing behind that is not finished."""
    with deployment.aws.recorded() as calls:
        press(browser, page, new_password=NEW)
    made = [(call.action, call.partition_prefix) for call in calls]
    assert made.index(("SendMessage", None)) < made.index(("UpdateItem", "account#"))
    assert made.index(("PutItem", "password#")) < made.index(("UpdateItem", "account#"))
    message = deployment.aws.queues.receive(queue_arn("SignOuts"))
    assert message is not None
    said = {"sub": "demo-john", "issuer": deployment.issuer, "revoked_for": "password_changed"}
    assert json.loads(message.body) == said


@pytest.mark.parametrize(
    ("typed", "why"),
    [
        ("", "too short"),
        ("14 characters!", "too short"),
        ("x" * 1025, "too long"),
        ("ab" * 10, "repeats"),
        ("John@Example.com", "a name or an address"),
        ("Harbour of dreams", "a name or an address"),
        ("1qaz2wsx3edc4rfv", "attackers try first"),
    ],
)
def test_a_password_that_others_guess_is_refused_with_the_reason(
    deployment: Deployment, browser: Browser, typed: str, why: str
) -> None:
    deployment.table("Registry").put({"pk": ITEM[0], "sk": ITEM[1], "brand_name": "harbour of dreams"})
    assert_refused(deployment, browser, browser.sign_in(browser.open(PATH)), typed, why)
    assert signs_in(deployment, OLD)


def with_an_app(deployment: Deployment, browser: Browser, password: str = OLD, app: App | None = None) -> Answer:
    """The page, after a sign-in by the password and the code of an app."""
    app = app or give_totp(deployment, "demo-john")
    asked = browser.sign_in(browser.open(PATH), password=password)
    deployment.clock.advance(STEP)
    return browser.follow(type_code(browser, asked, app.code(deployment.clock.now)))


def test_eight_characters_are_enough_next_to_a_second_factor_and_fifteen_alone(
    deployment: Deployment, browser: Browser, page: Answer
) -> None:
    assert "At least 15 characters" in page.body
    assert_refused(deployment, browser, page, "bicycles", "at least 15 characters")
    page = with_an_app(deployment, browser)
    assert "At least 8 characters" in page.body
    assert_refused(deployment, browser, page, "bicycle", "at least 8 characters")
    assert press(browser, page, new_password="my bicycle").status == 200


def test_a_short_password_is_known_to_be_one_until_a_long_one_follows(deployment: Deployment, browser: Browser) -> None:
    """It is enough next to the second factor, which therefore has to stay."""
    app = give_totp(deployment, "demo-john")
    press(browser, with_an_app(deployment, browser, app=app), new_password="my bicycle")
    assert account_of(deployment).has_short_password
    press(browser, with_an_app(deployment, browser, "my bicycle", app), new_password=NEW)
    assert not account_of(deployment).has_short_password


def test_the_operator_says_how_long_it_has_to_be(deployment: Deployment, browser: Browser) -> None:
    deployment.table("Registry").put({"pk": ITEM[0], "sk": ITEM[1], "password_minimum": 30})
    page = browser.sign_in(browser.open(PATH))
    assert_refused(deployment, browser, page, NEW, "at least 30 characters")


def test_the_page_asks_for_nothing_twice_and_works_without_script(page: Answer) -> None:
    assert page.body.count('<input type="password"') == 1
    assert 'autocomplete="new-password"' in page.body
    assert 'autocomplete="username"' in page.body  # so that a password manager knows whose it is
    assert page.headers["content-security-policy"].count("script-src 'sha256-") == 1


def test_a_password_of_any_script_is_the_same_from_every_keyboard(
    deployment: Deployment, browser: Browser, page: Answer
) -> None:
    typed = "Ｆünf Wörter im Kopf"
    assert press(browser, page, new_password=typed).status == 200
    assert signs_in(deployment, "Fu\u0308nf Wo\u0308rter im Kopf")


@pytest.mark.parametrize("token", ["", "x", "of another"])
def test_a_form_that_this_session_was_not_shown_does_nothing(
    deployment: Deployment, browser: Browser, page: Answer, token: str
) -> None:
    jane = at_account(deployment, "jane")
    value = filled_in(jane.open(PATH))[1]["csrf_token"] if token == "of another" else token
    with deployment.nothing_spent(BUT):
        answer = browser.post(PATH, {"csrf_token": value, "new_password": NEW})
    assert answer.status == 400
    assert "out of date" in answer.body


def test_a_stale_sign_in_and_one_below_the_accounts_own_level_set_none(
    deployment: Deployment, browser: Browser, page: Answer
) -> None:
    """Who has only stolen the password changes nothing of an account with a passkey."""
    sent = filled_in(page, new_password=NEW)
    deployment.clock.advance(301)
    with deployment.nothing_spent((*BUT, "request#")):
        assert browser.post(*sent).status == 303
        assert "/authorize" in browser.get(PATH).location
    give_passkey(deployment.table("Users"), "demo-john", "id.example.com")
    again = browser.open(PATH)
    assert "you have to sign in with a passkey" in again.body
    with deployment.nothing_spent((*BUT, "request#")):
        assert browser.post(*sent).status == 303
    assert account_of(deployment).password_id == ""


def test_a_thief_who_is_still_writing_while_the_owner_resets_comes_too_late(deployment: Deployment) -> None:
    """Both have read the account. The owner's write comes first, whatever the thief's request does."""
    read, writes = account_of(deployment), deployment.server.own_sign_in
    assert writes.name_password(read, "0000000001.owner", 5.0)
    with deployment.nothing_spent():
        assert not writes.name_password(read, "0000000001.thief", 6.0)
    assert account_of(deployment) == replace(
        read, password_id="0000000001.owner", epoch=1, epoch_raised_at_ms=5000, sessions_not_before_ms=5000
    )


def test_another_password_than_was_read_is_not_replaced(deployment: Deployment, browser: Browser, page: Answer) -> None:
    """An operator has set one at this moment, and has not signed anybody out."""
    read = account_of(deployment)
    change(deployment, password_id="0000000001.operator")
    with deployment.nothing_spent():
        assert not deployment.server.own_sign_in.name_password(read, "0000000002.x", 5.0)
    with deployment.nothing_spent(BUT):
        assert press(browser, page, new_password=NEW).status == 400


def test_a_loser_leaves_no_password_behind(
    deployment: Deployment, browser: Browser, page: Answer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(type(deployment.server.own_sign_in), "name_password", lambda *_, **__: False)
    before = items_of(deployment, "password")
    answer = press(browser, page, new_password=NEW)
    assert answer.status == 400
    assert "changed at this moment" in answer.body
    assert items_of(deployment, "password") == before


def test_a_second_click_is_no_second_change(deployment: Deployment, browser: Browser, page: Answer) -> None:
    sent = filled_in(page, new_password=NEW)
    assert browser.post(*sent).status == 200
    with deployment.nothing_spent((*BUT, "request#")):
        assert browser.post(*sent).status == 303  # the session is over
    assert signs_in(deployment, NEW)


def test_an_account_of_the_release_before_that_was_never_upgraded(
    deployment: Deployment, browser: Browser, page: Answer
) -> None:
    """The person signs in by the new password in this release. The old one is in force in neither: the release before
    asks the account which credential counts, too.
    """
    users = deployment.table("Users")
    users.delete("password#demo-john", "first")
    users.delete("identifier#john", "identifier")
    assert signs_in(deployment, OLD)
    press(browser, page, new_password=NEW)
    assert signs_in(deployment, NEW)
    assert not signs_in(deployment, OLD)
    kept = deployment.users().find_credentials("john")
    assert kept
    assert credential_in_force(kept, account_of(deployment)) is None


def test_an_account_without_a_password_gets_one(deployment: Deployment, browser: Browser, page: Answer) -> None:
    deployment.table("Users").delete("password#demo-john", "first")
    change(deployment, has_no_password=True)
    page = browser.open(PATH)
    assert press(browser, page, new_password=NEW).status == 200
    assert not account_of(deployment).has_no_password
    assert signs_in(deployment, NEW)
