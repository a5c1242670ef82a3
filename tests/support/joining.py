"""Somebody who joins, or who has forgotten a password: what they do at the pages, step by step."""

from __future__ import annotations

from dataclasses import dataclass
from urllib.parse import parse_qs, urlsplit

from valet.jose.compact import decode

from tests.support.application import Application, Asked
from tests.support.authenticator import SoftPasskey
from tests.support.browser import Browser, form_of, forms_of, passkey_form_of
from tests.support.deployment import Deployment
from tests.support.mailbox import Mailbox, Received
from tests.support.wire import Answer, Send

ADA = "Ada@Example.org"
PASSWORD = "correct horse battery staple"
RP_ID = "id.example.com"


@dataclass
class Person:
    """Somebody in a browser of their own, on the way to the web app."""

    deployment: Deployment
    mailbox: Mailbox
    web_app: Application
    browser: Browser
    asked: Asked

    @classmethod
    def at(cls, deployment: Deployment, mailbox: Mailbox, web_app: Application, send: Send | None = None) -> Person:
        return cls(deployment, mailbox, web_app, _anew(deployment, send), web_app.ask())

    def sign_in_page(self) -> Answer:
        return self.browser.open(self.asked.url)

    def ask(self, purpose: str = "join", address: str = ADA) -> Answer:
        """From the sign-in page to the page with the field for the code."""
        page = self.sign_in_page()
        assert f'href="/{purpose}?request=' in page.body
        return self.ask_at(purpose, form_of(page).hidden["request"], address)

    def ask_at(self, purpose: str, handle: str, address: str = ADA) -> Answer:
        page = self.browser.get(f"/{purpose}?request={handle}")
        form = form_of(page)
        assert form.action == f"/{purpose}"
        return self.browser.post(form.action, {**form.hidden, "address": address})

    def mail(self, purpose: str = "join", address: str = ADA) -> Received:
        """The mail that came of asking."""
        assert self.ask(purpose, address).status == 200
        return self.mailbox.newest_of(purpose)

    def type_code(self, page: Answer, code: str) -> Answer:
        """One POST, no redirect followed."""
        form = form_of(page)
        return self.browser.post(form.action, {**form.hidden, "code": code})

    def joins(self, page: Answer, name: str = "Ada", password: str = PASSWORD) -> Answer:
        """One POST of the form with the password, no redirect followed."""
        form = forms_of(page)[0]
        return self.browser.post(form.action, {**form.hidden, "name": name, "new_password": password})

    def joins_by_passkey(self, page: Answer, name: str = "Ada") -> tuple[SoftPasskey, Answer]:
        """What the page's script sends, no redirect followed."""
        form = passkey_form_of(page)
        made = SoftPasskey(RP_ID, decode(form.data["user-handle"].encode()))
        filled = {**form.hidden, "name": name, **made.made(self.browser.issuer, form.data["challenge"])}
        return made, self.browser.post(form.action, filled)

    def joins_anyway(self, link: str) -> Answer:
        """A POST without a page, where none is shown."""
        token = parse_qs(urlsplit(link).query)["token"][0]
        return self.browser.post("/join/confirm", {"token": token, "name": "Ada", "new_password": PASSWORD})

    def sets_password(self, page: Answer, password: str = PASSWORD) -> Answer:
        form = form_of(page)
        return self.browser.post(form.action, {**form.hidden, "new_password": password})


def elsewhere(person: Person) -> Person:
    """The same person, in another browser."""
    browser = _anew(person.deployment, person.browser.send)
    return Person(person.deployment, person.mailbox, person.web_app, browser, person.asked)


def signs_in(deployment: Deployment, web_app: Application, name: str, password: str) -> bool:
    """Whether that name and password open a session, in a browser of its own."""
    browser = _anew(deployment)
    browser.sign_in(browser.open(web_app.ask().url), name, password)
    return "__Host-valet-session" in browser.cookies


def _anew(deployment: Deployment, send: Send | None = None) -> Browser:
    return Browser(send or deployment.send, deployment.issuer)
