"""A request that a browser sends again: a double click, the back button, a proxy that repeats (RFC 6749 §4.1.2)."""

from collections.abc import Mapping
from dataclasses import replace

import pytest
from valet.aws.dynamodb.grants import item_from_grant
from valet.handles import digest, parse_code
from valet.models.grants import Grant
from valet.ports.grants import Revocation

from tests.integration.conftest import Issued
from tests.integration.guesses import anew
from tests.support.application import Application, Asked
from tests.support.browser import PASSWORDS, Browser, form_of
from tests.support.deployment import BEGINNING, Deployment
from tests.support.wire import Answer

BUT = ("sub#",)  # a pointer is put before the grant, and is harmless without it


@pytest.fixture
def asked(web_app: Application) -> Asked:
    return web_app.ask(state="the-state")


@pytest.fixture
def page(browser: Browser, asked: Asked) -> Answer:
    return browser.sign_in(browser.open(asked.url))


def allow(browser: Browser, page: Answer, decision: str = "allow") -> Answer:
    """One click on the button of a page that stays open."""
    form = form_of(page)
    return browser.post(form.action, {**form.hidden, "decision": decision})


def grants_of(deployment: Deployment) -> list[Mapping[str, object]]:
    return [item for item in deployment.everything() if item["pk"]["S"].startswith("grant#")]


def grant_of(deployment: Deployment, code: str) -> Grant:
    found = deployment.server.grants.find(code.partition(".")[0])
    assert found is not None
    return found


def test_a_double_click_on_allow_gets_the_same_code_and_it_works(
    deployment: Deployment, browser: Browser, web_app: Application, asked: Asked, page: Answer
) -> None:
    first = allow(browser, page)
    deployment.clock.advance(9)
    deployment.audit.events.clear()
    with deployment.nothing_spent(BUT):
        second = allow(browser, page)
    assert second.location == first.location
    assert second.status == first.status == 303
    assert second.answered["state"] == "the-state"
    assert deployment.audit.names == ["code.repeated"]  # no consent and no code of its own
    assert len(grants_of(deployment)) == 1
    tokens = web_app.redeem(second.answered["code"], asked.code_verifier)
    assert tokens.status == 200
    assert web_app.refresh(tokens.json()["refresh_token"]).status == 200


def test_the_click_counts_that_the_browser_follows_whichever_it_is(
    deployment: Deployment, browser: Browser, web_app: Application, asked: Asked, page: Answer
) -> None:
    """Browsers drop the first answer; a proxy that repeats a request may drop the second."""
    codes = {allow(browser, page).answered["code"] for _ in range(3)}
    assert len(codes) == 1
    assert web_app.redeem(codes.pop(), asked.code_verifier).status == 200


def test_a_double_click_on_deny_gets_the_same_answer(deployment: Deployment, browser: Browser, page: Answer) -> None:
    with deployment.nothing_spent():
        first, second = allow(browser, page, "deny"), allow(browser, page, "deny")
    assert first.location == second.location
    assert first.answered["error"] == "access_denied"


@pytest.mark.parametrize("is_first_party", [False, True])
def test_a_double_click_on_sign_in_leads_both_times_to_the_same(
    deployment: Deployment, browser: Browser, web_app: Application, asked: Asked, is_first_party: bool
) -> None:
    """With the app that asks nothing more, the first click may have got its code before the second arrives."""
    deployment.change_client("web_app_123", first_party=is_first_party)
    form = form_of(browser.open(asked.url))
    fields = {**form.hidden, "username": "john", "password": PASSWORDS["john"]}
    first = browser.follow(browser.post(form.action, fields))
    second = browser.follow(browser.post(form.action, fields))
    if is_first_party:
        assert first.location == second.location
        answer = second
    else:
        assert form_of(first).hidden["request"] == form_of(second).hidden["request"]
        answer = allow(browser, second)
    assert len(grants_of(deployment)) == 1
    assert web_app.redeem(answer.answered["code"], asked.code_verifier).status == 200


def test_two_clicks_on_sign_in_that_arrive_together_are_answered_alike(
    deployment: Deployment, browser: Browser, asked: Asked
) -> None:
    """Neither brings the session of the other; the browser keeps the cookie that it is given last."""
    form = form_of(browser.open(asked.url))
    fields = {**form.hidden, "username": "john", "password": PASSWORDS["john"]}
    before = dict(browser.cookies)
    answers = []
    for _ in range(2):
        browser.cookies = dict(before)
        answers.append(browser.post(form.action, fields))
    assert {(answer.status, answer.location) for answer in answers} == {
        (303, f"{deployment.issuer}/authorize?resume={form.hidden['request']}&by=password")
    }
    assert "decision" in form_of(browser.follow(answers[1])).names


def test_the_back_button_after_the_app_has_the_code_says_that_it_is_done(
    deployment: Deployment, browser: Browser, web_app: Application, asked: Asked, page: Answer
) -> None:
    """Given again, the client would present a used code, and that counts as stolen a few seconds later."""
    tokens = web_app.redeem(allow(browser, page).answered["code"], asked.code_verifier).json()
    with deployment.nothing_spent((*BUT, "grant#")):
        assert_no_code(again := allow(browser, page))
        assert_no_code(resumed := browser.get(f"/authorize?resume={form_of(page).hidden['request']}"))
    for answer in (again, resumed):
        assert "You are already signed in" in answer.body
        assert "Web App" in answer.body
    assert web_app.refresh(tokens["refresh_token"]).status == 200


def test_a_code_that_was_repeated_and_is_presented_twice_ends_nothing(
    deployment: Deployment, browser: Browser, web_app: Application, asked: Asked, page: Answer
) -> None:
    """The browser brought the app both answers: the second use is a double submit."""
    first, second = allow(browser, page), allow(browser, page)
    tokens = web_app.redeem(first.answered["code"], asked.code_verifier).json()
    assert web_app.redeem(second.answered["code"], asked.code_verifier).error == "invalid_grant"
    assert deployment.audit.names[-1] == "code.resubmitted"
    assert web_app.userinfo(tokens["access_token"]).status == 200
    assert web_app.refresh(tokens["refresh_token"]).status == 200


def test_after_ten_seconds_the_code_is_not_given_again(
    deployment: Deployment, browser: Browser, web_app: Application, asked: Asked, page: Answer
) -> None:
    code = allow(browser, page).answered["code"]
    deployment.clock.advance(10.001)
    with deployment.nothing_spent(BUT):
        answer = allow(browser, page)
    assert_no_code(answer)
    assert "already answered" in answer.body
    assert web_app.redeem(code, asked.code_verifier).status == 200  # and the first is as good as it was


def test_a_stranger_with_the_handle_gets_nothing(
    deployment: Deployment, browser: Browser, web_app: Application, page: Answer
) -> None:
    handle = form_of(page).hidden["request"]
    allow(browser, page)
    stranger, nobody = anew(deployment), anew(deployment)
    stranger.sign_in(stranger.open(web_app.ask().url))  # as John, even: he has the password
    with deployment.nothing_spent():
        for other in (stranger, nobody):
            assert_no_code(other.get(f"/authorize?resume={handle}"))
            assert_no_code(other.post("/consent", {**form_of(page).hidden, "decision": "allow"}))
        # Another site makes John's browser send the form: no cookie comes along.
        assert_no_code(browser.post_from_another_site("/consent", {**form_of(page).hidden, "decision": "allow"}))


def test_who_has_the_browser_but_not_the_session_gets_nothing(
    deployment: Deployment, browser: Browser, web_app: Application, page: Answer
) -> None:
    """A shared computer: Jane signs in where John was answered a moment ago."""
    code = allow(browser, page).answered["code"]
    handle = form_of(page).hidden["request"]
    assert "password" in form_of(browser.get(f"/login?request={handle}")).names
    answer = browser.sign_in(browser.get(f"/login?request={handle}"), "jane")
    with deployment.nothing_spent(BUT):
        assert_no_code(allow(browser, answer))
    assert code not in answer.body


def test_after_the_sign_out_and_after_a_revocation_nothing_is_repeated(
    deployment: Deployment, browser: Browser, web_app: Application
) -> None:
    for scope in ("openid items", "openid items offline_access"):
        page = browser.open(web_app.ask(scope=scope, prompt="consent").url)
        page = browser.sign_in(page) if "password" in form_of(page).names else page
        code = allow(browser, page).answered["code"]
        deployment.server.grants.revoke(code.partition(".")[0], Revocation(bytes(16), int(BEGINNING), "logout"))
        with deployment.nothing_spent(BUT):
            answer = allow(browser, page)
            assert_no_code(answer)
            assert "ended" in answer.body
    browser.submit(browser.open("/logout"), decision="allow")
    handle = form_of(page).hidden["request"]
    with deployment.nothing_spent():
        assert browser.get(f"/authorize?resume={handle}").location == f"{deployment.issuer}/login?request={handle}"


def test_a_doubled_request_that_needs_no_page_gets_two_codes_that_both_work(
    deployment: Deployment, browser: Browser, web_app: Application, issued: Issued
) -> None:
    """Nothing is lost whichever the browser follows, so nothing has to be repeated."""
    for prompt in (None, "none"):
        asked = web_app.ask(prompt=prompt)
        first, second = browser.get(asked.url), browser.get(asked.url)
        assert first.answered["state"] == second.answered["state"] == asked.state
        assert first.answered["code"] != second.answered["code"]
        for answer in (first, second):
            assert web_app.redeem(answer.answered["code"], asked.code_verifier).status == 200


def test_a_doubled_request_that_came_by_post_gets_codes_that_both_work(
    deployment: Deployment, browser: Browser, web_app: Application, issued: Issued
) -> None:
    asked = web_app.ask()
    answers = [browser.follow(browser.post_from_another_site("/authorize", dict(asked.parameters))) for _ in range(2)]
    for answer in answers:
        assert web_app.redeem(answer.answered["code"], asked.code_verifier).status == 200


def test_nothing_at_rest_makes_the_code(
    deployment: Deployment, browser: Browser, web_app: Application, asked: Asked, page: Answer
) -> None:
    """Neither the table nor the browser can make it alone; and once it is redeemed, both together cannot."""
    secret = parse_code(allow(browser, page).answered["code"])
    assert secret is not None
    for kept in deployment.everything():
        assert secret.secret not in str(kept)
    grant = grant_of(deployment, str(secret))
    assert grant.code_digest == digest(secret.secret)
    assert len(grant.retry_key) == 32
    web_app.redeem(str(secret), asked.code_verifier)
    assert not grant_of(deployment, str(secret)).retry_key


def test_another_invocation_of_the_release_before_redeems_and_nothing_is_repeated(
    deployment: Deployment, browser: Browser, web_app: Application, page: Answer
) -> None:
    """It leaves the key where it is: that the code is redeemed is enough."""
    grant = grant_of(deployment, allow(browser, page).answered["code"])
    redeemed = replace(grant, redeemed_at_ms=grant.issued_at_ms + 1)
    deployment.table("Grants").put(item_from_grant(redeemed))
    with deployment.nothing_spent(BUT):
        assert_no_code(allow(browser, page))


def assert_no_code(answer: Answer) -> None:
    assert answer.status == 400
    assert answer.is_page
    assert "location" not in answer.headers
    assert "code=" not in answer.body
