"""Which apps have I allowed, and how do I take that back (the account page, /account/apps)."""

from __future__ import annotations

import pytest

from tests.integration.conftest import Redeemed
from tests.integration.visiting import at_account, is_refused_at_apis, items_of, press
from tests.support.application import Application
from tests.support.browser import Browser, filled_in, forms_of
from tests.support.deployment import Deployment

PAGE = "/account/apps"


def test_who_has_allowed_nothing_sees_nothing(deployment: Deployment, redeemed: Redeemed) -> None:
    body = at_account(deployment, "jane").get(PAGE).body
    assert "You have allowed no app" in body
    assert "Demo" not in body


def test_an_app_is_shown_with_its_name_its_scopes_in_words_and_since_when(
    deployment: Deployment, browser: Browser, web_app: Application, redeemed: Redeemed
) -> None:
    body = browser.get(PAGE).body
    known = deployment.server.registry.scopes().scopes
    assert deployment.client(web_app.client_id).client_name in body
    for name in web_app.scope.split():
        assert known[name].description in body
    assert known["roles"].description not in body
    assert "2027-01-15 08:00 UTC" in body
    assert body.count("Take access back") == 1


def test_looking_changes_nothing(
    deployment: Deployment, browser: Browser, web_app: Application, redeemed: Redeemed
) -> None:
    with deployment.nothing_spent():
        browser.get(f"{PAGE}?revoke={web_app.client_id}")


def test_an_app_loses_its_access_at_once_and_has_to_ask_again(
    deployment: Deployment, browser: Browser, web_app: Application, redeemed: Redeemed
) -> None:
    deployment.audit.events.clear()
    assert press(browser, browser.get(PAGE), "revoke").location.endswith(PAGE)
    [(name, fields)] = deployment.audit.events
    assert (name, fields["client_id"], fields["revoked_for"]) == ("grant.revoked", web_app.client_id, "account")
    assert "Take access back" not in browser.get(PAGE).body
    assert is_refused_at_apis(deployment, redeemed.access_token)
    assert web_app.introspect(redeemed.access_token).json() == {"active": False}
    assert web_app.userinfo(redeemed.access_token).status == 401
    assert web_app.refresh(redeemed.refresh_token).json()["error"] == "invalid_grant"
    assert not items_of(deployment, "consent")
    assert "consent_required" in str(browser.get(web_app.ask(prompt="none").url).answered)
    assert browser.get(PAGE).status == 200  # the person stays signed in


def test_the_other_apps_and_the_other_people_keep_theirs(
    deployment: Deployment, browser: Browser, web_app: Application, legacy_app: Application, redeemed: Redeemed
) -> None:
    others = [(allowed(browser, legacy_app), legacy_app), (allowed(at_account(deployment, "jane"), web_app), web_app)]
    press(browser, browser.get(PAGE), "revoke", value=web_app.client_id)
    for tokens, app in others:
        assert not is_refused_at_apis(deployment, tokens["access_token"])
        assert app.refresh(tokens["refresh_token"]).status == 200


def test_every_grant_of_the_app_ends(
    deployment: Deployment, browser: Browser, web_app: Application, redeemed: Redeemed
) -> None:
    second = allowed(browser, web_app)
    press(browser, browser.get(PAGE), "revoke")
    for token in (redeemed.access_token, second["access_token"]):
        assert is_refused_at_apis(deployment, token)


def test_a_code_on_its_way_is_worth_nothing(deployment: Deployment, browser: Browser, web_app: Application) -> None:
    asked = web_app.ask()
    code = browser.decide(browser.sign_in(browser.open(asked.url))).answered["code"]
    press(browser, browser.get(PAGE), "revoke")
    assert web_app.redeem(code, asked.code_verifier).json()["error"] == "invalid_grant"


def test_a_second_click_is_answered_as_the_first(browser: Browser, redeemed: Redeemed) -> None:
    sent = filled_in(browser.get(PAGE), "revoke")
    first, second = browser.post(*sent), browser.post(*sent)
    assert (first.status, first.location) == (second.status, second.location) == (303, f"{browser.issuer}{PAGE}")


@pytest.mark.parametrize("last", ["UpdateItem grant#", "DeleteItem consent#"])
def test_what_died_half_way_is_finished_by_doing_it_again(
    deployment: Deployment, browser: Browser, redeemed: Redeemed, last: str
) -> None:
    """The consent is forgotten, or the grant is revoked too, but no status bit is set."""
    sent = filled_in(browser.get(PAGE), "revoke")
    deployment.table("Users").delete("consent#demo-john", "web_app_123")
    if last == "UpdateItem grant#":
        grant = f"grant#{redeemed.refresh_token.partition('.')[0]}"
        deployment.table("Grants").update(grant, "grant", "SET #revoked_at = :at", {":at": 1})
    browser.post(*sent)
    assert is_refused_at_apis(deployment, redeemed.access_token)


@pytest.mark.parametrize("forged", ["", "x", "another app", "another section", "another person"])
def test_a_form_that_this_page_did_not_send_takes_nothing_back(
    deployment: Deployment,
    browser: Browser,
    web_app: Application,
    legacy_app: Application,
    redeemed: Redeemed,
    forged: str,
) -> None:
    jane = at_account(deployment, "jane")
    allowed(browser, legacy_app)
    allowed(jane, web_app)
    tokens = {
        "another app": filled_in(browser.get(PAGE), "revoke", legacy_app.client_id)[1]["csrf_token"],
        "another section": forms_of(browser.get("/account/profile"))[0].hidden["csrf_token"],
        "another person": filled_in(jane.get(PAGE), "revoke")[1]["csrf_token"],
    }
    for client_id in (web_app.client_id, ""):
        with deployment.nothing_spent():
            answer = browser.post(PAGE, {"csrf_token": tokens.get(forged, forged), "revoke": client_id})
        assert answer.status == 400
        assert "out of date" in answer.body
    assert not is_refused_at_apis(deployment, redeemed.access_token)


def test_a_client_that_was_deleted_is_shown_by_its_id(
    deployment: Deployment, browser: Browser, redeemed: Redeemed
) -> None:
    deployment.table("Registry").delete("client#web_app_123", "client")
    deployment.clock.advance(11)
    assert "web_app_123</bdi>" in browser.get(PAGE).body
    press(browser, browser.get(PAGE), "revoke")
    assert is_refused_at_apis(deployment, redeemed.access_token)


def test_a_grant_that_has_ended_is_not_shown(
    deployment: Deployment, browser: Browser, web_app: Application, redeemed: Redeemed
) -> None:
    web_app.revoke(redeemed.refresh_token)
    deployment.table("Users").delete("consent#demo-john", "web_app_123")
    assert "You have allowed no app" in browser.get(PAGE).body


def test_a_pointer_leads_to_no_grant_of_another_person(deployment: Deployment, redeemed: Redeemed) -> None:
    """Whatever a pointer says, only the person's own grants are shown and ended."""
    jane = at_account(deployment, "jane")
    [pointer] = items_of(deployment, "sub")
    item = {name: next(iter(value.values())) for name, value in pointer.items() if name != "ends_with_session"}
    item |= {"pk": "sub#demo-jane", "sub": "demo-jane", "ends_with_session": False}
    deployment.table("Grants").put({**item, "expires_at": int(item["expires_at"]), "redeemed_at": 1})
    assert "You have allowed no app" in jane.get(PAGE).body


def allowed(browser: Browser, app: Application) -> dict[str, str]:
    """What the app gets of the person who is signed in."""
    asked = app.ask(prompt="consent")
    answer = browser.decide(browser.open(asked.url))
    tokens: dict[str, str] = app.redeem(answer.answered["code"], asked.code_verifier).json()
    return tokens
