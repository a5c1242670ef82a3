"""The click-through page, clicked through in Chromium (DESIGN: local stack)."""

from __future__ import annotations

import re
from collections.abc import Iterator

import pytest
from playwright.sync_api import Page, expect

from tests.e2e.people import decide, sign_in

pytestmark = pytest.mark.xdist_group("browser")


@pytest.fixture
def demo(page: Page, issuer: str) -> Iterator[Page]:
    """The demo page, opened; no script of it may fail."""
    failures: list[str] = []
    page.on("pageerror", lambda error: failures.append(str(error)))
    page.goto(f"{issuer}/demo/")
    yield page
    assert failures == []


def enter(demo: Page, username: str, decision: str = "Allow") -> None:
    demo.get_by_role("button", name="Sign in").click()
    sign_in(demo, username)
    decide(demo, decision)


def call(demo: Page, request: str) -> str:
    """Presses the button of an API call; the status that the page shows."""
    demo.get_by_role("button", name=request, exact=True).click()
    expect(demo.locator("#said")).to_have_text(re.compile(re.escape(request) + r": \d{3}"))
    return demo.locator("#answer-status").inner_text()


def claim(demo: Page, name: str) -> str:
    return demo.locator(f"#access-claims [data-claim={name}] code").inner_text()


def test_john_reads_his_profile_is_refused_the_admin_data_refreshes_and_signs_out(demo: Page) -> None:
    enter(demo, "john")
    expect(demo.locator("#who")).to_have_text("Signed in as john")
    expect(demo.locator("#signature")).to_contain_text("was just verified")
    assert "code=" not in demo.url

    assert call(demo, "GET /api/profile") == "200"
    assert call(demo, "GET /api/admin") == "403"

    first = claim(demo, "jti")
    demo.get_by_role("button", name="Refresh", exact=True).click()
    expect(demo.locator("#said")).to_contain_text("Refreshed")
    assert claim(demo, "jti") != first
    assert call(demo, "GET /api/profile") == "200"

    demo.get_by_role("button", name="Sign out").click()
    expect(demo.locator("#said")).to_have_text("Signed out, at Valet and here.")
    demo.get_by_role("button", name="Sign in").click()
    expect(demo.get_by_role("heading", name="Sign in")).to_be_visible()
    expect(demo.get_by_label("Password")).to_be_visible()


def test_an_end_user_who_denies_comes_back_without_a_token(demo: Page) -> None:
    enter(demo, "john", "Deny")
    expect(demo.locator("#said")).to_contain_text("access_denied")
    expect(demo.locator("#who")).to_have_text("Signed out")
    assert demo.evaluate("sessionStorage.getItem('valet-demo.tokens')") is None


def test_john_may_not_delete_an_item_and_jane_who_is_an_admin_may(demo: Page) -> None:
    enter(demo, "john")
    expect(demo.locator("#who")).to_have_text("Signed in as john")
    assert call(demo, "GET /api/items") == "200"
    assert call(demo, "DELETE /api/items/1") == "403"
    demo.get_by_role("button", name="Sign out").click()
    expect(demo.locator("#who")).to_have_text("Signed out")

    enter(demo, "jane")
    expect(demo.locator("#who")).to_have_text("Signed in as jane")
    assert re.fullmatch("20[04]", call(demo, "DELETE /api/items/1"))


def test_the_demo_page_gets_a_persons_token_for_my_own_api(page: Page, issuer: str) -> None:
    page.goto(f"{issuer}/demo/#scope=items+profile")
    boxes = page.locator("[name=scope]:checked")
    assert boxes.evaluate_all("each => each.map(box => box.value)") == ["openid", "items", "profile"]
    enter(page, "jane")
    expect(page.locator("#who")).to_have_text("Signed in as jane")
    assert claim(page, "scope") == "items openid profile"

    page.context.grant_permissions(["clipboard-read", "clipboard-write"])
    page.get_by_role("button", name="Copy the access token").click()
    expect(page.locator("#said")).to_contain_text("Copied")
    copied = page.evaluate("navigator.clipboard.readText()")
    assert copied == page.locator("#raw").inner_text()
    assert copied.count(".") == 2


def test_a_call_without_a_token_is_refused(demo: Page) -> None:
    assert call(demo, "GET /api/profile") == "401"


def test_a_scope_that_was_not_lent_is_missing(demo: Page) -> None:
    demo.get_by_label("items").uncheck()
    enter(demo, "john")
    expect(demo.locator("#who")).to_have_text("Signed in as john")
    assert call(demo, "GET /api/items") == "403"


def refused_after(demo: Page) -> float:
    """How many seconds passed, by the page's own watch, from the revocation to the first refusal."""
    expect(demo.locator("#watch")).to_contain_text(re.compile(r"^Refused [\d.]+ s"), timeout=15_000)
    return float(demo.locator("#watch").inner_text().split()[1])


def test_a_revoked_access_token_is_refused_within_five_seconds_and_the_grant_lives(demo: Page) -> None:
    enter(demo, "john")
    expect(demo.locator("#who")).to_have_text("Signed in as john")
    assert call(demo, "GET /api/profile") == "200"
    demo.get_by_role("button", name="Revoke the access token").click()
    assert refused_after(demo) <= 5
    expect(demo.locator("#countdown")).to_contain_text("The access token is revoked")
    demo.reload()
    expect(demo.locator("#countdown")).to_contain_text("The access token is revoked")
    demo.get_by_role("button", name="Refresh", exact=True).click()
    expect(demo.locator("#said")).to_contain_text("Refreshed")
    expect(demo.locator("#countdown")).to_contain_text("is good for")
    assert call(demo, "GET /api/profile") == "200"


def test_what_was_said_goes_away_and_covers_nothing_for_good(demo: Page) -> None:
    assert call(demo, "GET /api/profile") == "401"
    expect(demo.locator("#said")).to_be_hidden(timeout=12_000)


def test_a_revoked_grant_is_refused_within_five_seconds_and_refreshes_no_more(demo: Page) -> None:
    enter(demo, "john")
    expect(demo.locator("#who")).to_have_text("Signed in as john")
    demo.get_by_role("button", name="Revoke the grant").click()
    assert refused_after(demo) <= 5
    expect(demo.locator("#countdown")).to_contain_text("The grant is revoked")
    demo.get_by_role("button", name="Refresh", exact=True).click()
    expect(demo.locator("#said")).to_contain_text("invalid_grant")
    expect(demo.locator("#countdown")).to_contain_text("The grant is revoked")


def test_every_request_is_written_down(demo: Page) -> None:
    enter(demo, "john")
    expect(demo.locator("#signature")).to_contain_text("was just verified")
    written = demo.locator("#log summary").all_inner_texts()
    for path in ("/.well-known/openid-configuration", "/authorize", "/token", "/userinfo", "/.well-known/jwks.json"):
        assert any(path in line for line in written), path


def test_an_answer_that_this_tab_did_not_ask_for_is_thrown_away(demo: Page, issuer: str) -> None:
    demo.goto(f"{issuer}/demo/?code=stolen&state=strange&iss={issuer}")
    expect(demo.locator("#said")).to_contain_text("thrown away")
    assert "stolen" not in demo.url


def test_an_answer_of_another_issuer_is_thrown_away(demo: Page, issuer: str) -> None:
    demo.evaluate("sessionStorage.setItem('valet-demo.request', JSON.stringify({kind: 'sign-in', state: 'mine'}))")
    demo.goto(f"{issuer}/demo/?code=mixed-up&state=mine&iss=https://attacker.example")
    expect(demo.locator("#said")).to_contain_text("another issuer")


@pytest.mark.parametrize("width", [1280, 375, 320])
def test_the_page_never_scrolls_sideways(demo: Page, width: int) -> None:
    demo.set_viewport_size({"width": width, "height": 800})
    enter(demo, "john")
    expect(demo.locator("#signature")).to_contain_text("was just verified")
    assert demo.evaluate("document.documentElement.scrollWidth") <= width
