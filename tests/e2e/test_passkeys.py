"""Passkeys in Chromium, by its own virtual authenticator (WebAuthn Level 3 §11): enrolled, used by the button and by
autofill, removed. The stack is at http://localhost, because browsers let no passkey work at an address.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

import pytest
from playwright.sync_api import Browser, BrowserContext, Page, expect

from tests.e2e.accessibility import Theme, faults_of, looks, names_of_sound_pages
from tests.e2e.landing import Landing
from tests.e2e.people import PASSWORDS, Asked, ask, code_from_mail, decide, sign_in
from tests.support.local_program import operate

pytestmark = pytest.mark.xdist_group("browser")


class Authenticator:
    """The virtual authenticator of a person's device."""

    def __init__(self, page: Page) -> None:
        self._cdp = page.context.new_cdp_session(page)
        self._cdp.send("WebAuthn.enable")
        self._id = self._add()

    def touch(self, is_touched: bool) -> None:
        """Whether the person touches it at once. Off before a page loads: else it answers the autofill by itself."""
        self._send("setAutomaticPresenceSimulation", enabled=is_touched)

    def passkeys(self) -> list[dict[str, Any]]:
        found: list[dict[str, Any]] = self._send("getCredentials")["credentials"]
        return found

    def another_device(self) -> None:
        """The person goes on with another one, which has no passkey."""
        self._send("removeVirtualAuthenticator")
        self._id = self._add()

    def _add(self) -> str:
        options = {
            "protocol": "ctap2",
            "transport": "internal",
            "hasResidentKey": True,
            "hasUserVerification": True,
            "isUserVerified": True,
            "automaticPresenceSimulation": False,
        }
        added = self._cdp.send("WebAuthn.addVirtualAuthenticator", {"options": options})
        return str(added["authenticatorId"])

    def _send(self, command: str, **parameters: Any) -> Any:
        return self._cdp.send(f"WebAuthn.{command}", {"authenticatorId": self._id, **parameters})


@pytest.fixture
def issuer(at_localhost: dict[str, str]) -> str:
    url = at_localhost["url"]
    assert url.startswith("http://localhost:")
    return url


@pytest.fixture
def authenticator(page: Page) -> Authenticator:
    return Authenticator(page)


@pytest.fixture
def complaints(page: Page) -> list[str]:
    """What the browser says of the page: of its policy, for instance."""
    found: list[str] = []
    page.on("console", lambda message: found.append(message.text))
    return found


def asked(issuer: str, landing: Landing, **more: str) -> Asked:
    return ask(issuer, "mobile_app", f"{landing.origin}/callback", **more)


def use_passkey(page: Page, authenticator: Authenticator) -> None:
    """By the button, whose request takes the place of the one for the autofill."""
    button = page.get_by_role("button", name="Use a passkey")
    expect(button).to_be_enabled()
    page.wait_for_timeout(300)  # the autofill's request is under way by now, and no touch answers it any more
    authenticator.touch(True)
    button.click()
    expect(button).to_have_count(0)
    authenticator.touch(False)


def prove_first_means(page: Page, issuer: str, address: str) -> None:
    """The first passkey takes a code by mail."""
    page.get_by_role("button", name="Send the code").click()
    page.get_by_label("Code from the mail").fill(code_from_mail(page, issuer, address))
    page.get_by_role("button", name="Continue").click()


def make_passkey(page: Page, authenticator: Authenticator) -> None:
    before = len(authenticator.passkeys())
    authenticator.touch(True)
    page.get_by_role("button", name="Make a passkey").click()
    # With the first means of an account come recovery codes.
    kept = page.get_by_role("link", name="I have kept them, go on")
    made = page.get_by_text("You have a new passkey").or_(page.get_by_role("button", name="Allow"))
    expect(made.or_(kept).first).to_be_visible()
    authenticator.touch(False)
    if kept.is_visible():
        kept.click()
    assert len(authenticator.passkeys()) == before + 1


def test_a_passkey_is_offered_made_and_used_by_the_button_and_by_autofill(
    page: Page, issuer: str, landing: Landing, authenticator: Authenticator, complaints: list[str]
) -> None:
    page.goto(asked(issuer, landing).url)
    sign_in(page, "john")
    expect(page.get_by_role("button", name="Not now")).to_be_visible()
    prove_first_means(page, issuer, "john@example.com")
    make_passkey(page, authenticator)
    decide(page, "Allow")
    expect(page).to_have_url(re.compile(re.escape(landing.origin)))
    # By the button.
    page.goto(asked(issuer, landing, prompt="login").url)
    use_passkey(page, authenticator)
    expect(page.get_by_text("john", exact=True).first).to_be_visible()
    # By autofill: the authenticator is touched as soon as it is asked.
    authenticator.touch(True)
    page.goto(asked(issuer, landing, prompt="login").url)
    expect(page.get_by_role("button", name="Allow")).to_be_visible()
    assert complaints == []
    (passkey,) = authenticator.passkeys()
    assert passkey["rpId"] == "localhost"
    assert passkey["isResidentCredential"]


def test_a_cancelled_passkey_leaves_the_page_as_it_was(
    page: Page, issuer: str, landing: Landing, authenticator: Authenticator
) -> None:
    """The device has none: the browser says so, and the password is still there."""
    page.goto(asked(issuer, landing).url)
    page.wait_for_timeout(300)
    authenticator.touch(True)
    page.get_by_role("button", name="Use a passkey").click()
    expect(page.get_by_text("No passkey was used")).to_be_visible()
    expect(page.get_by_role("button", name="Use a passkey")).to_be_enabled()
    page.get_by_label("Username").fill("jim")
    page.get_by_label("Password").fill(PASSWORDS["jim"])
    page.get_by_role("button", name="Sign in").click()
    expect(page.get_by_role("button", name="Not now")).to_be_visible()
    page.get_by_role("button", name="Not now").click()
    expect(page.get_by_role("button", name="Allow")).to_be_visible()


def test_without_script_the_page_is_as_before(browser: Browser, issuer: str, landing: Landing) -> None:
    context: BrowserContext = browser.new_context(java_script_enabled=False)
    page = context.new_page()
    page.goto(asked(issuer, landing).url)
    expect(page.get_by_role("button", name="Use a passkey")).to_be_hidden()
    page.get_by_label("Username").fill("jim")
    page.get_by_label("Password").fill("password789")
    page.get_by_role("button", name="Sign in").click()
    expect(page.get_by_role("heading", name="Passkeys")).to_be_visible()
    page.get_by_role("button", name="Not now").click()
    expect(page.get_by_role("button", name="Allow")).to_be_visible()
    context.close()


def test_at_an_address_the_button_says_what_passkeys_need(page: Page, stack: Any, landing: Landing) -> None:
    page.goto(asked(stack.issuer, landing).url)
    expect(page.get_by_role("button", name="Passkeys need http://localhost")).to_be_disabled()


@looks
def test_every_page_keeps_wcag_2_2_aa_and_fits_every_width(
    browser: Browser, issuer: str, landing: Landing, theme: Theme, language: str
) -> None:
    def walk(page: Page) -> Iterator[str]:
        page.goto(asked(issuer, landing).url)
        yield "sign-in"
        page.locator("#username").fill("jim")
        page.locator("#password").fill(PASSWORDS["jim"])
        page.locator("main button[type=submit]").first.click()
        expect(page.locator("#username")).to_have_count(0)
        yield "offer of a passkey"
        page.goto(f"{issuer}/account/passkeys")
        yield "passkeys"

    assert len(names_of_sound_pages(browser, issuer, theme, language, walk)) == 3


def test_who_joins_with_a_passkey_never_has_a_password(
    page: Page,
    issuer: str,
    landing: Landing,
    authenticator: Authenticator,
    complaints: list[str],
) -> None:
    address = "ada@example.org"
    page.goto(asked(issuer, landing).url)
    page.get_by_role("link", name="Create an account").click()
    page.get_by_label("Email address").fill(address)
    page.get_by_role("button", name="Send the mail").click()
    page.get_by_label("Code from the mail").fill(code_from_mail(page, issuer, address))
    page.get_by_role("button", name="Continue").click()
    page.get_by_label("Your name").fill("Ada")
    expect(page.get_by_role("button", name="Create it with a passkey")).to_be_visible()
    assert faults_of(page) == []
    authenticator.touch(True)
    page.get_by_role("button", name="Create it with a passkey").click()
    decide(page, "Allow")
    authenticator.touch(False)
    expect(page).to_have_url(re.compile(re.escape(landing.origin)))
    assert "code" in landing.answer()
    (passkey,) = authenticator.passkeys()
    assert passkey["userName"] == address
    page.context.clear_cookies()
    page.goto(f"{issuer}/account/profile")
    use_passkey(page, authenticator)
    expect(page.locator("#name")).to_have_value("Ada")
    assert complaints == []


def test_two_passkeys_one_removed_and_a_client_that_requires_one(
    page: Page, issuer: str, landing: Landing, authenticator: Authenticator, at_localhost: dict[str, str]
) -> None:
    page.goto(f"{issuer}/account/passkeys")
    sign_in(page, "jane")
    prove_first_means(page, issuer, "jane@example.com")
    make_passkey(page, authenticator)
    first = authenticator.passkeys()
    # The account can do better than a password now.
    page.goto(f"{issuer}/account/passkeys")
    use_passkey(page, authenticator)
    authenticator.another_device()
    page.goto(f"{issuer}/account/passkeys")
    make_passkey(page, authenticator)
    rows = page.locator("ul.rows > li")
    expect(rows).to_have_count(2)
    rows.first.locator("summary").click()
    rows.first.get_by_role("button", name="Remove").click()
    expect(rows).to_have_count(1)
    assert authenticator.passkeys() != first
    # The other passkey signs in where nothing less is taken.
    vault = ("--id", "vault", "--type", "native", "--redirect-uri", "http://127.0.0.1/callback", "--scope", "openid")
    operate(at_localhost["aws_url"], "clients", "add", "Vault", *vault, "--required-acr", "phr")
    page.context.clear_cookies()
    page.goto(ask(issuer, "vault", f"{landing.origin}/callback", scope="openid").url)
    sign_in(page, "jane")
    expect(page.get_by_text("you have to sign in with a passkey")).to_be_visible()
    expect(page.get_by_label("Password")).to_have_count(0)
    use_passkey(page, authenticator)
    decide(page, "Allow")
    assert "code" in landing.answer()
