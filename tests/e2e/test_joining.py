"""Joining, and a password that was forgotten, in Chromium: from an app, by the mailbox, and back to the app."""

from __future__ import annotations

import re
from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, Page, expect
from valet.aws.calls import AwsCalls
from valet.aws.dynamodb.table import Table, item_from_model
from valet.environment import environment
from valet.models.policy import ITEM, Policy

from local.stack import LocalStack
from tests.e2e.accessibility import Theme, looks, names_of_sound_pages
from tests.e2e.landing import Landing
from tests.e2e.people import ask, code_from_mail, decide, link_from_mail

pytestmark = pytest.mark.xdist_group("browser")
ADA, JOHN, JIM = "Ada.Lovelace@example.org", "john@example.com", "jim@example.com"
PASSWORD = "several words in a row"


@pytest.fixture
def mailbox(stack: LocalStack) -> LocalStack:
    """People may join, and the queue is read when a mailbox is looked into."""
    stack.reset()
    registry = Table(AwsCalls("dynamodb", environment()), stack.tables["Registry"])
    registry.put(item_from_model(Policy(sign_in_with="either", registration="on"), *ITEM))
    return stack


def code_to(page: Page, stack: LocalStack, address: str) -> str:
    stack.delivery.deliver()
    return code_from_mail(page, stack.issuer, address)


def link_to(page: Page, stack: LocalStack, address: str) -> str:
    stack.delivery.deliver()
    return link_from_mail(page, stack.issuer, address)


def ask_for_mail(page: Page, address: str) -> None:
    page.get_by_label("Email address").fill(address)
    page.get_by_role("button", name="Send the mail").click()
    expect(page.get_by_role("heading", name="Check your mailbox")).to_be_visible()


def begin(page: Page, issuer: str, landing: Landing, link: str) -> None:
    """From the app to the sign-in page, and by a link of it."""
    page.goto(ask(issuer, "mobile_app", f"{landing.origin}/callback").url)
    page.get_by_role("link", name=link).click()


def test_who_joins_types_the_code_chooses_a_password_once_and_is_back_in_the_app(
    page: Page, mailbox: LocalStack, issuer: str, landing: Landing
) -> None:
    complaints: list[str] = []
    page.on("console", lambda message: complaints.append(message.text))
    begin(page, issuer, landing, "Create an account")
    ask_for_mail(page, ADA)
    code = page.get_by_label("Code from the mail")
    expect(code).to_be_focused()
    expect(code).to_have_attribute("autocomplete", "one-time-code")
    code.fill(code_to(page, mailbox, ADA))
    page.get_by_role("button", name="Continue").click()
    expect(page.locator("p.address")).to_have_text(ADA)
    page.get_by_label("Your name").fill("Ada")
    field = page.get_by_label("New password")
    field.fill("Ada.Lovelace")
    page.get_by_role("button", name="Create the account").click()
    expect(page.get_by_role("alert")).to_be_visible()
    expect(page.get_by_label("Your name")).to_have_value("Ada")  # nothing but the password is asked for twice
    field.fill(PASSWORD)
    page.get_by_role("button", name="Show what I type").click()
    expect(field).to_have_attribute("type", "text")
    page.get_by_role("button", name="Create the account").click()
    expect(page.get_by_text(ADA).first).to_be_visible()
    decide(page, "Allow")
    expect(page).to_have_url(re.compile(re.escape(landing.origin)))
    assert "code" in landing.answer()
    assert [each for each in complaints if "status of 400" not in each] == []  # the page with the alert
    page.goto(f"{issuer}/account")
    expect(page.get_by_role("heading", name="Overview")).to_be_visible()


def test_without_script_a_forgotten_password_is_replaced_in_another_browser(
    browser: Browser, mailbox: LocalStack, issuer: str, landing: Landing
) -> None:
    laptop, phone = (browser.new_context(java_script_enabled=False).new_page() for _ in range(2))
    begin(laptop, issuer, landing, "Forgot your password?")
    ask_for_mail(laptop, JOHN)
    link = link_to(laptop, mailbox, JOHN)
    for _ in range(2):  # nothing is spent by looking
        phone.goto(link)
    expect(phone.get_by_text(JOHN)).to_be_visible()
    phone.get_by_label("New password").fill(PASSWORD)
    phone.get_by_role("button", name="Set the password").click()
    expect(phone.get_by_role("heading", name="Your password is changed")).to_be_visible()
    phone.goto(link)
    expect(phone.get_by_role("heading", name="This link no longer works")).to_be_visible()
    laptop.goto(ask(issuer, "mobile_app", f"{landing.origin}/callback").url)
    for password, heading in (("password123", "Sign in"), (PASSWORD, "Allow")):
        laptop.get_by_label("Username or email address").fill(JOHN)
        laptop.get_by_label("Password").fill(password)
        laptop.get_by_role("button", name="Sign in").click()
        expect(
            laptop.get_by_role("heading").or_(laptop.get_by_role("button")).get_by_text(heading).first
        ).to_be_visible()
    for page in (laptop, phone):
        page.context.close()


def walk(page: Page, stack: LocalStack, issuer: str) -> Iterator[str]:
    """Leads the page through joining and a forgotten password, and names each page once it is shown."""
    page.goto(f"{issuer}/join")
    yield "join"
    page.locator("#address").evaluate("field => field.form.noValidate = true")
    page.locator("#address").fill("no address")
    page.locator("main form button").click()
    expect(page.get_by_role("alert")).to_be_visible()
    yield "an address that is none"
    page.locator("#address").fill(ADA)
    page.locator("main form button").click()
    expect(page.locator("#code")).to_be_visible()
    yield "code"
    page.locator("#code").fill("0000 0000")
    page.locator("main form button").click()
    expect(page.get_by_role("alert")).to_be_visible()
    yield "a wrong code"
    page.locator("#code").fill(code_to(page, stack, ADA))
    page.locator("main form button").click()
    expect(page.locator("#new_password")).to_be_visible()
    yield "new account"
    page.locator("#new_password").fill("short")
    page.locator("main form button[type=submit]").click()
    expect(page.get_by_role("alert")).to_be_visible()
    yield "a password that is too short"
    page.context.clear_cookies(name="valet-browser")  # as if it were another browser
    page.goto(link_to(page, stack, ADA))
    page.locator("#new_password").fill(PASSWORD)
    page.locator("main form button[type=submit]").click()
    expect(page.locator("#new_password")).to_have_count(0)
    yield "the account is ready"
    page.goto(f"{issuer}/recover")
    yield "recover"
    page.locator("#address").fill(JIM)
    page.locator("main form button").click()
    expect(page.locator("#code")).to_be_visible()
    link = link_to(page, stack, JIM)
    page.goto(link)
    yield "a new password"
    users = Table(AwsCalls("dynamodb", environment()), stack.tables["Users"])
    users.update("account#demo-jim", "account", "SET #has_no_password = :yes", {":yes": True})
    page.goto(link)
    yield "no password to replace"
    page.goto(f"{issuer}/join/confirm?token={'A' * 43}")
    yield "a link that is too old"


@looks
def test_every_page_keeps_wcag_2_2_aa_and_fits_every_width(
    browser: Browser, mailbox: LocalStack, issuer: str, theme: Theme, language: str
) -> None:
    pages = names_of_sound_pages(browser, issuer, theme, language, lambda page: walk(page, mailbox, issuer))
    assert len(pages) == 11
