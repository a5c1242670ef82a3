"""The cookies of a browser: its own, its session's, and the language that its user chose (RFC 6265bis)."""

from typing import Protocol

from valet.frozen import Frozen
from valet.handles import is_handle, new_handle
from valet.http import Request
from valet.ports.runtime import Random

_DECLINED = 30 * 86_400  # seconds in which a passkey is not offered again
_BROWSER_LIFETIME = 400 * 86_400  # seconds; browsers keep a cookie no longer


class Cookies(Frozen):
    """The names and flags of our cookies. Over plain http, which only the local stack uses, `Secure` and with it the
    prefix are not possible; everything else stays.
    """

    is_plain_http: bool
    session_lifetime: int | None = None  # seconds; None: the session's cookie ends with the browser

    @property
    def session(self) -> str:
        return self._name("session")

    @property
    def browser(self) -> str:
        return self._name("browser")

    @property
    def declined_passkey(self) -> str:
        return self._name("no-passkey")

    @property
    def language(self) -> str:
        return self._name("lang")

    def set_session(self, value: str) -> str:
        """The cookie of a session, kept as long as the session may live: what opens a browser's tab for an app on iOS
        (ASWebAuthenticationSession) shares with the browser only what a cookie keeps beyond the tab.

        A use of the session prolongs only its idle time, so the cookie is right from the sign-in on.
        """
        max_age = "" if self.session_lifetime is None else f"; Max-Age={self.session_lifetime}"
        return f"{self.session}={value}; Path=/{max_age}; HttpOnly; SameSite=Lax{self._secure}"

    def set_browser(self, value: str) -> str:
        """The cookie by which a browser is known before an end-user signs in."""
        return f"{self.browser}={value}; Path=/; Max-Age={_BROWSER_LIFETIME}; HttpOnly; SameSite=Lax{self._secure}"

    def decline_passkey(self) -> str:
        """The cookie of a browser whose end-user wants no passkey now."""
        return f"{self.declined_passkey}=1; Path=/; Max-Age={_DECLINED}; HttpOnly; SameSite=Lax{self._secure}"

    def set_language(self, value: str) -> str:
        return f"{self.language}={value}; Path=/; Max-Age={_BROWSER_LIFETIME}; HttpOnly; SameSite=Lax{self._secure}"

    def end_session(self) -> str:
        return f"{self.session}=; Path=/; Max-Age=0; HttpOnly; SameSite=Lax{self._secure}"

    @property
    def _secure(self) -> str:
        return "" if self.is_plain_http else "; Secure"

    def _name(self, name: str) -> str:
        return f"valet-{name}" if self.is_plain_http else f"__Host-valet-{name}"


class HasCookies(Protocol):
    @property
    def cookies(self) -> Cookies: ...


def browser_secret(request: Request, cookies: Cookies) -> str | None:
    """The browser cookie's value, if it is one of ours."""
    value = request.cookies.get(cookies.browser, "")
    return value if is_handle(value) else None


def browser_or_new(request: Request, cookies: Cookies, random: Random) -> tuple[str, tuple[str, ...]]:
    """The browser cookie's value, a new one if the browser has none, and the cookies to set."""
    known = browser_secret(request, cookies)
    if known is not None:
        return known, ()
    secret = new_handle(random)
    return secret, (cookies.set_browser(secret),)


def session_secret(request: Request, cookies: Cookies) -> str | None:
    """The session cookie's value, if it looks like one of ours."""
    value = request.cookies.get(cookies.session, "")
    return value if is_handle(value) else None
