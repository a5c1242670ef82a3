"""The account page in Chromium: what is signed in and allowed is seen and ended there, and the data is taken along."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest
from playwright.sync_api import Browser, Page, expect

from tests.e2e.accessibility import Theme, looks, names_of_sound_pages
from tests.e2e.landing import Landing
from tests.e2e.people import PASSWORDS, ask, decide, sign_in

pytestmark = pytest.mark.xdist_group("browser")


def test_a_person_looks_after_their_account(page: Page, browser: Browser, issuer: str, landing: Landing) -> None:
    complaints: list[str] = []
    page.on("console", lambda message: complaints.append(message.text))
    page.on("request", lambda request: None if request.url.startswith(issuer) else complaints.append(request.url))

    # Another browser of the same person, and an app that they allow there.
    elsewhere = browser.new_context(user_agent="Mozilla/5.0 (iPhone; CPU iPhone OS 18_5 like Mac OS X) Safari/604.1")
    other = elsewhere.new_page()
    asked = ask(issuer, "mobile_app", f"{landing.origin}/callback")
    other.goto(asked.url)
    sign_in(other, "john")
    decide(other, "Allow")
    answer = landing.answer()
    redeemed = {
        "grant_type": "authorization_code",
        "client_id": "mobile_app",
        "code": answer["code"],
        "redirect_uri": f"{landing.origin}/callback",
        "code_verifier": asked.code_verifier,
    }
    tokens = httpx.post(f"{issuer}/token", data=redeemed).json()

    page.goto(f"{issuer}/account/sessions")
    expect(page.get_by_text("to continue to Your account")).to_be_visible()
    sign_in(page, "john")
    expect(page.get_by_role("heading", name="Where you are signed in")).to_be_visible()
    assert page.url == f"{issuer}/account/sessions"
    rows = page.locator(".rows > li")
    expect(rows).to_have_count(2)
    expect(rows.first).to_contain_text("This browser")
    expect(rows.last).to_contain_text("Safari, iPhone")
    rows.last.get_by_role("button", name="Sign out there").click()
    expect(rows).to_have_count(1)
    other.goto(f"{issuer}/account")
    expect(other.get_by_role("heading", name="Sign in")).to_be_visible()

    page.get_by_role("link", name="Apps", exact=True).first.click()
    expect(page.locator(".rows > li")).to_have_count(1)
    page.get_by_role("button", name="Take access back").press("Enter")  # by the keyboard
    expect(page.get_by_text("You have allowed no app")).to_be_visible()
    refused = httpx.post(
        f"{issuer}/token",
        data={"grant_type": "refresh_token", "client_id": "mobile_app", "refresh_token": tokens["refresh_token"]},
    )
    assert refused.json()["error"] == "invalid_grant"

    page.get_by_role("link", name="Download").click()
    with page.expect_download() as download:
        page.get_by_role("button", name="Download the file").click()
    assert download.value.suggested_filename == "account.json"
    assert json.loads(Path(download.value.path()).read_text(encoding="utf-8"))["account"]["username"] == "john"
    elsewhere.close()
    assert complaints == []


def walk(page: Page, issuer: str) -> Iterator[str]:
    """Leads the page through each section that the menu names, and names it once it is shown."""
    page.goto(f"{issuer}/account")
    page.locator("#username").fill("jane")
    page.locator("#password").fill(PASSWORDS["jane"])
    page.locator("main button[type=submit]").click()
    links = page.locator("nav.menu a")
    expect(links.first).to_be_visible()
    for section in links.evaluate_all("each => each.map(link => link.getAttribute('href'))"):
        page.goto(f"{issuer}{section}")
        expect(page.locator("h1")).to_be_visible()
        heights = links.evaluate_all("each => each.map(link => link.getBoundingClientRect().height)")
        assert min(heights) >= 24, section  # WCAG 2.2 §2.5.8
        yield section


@looks
def test_every_section_keeps_wcag_2_2_aa_and_fits_every_width(
    browser: Browser, issuer: str, theme: Theme, language: str
) -> None:
    sections = names_of_sound_pages(browser, issuer, theme, language, lambda page: walk(page, issuer))
    assert {"/account/email", "/account/second", "/account/providers", "/account/delete"} < set(sections)
