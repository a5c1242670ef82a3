"""What a person does in a browser, and the address that an app sends them to."""

from __future__ import annotations

import base64
import hashlib
import re
import secrets
from dataclasses import dataclass
from urllib.parse import urlencode

from playwright.sync_api import Page, Response, expect

PASSWORDS = {"john": "password123", "jane": "password456", "jim": "password789"}
# As mails have them: the digits in two halves, and a link alone in its line.
_CODE, _UNDO = re.compile(r"\d{4} \d{4}"), re.compile(r"https?://\S+/undo\?token=\S+")
_CONFIRM = re.compile(r"https?://\S+/confirm\?token=\S+")
SCOPE = "openid profile email items offline_access"


@dataclass(frozen=True)
class Asked:
    """An authorization request: its address, and what its answer has to match."""

    url: str
    state: str
    code_verifier: str


def ask(issuer: str, client_id: str, redirect_uri: str, **more: str) -> Asked:
    """An authorization request with PKCE."""
    state, code_verifier = secrets.token_urlsafe(16), secrets.token_urlsafe(32)
    digest = hashlib.sha256(code_verifier.encode()).digest()
    parameters = {
        "response_type": "code",
        "client_id": client_id,
        "redirect_uri": redirect_uri,
        "scope": SCOPE,
        "state": state,
        "code_challenge": base64.urlsafe_b64encode(digest).rstrip(b"=").decode(),
        "code_challenge_method": "S256",
        **more,
    }
    return Asked(f"{issuer}/authorize?{urlencode(parameters)}", state, code_verifier)


def sign_in(page: Page, username: str, password: str | None = None) -> None:
    """Fills the sign-in page in and sends it.

    Chromium focuses the first field only when it draws the page, and complains in the console if a quicker script
    has focused one by then.
    """
    expect(page.locator("[autofocus]")).to_be_focused()
    page.get_by_label("Username").fill(username)
    page.get_by_label("Password").fill(password if password is not None else PASSWORDS[username])
    page.get_by_role("button", name="Sign in").click()


def decide(page: Page, decision: str) -> None:
    """Presses Allow or Deny on the consent page."""
    page.get_by_role("button", name=decision, exact=True).click()


def code_from_mail(page: Page, issuer: str, to: str) -> str:
    """The code in the newest mail to the address, as the local stack shows it in another tab."""
    return _newest_mail(page, issuer, to, _CODE)


def link_from_mail(page: Page, issuer: str, to: str) -> str:
    """The link of the newest mail by which somebody joins or sets a new password."""
    return _newest_mail(page, issuer, to, _CONFIRM)


def undo_link_from_mail(page: Page, issuer: str, to: str) -> str:
    """The link of the newest notice to the address."""
    return _newest_mail(page, issuer, to, _UNDO)


def _newest_mail(page: Page, issuer: str, to: str, wanted: re.Pattern[str]) -> str:
    mails = page.context.new_page()
    for _ in range(100):  # the mailer is invoked by a queue
        mails.goto(f"{issuer}/demo/mail")
        for text in mails.locator("article", has=mails.locator("dd", has_text=to)).locator("pre").all_inner_texts():
            if found := wanted.search(text):
                mails.close()
                return found[0]
        mails.wait_for_timeout(100)
    raise AssertionError(f"no such mail went to {to}")


def call_userinfo_from_swagger_ui(documentation: Page, issuer: str) -> Response:
    """John gets Swagger UI a token by its popup, and has it call /userinfo, the one operation of the page."""
    documentation.get_by_role("button", name="Authorize").click()
    dialog = documentation.locator(".dialog-ux")
    with documentation.expect_popup() as opened:
        dialog.locator("button.authorize").click()
    sign_in(opened.value, "john")
    with opened.value.expect_event("close"):
        decide(opened.value, "Allow")
    expect(dialog.get_by_text("Logout")).to_be_visible()
    dialog.locator("button.btn-done").click()
    documentation.locator(".opblock-summary-control").click()
    documentation.get_by_role("button", name="Try it out").click()
    with documentation.expect_response(f"{issuer}/userinfo") as answered:
        documentation.get_by_role("button", name="Execute").click()
    return answered.value
