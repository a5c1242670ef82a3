"""The account page: a relying party inside. A person who is not signed in goes to the sign-in page, and comes back to
the section that they asked for, and nowhere else."""

from __future__ import annotations

from urllib.parse import parse_qs, urlsplit

import pytest
from valet.models.saved_requests import AuthorizationRequest
from valet.protocol.account_visit import ACCOUNT_PAGE, FRESH, SECTIONS, sections

from tests.integration.guesses import anew
from tests.integration.visiting import at_account
from tests.support.application import Application
from tests.support.browser import Browser
from tests.support.deployment import Deployment
from tests.support.wire import Answer

SESSION = "__Host-valet-session"
# Of a deployment with passkeys and nothing else that can be switched on.
THERE = sections({"passkeys"})
EASY = tuple(name for name, section in SECTIONS.items() if not section.needs_fresh_sign_in)
DANGEROUS = tuple(name for name in THERE if SECTIONS[name].needs_fresh_sign_in)


def is_at(answer: Answer, section: str) -> bool:
    """Whether it is the page of that section."""
    return answer.status == 200 and f'<a href="/account/{section}" aria-current="page">' in answer.body


def handle_of(answer: Answer) -> str:
    """The saved visit that the redirect names."""
    query = parse_qs(urlsplit(answer.location).query)
    return query.get("resume", query.get("request", [""]))[0]


@pytest.mark.parametrize("section", THERE)
def test_a_stranger_signs_in_and_is_at_the_section_that_they_asked_for(browser: Browser, section: str) -> None:
    page = browser.open(f"/account/{section}")
    assert "Your account" in page.body
    assert SESSION not in browser.cookies
    assert is_at(browser.sign_in(page), section)


def test_the_account_page_begins_with_the_overview(browser: Browser) -> None:
    assert is_at(browser.sign_in(browser.open("/account")), "overview")
    assert is_at(browser.get("/account"), "overview")
    assert is_at(browser.get("/account/"), "overview")


def test_no_page_is_cached_framed_or_scripted(browser: Browser) -> None:
    browser.sign_in(browser.open("/account"))
    for section in EASY:
        headers = browser.get(f"/account/{section}").headers
        assert headers["cache-control"] == "no-store"
        assert "script-src" not in headers["content-security-policy"]
        assert "default-src 'none'" in headers["content-security-policy"]
        assert "frame-ancestors 'none'" in headers["content-security-policy"]


@pytest.mark.parametrize("section", ["nothing", "overview/profile", "%2e%2e", "https://evil.example", "passwords"])
def test_there_is_no_other_section(deployment: Deployment, browser: Browser, section: str) -> None:
    browser.sign_in(browser.open("/account"))
    with deployment.nothing_spent():
        assert browser.get(f"/account/{section}").status == 404


def test_a_visit_cannot_be_begun_from_outside(deployment: Deployment, browser: Browser, web_app: Application) -> None:
    """No client is registered under the account page's id, so nothing can be asked in its name."""
    browser.sign_in(browser.open("/account"))
    for asked in (web_app.ask(client_id=ACCOUNT_PAGE), web_app.ask(client_id=ACCOUNT_PAGE, section="delete")):
        with deployment.nothing_spent():
            answer = browser.get(asked.url)
        assert answer.status == 400


def test_a_parameter_named_section_makes_no_visit_of_a_clients_request(browser: Browser, web_app: Application) -> None:
    browser.sign_in(browser.open("/account"))
    page = browser.open(web_app.ask(section="delete").url)
    assert browser.decide(page).location.startswith(web_app.redirect_uri)


def test_a_saved_visit_of_an_unknown_section_is_refused(deployment: Deployment, browser: Browser) -> None:
    """As a later release may save it: the release before it redirects nowhere."""
    way = browser.get("/account/sessions")
    browser.sign_in(browser.follow(way))
    [item] = [each for each in deployment.everything() if each["pk"]["S"].startswith("request#")]
    deployment.table("Grants").update(
        item["pk"]["S"],
        "request",
        "SET #request = :request",
        {
            ":request": {
                "client_id": ACCOUNT_PAGE,
                "redirect_uri": "",
                "scope": [],
                "code_challenge": "",
                "section": "x",
            }
        },
    )
    answer = browser.get(way.location)
    assert answer.status == 400
    assert "location" not in answer.headers


def test_a_visit_can_not_be_turned_into_a_code(deployment: Deployment, browser: Browser) -> None:
    """The consent page of a visit, as somebody may put its address together: nothing is granted."""
    way = browser.get("/account/sessions")
    browser.sign_in(browser.follow(way))
    consent = f"/consent?request={handle_of(way)}"
    with deployment.nothing_spent():
        page = browser.get(consent)
        sent = browser.post("/consent", {"request": handle_of(way), "decision": "allow"})
    assert (page.status, sent.status) == (400, 400)
    assert "location" not in {**page.headers, **sent.headers}


def test_a_visit_is_of_one_browser(deployment: Deployment, browser: Browser) -> None:
    way = browser.get("/account/sessions")
    with deployment.nothing_spent():
        assert anew(deployment).get(way.location).status == 400


def test_who_is_signed_in_is_not_asked_again_for_what_is_harmless(deployment: Deployment, browser: Browser) -> None:
    browser.sign_in(browser.open("/account"))
    deployment.clock.advance(FRESH + 1)
    for section in EASY:
        assert is_at(browser.get(f"/account/{section}"), section)


@pytest.mark.parametrize("section", DANGEROUS)
def test_what_is_dangerous_needs_a_sign_in_of_the_last_five_minutes(
    deployment: Deployment, browser: Browser, section: str
) -> None:
    browser.sign_in(browser.open("/account"))
    deployment.clock.advance(FRESH)
    assert is_at(browser.get(f"/account/{section}"), section)
    deployment.clock.advance(1)
    with deployment.nothing_spent(("request#",)):
        page = browser.open(f"/account/{section}")
        assert "Sign in" in page.body
        posted = browser.post(f"/account/{section}", {"csrf_token": "x"})
        assert posted.status == 303
    former = browser.cookies[SESSION]
    assert is_at(browser.sign_in(page), section)
    assert browser.cookies[SESSION] != former


@pytest.mark.parametrize(
    "change",
    [pytest.param("SET #epoch = :one", id="all was revoked"), pytest.param("SET #is_disabled = :one", id="disabled")],
)
def test_a_session_that_does_not_stand_leads_to_the_sign_in_page(
    deployment: Deployment, browser: Browser, change: str
) -> None:
    browser.sign_in(browser.open("/account"))
    deployment.table("Users").update("account#demo-john", "account", change, {":one": 1})
    with deployment.nothing_spent(("request#", "session#", "sessions#")):  # the dead session is ended, at most
        for section in THERE:
            assert browser.get(f"/account/{section}").status == 303
            assert browser.post(f"/account/{section}", {"csrf_token": "x", "delete": "1"}).status == 303


def test_another_person_signs_in_at_the_same_visit(deployment: Deployment, browser: Browser) -> None:
    """Two people share a computer: each sees their own account."""
    page = browser.open("/account")
    browser.sign_in(page, "jane")
    assert "jane" in browser.get("/account").body


def test_the_log_says_that_it_was_the_account_page(deployment: Deployment, browser: Browser) -> None:
    browser.sign_in(browser.open("/account"))
    [(_, fields)] = [each for each in deployment.audit.events if each[0] == "login.succeeded"]
    assert fields["client_id"] == ACCOUNT_PAGE


def test_a_visit_that_took_too_long_begins_anew(deployment: Deployment, browser: Browser) -> None:
    page = browser.open("/account/apps")
    deployment.clock.advance(deployment.settings.saved_request_lifetime + 1)
    again = browser.sign_in(page)
    assert "Sign in" in again.body
    assert is_at(browser.sign_in(again), "apps")


def test_a_visit_asks_for_no_more_than_it_needs() -> None:
    """It names no scope and no address, so that nothing could be issued for it if it were taken for a client's."""
    from valet.protocol.account_visit import account_visit

    assert account_visit("apps") == AuthorizationRequest(ACCOUNT_PAGE, "", (), "", section="apps")
    assert account_visit("delete").max_age == FRESH


def test_a_form_of_another_site_takes_nothing_from_the_browser(deployment: Deployment, browser: Browser) -> None:
    """It carries no cookies. A new browser cookie would lose every sign-in that is under way in this browser, and the
    count of its own that the browser has where passwords are guessed."""
    page = browser.open("/account")
    with deployment.nothing_spent():
        answer = browser.post_from_another_site("/account/profile", {"name": "x"})
        passkeys = browser.post_from_another_site("/account/passkeys", {"name": "x"})
    assert passkeys.set_cookies == ()
    assert (answer.status, answer.location) == (303, f"{deployment.issuer}/account/profile")
    assert answer.set_cookies == ()
    assert browser.sign_in(page).status == 200  # what was under way goes on


def test_a_form_of_another_site_changes_nothing_for_who_is_signed_in(deployment: Deployment) -> None:
    browser = at_account(deployment)
    cookies = dict(browser.cookies)
    with deployment.nothing_spent():
        page = browser.follow(browser.post_from_another_site("/account/profile", {"name": "x"}))
    assert page.status == 200
    assert browser.cookies == cookies
