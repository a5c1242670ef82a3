"""In Chromium, the pages start the functions that come next: without scripts, once, and past no policy."""

from __future__ import annotations

import pytest
from playwright.sync_api import Browser, Page, expect

from tests.e2e.landing import Landing
from tests.e2e.people import ask, sign_in

pytestmark = pytest.mark.xdist_group("browser")

_LOADED = "performance.getEntriesByType('resource').map(each => [each.name, each.responseStatus, each.deliveryType])"


def test_a_browser_without_scripts_starts_them_too(browser: Browser, issuer: str, landing: Landing) -> None:
    context = browser.new_context(java_script_enabled=False)
    page = context.new_page()
    asked: list[str] = []
    page.on("response", lambda response: asked.append(f"{response.status} {response.url.removeprefix(issuer)}"))
    page.goto(ask(issuer, "mobile_app", f"{landing.origin}/callback").url, wait_until="load")
    context.close()
    assert {"204 /consent?start", "204 /token?start"} <= set(asked)


def test_a_page_that_is_shown_again_and_the_next_page_take_them_from_the_browser_s_cache(
    page: Page, issuer: str, landing: Landing
) -> None:
    complaints: list[str] = []
    page.on("console", lambda message: complaints.append(message.text))
    page.goto(ask(issuer, "mobile_app", f"{landing.origin}/callback").url)
    consent, token = f"{issuer}/consent?start", f"{issuer}/token?start"
    assert sorted(page.evaluate(_LOADED)) == [[consent, 204, ""], [token, 204, ""]]
    sign_in(page, "john", "wrong")
    expect(page.get_by_role("alert")).to_be_visible()
    page.wait_for_load_state("load")
    assert sorted(page.evaluate(_LOADED)) == [[consent, 204, "cache"], [token, 204, "cache"]]
    sign_in(page, "john")
    expect(page.get_by_role("button", name="Allow", exact=True)).to_be_visible()
    page.wait_for_load_state("load")
    assert page.evaluate(_LOADED) == [[token, 204, "cache"]]
    assert not [complaint for complaint in complaints if "start" in complaint or "Content Security" in complaint]


@pytest.mark.parametrize("elsewhere", ["another origin", "another path"])
def test_the_policy_lets_no_other_image_in(page: Page, issuer: str, landing: Landing, elsewhere: str) -> None:
    """Not even the icon that browsers look for by themselves, which would be a request of every sign-in."""
    asked: list[str] = []
    page.on("response", lambda response: asked.append(response.url))
    page.goto(ask(issuer, "mobile_app", f"{landing.origin}/callback").url)
    address = landing.origin if elsewhere == "another origin" else f"{issuer}/logout"
    with page.expect_console_message(lambda message: "img-src" in message.text):
        page.evaluate("address => document.body.append(Object.assign(new Image(), {src: address}))", address)
    assert landing.requests == []
    assert not [each for each in asked if each.endswith(("/logout", "/favicon.ico"))]
