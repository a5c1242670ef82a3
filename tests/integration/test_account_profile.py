"""What a person says of themselves (the account page, /account/profile; OpenID Connect Core §5.1)."""

from __future__ import annotations

import pytest
from valet.account.profile import CLAIMS
from valet.models.accounts import Account

from tests.integration.conftest import Redeemed
from tests.integration.visiting import at_account, press
from tests.support.application import Application
from tests.support.browser import Browser, filled_in, forms_of
from tests.support.deployment import Deployment

PAGE = "/account/profile"
NEW = {
    "name": "Jöhn <D>",
    "given_name": "Jöhn",
    "family_name": "D",
    "nickname": "jd",
    "birthdate": "1990-12-31",
    "gender": "other",
    "phone_number": "+14255550100",
    "website": "http://www.example.com/j",
    "picture": "https://www.example.com/j.png",
    "locale": "de-AT",
    "zoneinfo": "Europe/Vienna",
}


def john(deployment: Deployment) -> Account:
    found = deployment.server.accounts.find_account("demo-john")
    assert found is not None
    return found


def test_the_table_of_new_values_is_whole() -> None:
    assert set(NEW) == set(CLAIMS)


def test_each_claim_is_saved_shown_and_told(
    deployment: Deployment, browser: Browser, web_app: Application, redeemed: Redeemed
) -> None:
    deployment.clock.advance(60)
    deployment.audit.events.clear()
    assert press(browser, browser.get(PAGE), **NEW).location.endswith(PAGE)
    account = john(deployment)
    assert {claim: getattr(account, claim) for claim in NEW} == NEW
    assert account.updated_at == int(deployment.clock.now)
    assert deployment.audit.events == [("account.changed", {"sub": "demo-john", "members": " ".join(CLAIMS)})]
    body = browser.get(PAGE).body
    assert "Jöhn &lt;D&gt;" in body
    told = web_app.userinfo(redeemed.access_token).json()
    assert told["name"] == NEW["name"]
    assert told["updated_at"] == int(deployment.clock.now)


def test_an_emptied_claim_is_gone(deployment: Deployment, browser: Browser, redeemed: Redeemed) -> None:
    press(browser, browser.get(PAGE), **NEW)
    press(browser, browser.get(PAGE), **dict.fromkeys(NEW, ""))
    assert {getattr(john(deployment), claim) for claim in NEW} == {""}


def test_what_is_sent_unchanged_writes_nothing(deployment: Deployment) -> None:
    browser = at_account(deployment)
    with deployment.nothing_spent():
        assert press(browser, browser.get(PAGE), name="John Doe").status == 303


@pytest.mark.parametrize(
    "field",
    ["email", "email_verified", "username", "roles", "sub", "is_disabled", "epoch", "password_id", "updated_at"],
)
def test_nothing_else_can_be_changed(deployment: Deployment, field: str) -> None:
    browser = at_account(deployment)
    assert field not in forms_of(browser.get(PAGE))[0].names
    before = john(deployment)
    with deployment.nothing_spent():
        press(browser, browser.get(PAGE), **{"name": "John Doe", field: "1"})
    assert john(deployment) == before


def test_a_new_phone_number_is_not_proven(deployment: Deployment) -> None:
    deployment.table("Users").update(
        "account#demo-john",
        "account",
        "SET #phone_number = :number, #phone_number_verified = :yes",
        {":number": "+14255550100", ":yes": True},
    )
    browser = at_account(deployment)
    press(browser, browser.get(PAGE), name="John", phone_number="+14255550100")
    assert john(deployment).phone_number_verified
    press(browser, browser.get(PAGE), name="John", phone_number="+14255550199")
    assert not john(deployment).phone_number_verified
    press(browser, browser.get(PAGE), name="John", phone_number="")
    assert not john(deployment).phone_number_verified


@pytest.mark.parametrize(
    ("claim", "value"),
    [
        ("name", "x" * 257),
        ("name", "J\u202eohn"),
        ("birthdate", "31.12.1990"),
        ("birthdate", "1990-13-01"),
        ("phone_number", "0425 5550100"),
        ("website", "javascript:alert(1)"),
        ("website", "www.example.com"),
        ("picture", "http://www.example.com/j.png"),
        ("picture", "data:image/png;base64,AAAA"),
        ("picture", "https://john@evil.example/j.png"),
        ("locale", "German!"),
        ("zoneinfo", "Europe/../Vienna"),
    ],
)
def test_what_is_no_such_claim_is_refused_at_its_field_and_nothing_is_saved(
    deployment: Deployment, claim: str, value: str
) -> None:
    browser = at_account(deployment)
    with deployment.nothing_spent():
        page = press(browser, browser.get(PAGE), **{"nickname": "kept as typed", claim: value})
    assert page.status == 400
    assert f'id="{claim}-wrong"' in page.body
    assert "kept as typed" in page.body


def test_all_fields_together_have_a_bound(deployment: Deployment) -> None:
    browser = at_account(deployment)
    long = dict.fromkeys(("name", "given_name", "family_name", "nickname", "gender"), "ü" * 250)
    with deployment.nothing_spent():
        page = press(browser, browser.get(PAGE), **long)
    assert page.status == 400
    assert "too long" in page.body


def test_an_older_tab_does_not_undo_what_a_newer_one_saved(deployment: Deployment) -> None:
    browser = at_account(deployment)
    older = filled_in(browser.get(PAGE), name="Older")
    press(browser, browser.get(PAGE), name="Newer")
    with deployment.nothing_spent():
        page = browser.post(*older)
    assert page.status == 400
    assert "Newer" in page.body
    assert john(deployment).name == "Newer"


def test_two_changes_in_one_second_are_told_apart(deployment: Deployment) -> None:
    browser = at_account(deployment)
    press(browser, browser.get(PAGE), name="First")
    older = filled_in(browser.get(PAGE), name="Older")
    press(browser, browser.get(PAGE), name="Second")
    assert browser.post(*older).status == 400
    assert john(deployment).name == "Second"


@pytest.mark.parametrize("change", ["SET #epoch = :one", "SET #updated_at = :one", "SET #deleted_at = :one"])
def test_what_changed_while_the_form_was_on_its_way_is_not_overwritten(deployment: Deployment, change: str) -> None:
    """The write itself compares: between reading the account and writing it, an operator was faster."""
    account = john(deployment)
    deployment.table("Users").update("account#demo-john", "account", change, {":one": 1})
    with deployment.nothing_spent():
        assert not deployment.server.own_account.change_claims(account, {"name": "Late"}, 2)


@pytest.mark.parametrize("forged", ["", "x", "another person", "another section"])
def test_a_form_that_this_page_did_not_send_changes_nothing(deployment: Deployment, forged: str) -> None:
    browser, jane = at_account(deployment), at_account(deployment, "jane")
    tokens = {
        "another person": filled_in(jane.get(PAGE))[1]["csrf_token"],
        "another section": forms_of(browser.get("/account/sessions"))[0].hidden["csrf_token"],
    }
    with deployment.nothing_spent():
        answer = browser.post(PAGE, {"csrf_token": tokens.get(forged, forged), "name": "Forged"})
    assert answer.status == 400
    assert "Forged" not in answer.body
