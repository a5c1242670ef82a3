"""A person who clicks twice, goes back, or left a page open, in Chromium."""

from __future__ import annotations

import httpx
import pytest
from playwright.sync_api import BrowserContext, Page, expect

from tests.e2e.landing import Landing
from tests.e2e.people import Asked, ask, decide, sign_in

pytestmark = pytest.mark.xdist_group("browser")


@pytest.fixture
def asked(issuer: str, landing: Landing) -> Asked:
    return ask(issuer, "mobile_app", f"{landing.origin}/callback")


def redeem(issuer: str, asked: Asked, landing: Landing, auth: tuple[str, str] | None = None) -> httpx.Response:
    """As the app does with what arrived last."""
    answer = landing.answer()
    assert answer["state"] == asked.state
    form = {"grant_type": "authorization_code", "code": answer["code"], "code_verifier": asked.code_verifier}
    return httpx.post(f"{issuer}/token", data=form if auth else {**form, "client_id": "mobile_app"}, auth=auth)


def test_a_double_click_on_sign_in_and_on_allow_ends_at_the_app_with_a_code_that_works(
    page: Page, issuer: str, landing: Landing, asked: Asked
) -> None:
    page.goto(asked.url)
    page.get_by_label("Username").fill("john")
    page.get_by_label("Password").fill("password123")
    page.get_by_role("button", name="Sign in").dblclick()
    expect(page.get_by_role("heading", name="Allow Mobile App?")).to_be_visible()
    page.get_by_role("button", name="Allow", exact=True).dblclick()
    expect(page.get_by_text("arrived")).to_be_visible()
    assert redeem(issuer, asked, landing).status_code == 200


def test_the_back_button_after_the_app_has_its_tokens_leads_back_to_the_app(
    page: Page, issuer: str, webapp: Landing
) -> None:
    asked = ask(issuer, "web_app_123", "https://webapp.example.com/callback")
    page.goto(asked.url)
    sign_in(page, "john")
    decide(page, "Allow")
    expect(page.get_by_text("arrived")).to_be_visible()
    auth = ("web_app_123", "web_secret_456")
    tokens = redeem(issuer, asked, webapp, auth).json()
    page.go_back()
    expect(page.get_by_role("heading", name="Allow Web App?")).to_be_visible()
    decide(page, "Allow")
    expect(page.get_by_role("heading", name="You are already signed in")).to_be_visible()
    page.get_by_role("link", name="Back to Web App").click()
    expect(page).to_have_url("https://webapp.example.com/")
    form = {"grant_type": "refresh_token", "refresh_token": tokens["refresh_token"]}
    assert httpx.post(f"{issuer}/token", data=form, auth=auth).status_code == 200


def test_cookies_that_were_cleared_are_told_of_with_a_way_back(
    page: Page, context: BrowserContext, asked: Asked
) -> None:
    page.goto(asked.url)
    context.clear_cookies()
    sign_in(page, "john")
    expect(page.get_by_role("heading", name="Your browser sent no cookie")).to_be_visible()
    expect(page.get_by_role("link", name="Back to Mobile App")).to_have_attribute("href", "com.example.mobile:/")


def test_a_consent_page_that_another_tab_made_old_is_shown_again_and_counts_then(
    page: Page, context: BrowserContext, issuer: str, landing: Landing, asked: Asked
) -> None:
    page.goto(asked.url)
    sign_in(page, "john")
    expect(page.get_by_role("heading", name="Allow Mobile App?")).to_be_visible()
    tab = context.new_page()
    tab.goto(ask(issuer, "mobile_app", f"{landing.origin}/callback", prompt="login").url)
    sign_in(tab, "john")
    expect(tab.get_by_role("heading", name="Allow Mobile App?")).to_be_visible()
    decide(page, "Allow")
    expect(page.get_by_role("alert")).to_contain_text("you signed in again since it was opened")
    assert landing.requests == []
    decide(page, "Allow")
    expect(page.get_by_text("arrived")).to_be_visible()
    assert redeem(issuer, asked, landing).status_code == 200


def test_the_session_outlives_the_browser(page: Page, context: BrowserContext, asked: Asked) -> None:
    page.goto(asked.url)
    sign_in(page, "john")
    expect(page.get_by_role("button", name="Allow", exact=True)).to_be_visible()
    (session,) = (cookie for cookie in context.cookies() if cookie["name"] == "valet-session")
    assert session["expires"] > 0  # -1: it would end with the browser
