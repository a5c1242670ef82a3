"""What people sign in with: their username, their proven address, or either, by the operator's policy."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from valet.models.accounts import Identifier
from valet.models.policy import ITEM

from tests.integration.guesses import anew, attempt, verifications
from tests.support.application import Application
from tests.support.browser import Browser
from tests.support.deployment import Deployment

PASSWORD = "password123"
SignsIn = Callable[[str], bool]


@pytest.fixture
def signs_in(deployment: Deployment, web_app: Application) -> SignsIn:
    """Whether John's password opens the way with that name. A refusal spends nothing, and looks like any other."""

    def sign_in(name: str) -> bool:
        browser = anew(deployment)
        page = browser.open(web_app.ask().url)
        answer = attempt(browser, page, name, PASSWORD)
        if answer.status == 303:
            return True
        assert (answer.status, answer.set_cookies) == (401, ())
        assert "do not match" in answer.body
        return False

    return sign_in


def allow(deployment: Deployment, sign_in_with: str) -> None:
    deployment.table("Registry").put({"pk": ITEM[0], "sk": ITEM[1], "sign_in_with": sign_in_with})
    deployment.clock.advance(11)


@pytest.mark.parametrize(
    ("policy", "by_username", "by_address"), [("username", True, False), ("email", False, True), ("either", True, True)]
)
def test_the_policy_says_which_names_count(
    deployment: Deployment, signs_in: SignsIn, policy: str, by_username: bool, by_address: bool
) -> None:
    allow(deployment, policy)
    assert signs_in("john") is by_username
    assert signs_in("john@example.com") is by_address


@pytest.mark.parametrize(
    ("policy", "label"),
    [("username", "Username"), ("email", "Email address"), ("either", "Username or email address")],
)
def test_the_page_says_what_to_type(
    deployment: Deployment, browser: Browser, web_app: Application, policy: str, label: str
) -> None:
    allow(deployment, policy)
    assert f'<label for="username">{label}</label>' in browser.open(web_app.ask().url).body


@pytest.mark.parametrize("typed", [" John@Example.COM ", "JOHN@EXAMPLE.COM", "ｊｏｈｎ@example.com"])
def test_an_address_is_told_apart_by_nothing_that_mailboxes_ignore(
    deployment: Deployment, signs_in: SignsIn, typed: str
) -> None:
    """amplify-js #610: an account that was made with capitals could never be signed in to again."""
    allow(deployment, "email")
    assert signs_in(typed)


def test_an_address_that_is_not_proven_signs_nobody_in(deployment: Deployment, signs_in: SignsIn) -> None:
    """Keycloak #53041: an account that held an unproven address passed for its owner's."""
    allow(deployment, "either")
    users = deployment.table("Users")
    users.update("account#demo-john", "account", "SET #email_verified = :no", {":no": False})
    with deployment.nothing_spent(("throttle#", "request#")):
        assert not signs_in("john@example.com")
    assert signs_in("john")


def test_a_name_works_only_while_the_account_has_it(deployment: Deployment, signs_in: SignsIn) -> None:
    allow(deployment, "either")
    users = deployment.table("Users")
    users.update("account#demo-john", "account", "SET #email = :new", {":new": "new@example.com"})
    assert not signs_in("john@example.com")
    assert not signs_in("new@example.com")  # nothing says whose it is yet
    assert deployment.users().take_identifier("new@example.com", Identifier("demo-john", "email"), 0)
    assert signs_in("new@example.com")
    deployment.users().release_identifier("new@example.com", "demo-john", deployment.clock())
    assert signs_in("new@example.com")  # the account has it: a mark that was left keeps it from others alone
    users.update("account#demo-john", "account", "SET #email = :newer", {":newer": "newer@example.com"})
    assert not signs_in("new@example.com")


def test_an_identifier_cannot_lead_to_an_account_that_does_not_have_it(
    deployment: Deployment, signs_in: SignsIn
) -> None:
    """A write that came late, or an item that somebody put by hand: the account's word counts."""
    allow(deployment, "either")
    assert deployment.users().take_identifier("boss@example.com", Identifier("demo-john", "email"), 0)
    assert deployment.users().take_identifier("boss", Identifier("demo-john", "username"), 0)
    assert not signs_in("boss@example.com")
    assert not signs_in("boss")


def test_people_of_the_release_before_sign_in(deployment: Deployment, signs_in: SignsIn) -> None:
    """It keeps a username and a password in one item, and knows no other."""
    users = deployment.table("Users")
    for pk, sk in (
        ("password#demo-john", "first"),
        ("identifier#john", "identifier"),
        ("identifier#john@example.com", "identifier"),
    ):
        assert users.get(pk, sk) is not None
        users.delete(pk, sk)
    allow(deployment, "either")
    assert signs_in("john")
    assert not signs_in("john@example.com")


def test_wrong_passwords_for_one_name_say_nothing_about_another(deployment: Deployment, web_app: Application) -> None:
    """An attacker who uses up the tries of an address learns from none of the usernames whose it is."""
    allow(deployment, "either")
    browser = anew(deployment)
    page = browser.open(web_app.ask().url)
    tried = [attempt(browser, page, "john@example.com", "wrong").status for _ in range(11)]
    assert tried == [401] * 10 + [429]
    assert [attempt(browser, page, name, "wrong").status for name in ("john", "jane", "nobody")] == [401] * 3


@pytest.mark.parametrize("name", ["john", "john@example.com", "nobody", "nobody@example.com", "boss@example.com"])
def test_no_name_costs_more_than_another(
    deployment: Deployment, web_app: Application, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    """The same calls and the same Argon2id, so the same time, without a stopwatch."""
    allow(deployment, "either")
    deployment.users().take_identifier("boss@example.com", Identifier("demo-john", "email"), 0)

    def cost(typed: str) -> tuple[list[tuple[str, str | None]], int]:
        browser: Browser = anew(deployment)
        page = browser.open(web_app.ask().url)
        with deployment.aws.recorded() as calls, verifications(monkeypatch) as seen:
            assert attempt(browser, page, typed, "wrong").status == 401
        return [(call.action, call.partition_prefix) for call in calls], len(seen)

    cost("the first request reads the policy")
    assert cost(name) == cost("nobody-else")


def test_a_password_belongs_to_the_account_and_not_to_the_name(deployment: Deployment, signs_in: SignsIn) -> None:
    """John's password next to Jane's address."""
    allow(deployment, "either")
    assert not signs_in("jane@example.com")
