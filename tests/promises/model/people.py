"""Browsers that click their way through the pages, and what clients and thieves keep."""

import re
from dataclasses import dataclass, field
from urllib.parse import parse_qs, urlsplit

from tests.promises.model import acts
from tests.promises.model.acts import BROWSER_COOKIE, ISSUER, SESSION_COOKIE, Act
from tests.promises.model.processes import Answer

_CSRF = re.compile(r'name="csrf_token" value="([^"]+)"')
PASSWORD = "the-right-password"


@dataclass
class Browser:
    """Somebody's browser and its cookies."""

    username: str
    password: str = PASSWORD
    cookies: dict[str, str] = field(default_factory=dict)
    used: list[str] = field(default_factory=list)  # every cookie's value that it was ever given

    @property
    def session(self) -> str:
        return self.cookies.get(SESSION_COOKIE, "")

    def begin(self, client_id: str, scope: str, dpop_jkt: str = "") -> Act:
        browser = self.cookies.get(BROWSER_COOKIE, "")
        return acts.authorize(client_id, self.session, scope, browser, dpop_jkt=dpop_jkt)

    def keep_cookies(self, answer: Answer) -> None:
        for name, value in acts.cookies_set(answer).items():
            if value:
                self.cookies[name] = value
                self.used.append(value)
            else:
                self.cookies.pop(name, None)

    def go_on(self, act: Act, answer: Answer) -> Act | str | None:
        """The next request, the code at the end of the way, or None where the way ends without one."""
        self.keep_cookies(answer)
        location = answer["headers"].get("Location", "")
        if answer["statusCode"] == 303 and location.startswith(ISSUER + "/"):
            return acts.follow("GET", location, self.cookies)
        if answer["statusCode"] == 303:
            query = parse_qs(urlsplit(location).query)
            return query["code"][0] if "code" in query else None
        found = _CSRF.search(answer["body"])
        if answer["statusCode"] != 200 or found is None:
            return None
        handle = parse_qs(act.event["rawQueryString"])["request"][0]
        form = {"request": handle, "csrf_token": found[1]}
        form |= (
            {"username": self.username, "password": self.password} if act.function == "login" else {"decision": "allow"}
        )
        return acts.follow("POST", f"{ISSUER}/{act.function}", self.cookies, form)


@dataclass
class Held:
    """The tokens of one grant that the client and the thief keep."""

    grant_id: str
    client_id: str
    code: str
    scope: tuple[str, ...]
    browser: Browser
    session: str  # the cookie it was issued to
    refresh_token: str = ""  # the one that the client would use
    refresh_tokens: list[str] = field(default_factory=list)  # every one that was ever answered
    access_tokens: list[str] = field(default_factory=list)
    id_token: str = ""
    stolen: list[str] = field(default_factory=list)
    key: str = ""  # of intents.KEYS; empty: the client sends no proofs
    proven: Act | None = None  # the last request with a proof, which a thief may have captured
