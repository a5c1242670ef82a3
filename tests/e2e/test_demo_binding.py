"""The demo page binds its tokens to the browser (DPoP), and shows that a stolen one is refused."""

from __future__ import annotations

import time
from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, Page, Request, expect

from local.stack import LocalStack
from tests.e2e.people import decide, sign_in
from tests.e2e.test_demo_page import call, claim
from tests.support.dpop_client import DpopClient
from tests.support.nonce_key import dpop_nonces
from tests.support.wire import over_http

pytestmark = pytest.mark.xdist_group("browser")

SWITCH, WITHOUT_KEY = "Bind the token to this browser", "Call it without the key"
KEY = """new Promise((resolve, reject) => {
  const opening = indexedDB.open("valet-demo");
  opening.onerror = () => reject(opening.error);
  opening.onsuccess = () => {
    const reading = opening.result.transaction("keys").objectStore("keys").get("dpop");
    reading.onsuccess = async () => {
      const told = await crypto.subtle.exportKey("jwk", reading.result.privateKey).catch((error) => error.name);
      resolve([reading.result.privateKey.extractable, told]);
    };
  };
})"""


@pytest.fixture
def bound(page: Page, issuer: str) -> Iterator[Page]:
    """The demo page, where john has a token that is bound to his browser; no script and no policy may fail."""
    failures: list[str] = []
    page.on("pageerror", lambda error: failures.append(str(error)))
    page.on("console", lambda said: failures.append(said.text) if "Content Security Policy" in said.text else None)
    enter(page, issuer)
    yield page
    assert failures == []


def enter(page: Page, issuer: str) -> None:
    page.goto(f"{issuer}/demo/")
    page.get_by_label(SWITCH).check()
    page.get_by_role("button", name="Sign in").click()
    sign_in(page, "john")
    decide(page, "Allow")
    expect(page.locator("#who")).to_have_text("Signed in as john")


def refresh(page: Page) -> None:
    page.get_by_role("button", name="Refresh", exact=True).click()


def test_a_bound_token_calls_the_api_and_is_refreshed_and_its_key_never_leaves_the_browser(bound: Page) -> None:
    assert "jkt" in claim(bound, "cnf")
    assert call(bound, "GET /api/profile") == "200"
    assert call(bound, "GET /api/admin") == "403"
    first = claim(bound, "cnf")
    refresh(bound)
    expect(bound.locator("#said")).to_contain_text("Refreshed")
    bound.reload()
    expect(bound.locator("#who")).to_have_text("Signed in as john")  # by /userinfo
    assert claim(bound, "cnf") == first
    assert call(bound, "GET /api/items") == "200"
    assert bound.evaluate(KEY) == [False, "InvalidAccessError"]


def test_a_thief_is_refused_and_the_page_shows_it_in_words(bound: Page, stack: LocalStack) -> None:
    bound.get_by_role("button", name=WITHOUT_KEY).click()
    expect(bound.locator("#answer-status")).to_have_text("401")
    expect(bound.locator("#answer-words")).to_contain_text("as a bearer token and with a proof by another key")
    written = bound.locator("#log li").all_inner_texts()[:2]
    assert all("401" in entry.splitlines()[0] for entry in written), written

    # And by a thief of this test's own.
    overheard: list[Request] = []
    bound.on("request", lambda request: overheard.append(request) if request.url.endswith("/api/profile") else None)
    assert call(bound, "GET /api/profile") == "200"
    (request,) = overheard
    token, proof = bound.locator("#raw").inner_text(), request.headers["dpop"]
    assert request.headers["authorization"] == f"DPoP {token}"
    own = DpopClient().proof("GET", request.url, token=token, iat=int(time.time()))
    for scheme, dpop, path in (
        ("Bearer", "", "/api/profile"),
        ("DPoP", "", "/api/profile"),
        ("DPoP", own, "/api/profile"),
        ("DPoP", proof, "/api/profile"),
        ("DPoP", proof, "/api/items"),
    ):
        headers = {"authorization": f"{scheme} {token}", **({"dpop": dpop} if dpop else {})}
        assert over_http("GET", f"{stack.issuer}{path}", headers).status == 401
    assert call(bound, "GET /api/profile") == "200"


def test_the_tokens_of_a_tab_are_worth_nothing_in_another_browser(bound: Page, browser: Browser, issuer: str) -> None:
    stolen = bound.evaluate("sessionStorage.getItem('valet-demo.tokens')")
    with browser.new_context() as context:
        other = context.new_page()
        other.goto(f"{issuer}/demo/")
        other.evaluate("tokens => sessionStorage.setItem('valet-demo.tokens', tokens)", stolen)
        other.reload()
        assert call(other, "GET /api/profile") == "401"
        refresh(other)
        expect(other.locator("#said")).to_contain_text("invalid_grant")
    refresh(bound)
    expect(bound.locator("#said")).to_contain_text("Refreshed")


@pytest.fixture
def _nonces(stack: LocalStack) -> Iterator[None]:
    with dpop_nonces(stack, "public"):
        yield


@pytest.mark.usefixtures("_nonces")
def test_the_page_sends_a_request_again_with_the_nonce_that_the_server_asks_for(bound: Page) -> None:
    again = bound.locator("#log").get_by_text("Again, with the nonce that Valet asked for.")
    expect(again).to_have_count(1)
    assert call(bound, "GET /api/profile") == "200"
    refresh(bound)
    expect(bound.locator("#said")).to_contain_text("Refreshed")
    bound.reload()
    refresh(bound)  # the nonce is forgotten with the script
    expect(bound.locator("#said")).to_contain_text("Refreshed")
    expect(again).to_have_count(2)


def test_without_the_switch_the_token_is_a_bearer_token(page: Page, issuer: str) -> None:
    page.goto(f"{issuer}/demo/")
    page.get_by_role("button", name="Sign in").click()
    sign_in(page, "john")
    decide(page, "Allow")
    expect(page.locator("#who")).to_have_text("Signed in as john")
    expect(page.get_by_role("button", name=WITHOUT_KEY)).to_be_hidden()
    assert page.locator("#access-claims [data-claim=cnf]").count() == 0
    assert call(page, "GET /api/profile") == "200"


def test_the_policy_of_the_page_allows_its_own_files_alone(page: Page, issuer: str) -> None:
    page.goto(f"{issuer}/demo/")
    policy = page.locator("meta[http-equiv=Content-Security-Policy]").get_attribute("content")
    assert policy == (
        "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; img-src data:; "
        "base-uri 'none'; form-action 'none'"
    )
