"""A second factor in Chromium: an authenticator app is added, signs in, and is replaced after a recovery code; and its
pages by WCAG 2.2 AA.
"""

from __future__ import annotations

import re
import time
from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, Page, expect
from valet.people.totp import STEP, code_at, seed_from_base32

from local.stack import LocalStack
from tests.e2e.accessibility import Theme, looks, names_of_sound_pages
from tests.e2e.people import PASSWORDS, code_from_mail

pytestmark = pytest.mark.xdist_group("browser")


class App:
    """An authenticator app on a person's phone. It shows no code twice, and each is of the step now or the next one."""

    def __init__(self, seed: str) -> None:
        self._seed, self._shown = seed_from_base32(seed.replace(" ", "")), 0

    def code(self) -> str:
        while (step := max(int(time.time()) // STEP, self._shown + 1)) > int(time.time()) // STEP + 1:
            time.sleep(1)
        self._shown = step
        return code_at(self._seed, step)


def sign_in(page: Page, username: str) -> None:
    page.locator("#username").fill(username)
    page.locator("#password").fill(PASSWORDS[username])
    page.locator("main button[type=submit]").first.click()


def add_app(page: Page, stack: LocalStack, username: str) -> App:
    """Signs in at the section, proves the address, and gives the first code."""
    page.goto(f"{stack.issuer}/account/second")
    sign_in(page, username)
    page.locator("[value=send_code]").click()
    expect(page.locator("[value=enter_code]")).to_be_visible()
    stack.delivery.deliver()
    page.locator("#code").fill(code_from_mail(page, stack.issuer, f"{username}@example.com"))
    page.locator("[value=enter_code]").click()
    expect(page.locator(".qr svg")).to_be_visible()
    return App(page.locator("main p code").inner_text())


def give(page: Page, code: str) -> None:
    page.locator("#code").fill(code)
    page.locator("main form button[type=submit]").first.click()


def codes_on(page: Page) -> list[str]:
    expect(page.locator("#codes li")).to_have_count(10)
    return page.locator("#codes li").all_inner_texts()


@pytest.fixture
def complaints(page: Page) -> list[str]:
    """What the browser says of the page: of its policy, for instance."""
    found: list[str] = []
    page.on("console", lambda message: found.append(message.text))
    return found


def test_an_app_is_added_signs_in_and_a_recovery_code_stands_in_for_it(
    browser: Browser, page: Page, stack: LocalStack, complaints: list[str]
) -> None:
    issuer = stack.issuer
    app = add_app(page, stack, "jane")
    give(page, app.code())
    codes = codes_on(page)
    expect(page.get_by_role("button", name="Copy")).to_be_visible()
    expect(page.get_by_role("button", name="Print")).to_be_visible()
    page.locator("main .ways a").click()
    # The account can do better than this sign-in now, and asks at once.
    expect(page.get_by_role("heading", name="One more step")).to_be_visible()
    give(page, "000000")
    expect(page.get_by_role("alert")).to_be_visible()
    give(page, app.code())
    expect(page.get_by_role("button", name="Remove")).to_be_visible()
    assert [text for text in complaints if "401" not in text] == []
    # The phone is lost.
    elsewhere = browser.new_context()
    other = elsewhere.new_page()
    other.goto(f"{issuer}/account")
    sign_in(other, "jane")
    other.locator("main .ways a").first.click()
    give(other, codes[3].lower().replace("-", " "))
    expect(other).to_have_url(re.compile(r"/account/recovery"))
    expect(other.get_by_text("9")).to_be_visible()
    other.locator("main form button").first.click()
    assert len(set(codes_on(other)) - set(codes)) == 10
    other.goto(f"{issuer}/account/second")
    expect(other.get_by_role("button", name="Remove")).to_be_visible()
    other.get_by_role("button", name="Remove").click()
    expect(other.locator(".qr svg").or_(other.get_by_role("button", name="Send the code"))).to_be_visible()
    elsewhere.close()


def walk(page: Page, stack: LocalStack) -> Iterator[str]:
    """Leads the page through the pages of second factors, and names each once it is shown."""
    issuer, app = stack.issuer, add_app(page, stack, "jane")
    yield "add"
    give(page, "000000")
    expect(page.get_by_role("alert")).to_be_visible()
    yield "add, after a wrong code"
    give(page, app.code())
    codes = codes_on(page)
    yield "codes"
    page.goto(f"{issuer}/account/second")
    expect(page.locator("[name=code]")).to_be_visible()
    yield "second"
    give(page, "000000")
    expect(page.get_by_role("alert")).to_be_visible()
    yield "second, after a wrong code"
    page.locator("main .ways a").first.click()
    expect(page.locator("[name=code]")).to_be_visible()
    yield "recovery code"
    give(page, codes[0])
    expect(page).to_have_url(re.compile(r"/account/recovery"))
    yield "recovery"
    page.goto(f"{issuer}/account/second")
    expect(page.locator("[value=remove]")).to_be_visible()
    yield "change"


@looks
def test_every_page_keeps_wcag_2_2_aa_and_fits_every_width(
    browser: Browser, stack: LocalStack, theme: Theme, language: str
) -> None:
    stack.reset()
    pages = names_of_sound_pages(browser, stack.issuer, theme, language, lambda page: walk(page, stack))
    assert len(pages) == 8
