"""A device without a browser, and the person who allows it something on another one (RFC 8628)."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from valet.protocol.supported import DEVICE_CODE

from tests.support.application import Application
from tests.support.browser import Browser, filled_in
from tests.support.deployment import Deployment
from tests.support.wire import Answer

PAGE = "/device"


@dataclass
class Television:
    """A device of a client, and the codes that it has last been given."""

    deployment: Deployment
    app: Application
    source_ip: str = "192.0.2.1"
    user_agent: str = ""
    codes: dict[str, Any] | None = None

    def ask(self, **form: str | None) -> Answer:
        """Ask for a person's yes, and keep the codes."""
        with at(self.deployment, self.source_ip):
            answer = self._post("/device_authorization", form)
        if answer.status == 200:
            self.codes = answer.json()
        return answer

    def poll(self, wait: float = 5, **changes: str | None) -> Answer:
        """Poll once, after so many seconds."""
        assert self.codes is not None
        self.deployment.clock.advance(wait)
        with at(self.deployment, self.source_ip):
            form = {"grant_type": DEVICE_CODE, "device_code": self.codes["device_code"], **changes}
            return self._post("/token", form)

    @property
    def user_code(self) -> str:
        assert self.codes is not None
        return str(self.codes["user_code"])

    @property
    def link(self) -> str:
        assert self.codes is not None
        return str(self.codes["verification_uri_complete"])

    def _post(self, path: str, form: dict[str, str | None]) -> Answer:
        headers = {"user-agent": self.user_agent} if self.user_agent else {}
        app = Application(self.app.send, self.app.issuer, self.app.client_id, self.app.secret, headers=headers)
        return app.post(path, **form)


def television(deployment: Deployment, client_id: str = "tv_demo", **own: Any) -> Television:
    return Television(deployment, Application(deployment.send, deployment.issuer, client_id), **own)


@contextmanager
def at(deployment: Deployment, source_ip: str) -> Iterator[None]:
    """What is sent in the block comes from that address."""
    before, deployment.source_ip = deployment.source_ip, source_ip
    try:
        yield
    finally:
        deployment.source_ip = before


def type_code(browser: Browser, user_code: str) -> Answer:
    """The code, typed into the page by a person who is signed in."""
    page = browser.get(PAGE)
    assert page.status == 200, page
    return browser.post(*filled_in(page, user_code=user_code))


def decide(browser: Browser, page: Answer, decision: str = "allow", **changes: str) -> Answer:
    """The answer to the page that asks."""
    return browser.post(*filled_in(page, "decision", decision, **changes))


def allowed(browser: Browser, tv: Television, **asked: str | None) -> dict[str, Any]:
    """What a device is given that asked, and was allowed."""
    assert tv.ask(**asked).status == 200
    assert decide(browser, type_code(browser, tv.user_code)).status == 200
    answer = tv.poll()
    assert answer.status == 200, answer
    tokens: dict[str, Any] = answer.json()
    return tokens
