"""Taking one's data along, and deleting the account (the account page, /account/download and /account/delete)."""

from __future__ import annotations

import json
from typing import Any

import pytest
from valet.account.download import NOT_TOLD
from valet.aws.dynamodb.own_account import REMOVED
from valet.models.accounts import Account, Consent
from valet.models.grants import GrantOutline
from valet.models.sessions import Session

from tests.integration.conftest import Redeemed
from tests.integration.guesses import anew, attempt
from tests.integration.visiting import (
    FIREFOX,
    SESSION,
    at_account,
    is_refused_at_apis,
    items_of,
    press,
)
from tests.support.application import Application
from tests.support.browser import Browser, filled_in
from tests.support.deployment import Deployment

DOWNLOAD, DELETE = "/account/download", "/account/delete"


def test_the_download_has_all_that_is_kept(deployment: Deployment, web_app: Application, redeemed: Redeemed) -> None:
    browser = at_account(deployment, user_agent=FIREFOX)
    with deployment.nothing_spent():
        answer = press(browser, browser.get(DOWNLOAD))
    assert answer.status == 200
    assert answer.headers["content-type"] == "application/json"
    assert answer.headers["content-disposition"] == 'attachment; filename="account.json"'
    assert answer.headers["cache-control"] == "no-store"
    told = json.loads(answer.body)
    assert told["account"]["username"] == "john"
    assert told["account"]["email"] == "john@example.com"
    assert told["account"]["roles"] == ["user"]
    assert {each.get("agent") for each in told["sessions"]} == {"Firefox, Linux", None}
    assert told["consents"][0]["client_id"] == web_app.client_id
    assert told["consents"][0]["scope"] == sorted(web_app.scope.split())
    assert told["grants"][0]["issued_at"] == "2027-01-15 08:00 UTC"
    assert "account.downloaded" in deployment.audit.names


def test_the_download_has_no_secret_digest_or_hash(deployment: Deployment, redeemed: Redeemed) -> None:
    browser = at_account(deployment)
    deployment.table("Users").update("account#demo-john", "account", "SET #password_id = :id", {":id": ""})
    body = press(browser, browser.get(DOWNLOAD)).body
    binaries = set(binaries_in(deployment.everything()))
    assert binaries
    for secret in (*binaries, *browser.cookies.values(), "argon2", redeemed.refresh_token, redeemed.access_token):
        assert secret not in body


@pytest.mark.parametrize("kind", [Account, Session, Consent, GrantOutline])
def test_every_member_is_told_or_is_no_word_about_the_person(kind: Any) -> None:
    """A field that a later change adds is told unless somebody decides otherwise; these were decided."""
    assert NOT_TOLD & set(kind.FIELDS) <= {
        *("digest", "ending", "password_id", "epoch", "epoch_raised_at_ms", "sessions_not_before_ms", "expires_at"),
        *("sid", "passkeys", "user_handle", "totp_id", "recovery_id", "remembered", "instead_of", "links", "link"),
    }


@pytest.mark.parametrize("section", [DOWNLOAD, DELETE])
def test_a_form_that_this_page_did_not_send_does_nothing(deployment: Deployment, section: str) -> None:
    browser, jane = at_account(deployment), at_account(deployment, "jane")
    for token in ("", "x", filled_in(jane.get(section))[1]["csrf_token"]):
        with deployment.nothing_spent():
            answer = browser.post(section, {"csrf_token": token, "confirm": "john"})
        assert answer.status == 400
        assert "out of date" in answer.body
        assert "example.com" not in answer.body


def test_who_types_something_else_deletes_nothing(deployment: Deployment) -> None:
    browser = at_account(deployment)
    for typed in ("", "jane", "yes", "johnx"):
        with deployment.nothing_spent():
            page = press(browser, browser.get(DELETE), confirm=typed)
        assert page.status == 400
        assert "not your username" in page.body


def test_looking_at_the_page_deletes_nothing(deployment: Deployment) -> None:
    browser = at_account(deployment)
    with deployment.nothing_spent():
        browser.get(f"{DELETE}?confirm=john")


def test_a_deleted_account_is_gone_everywhere(
    deployment: Deployment, browser: Browser, web_app: Application, redeemed: Redeemed
) -> None:
    other = at_account(deployment)
    deployment.audit.events.clear()
    page = browser.follow(press(browser, browser.get(DELETE), confirm=" John "))
    assert "Your account is deleted" in page.body
    assert SESSION not in browser.cookies
    assert deployment.audit.names[0] == "account.deleted"
    assert deployment.audit.names.count("account.deleted") == 1
    # at this server and at APIs
    assert other.get("/account").status in (200, 303)
    assert SESSION not in other.cookies
    assert is_refused_at_apis(deployment, redeemed.access_token)
    assert web_app.introspect(redeemed.access_token).json() == {"active": False}
    assert web_app.userinfo(redeemed.access_token).status == 401
    assert web_app.refresh(redeemed.refresh_token).json()["error"] == "invalid_grant"
    again = anew(deployment)
    assert attempt(again, again.open("/account"), "john", "password123").status == 401
    # nothing about the person is left
    [item] = [each for each in items_of(deployment, "account") if each["sub"]["S"] == "demo-john"]
    assert not set(item) & set(REMOVED)
    assert item["deleted_at"]["N"] == "1800000000"
    assert not items_of(deployment, "consent")


def test_nobody_else_loses_anything(deployment: Deployment, redeemed: Redeemed) -> None:
    jane, john = at_account(deployment, "jane"), at_account(deployment)
    press(john, john.get(DELETE), confirm="john")
    assert jane.get("/account").status == 200
    assert at_account(deployment, "jane").get("/account").status == 200


def test_the_username_stays_taken_and_the_password_opens_nothing(deployment: Deployment) -> None:
    """Nobody is given the name while something may still mean the person by it."""
    browser = at_account(deployment)
    press(browser, browser.get(DELETE), confirm="john")
    taken = deployment.users().add_user(Account("other", "john"), "hash", deployment.clock.now)
    assert not taken
    again = anew(deployment)
    assert attempt(again, again.open("/account"), "john", "password123").status == 401


def test_a_deletion_that_died_half_way_is_finished_by_loading_the_page_again(
    deployment: Deployment, redeemed: Redeemed
) -> None:
    """The one write was done, and nothing after it."""
    browser = at_account(deployment)
    account = deployment.server.accounts.find_account("demo-john")
    assert account is not None
    assert deployment.server.own_account.delete(account, deployment.clock.now)
    assert items_of(deployment, "consent")
    page = browser.open(DELETE)
    assert "Your account is deleted" in page.body
    assert is_refused_at_apis(deployment, redeemed.access_token)
    assert not items_of(deployment, "consent")


@pytest.mark.parametrize("change", ["SET #epoch = :one", "SET #deleted_at = :one"])
def test_a_deletion_that_something_else_outran_is_none(deployment: Deployment, change: str) -> None:
    account = deployment.server.accounts.find_account("demo-john")
    assert account is not None
    deployment.table("Users").update("account#demo-john", "account", change, {":one": 1})
    with deployment.nothing_spent():
        assert not deployment.server.own_account.delete(account, 2.0)
        assert not deployment.server.own_account.end_everything(account, 2.0)


def test_a_second_click_is_answered_as_the_first(deployment: Deployment) -> None:
    browser = at_account(deployment)
    sent = filled_in(browser.get(DELETE), confirm="john")
    first, second = browser.post(*sent), browser.post(*sent)
    assert first.status == 303
    assert "Your account is deleted" in (second.body + browser.follow(first).body)
    assert deployment.audit.names.count("account.deleted") == 1


def binaries_in(value: Any) -> list[str]:
    """Every binary of the items, in hex: keys have digests so."""
    if isinstance(value, bytes):
        return [value.hex()]
    members = value.values() if isinstance(value, dict) else value if isinstance(value, list | tuple) else ()
    return [found for member in members for found in binaries_in(member)]
