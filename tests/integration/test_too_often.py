"""What one grant and one person are given in a while: more is refused for the moment, and nothing is spent."""

import pytest
from valet.grant_types.pace import AT_ONCE, STEP

from tests.integration.conftest import Issued, Redeemed
from tests.support.application import Application
from tests.support.browser import Browser
from tests.support.deployment import Deployment

pytestmark = pytest.mark.slow

CODES = 200


def refreshed_at_once(web_app: Application, token: str) -> str:
    for _ in range(AT_ONCE):
        answer = web_app.refresh(token)
        assert answer.status == 200
        token = answer.json()["refresh_token"]
    return token


def test_a_grant_refreshed_too_often_is_refused_for_the_moment_and_the_token_stays_good(
    deployment: Deployment, web_app: Application, redeemed: Redeemed
) -> None:
    token = refreshed_at_once(web_app, redeemed.refresh_token)
    deployment.audit.events.clear()
    with deployment.nothing_spent():
        for _ in range(3):
            answer = web_app.refresh(token)
            assert (answer.status, answer.error) == (429, "temporarily_unavailable")
            assert answer.headers["retry-after"] == str(STEP)
            assert answer.headers["cache-control"] == "no-store"
    assert deployment.audit.names == ["refresh.throttled"] * 3
    deployment.clock.advance(STEP - 1)
    with deployment.nothing_spent():
        assert web_app.refresh(token).headers["retry-after"] == "1"
    deployment.clock.advance(1)
    answer = web_app.refresh(token)
    assert answer.status == 200
    assert web_app.refresh(answer.json()["refresh_token"]).status == 429, "one step, one refresh"


def test_a_grant_refreshed_at_the_steady_pace_is_never_refused(
    deployment: Deployment, web_app: Application, redeemed: Redeemed
) -> None:
    token = refreshed_at_once(web_app, redeemed.refresh_token)
    for _ in range(AT_ONCE):
        deployment.clock.advance(STEP)
        answer = web_app.refresh(token)
        assert answer.status == 200
        token = answer.json()["refresh_token"]


def test_a_grant_that_was_left_alone_may_be_refreshed_as_often_as_at_first(
    deployment: Deployment, web_app: Application, redeemed: Redeemed
) -> None:
    token = refreshed_at_once(web_app, redeemed.refresh_token)
    deployment.clock.advance(3 * AT_ONCE * STEP)
    assert web_app.refresh(refreshed_at_once(web_app, token)).status == 429


def test_a_lost_answer_is_given_again_also_while_the_next_refresh_has_to_wait(
    deployment: Deployment, web_app: Application, redeemed: Redeemed
) -> None:
    token = redeemed.refresh_token
    for _ in range(AT_ONCE):
        before, token = token, web_app.refresh(token).json()["refresh_token"]
    assert web_app.refresh(token).status == 429
    with deployment.nothing_spent():
        assert web_app.refresh(before).json()["refresh_token"] == token


def test_an_old_token_is_theft_also_while_the_next_refresh_has_to_wait(
    deployment: Deployment, web_app: Application, redeemed: Redeemed
) -> None:
    token = refreshed_at_once(web_app, redeemed.refresh_token)
    assert web_app.refresh(token).status == 429
    assert web_app.refresh(redeemed.refresh_token).error == "invalid_grant"
    assert web_app.refresh(token).error == "invalid_grant"
    assert "refresh.reused" in deployment.audit.names


def test_another_grant_of_the_same_person_is_not_held_up(
    browser: Browser, web_app: Application, redeemed: Redeemed
) -> None:
    assert web_app.refresh(refreshed_at_once(web_app, redeemed.refresh_token)).status == 429
    asked = web_app.ask(prompt="none")
    other = web_app.redeem(browser.get(asked.url).answered["code"], asked.code_verifier).json()
    assert web_app.refresh(other["refresh_token"]).status == 200


def count_codes(deployment: Deployment, sub: str, times: int, client_id: str = "web_app_123") -> None:
    """As if the client had been given so many codes for the person."""
    number = int(deployment.clock.now) // 900
    for _ in range(times):
        deployment.server.throttles.count(f"codes#{sub}#{client_id}#{number}", (number + 1) * 900)


def test_too_many_codes_are_refused_for_the_moment_by_way_of_the_client(
    deployment: Deployment, browser: Browser, web_app: Application, issued: Issued
) -> None:
    count_codes(deployment, "demo-john", CODES - 2)  # one was issued before
    assert "code" in browser.get(web_app.ask(prompt="none").url).answered
    deployment.audit.events.clear()
    asked = web_app.ask(prompt="none")
    with deployment.nothing_spent():
        answer = browser.get(asked.url)
    assert answer.status == 303
    assert answer.answered["error"] == "temporarily_unavailable"
    assert answer.answered["state"] == asked.state
    # On a redirect it would ask the browser to wait before it follows (RFC 9110 §10.2.3).
    assert "retry-after" not in answer.headers
    assert deployment.audit.names == ["code.throttled"]
    deployment.clock.advance(900)
    assert "code" in browser.get(web_app.ask(prompt="none").url).answered


def test_a_consent_that_came_too_soon_is_answered_when_it_is_sent_again(
    deployment: Deployment, browser: Browser, web_app: Application, issued: Issued
) -> None:
    deployment.clock.advance(890)
    page = browser.open(web_app.ask(prompt="consent").url)
    count_codes(deployment, "demo-john", CODES)
    with deployment.nothing_spent():
        assert browser.decide(page).answered["error"] == "temporarily_unavailable"
    deployment.clock.advance(10)
    assert "code" in browser.decide(page).answered


def test_signing_in_again_begins_no_new_count_and_another_person_has_their_own(
    deployment: Deployment, browser: Browser, web_app: Application, issued: Issued
) -> None:
    count_codes(deployment, "demo-john", CODES)
    again, other = Browser(deployment.send, deployment.issuer), Browser(deployment.send, deployment.issuer)
    assert again.sign_in(again.open(web_app.ask().url)).answered["error"] == "temporarily_unavailable"
    assert "code" in other.decide(other.sign_in(other.open(web_app.ask().url), "jane")).answered


def test_an_app_in_a_loop_does_not_lock_the_person_out_of_the_others(
    deployment: Deployment, browser: Browser, web_app: Application, legacy_app: Application, issued: Issued
) -> None:
    count_codes(deployment, "demo-john", CODES)
    with deployment.nothing_spent():
        assert browser.get(web_app.ask(prompt="none").url).answered["error"] == "temporarily_unavailable"
    assert "code" in browser.decide(browser.open(legacy_app.ask().url)).answered
