"""The redirect that ends a consent gets through form-action, wherever it leads (CSP Level 3 §6.4.1, RFC 8252 §7)."""

from __future__ import annotations

from collections.abc import Iterator
from urllib.parse import parse_qsl, urlsplit

import pytest
from playwright.sync_api import BrowserContext, Page, Response, Route, expect

from tests.e2e.landing import Landing
from tests.e2e.people import ask, decide, sign_in

pytestmark = pytest.mark.xdist_group("browser")

PRIVATE_SCHEME = "com.example.mobile:/callback"


@pytest.fixture
def watched(page: Page) -> Iterator[Page]:
    """A page on which the policy never complains."""
    complaints: list[str] = []
    page.on("console", lambda message: complaints.append(message.text))
    yield page
    assert [text for text in complaints if "Content Security Policy" in text] == []


def check(answer: dict[str, str], decision: str, state: str, issuer: str) -> None:
    assert (answer["state"], answer["iss"]) == (state, issuer)
    if decision == "Allow":
        assert answer["code"]
    else:
        assert answer["error"] == "access_denied"
        assert "code" not in answer


@pytest.mark.parametrize("decision", ["Allow", "Deny"])
def test_an_https_client_gets_its_answer(watched: Page, issuer: str, webapp: Landing, decision: str) -> None:
    asked = ask(issuer, "web_app_123", "https://webapp.example.com/callback", prompt="consent")
    watched.goto(asked.url)
    sign_in(watched, "jim")
    decide(watched, decision)
    watched.wait_for_url("https://webapp.example.com/callback?*")
    check(webapp.answer(), decision, asked.state, issuer)


def test_a_sign_in_alone_gets_its_answer_where_consent_is_remembered(
    watched: Page, context: BrowserContext, issuer: str, webapp: Landing
) -> None:
    """Then the login form's own redirects end at the client, so its policy names the client too."""
    watched.goto(ask(issuer, "web_app_123", "https://webapp.example.com/callback", prompt="consent").url)
    sign_in(watched, "jane")
    decide(watched, "Allow")
    watched.wait_for_url("https://webapp.example.com/callback?*")
    context.clear_cookies()

    asked = ask(issuer, "web_app_123", "https://webapp.example.com/callback")
    watched.goto(asked.url)
    sign_in(watched, "jane")
    watched.wait_for_url(lambda url: f"state={asked.state}" in url)
    check(webapp.answer(), "Allow", asked.state, issuer)


@pytest.mark.parametrize("decision", ["Allow", "Deny"])
def test_a_native_client_on_a_loopback_port_gets_its_answer(
    watched: Page, issuer: str, landing: Landing, decision: str
) -> None:
    asked = ask(issuer, "mobile_app", f"{landing.origin}/callback")
    watched.goto(asked.url)
    sign_in(watched, "john")
    decide(watched, decision)
    watched.wait_for_url(f"{landing.origin}/callback?*")
    check(landing.answer(), decision, asked.state, issuer)


@pytest.mark.parametrize("decision", ["Allow", "Deny"])
def test_a_native_client_with_a_private_scheme_gets_its_answer(watched: Page, issuer: str, decision: str) -> None:
    """Chromium has no program for the scheme, so that it asks for the address at all is what shows it got through."""
    asked = ask(issuer, "mobile_app", PRIVATE_SCHEME)
    watched.goto(asked.url)
    sign_in(watched, "john")
    expect(watched.get_by_text("com.example.mobile", exact=False)).to_be_visible()
    answers: list[Response] = []
    watched.on("response", lambda response: answers.append(response))
    with watched.expect_event(
        "requestfailed", lambda request: request.url.startswith("com.example.mobile:")
    ) as asked_for:
        decide(watched, decision)
    address = asked_for.value.url
    assert answers[-1].status == 303
    assert answers[-1].headers["location"] == address
    assert address.startswith(PRIVATE_SCHEME + "?")
    check(dict(parse_qsl(urlsplit(address).query)), decision, asked.state, issuer)


def test_without_the_clients_name_in_it_the_policy_would_stop_the_answer(
    page: Page, issuer: str, landing: Landing
) -> None:
    """What the tests above would see: Chromium holds the redirects after a form to form-action as well."""

    def narrowed(route: Route) -> None:
        answer = route.fetch()
        headers = {**answer.headers, "content-security-policy": "default-src 'none'; form-action 'self'"}
        route.fulfill(response=answer, headers=headers)

    page.goto(ask(issuer, "mobile_app", f"{landing.origin}/callback").url)
    sign_in(page, "john")
    expect(page.get_by_role("button", name="Allow", exact=True)).to_be_visible()
    page.route(f"{issuer}/consent?*", narrowed)
    page.reload()
    with page.expect_console_message(lambda message: "form-action" in message.text):
        decide(page, "Allow")
    assert landing.requests == []


def test_the_policy_of_the_consent_page_names_this_client_and_no_other(
    page: Page, issuer: str, landing: Landing
) -> None:
    page.goto(ask(issuer, "mobile_app", f"{landing.origin}/callback").url)
    with page.expect_response(lambda response: response.url.startswith(f"{issuer}/consent")) as consent:
        sign_in(page, "john")
    policy = dict(
        directive.strip().split(" ", 1) for directive in consent.value.headers["content-security-policy"].split(";")
    )
    assert policy["form-action"] == f"'self' {landing.origin}"
    assert policy["default-src"] == policy["frame-ancestors"] == policy["base-uri"] == "'none'"
    assert "script-src" not in policy
