"""The pages that only say something: how a sign-out ended, and what went wrong.

Each has a name, and the sentences `<name>.title` and `<name>.text`; one that is no error has `<name>.kind` as well.
"""

from valet.frozen import Frozen
from valet.http import Page
from valet.pages.words import Variants


def signed_out() -> Page:
    """Says that the session is over, where there is no address to go back to."""
    return _message("signed_out", is_error=False)


def still_signed_in() -> Page:
    """Says that nothing changed, when the end-user declined to sign out."""
    return _message("still_signed_in", is_error=False)


def account_deleted() -> Page:
    """Says that the account is deleted, and the session over."""
    return _message("account_deleted", is_error=False)


def password_changed(sign_in_at: str) -> Page:
    """Says that the new password is in force, and everything that was opened before is over."""
    return _message("password_changed", is_error=False, link=("sign_in.title", sign_in_at))


def device(name: str) -> Page:
    """Says what became of a person's answer to a device: approved, denied or approved_before."""
    link = ("account.apps", "/account/apps") if name != "denied" else None
    return _message(f"device_{name}", is_error=False, link=link)


class WayOn(Frozen):
    """What a page offers where a request ends: a reference to ask for help with, and the app to go back to."""

    request_id: str | None = None  # it finds the log line
    client_name: Variants | None = None  # None: the client is not known
    client_uri: Variants | None = None  # as it is registered; None: it has none
    again: str = ""  # where another way to sign in can be chosen


NOWHERE = WayOn()


def error(name: str, way_on: WayOn = NOWHERE, *, for_developer: tuple[str, str] | None = None) -> Page:
    """Says what went wrong, in words for the end-user.

    `for_developer` is the error and its description, in the specifications' words, for the developer of the app.
    """
    return _message(name, way_on, for_developer=for_developer)


def unanswerable(error_code: str, description: str, way_on: WayOn = NOWHERE) -> Page:
    """The client's request is at fault, and there is no address at which the client may be told so."""
    return error("unanswerable", way_on, for_developer=(error_code, description))


def expired(way_on: WayOn = NOWHERE) -> Page:
    """The saved request is gone: it was never made, or is too old to be begun anew."""
    return error("expired", way_on)


def not_pushed(error_code: str, description: str, way_on: WayOn = NOWHERE) -> Page:
    """There is no such pushed request, or no longer."""
    return error("not_pushed", way_on, for_developer=(error_code, description))


def no_cookie(way_on: WayOn = NOWHERE) -> Page:
    """The browser sent no cookie of ours."""
    return error("no_cookie", way_on)


def other_browser(way_on: WayOn = NOWHERE) -> Page:
    """The saved request belongs to another browser."""
    return error("other_browser", way_on)


def already_signed_in(way_on: WayOn = NOWHERE) -> Page:
    """The client has redeemed the code of the saved request."""
    return _message("already_signed_in", way_on, is_error=False)


def sign_in_ended(way_on: WayOn = NOWHERE) -> Page:
    """The session or the grant ended after the page was shown."""
    return error("sign_in_ended", way_on)


def already_answered(way_on: WayOn = NOWHERE) -> Page:
    """The saved request was answered before, and can be used once only."""
    return error("already_answered", way_on)


def _message(
    name: str,
    way_on: WayOn = NOWHERE,
    *,
    for_developer: tuple[str, str] | None = None,
    is_error: bool = True,
    link: tuple[str, str] | None = None,
) -> Page:
    """`link`: the key of its words, and where it leads."""
    values = {"name": name, "way_on": way_on, "for_developer": for_developer, "is_error": is_error, "link": link}
    return Page("message.html", values)
