"""A client that nobody registered, in Chromium: the page says so, and the answer goes to a program on this computer."""

from __future__ import annotations

import pytest
from playwright.sync_api import Page, expect

from tests.e2e.accessibility import faults_of
from tests.e2e.document_host import Host
from tests.e2e.landing import Landing
from tests.e2e.people import ask, decide, sign_in

pytestmark = pytest.mark.xdist_group("browser")


def test_the_page_says_that_nobody_vouches_for_a_client_of_a_document(
    page: Page, issuer: str, landing: Landing, document_host: Host
) -> None:
    document_host.publish(client_name="Helpful Agent", redirect_uris=["http://127.0.0.1/callback"])
    asked = ask(issuer, document_host.url, f"{landing.origin}/callback", scope="openid items", resource=f"{issuer}/api")
    page.goto(asked.url)
    sign_in(page, "jim")
    heading = page.get_by_role("heading", level=1)
    expect(heading).to_contain_text("localhost")
    expect(heading).not_to_contain_text("Helpful Agent")
    expect(page.get_by_text(document_host.url)).to_be_visible()
    expect(page.locator("#stranger")).to_contain_text("does not know it")
    expect(page.locator("#stranger")).to_contain_text("calls itself “Helpful Agent”")
    expect(page.get_by_text("a program on this computer, which can be any program")).to_be_visible()
    assert page.locator("img:visible").count() == 0
    assert faults_of(page) == []
    decide(page, "Allow")
    page.wait_for_url(f"{landing.origin}/callback?*")
    assert "code=" in page.url
