"""Pages that were left open, opened twice, or met a browser without cookies: each says what happened and leads on."""

from __future__ import annotations

import pytest
from valet.models.clients import Client

from tests.integration.guesses import anew, attempt
from tests.support.application import Application, Asked
from tests.support.browser import Browser, form_of
from tests.support.deployment import Deployment
from tests.support.wire import Answer

HOME = "https://webapp.example.com/home"
RENEWED = "You took longer than ten minutes"
BUT = ("request#", "session#")  # the request is saved anew, and a session is used


@pytest.fixture
def asked(deployment: Deployment, web_app: Application) -> Asked:
    deployment.change_client("web_app_123", client_uri=HOME)
    return web_app.ask(state="the-state")


def leads_home(answer: Answer) -> bool:
    return f'<a href="{HOME}">Back to <bdi>Web App</bdi></a>' in answer.body


def test_the_sign_in_page_was_open_over_lunch_and_starts_again_by_itself(
    deployment: Deployment, browser: Browser, web_app: Application, asked: Asked
) -> None:
    page = browser.open(asked.url)
    deployment.clock.advance(3 * 3600)
    deployment.audit.events.clear()
    with deployment.nothing_spent(BUT):
        again = browser.follow(attempt(browser, page, "john", "password123"))
    assert again.status == 200
    assert RENEWED in again.body
    assert deployment.audit.names == []  # the password was not even looked at
    assert "__Host-valet-session" not in browser.cookies
    assert form_of(again).hidden["request"] != form_of(page).hidden["request"]
    answer = browser.decide(browser.sign_in(again))
    assert answer.answered["state"] == "the-state"
    assert web_app.redeem(answer.answered["code"], asked.code_verifier).status == 200


def test_the_old_address_of_a_sign_in_page_opens_a_new_one(
    deployment: Deployment, browser: Browser, asked: Asked
) -> None:
    """From the history or a bookmark."""
    handle = form_of(browser.open(asked.url)).hidden["request"]
    deployment.clock.advance(600)
    for path in (f"/login?request={handle}", f"/consent?request={handle}", f"/authorize?resume={handle}"):
        again = browser.open(path)
        assert RENEWED in again.body
        assert "password" in form_of(again).names


def test_the_consent_page_was_open_over_lunch_and_is_shown_again(
    deployment: Deployment, browser: Browser, web_app: Application, asked: Asked
) -> None:
    page = browser.sign_in(browser.open(asked.url))
    deployment.clock.advance(700)
    with deployment.nothing_spent(BUT):
        again = browser.decide(page)
    assert again.status == 200
    assert RENEWED in again.body
    assert "decision" in form_of(again).names
    answer = browser.decide(again)
    assert web_app.redeem(answer.answered["code"], asked.code_verifier).status == 200


def test_a_sign_in_that_took_too_long_has_to_be_new_where_the_app_asks_for_a_new_one(
    deployment: Deployment, browser: Browser, web_app: Application
) -> None:
    page = browser.sign_in(browser.open(web_app.ask(prompt="login").url))
    deployment.clock.advance(700)
    assert "password" in form_of(browser.decide(page)).names


def test_a_request_that_was_answered_is_not_answered_again_by_starting_again(
    deployment: Deployment, browser: Browser, web_app: Application, asked: Asked
) -> None:
    """The two of them end in one grant: the back button after an hour brings the client no second code."""
    page = browser.sign_in(browser.open(asked.url))
    tokens = web_app.redeem(browser.decide(page).answered["code"], asked.code_verifier).json()
    handle = form_of(page).hidden["request"]
    for seconds in (700, 700, 80_000):
        deployment.clock.advance(seconds)
        again = browser.open(f"/authorize?resume={handle}")
        if seconds == 80_000:  # the session is over by then
            again = browser.sign_in(again)
        assert again.status == 400
        assert "You are already signed in" in again.body
        assert leads_home(again)
    assert web_app.refresh(tokens["refresh_token"]).status == 200


def test_a_request_that_lost_its_code_is_not_answered_again_by_starting_again(
    deployment: Deployment, browser: Browser, asked: Asked
) -> None:
    page = browser.sign_in(browser.open(asked.url))
    browser.decide(page)
    deployment.clock.advance(700)
    with deployment.nothing_spent((*BUT, "sub#")):
        again = browser.decide(page)
    assert again.status == 400
    assert "already answered" in again.body
    assert leads_home(again)


def test_after_a_day_nothing_starts_again_by_itself(deployment: Deployment, browser: Browser, asked: Asked) -> None:
    page = browser.open(asked.url)
    first = form_of(page).hidden["request"]
    deployment.clock.advance(80_000)
    renewed = form_of(browser.open(f"/login?request={first}")).hidden["request"]
    deployment.clock.advance(6_400)  # no renewal outlives the day of the first
    with deployment.nothing_spent():
        for handle in (first, renewed):
            for path in (f"/login?request={handle}", f"/authorize?resume={handle}"):
                answer = browser.get(path)
                assert answer.status == 400
                assert "has expired" in answer.body


def test_only_the_browser_that_began_a_request_starts_it_again(
    deployment: Deployment, browser: Browser, web_app: Application, asked: Asked
) -> None:
    handle = form_of(browser.open(asked.url)).hidden["request"]
    stranger, nobody = anew(deployment), anew(deployment)
    stranger.get(web_app.ask().url)
    deployment.clock.advance(700)
    with deployment.nothing_spent():
        for other in (stranger, nobody):
            for path in (f"/login?request={handle}", f"/consent?request={handle}", f"/authorize?resume={handle}"):
                assert other.get(path).status == 400


def test_a_browser_that_blocks_cookies_is_told_so(deployment: Deployment, browser: Browser, asked: Asked) -> None:
    location = browser.get(asked.url).location
    blocking = anew(deployment)
    with deployment.nothing_spent():
        answer = blocking.get(location)
    assert answer.status == 400
    assert "Your browser sent no cookie" in answer.body
    assert "blocked in this browser, or they were cleared" in answer.body
    assert leads_home(answer)


def test_cookies_that_were_cleared_while_the_page_was_open_are_told_of(
    deployment: Deployment, browser: Browser, asked: Asked
) -> None:
    for page in (browser.open(asked.url), browser.sign_in(browser.open(asked.url))):
        kept, browser.cookies = browser.cookies, {}
        form = form_of(page)
        with deployment.nothing_spent():
            answer = browser.post(form.action, {**form.hidden, "username": "john", "decision": "allow"})
        assert answer.status == 400
        assert "Your browser sent no cookie" in answer.body
        assert leads_home(answer)
        browser.cookies = kept


def test_a_link_that_was_opened_in_another_browser_is_told_of(
    deployment: Deployment, browser: Browser, web_app: Application, asked: Asked
) -> None:
    location = browser.get(asked.url).location
    other = anew(deployment)
    other.get(web_app.ask().url)
    with deployment.nothing_spent():
        answer = other.get(location)
    assert "begun in another browser" in answer.body
    assert leads_home(answer)


def test_a_consent_page_that_stood_open_while_the_session_was_renewed_is_shown_again(
    deployment: Deployment, browser: Browser, web_app: Application, asked: Asked
) -> None:
    page = browser.sign_in(browser.open(asked.url))
    deployment.clock.advance(5)
    browser.sign_in(browser.open(web_app.ask(prompt="login").url))  # in another tab
    with deployment.nothing_spent():
        for decision in ("allow", "deny"):
            again = browser.decide(page, decision)
            assert again.status == 400
            assert "you signed in again since it was opened" in again.body
    answer = browser.decide(again)
    assert web_app.redeem(answer.answered["code"], asked.code_verifier).status == 200


def test_a_consent_page_that_stood_open_while_another_person_signed_in_asks_that_person(
    deployment: Deployment, browser: Browser, web_app: Application, asked: Asked
) -> None:
    page = browser.sign_in(browser.open(asked.url))
    deployment.clock.advance(5)
    browser.sign_in(browser.open(web_app.ask(prompt="login").url), "jane")
    with deployment.nothing_spent():
        again = browser.decide(page)
    assert again.status == 400
    assert "<bdi>jane</bdi>" in again.body
    assert "<bdi>john</bdi>" not in again.body


@pytest.mark.parametrize("is_known", [False, True])
def test_only_an_address_that_is_registered_is_linked(
    deployment: Deployment, browser: Browser, web_app: Application, is_known: bool
) -> None:
    """No parameter of the request says where the page leads: it is no open redirector."""
    deployment.change_client("web_app_123", client_uri=HOME if is_known else "")
    evil = "https://evil.test/"
    url = web_app.ask(redirect_uri=evil, client_uri=evil, state=evil).url
    answer = browser.get(url)
    assert answer.status == 400
    assert f'href="{evil}' not in answer.body
    assert leads_home(answer) == is_known
    handle = form_of(browser.open(web_app.ask().url)).hidden["request"]
    other = anew(deployment).get(f"/login?request={handle}&client_uri={evil}")
    assert evil not in other.body
    assert leads_home(other) == is_known


def test_a_client_that_was_disabled_is_not_linked(deployment: Deployment, browser: Browser, asked: Asked) -> None:
    location = browser.get(asked.url).location
    deployment.change_client("web_app_123", is_disabled=True)
    answer = anew(deployment).get(location)
    assert answer.status == 400
    assert not leads_home(answer)


def test_a_request_that_the_release_before_saved_ends_when_it_said(
    deployment: Deployment, browser: Browser, asked: Asked
) -> None:
    handle = form_of(browser.open(asked.url)).hidden["request"]
    (item,) = (each for each in deployment.everything() if each["pk"]["S"].startswith("request#"))
    table, pk = deployment.table("Grants"), item["pk"]["S"]
    kept = dict(table.get(pk, "request") or {})
    del kept["ends_at"]
    now = int(deployment.clock())
    table.put({**kept, "expires_at": now + 5})
    assert browser.get(f"/login?request={handle}").status == 200
    deployment.clock.advance(6)
    assert browser.get(f"/login?request={handle}").status == 400


def test_a_client_of_the_release_before_has_no_client_uri() -> None:
    assert Client("id", "name").client_uri == ""
