"""People sign in to one Valet with their account at another, in Chromium. The other is an OpenID Provider like any."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass

import pytest
from playwright.sync_api import Browser, Locator, Page, expect
from valet.handles import digest
from valet.models.clients import Client

from local.stack import LocalStack
from tests.e2e.landing import Landing
from tests.e2e.people import PASSWORDS, ask, code_from_mail, decide, sign_in
from tests.support.local_program import operate

pytestmark = pytest.mark.xdist_group("browser")


@pytest.fixture(scope="module")
def work(at_localhost: dict[str, str], stack: LocalStack, register: Callable[[Client], None]) -> None:
    """Each knows the other: people of the shared stack may sign in at localhost."""
    secret = "known-to-both"
    register(
        Client(
            "downstream",
            "Downstream",
            secret_digests=(digest(secret),),
            grant_types=frozenset({"authorization_code"}),
            redirect_uris=(f"{at_localhost['url']}/federate/work/callback",),
            scope=frozenset({"openid", "profile", "email"}),
        )
    )
    named = ("--issuer", stack.issuer, "--client-id", "downstream", "--secret-stdin", "--creates")
    operate(at_localhost["aws_url"], "providers", "add", "work", "Work", *named, typed=secret)


@dataclass(frozen=True)
class Downstream:
    """The app of a Valet that lets people in by their account at the other."""

    issuer: str
    landing: Landing

    def go_to_work(self, page: Page, **more: str) -> None:
        """From the app to the sign-in page of the other."""
        page.goto(ask(self.issuer, "mobile_app", f"{self.landing.origin}/callback", **more).url)
        page.get_by_role("link", name="Continue with Work").click()
        expect(page.get_by_text("to continue to Downstream")).to_be_visible()

    def sign_in_at_work(self, page: Page, username: str, password: str = "") -> None:
        self.go_to_work(page)
        sign_in(page, username, password or PASSWORDS[username])
        decide(page, "Allow")

    def is_back_in_the_app(self, page: Page) -> None:
        page.get_by_role("button", name="Not now").click()  # to the offer of a passkey
        decide(page, "Allow")
        expect(page).to_have_url(re.compile(re.escape(self.landing.origin)))
        assert "code" in self.landing.answer()


@pytest.fixture
def downstream(work: None, at_localhost: dict[str, str], landing: Landing) -> Downstream:
    return Downstream(at_localhost["url"], landing)


def connections(page: Page, issuer: str) -> Locator:
    page.goto(f"{issuer}/account/providers")
    expect(page.get_by_role("heading", name="Other providers")).to_be_visible()
    return page.locator("ul.rows > li")


def test_an_address_connects_nothing_and_the_owner_of_both_accounts_connects_them(
    page: Page, browser: Browser, downstream: Downstream
) -> None:
    issuer = downstream.issuer
    downstream.sign_in_at_work(page, "jim")
    expect(page.get_by_text("You have an account here already")).to_be_visible()
    sign_in(page, "jim")
    downstream.is_back_in_the_app(page)
    expect(connections(page, issuer)).to_have_count(0)
    page.get_by_role("button", name="Connect Work").click()
    page.get_by_role("button", name="Send the code").click()  # the first means next to a password
    page.get_by_label("Code from the mail").fill(code_from_mail(page, issuer, "jim@example.com"))
    page.get_by_role("button", name="Continue").click()
    page.get_by_role("button", name="Connect", exact=True).click()
    expect(connections(page, issuer)).to_have_count(1)

    elsewhere = browser.new_context()
    other = elsewhere.new_page()
    downstream.go_to_work(other)
    sign_in(other, "jim")
    downstream.is_back_in_the_app(other)
    other.goto(f"{issuer}/account/profile")
    expect(other.get_by_text("jim", exact=True)).to_be_visible()
    elsewhere.close()


def test_who_has_no_account_gets_one_at_the_first_sign_in(
    page: Page, downstream: Downstream, stack: LocalStack
) -> None:
    made = operate(
        stack.aws_url,
        "users",
        "add",
        "grace",
        "--email",
        "grace@example.org",
        "--email-verified",
        "--name",
        "Grace Hopper",
        "--generate",
    )
    downstream.sign_in_at_work(page, "grace", made["password"])
    downstream.is_back_in_the_app(page)
    page.goto(f"{downstream.issuer}/account/profile")
    expect(page.locator("#name")).to_have_value("Grace Hopper")
