"""response_mode=form_post in Chromium: one page posts the answer, by itself or by a button; no other script runs."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, BrowserContext, Page, Route, expect

from tests.e2e.landing import Landing
from tests.e2e.people import ask, decide, sign_in

pytestmark = pytest.mark.xdist_group("browser")

CALLBACK = "https://webapp.example.com/callback"


@pytest.fixture
def watched(page: Page) -> Iterator[Page]:
    """A page on which nothing complains."""
    complaints: list[str] = []
    page.on("console", lambda message: complaints.append(message.text))
    yield page
    assert complaints == []


def posted(landing: Landing, state: str, issuer: str) -> dict[str, str]:
    """The last form that arrived: an answer to what was asked, and once only."""
    forms = [each for each in landing.posted if each.form.get("state") == state]
    assert len(forms) == 1
    assert forms[0].headers["content-type"] == "application/x-www-form-urlencoded"
    form = dict(forms[0].form)
    assert (form.pop("state"), form.pop("iss")) == (state, issuer)
    return form


@pytest.mark.parametrize(("decision", "names"), [("Allow", {"code"}), ("Deny", {"error", "error_description"})])
def test_the_answer_is_posted_by_itself_and_is_in_no_address(
    watched: Page, issuer: str, webapp: Landing, decision: str, names: set[str]
) -> None:
    asked = ask(issuer, "web_app_123", CALLBACK, prompt="consent", response_mode="form_post")
    addresses: list[str] = []
    watched.on("request", lambda request: addresses.append(request.url))
    watched.goto(asked.url)
    sign_in(watched, "jim")
    decide(watched, decision)
    watched.wait_for_url(CALLBACK)
    answer = posted(webapp, asked.state, issuer)
    assert answer.keys() == names
    assert not [url for url in addresses if "code=" in url or "error=" in url]


def test_the_client_sees_whose_form_it_is_and_learns_no_more_of_the_address_before(
    watched: Page, issuer: str, landing: Landing
) -> None:
    asked = ask(issuer, "mobile_app", f"{landing.origin}/callback", prompt="none", response_mode="form_post")
    watched.goto(asked.url)
    watched.wait_for_url(f"{landing.origin}/callback")
    assert posted(landing, asked.state, issuer)["error"] == "login_required"
    headers = landing.posted[-1].headers
    assert (headers["origin"], headers["referer"]) == (issuer, f"{issuer}/")


@pytest.mark.parametrize("state", ["a b&c=d#e%20+", "ä€😀", "'\"<>&lt;", "</form><script>alert(1)</script>"])
def test_the_state_arrives_as_it_was_sent(watched: Page, issuer: str, landing: Landing, state: str) -> None:
    redirect_uri = f"{landing.origin}/callback"
    more = {"prompt": "none", "response_mode": "form_post", "state": state}
    watched.goto(ask(issuer, "mobile_app", redirect_uri, **more).url)
    watched.wait_for_url(redirect_uri)
    assert posted(landing, state, issuer)["error"] == "login_required"


def test_the_back_button_does_not_send_the_answer_again(watched: Page, issuer: str, landing: Landing) -> None:
    """The script runs before the page is loaded, so that the client's page replaces it in the history."""
    landing.files["/start"] = "start"
    watched.goto(f"{landing.origin}/start")
    asked = ask(issuer, "mobile_app", f"{landing.origin}/callback", prompt="none", response_mode="form_post")
    watched.evaluate("address => { location.href = address; }", asked.url)
    watched.wait_for_url(f"{landing.origin}/callback")
    watched.go_back()
    watched.wait_for_url(f"{landing.origin}/start")
    assert posted(landing, asked.state, issuer)["error"] == "login_required"


def test_a_browser_without_script_has_a_button(browser: Browser, issuer: str, webapp: Landing) -> None:
    context = browser.new_context(ignore_https_errors=True, java_script_enabled=False)
    context.set_default_timeout(10_000)
    try:
        page = context.new_page()
        asked = ask(issuer, "web_app_123", CALLBACK, prompt="consent", response_mode="form_post")
        page.goto(asked.url)
        sign_in(page, "jim")
        decide(page, "Allow")
        expect(page.get_by_role("heading", name="Back to Web App")).to_be_visible()
        expect(page.get_by_text("webapp.example.com")).to_be_visible()
        assert not [each for each in webapp.posted if each.form.get("state") == asked.state]
        page.get_by_role("button", name="Continue").click()
        page.wait_for_url(CALLBACK)
        assert posted(webapp, asked.state, issuer).keys() == {"code"}
    finally:
        context.close()


def test_no_other_script_runs_on_the_page_and_it_cannot_be_framed(
    page: Page, context: BrowserContext, issuer: str, landing: Landing
) -> None:
    """An attacker who could write into the page still could not run a script there."""
    asked = ask(issuer, "mobile_app", f"{landing.origin}/callback", prompt="none", response_mode="form_post")
    injected = "<script>document.title = 'theirs'</script><img src=x onerror=\"document.title = 'theirs'\">"

    def with_injection(route: Route) -> None:
        answer = route.fetch()
        body = answer.text().replace("document.forms[0].submit();", "").replace("<h1>", f"{injected}<h1>")
        route.fulfill(response=answer, body=body)

    page.route(f"{issuer}/authorize?*", with_injection)
    page.goto(asked.url)
    expect(page.get_by_role("heading", name="Back to")).to_be_visible()
    page.wait_for_timeout(300)
    assert page.title().startswith("Back to")
    assert landing.posted == []

    framing = context.new_page()
    landing.files["/frame"] = f'<iframe src="{asked.url.replace("&", "&amp;")}"></iframe>'
    framing.goto(f"{landing.origin}/frame")
    framing.frames[1].wait_for_load_state()
    assert framing.frames[1].url.startswith("chrome-error:")
    assert landing.posted == []
