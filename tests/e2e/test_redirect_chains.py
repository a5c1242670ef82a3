"""The callback of a client may redirect on to any address: no policy of ours stops it (CSP Level 3, RFC 8252 §7)."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from urllib.parse import parse_qsl, urlencode, urlsplit

import pytest
from playwright.sync_api import BrowserContext, Page, Response, Route, expect
from valet.models.clients import Client

from local import demo_data
from tests.e2e.landing import Landing
from tests.e2e.people import ask, decide, sign_in

pytestmark = pytest.mark.xdist_group("browser")

CALLBACK = "https://webapp.example.com/callback"
SIGNED_OUT = "https://webapp.example.com/signed-out"
PRIVATE_SCHEME = "com.example.mobile:/callback"
FIRST_PARTY = "first_party_app"


@pytest.fixture(autouse=True)
def _no_redirects(webapp: Landing) -> Iterator[None]:
    yield
    webapp.redirects.clear()


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
    asked = ask(issuer, "web_app_123", CALLBACK, prompt="consent")
    watched.goto(asked.url)
    sign_in(watched, "jim")
    decide(watched, decision)
    watched.wait_for_url(f"{CALLBACK}?*")
    check(webapp.answer(), decision, asked.state, issuer)


def test_a_sign_in_alone_gets_its_answer_where_consent_is_remembered(
    watched: Page, context: BrowserContext, issuer: str, webapp: Landing
) -> None:
    """Then the redirects after the sign-in form itself end at the client."""
    watched.goto(ask(issuer, "web_app_123", CALLBACK, prompt="consent").url)
    sign_in(watched, "jane")
    decide(watched, "Allow")
    watched.wait_for_url(f"{CALLBACK}?*")
    context.clear_cookies()

    asked = ask(issuer, "web_app_123", CALLBACK)
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


@pytest.mark.parametrize("response_mode", ["query", "form_post"])
@pytest.mark.parametrize("decision", ["Allow", "Deny"])
def test_my_callback_redirects_to_my_app_on_another_origin_and_the_browser_gets_there(
    watched: Page, issuer: str, webapp: Landing, landing: Landing, decision: str, response_mode: str
) -> None:
    """The client's own chain: https://webapp.example.com, and then another origin."""
    webapp.redirects["/callback"] = f"{landing.origin}/welcome"
    asked = ask(issuer, "web_app_123", CALLBACK, prompt="consent", response_mode=response_mode)
    watched.goto(asked.url)
    sign_in(watched, "jim")
    decide(watched, decision)
    watched.wait_for_url(f"{landing.origin}/welcome")
    answer = webapp.answer() if response_mode == "query" else dict(webapp.posted[-1].form)
    check(answer, decision, asked.state, issuer)


def test_my_callback_opens_my_phone_app_by_its_own_scheme(watched: Page, issuer: str, webapp: Landing) -> None:
    webapp.redirects["/callback"] = "com.example.mobile:/welcome"
    watched.goto(ask(issuer, "web_app_123", CALLBACK, prompt="consent").url)
    sign_in(watched, "jim")
    with watched.expect_event("requestfailed", lambda request: request.url == "com.example.mobile:/welcome"):
        decide(watched, "Allow")
    assert webapp.answer()["code"]


@pytest.fixture
def first_party(register: Callable[[Client], None]) -> None:
    web_app = next(client for client in demo_data.CLIENTS if client.client_id == "web_app_123")
    register(
        replace(web_app, client_id=FIRST_PARTY, first_party=True, post_logout_redirect_uris=(SIGNED_OUT,)),
    )


@pytest.mark.usefixtures("first_party")
@pytest.mark.parametrize("response_mode", ["query", "form_post"])
def test_my_first_party_app_redirects_on_after_the_sign_in_form(
    watched: Page, issuer: str, webapp: Landing, landing: Landing, response_mode: str
) -> None:
    """No consent page stands between: the chain begins with the sign-in form."""
    webapp.redirects["/callback"] = f"{landing.origin}/welcome"
    asked = ask(issuer, FIRST_PARTY, CALLBACK, response_mode=response_mode)
    watched.goto(asked.url)
    sign_in(watched, "john")
    watched.wait_for_url(f"{landing.origin}/welcome")
    answer = webapp.answer() if response_mode == "query" else dict(webapp.posted[-1].form)
    check(answer, "Allow", asked.state, issuer)


@pytest.mark.usefixtures("first_party")
def test_my_app_redirects_on_after_the_sign_out_form(
    watched: Page, issuer: str, webapp: Landing, landing: Landing
) -> None:
    watched.goto(ask(issuer, FIRST_PARTY, CALLBACK).url)
    sign_in(watched, "john")
    watched.wait_for_url(f"{CALLBACK}?*")
    webapp.redirects["/signed-out"] = f"{landing.origin}/goodbye"
    back = {"client_id": FIRST_PARTY, "post_logout_redirect_uri": SIGNED_OUT}
    watched.goto(f"{issuer}/logout?{urlencode(back)}")
    watched.get_by_role("button", name="Sign out").click()
    watched.wait_for_url(f"{landing.origin}/goodbye")
    watched.goto(ask(issuer, FIRST_PARTY, CALLBACK).url)
    expect(watched.get_by_label("Password")).to_be_visible()


@pytest.mark.parametrize("sources", ["'self'", "'self' https://webapp.example.com"])
def test_with_form_action_the_policy_would_stop_the_chain(
    page: Page, issuer: str, webapp: Landing, landing: Landing, sources: str
) -> None:
    """Chromium holds every redirect after a form to form-action, the client's own as well. Naming the client would not
    help: only the client knows where it redirects to.
    """

    def narrowed(route: Route) -> None:
        answer = route.fetch()
        policy = f"default-src 'none'; form-action {sources}"
        route.fulfill(response=answer, headers={**answer.headers, "content-security-policy": policy})

    webapp.redirects["/callback"] = f"{landing.origin}/welcome"
    page.goto(ask(issuer, "web_app_123", CALLBACK, prompt="consent").url)
    sign_in(page, "john")
    expect(page.get_by_role("button", name="Allow", exact=True)).to_be_visible()
    page.route(f"{issuer}/consent?*", narrowed)
    page.reload()
    with page.expect_console_message(lambda message: "form-action" in message.text):
        decide(page, "Allow")
    assert landing.requests == []


def test_the_consent_page_still_loads_its_own_images_alone_runs_nothing_and_cannot_be_framed(
    page: Page, issuer: str, landing: Landing
) -> None:
    address = ask(issuer, "mobile_app", f"{landing.origin}/callback").url
    with page.expect_response(lambda response: response.url.startswith(f"{issuer}/consent?request=")) as consent:
        page.goto(address)
        sign_in(page, "john")
    headers = consent.value.headers
    policy = dict(directive.strip().split(" ", 1) for directive in headers["content-security-policy"].split(";"))
    assert policy.keys() == {"default-src", "style-src", "img-src", "base-uri", "frame-ancestors"}
    assert policy["img-src"] == f"{issuer}/token"
    assert policy["default-src"] == policy["frame-ancestors"] == policy["base-uri"] == "'none'"
    assert headers["x-frame-options"] == "DENY"
