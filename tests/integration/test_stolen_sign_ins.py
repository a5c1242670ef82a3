"""A sign-in that others reach for: thieves, attackers who want to be taken for the victim's account, functions whose
clocks differ. What nobody may win, and what the person must not lose by it.
"""

from __future__ import annotations

import pytest
from valet.handles import digest, new_handle
from valet.models.sessions import Session

from tests.integration.guesses import anew, attempt
from tests.integration.test_proofs import BROWSER, BUT, SESSION, assert_asked_again, items
from tests.support.application import Application
from tests.support.browser import Browser, form_of
from tests.support.deployment import Deployment
from tests.support.wire import Answer


@pytest.fixture
def page(browser: Browser, web_app: Application) -> Answer:
    """The sign-in page, of a client that wants a new sign-in."""
    return browser.open(web_app.ask(prompt="login").url)


def signed_in(deployment: Deployment) -> list[str]:
    return [str(fields["sub"]) for name, fields in deployment.audit.events if name == "login.succeeded"]


def test_a_copied_browser_cookie_and_the_link_open_nothing_once_the_person_went_on(
    deployment: Deployment, browser: Browser, page: Answer
) -> None:
    proven = attempt(browser, page, "john", "password123")
    browser.get(proven.location)
    thief = anew(deployment)
    thief.cookies = {BROWSER: browser.cookies[BROWSER]}
    with deployment.nothing_spent(BUT):
        assert_asked_again(thief, thief.get(proven.location))
    assert signed_in(deployment) == ["demo-john"]


@pytest.mark.parametrize("seconds", [60, 61, 600, 659])
def test_a_proof_that_was_not_gone_back_with_does_not_wait_in_the_history(
    deployment: Deployment, browser: Browser, page: Answer, seconds: int
) -> None:
    """The answer to the password was lost, and the person went away."""
    proven = attempt(browser, page, "john", "password123")
    deployment.clock.advance(seconds)
    with deployment.nothing_spent(BUT):
        assert_asked_again(browser, browser.get(proven.location))
    assert not items(deployment, "session")


def test_a_slow_way_back_counts(deployment: Deployment, browser: Browser, page: Answer) -> None:
    proven = attempt(browser, page, "john", "password123")
    deployment.clock.advance(59)
    browser.get(proven.location)
    assert signed_in(deployment) == ["demo-john"]


def test_nobody_is_signed_in_by_an_attackers_link(
    deployment: Deployment, browser: Browser, web_app: Application, page: Answer
) -> None:
    """Jane has proven her own password, and sends John the link: he would go on in her account (login CSRF)."""
    attacker = anew(deployment)
    proven = attempt(attacker, attacker.open(web_app.ask().url), "jane", "password456")
    with deployment.nothing_spent():
        answer = browser.get(proven.location)
    assert answer.status == 400
    assert SESSION not in browser.cookies
    attempt_of_john = attempt(browser, page, "john", "password123")
    browser.get(attempt_of_john.location)
    attacker.get(proven.location)
    assert signed_in(deployment) == ["demo-john", "demo-jane"]


def test_nobody_is_signed_in_by_an_attackers_form(
    deployment: Deployment, browser: Browser, web_app: Application, page: Answer
) -> None:
    """Another site sends the sign-in form with the attacker's password, from the victim's browser: with the attacker's
    own request, or with the victim's and the attacker's token.
    """
    attacker = anew(deployment)
    own = form_of(attacker.open(web_app.ask().url)).hidden
    password = {"username": "jane", "password": "password456"}
    for hidden in (own, {**form_of(page).hidden, "csrf_token": own["csrf_token"]}):
        for send in (browser.post, browser.post_from_another_site):
            answer = send("/login", {**hidden, **password})
            assert answer.status == 400
    assert not items(deployment, "proof-password")
    assert not signed_in(deployment)


def test_a_request_that_came_by_post_opens_nothing_whatever_its_link_says(
    deployment: Deployment, browser: Browser, web_app: Application, page: Answer
) -> None:
    """It is bound to no browser yet, so no proof can be of it."""
    attempt(browser, page, "john", "password123")
    asked = web_app.ask()
    back = browser.post_from_another_site("/authorize", asked.parameters)
    answer = browser.get(f"{back.location}&by=password")
    assert "/login?request=" in answer.location
    assert SESSION not in browser.cookies
    assert not items(deployment, "session")


@pytest.mark.parametrize("skew", [-5, 5])
@pytest.mark.parametrize("asks", [{"prompt": "login"}, {"max_age": "0"}])
def test_functions_whose_clocks_differ_ask_once(
    deployment: Deployment, browser: Browser, web_app: Application, skew: int, asks: dict[str, str]
) -> None:
    """login's clock is ahead of authorize's, or behind it."""
    page = browser.open(web_app.ask(**asks).url)
    deployment.clock.advance(skew)
    proven = attempt(browser, page, "john", "password123")
    deployment.clock.advance(-skew)
    answer = browser.get(proven.location)
    assert "/consent?request=" in answer.location
    assert form_of(browser.follow(answer)).names >= {"decision"}


def test_the_one_who_signs_in_last_is_signed_in_even_if_the_clock_before_was_ahead(
    deployment: Deployment, browser: Browser, page: Answer
) -> None:
    deployment.clock.advance(5)
    attempt(browser, page, "john", "password123")
    deployment.clock.advance(-5)
    proven = attempt(browser, page, "jane", "password456")
    browser.get(proven.location)
    assert signed_in(deployment) == ["demo-jane"]
    (proof,) = items(deployment, "proof-password")
    assert "spent_by" in proof


def test_tabs_that_sign_in_two_people_leave_the_last_one(
    deployment: Deployment, browser: Browser, web_app: Application, page: Answer
) -> None:
    """Both have proven their passwords before either goes on. The session that was opened first has ended."""
    other = browser.open(web_app.ask(prompt="login").url)
    of_john, of_jane = attempt(browser, page, "john", "password123"), attempt(browser, other, "jane", "password456")
    browser.get(of_john.location)
    browser.get(of_jane.location)
    assert signed_in(deployment) == ["demo-john", "demo-jane"]
    sessions = {item["sub"]["S"]: "ended_at" in item for item in items(deployment, "session")}
    assert sessions == {"demo-john": True, "demo-jane": False}


def test_a_sign_in_that_is_under_way_while_the_stack_updates_goes_on(
    deployment: Deployment, browser: Browser, page: Answer
) -> None:
    """The login of the release before has opened a session, and names no proof in its redirect."""
    browser.cookies[SESSION] = _opened_by_the_release_before(deployment)
    answer = browser.get(f"/authorize?resume={form_of(page).hidden['request']}")
    assert "/consent?request=" in answer.location
    assert "code" in browser.decide(browser.follow(answer)).answered
    assert len(items(deployment, "session")) == 1


def _opened_by_the_release_before(deployment: Deployment) -> str:
    server = deployment.server
    now, secret = server.clock(), new_handle(server.random)
    ends_at = int(now) + 3600
    session = Session(digest(secret), "sid-of-john", "demo-john", int(now * 1000), "acr", ("pwd",), ends_at, ends_at)
    server.sessions.open(session)
    return secret
