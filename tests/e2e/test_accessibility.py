"""The pages by WCAG 2.2 AA, as axe-core and a keyboard find it, in both themes, both directions and three widths."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, Page, expect

from tests.e2e.accessibility import Theme, looks, names_of_sound_pages
from tests.e2e.landing import Landing
from tests.e2e.people import PASSWORDS, ask

pytestmark = pytest.mark.xdist_group("browser")


def walk(page: Page, issuer: str, landing: Landing) -> Iterator[str]:
    """Leads the page through every page that there is, and names each once it is shown."""
    asked = ask(issuer, "mobile_app", f"{landing.origin}/callback", response_mode="form_post")
    page.goto(asked.url)
    yield "sign-in"
    _sign_in(page, "wrong")
    expect(page.get_by_role("alert")).to_be_visible()
    yield "sign-in after a wrong password"
    _sign_in(page, PASSWORDS["john"])
    expect(page.locator("[name=decision]").first).to_be_visible()
    yield "consent"
    # The app answers with nothing, so that the page which posts to it stays.
    page.route(f"{landing.origin}/**", lambda route: route.fulfill(status=204))
    page.locator("[value=allow]").click()
    expect(page.locator("noscript")).to_be_attached()
    yield "answer"
    page.goto(f"{issuer}/authorize?client_id=nobody")
    page.locator("main summary").click()
    yield "refusal"
    page.goto(f"{issuer}/logout")
    yield "sign-out"
    page.locator("[value=allow]").click()
    expect(page.locator("[name=decision]")).to_have_count(0)
    yield "signed out"


def _sign_in(page: Page, password: str) -> None:
    page.locator("#username").fill("john")
    page.locator("#password").fill(password)
    page.locator("main button[type=submit]").click()


@looks
def test_every_page_keeps_wcag_2_2_aa_and_fits_every_width(
    browser: Browser, issuer: str, landing: Landing, theme: Theme, language: str
) -> None:
    pages = names_of_sound_pages(browser, issuer, theme, language, lambda page: walk(page, issuer, landing))
    assert len(pages) == 7


def test_the_keyboard_alone_chooses_the_language_and_the_choice_stays(
    page: Page, issuer: str, landing: Landing
) -> None:
    page.goto(ask(issuer, "mobile_app", f"{landing.origin}/callback").url)
    page.locator("footer summary").focus()
    page.keyboard.press("Enter")
    page.keyboard.press("Tab")
    expect(page.get_by_role("button", name="Deutsch")).to_be_focused()
    page.keyboard.press("Enter")
    expect(page.get_by_role("heading", name="Anmelden")).to_be_visible()
    _sign_in(page, "falsch")
    expect(page.get_by_role("alert")).to_have_text(
        "Name und Passwort passen nicht zusammen. Bitte versuchen Sie es noch einmal."
    )


def test_without_script_a_click_chooses_the_language_of_a_refusal(browser: Browser, issuer: str) -> None:
    context = browser.new_context(java_script_enabled=False)
    page = context.new_page()
    page.goto(f"{issuer}/login?request={'A' * 43}")
    page.locator("footer summary").click()
    page.locator("footer button[value=ar]").click()
    expect(page.locator("html[lang=ar][dir=rtl] h1")).to_have_text("انتهت صلاحية تسجيل الدخول هذا")
    context.close()
