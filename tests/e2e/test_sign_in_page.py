"""The sign-in and consent pages in Chromium: words, keyboard, phone, frames, CSRF and cookies."""

from __future__ import annotations

import re

import httpx
import pytest
from playwright.sync_api import BrowserContext, Page, Route, expect

from tests.e2e.landing import Landing
from tests.e2e.people import PASSWORDS, ask, decide, sign_in

pytestmark = pytest.mark.xdist_group("browser")


@pytest.fixture
def sign_in_page(page: Page, issuer: str, landing: Landing) -> Page:
    """The page that a native app's authorization request leads to."""
    page.goto(ask(issuer, "mobile_app", f"{landing.origin}/callback").url)
    expect(page.get_by_role("heading", name="Sign in")).to_be_visible()
    return page


def cookies(context: BrowserContext) -> dict[str, str]:
    return {str(cookie["name"]): str(cookie["value"]) for cookie in context.cookies()}


def test_a_wrong_password_and_an_unknown_user_get_the_same_words(sign_in_page: Page) -> None:
    words = []
    for username in ("jim", "nobody-of-that-name"):
        sign_in(sign_in_page, username, "not the password")
        alert = sign_in_page.get_by_role("alert")
        expect(alert).to_be_visible()
        expect(sign_in_page.get_by_label("Username")).to_have_value(username)
        expect(sign_in_page.get_by_label("Password")).to_have_value("")
        words.append(alert.inner_text())
    assert words[0] == words[1]


def test_the_keyboard_alone_signs_in_and_allows(sign_in_page: Page, landing: Landing) -> None:
    expect(sign_in_page.get_by_label("Username")).to_be_focused()
    sign_in_page.keyboard.type("john")
    sign_in_page.keyboard.press("Tab")
    sign_in_page.keyboard.type(PASSWORDS["john"])
    sign_in_page.keyboard.press("Enter")
    allow = sign_in_page.get_by_role("button", name="Allow", exact=True)
    expect(allow).to_be_visible()
    for _ in range(10):
        if allow.evaluate("element => element === document.activeElement"):
            break
        sign_in_page.keyboard.press("Tab")
    sign_in_page.keyboard.press("Enter")
    expect(sign_in_page).to_have_url(re.compile(re.escape(landing.origin)))
    assert "code" in landing.answer()


def test_the_stylesheet_passes_its_own_policy(page: Page, issuer: str, landing: Landing) -> None:
    complaints: list[str] = []
    page.on("console", lambda message: complaints.append(message.text))
    page.goto(ask(issuer, "mobile_app", f"{landing.origin}/callback").url)
    assert page.locator(".ticket").evaluate("element => getComputedStyle(element).borderRadius") == "12px"
    assert complaints == []


def test_the_pages_cannot_be_framed(page: Page, issuer: str, landing: Landing) -> None:
    asked = ask(issuer, "mobile_app", f"{landing.origin}/callback")
    for address in (asked.url, f"{issuer}/authorize?client_id=nobody", f"{issuer}/logout"):
        landing.files["/frame"] = f'<iframe src="{address.replace("&", "&amp;")}"></iframe>'
        page.goto(f"{landing.origin}/frame")
        frame = page.frames[1]
        frame.wait_for_load_state()
        assert frame.url.startswith("chrome-error:")


def test_the_sign_in_form_is_refused_without_its_csrf_token(sign_in_page: Page, context: BrowserContext) -> None:
    form, before = sign_in_page.url, cookies(context)
    for damage in ("field => field.remove()", "field => { field.value = 'a'.repeat(43); }"):
        sign_in_page.locator("[name=csrf_token]").evaluate(damage)
        with sign_in_page.expect_response(lambda response: response.request.method == "POST") as refused:
            sign_in(sign_in_page, "john")
        assert 400 <= refused.value.status < 500
        assert cookies(context) == before
        sign_in_page.wait_for_load_state()
        sign_in_page.goto(form)


def test_the_consent_form_is_refused_without_its_csrf_token(sign_in_page: Page, landing: Landing) -> None:
    sign_in(sign_in_page, "john")
    expect(sign_in_page.get_by_role("button", name="Allow")).to_be_visible()
    form = sign_in_page.url
    for damage in ("field => field.remove()", "field => { field.value = 'a'.repeat(43); }"):
        sign_in_page.locator("[name=csrf_token]").evaluate(damage)
        with sign_in_page.expect_response(lambda response: response.request.method == "POST") as refused:
            decide(sign_in_page, "Allow")
        assert 400 <= refused.value.status < 500
        sign_in_page.wait_for_load_state()
        sign_in_page.goto(form)
    assert landing.requests == []


def test_another_browsers_csrf_token_and_request_are_refused(
    sign_in_page: Page, context: BrowserContext, issuer: str
) -> None:
    """An attacker who has a form of their own cannot make a victim's browser send it (login CSRF)."""
    fields = {name: sign_in_page.locator(f"main [name={name}]").input_value() for name in ("request", "csrf_token")}
    answer = httpx.post(f"{issuer}/login", data={**fields, "username": "john", "password": PASSWORDS["john"]})
    assert 400 <= answer.status_code < 500


def test_cookies_are_for_the_server_alone(sign_in_page: Page, context: BrowserContext) -> None:
    sign_in(sign_in_page, "john")
    expect(sign_in_page.get_by_role("button", name="Allow", exact=True)).to_be_visible()
    assert len(context.cookies()) >= 2
    for cookie in context.cookies():
        assert cookie["httpOnly"], cookie["name"]
        assert cookie["sameSite"] == "Lax", cookie["name"]
        assert cookie["path"] == "/", cookie["name"]
        assert cookie["domain"] == "127.0.0.1", cookie["name"]  # without a dot: this host only
    assert sign_in_page.evaluate("document.cookie") == ""


def test_the_session_id_changes_at_login_and_the_old_one_is_dead(
    page: Page, context: BrowserContext, issuer: str, landing: Landing
) -> None:
    redirect_uri = f"{landing.origin}/callback"
    page.goto(ask(issuer, "mobile_app", redirect_uri).url)
    before = cookies(context)
    sign_in(page, "john")
    expect(page.get_by_role("button", name="Allow", exact=True)).to_be_visible()
    first = cookies(context)
    opened = {name for name, value in first.items() if before.get(name) != value}
    assert opened, "no cookie changed at login"

    page.goto(ask(issuer, "mobile_app", redirect_uri, prompt="login").url)
    sign_in(page, "john")
    expect(page.get_by_role("button", name="Allow", exact=True)).to_be_visible()
    second = cookies(context)
    assert all(second[name] != first[name] for name in opened)

    old = [{**cookie, "value": first[str(cookie["name"])]} for cookie in context.cookies()]
    context.clear_cookies()
    context.add_cookies(old)  # type: ignore[arg-type]  # what cookies() gave
    page.goto(ask(issuer, "mobile_app", redirect_uri).url)
    expect(page.get_by_label("Password")).to_be_visible()


def test_a_hostile_page_cannot_post_a_decision(sign_in_page: Page, issuer: str, landing: Landing) -> None:
    """SameSite=Lax: a form on another site brings no cookie along, and so no session."""
    sign_in(sign_in_page, "john")
    handle = sign_in_page.locator("main [name=request]").input_value()
    csrf_token = sign_in_page.locator("[name=csrf_token]").input_value()
    landing.files["/hostile"] = (
        f'<form method="post" action="{issuer}/consent"><input name="request" value="{handle}">'
        f'<input name="csrf_token" value="{csrf_token}"><button name="decision" value="allow">Win</button></form>'
    )
    # Ports do not separate sites: only another host is another site.
    sign_in_page.context.route("http://hostile.example/", lambda route: _fulfil(route, str(landing.files["/hostile"])))
    sign_in_page.goto("http://hostile.example/")
    with sign_in_page.expect_response(lambda response: response.request.method == "POST") as refused:
        sign_in_page.get_by_role("button", name="Win").click()
    assert 400 <= refused.value.status < 500
    assert landing.requests == []


def _fulfil(route: Route, html: str) -> None:
    route.fulfill(body=html, content_type="text/html")
