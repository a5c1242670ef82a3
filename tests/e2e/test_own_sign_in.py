"""What people change of their own sign-in, in Chromium: the address by a code from the mailbox, and the password; and
how an owner undoes what a thief has changed.
"""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, Page, expect

from local.stack import LocalStack
from tests.e2e.accessibility import Theme, looks, names_of_sound_pages
from tests.e2e.people import PASSWORDS, code_from_mail, sign_in, undo_link_from_mail

pytestmark = pytest.mark.xdist_group("browser")
OWN, THIEFS = "john@example.com", "thief@example.org"
NEW = "several words in a row"


@pytest.fixture
def mailbox(stack: LocalStack) -> LocalStack:
    """The queue is read when a mailbox is looked into: nothing waits for a thread."""
    stack.reset()
    return stack


def code_to(page: Page, stack: LocalStack, address: str) -> str:
    stack.delivery.deliver()
    return code_from_mail(page, stack.issuer, address)


def link_to(page: Page, stack: LocalStack, address: str) -> str:
    stack.delivery.deliver()
    return undo_link_from_mail(page, stack.issuer, address)


def ask_for_code(page: Page, issuer: str, address: str) -> None:
    page.goto(f"{issuer}/account/email")
    page.get_by_label("Address", exact=True).fill(address)
    page.get_by_role("button", name="Send the mail").click()


def test_without_script_a_thief_changes_the_address_and_the_owner_undoes_it(
    browser: Browser, mailbox: LocalStack, issuer: str
) -> None:
    context = browser.new_context(java_script_enabled=False)
    thief = context.new_page()
    thief.goto(f"{issuer}/account/email")
    thief.get_by_label("Username").fill("john")
    thief.get_by_label("Password").fill(PASSWORDS["john"])
    thief.get_by_role("button", name="Sign in").click()
    ask_for_code(thief, issuer, THIEFS)
    expect(thief.get_by_role("status")).to_contain_text(THIEFS)
    thief.get_by_label("Code from the mail").fill("0000 0000")
    thief.get_by_role("button", name="Continue").click()
    expect(thief.get_by_role("alert")).to_contain_text("That code does not work")
    thief.get_by_label("Code from the mail").fill(code_to(thief, mailbox, THIEFS))
    thief.get_by_role("button", name="Continue").click()
    expect(thief.get_by_role("status")).to_contain_text("Your address is changed")
    expect(thief.locator("dd")).to_have_text(THIEFS)
    expect(thief.get_by_label("Address", exact=True)).to_have_count(0)
    owner = browser.new_context(java_script_enabled=False).new_page()
    owner.goto(link_to(thief, mailbox, OWN))
    expect(owner.get_by_text(OWN)).to_be_visible()
    owner.get_by_role("button", name="Take my account back").click()
    expect(owner.get_by_role("heading", name="Your account is yours again")).to_be_visible()
    owner.get_by_role("link", name="Set a new password").click()
    expect(owner.get_by_label("Email address")).to_be_visible()
    thief.goto(f"{issuer}/account")
    expect(thief.get_by_role("heading", name="Sign in")).to_be_visible()
    owner.context.close()
    context.close()


def test_a_new_password_is_shown_on_demand_and_signs_in(page: Page, mailbox: LocalStack, issuer: str) -> None:
    complaints: list[str] = []
    page.on("console", lambda message: complaints.append(message.text))
    page.goto(f"{issuer}/account/password")
    sign_in(page, "jim")
    field = page.get_by_label("New password")
    field.fill(NEW)
    show = page.get_by_role("button", name="Show what I type")
    expect(show).to_have_attribute("aria-pressed", "false")
    show.press("Enter")
    expect(field).to_have_attribute("type", "text")
    expect(show).to_have_attribute("aria-pressed", "true")
    page.get_by_role("button", name="Set the password").click()
    expect(page.get_by_role("heading", name="Your password is changed")).to_be_visible()
    page.get_by_role("link", name="Sign in").click()
    sign_in(page, "jim", NEW)
    expect(page.get_by_role("heading", name="Overview")).to_be_visible()
    assert complaints == []


def walk(page: Page, stack: LocalStack, issuer: str) -> Iterator[str]:
    """Leads the page through what Jane may change of her sign-in, and names each page once it is shown."""
    page.goto(f"{issuer}/account/password")
    page.locator("#username").fill("jane")
    page.locator("#password").fill(PASSWORDS["jane"])
    page.locator("main button[type=submit]").click()
    expect(page.locator("#new_password")).to_be_visible()
    yield "password"
    page.locator("#new_password").fill("short")
    page.locator("main form button[type=submit]").click()
    expect(page.get_by_role("alert")).to_be_visible()
    yield "a password that is too short"
    page.goto(f"{issuer}/account/email")
    yield "address"
    page.locator("#address").fill("jane@example.org")
    page.locator("[value=send]").click()
    expect(page.locator("#code")).to_be_visible()
    yield "code for an address"
    page.locator("#code").fill(code_to(page, stack, "jane@example.org"))
    page.locator("[value=enter]").click()
    expect(page.locator("#address")).to_have_count(0)
    yield "address that was changed"
    page.goto(link_to(page, stack, "jane@example.com"))
    yield "this was not me"
    page.locator("main button[type=submit]").click()
    expect(page.locator("main a[href='/recover']")).to_be_visible()
    yield "undone"
    page.reload()  # the link, once more: it goes on working for a week
    page.goto(f"{issuer}/undo?token={'A' * 43}")
    yield "a link that is too old"


@looks
def test_every_page_keeps_wcag_2_2_aa_and_fits_every_width(
    browser: Browser, mailbox: LocalStack, issuer: str, theme: Theme, language: str
) -> None:
    pages = names_of_sound_pages(browser, issuer, theme, language, lambda page: walk(page, mailbox, issuer))
    assert len(pages) == 8
