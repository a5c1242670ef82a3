"""A person who uses an application: one browser's cookies at the application, and the issuer's pages filled in."""

from __future__ import annotations

from dataclasses import dataclass, field

import httpx

from tests.support.browser import PASSWORDS, Browser, form_of
from tests.support.wire import Answer, over_http


@dataclass
class Visit:
    """A person's way through an application and the issuer: John's, unless the test says otherwise."""

    issuer: str
    decision: str = "allow"
    username: str = "john"
    password: str = PASSWORDS["john"]
    seen: list[str] = field(default_factory=list)  # the addresses at the issuer that the application sent them to

    def __post_init__(self) -> None:
        self.browser = Browser(over_http, self.issuer)
        self.application = httpx.Client(timeout=20)

    def open(self, url: str) -> httpx.Response:
        """Where the address of the application leads to, once the issuer's pages are answered."""
        return self._follow(self.application.get(url))

    def post(self, url: str, form: dict[str, str]) -> httpx.Response:
        """Where a form of the application leads to."""
        return self._follow(self.application.post(url, data=form))

    def at_issuer(self, url: str) -> str:
        """Sign in and decide at the issuer as often as it asks, and return the address that the answer goes to."""
        self.seen.append(url)
        page = self.browser.open(url)
        for _ in range(3):
            if not page.is_page:
                break
            page = self._fill_in(page)
        return page.location

    def is_ann(self, password: str) -> None:
        """Ann uses this browser, with her password."""
        self.username, self.password = "ann", password

    def close(self) -> None:
        self.application.close()

    def _fill_in(self, page: Answer) -> Answer:
        names = form_of(page).names
        if "password" in names:
            return self.browser.submit(page, username=self.username, password=self.password)
        if "decision" in names:
            return self.browser.decide(page, self.decision)
        return self.browser.submit(page)  # a page with a button alone

    def _follow(self, response: httpx.Response) -> httpx.Response:
        for _ in range(10):
            if not response.has_redirect_location:
                return response
            location = str(response.url.join(response.headers["location"]))
            if location.startswith(f"{self.issuer}/"):
                location = self.at_issuer(location)
            response = self.application.get(location)
        raise AssertionError(f"redirected in circles, lately to {response.url}")
