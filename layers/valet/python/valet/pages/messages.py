"""The pages that only say something: how a sign-out ended, and what went wrong."""

from valet.frozen import Frozen
from valet.pages.rendering import render


def signed_out() -> str:
    """Says that the session is over, where there is no address to go back to."""
    return _message("Signed out", "You are signed out", "You can close this page.")


def still_signed_in() -> str:
    """Says that nothing changed, when the end-user declined to sign out."""
    return _message("Signed in", "You are still signed in", "Nothing was changed. You can close this page.")


class WayOn(Frozen):
    """What a page offers where a request ends: a reference to ask for help with, and the app to go back to."""

    request_id: str | None = None  # it finds the log line
    client_name: str = ""  # empty: the client is not known
    client_uri: str = ""  # as it is registered; empty: it has none


_NOWHERE = WayOn()


def error(title: str, message: str, way_on: WayOn = _NOWHERE, *, for_developer: tuple[str, str] | None = None) -> str:
    """Says what went wrong, in words for the end-user.

    `for_developer` is the error and its description, in the specifications' words, for the developer of the app.
    """
    return _message("Error", title, message, way_on, for_developer=for_developer, is_error=True)


def unanswerable(error_code: str, description: str, way_on: WayOn = _NOWHERE) -> str:
    """The client's request is at fault, and there is no address to tell the client so."""
    return error(
        "This request cannot be answered",
        "The app sent you here with a request that has a mistake. Go back to the app and try again. If you see"
        " this page again, tell the people who run the app.",
        way_on,
        for_developer=(error_code, description),
    )


def expired(way_on: WayOn = _NOWHERE) -> str:
    """The saved request is gone: it was never made, or is too old to be begun anew."""
    return error(
        "This sign-in has expired",
        "It was begun too long ago, or its address is not complete. Go back to the app and start again.",
        way_on,
    )


def not_pushed(error_code: str, description: str, way_on: WayOn = _NOWHERE) -> str:
    """There is no such pushed request, or no longer."""
    return error(
        "This sign-in has expired",
        "It was begun too long ago, or it is already done. Go back to the app and start again.",
        way_on,
        for_developer=(error_code, description),
    )


def no_cookie(way_on: WayOn = _NOWHERE) -> str:
    """The browser sent no cookie of ours."""
    return error(
        "Your browser sent no cookie",
        "Signing in needs one. Cookies are blocked in this browser, or they were cleared since you began."
        " Allow cookies for this address, then go back to the app and start again.",
        way_on,
    )


def other_browser(way_on: WayOn = _NOWHERE) -> str:
    """The saved request belongs to another browser."""
    return error(
        "This sign-in was begun in another browser",
        "Go on in that browser. To sign in here, go back to the app in this browser and start again.",
        way_on,
    )


def already_signed_in(way_on: WayOn = _NOWHERE) -> str:
    """The client has redeemed the code of the saved request."""
    message = "The app has received your answer. Go back to it to go on."
    return _message("Signed in", "You are already signed in", message, way_on)


def sign_in_ended(way_on: WayOn = _NOWHERE) -> str:
    """The session or the grant ended after the page was shown."""
    return error(
        "This sign-in has ended",
        "You signed out, or signed in again, after this page was opened. Go back to the app and start again.",
        way_on,
    )


def already_answered(way_on: WayOn = _NOWHERE) -> str:
    """The saved request was answered before, and can be used once only."""
    return error(
        "This request was already answered",
        "The answer was sent to the app. Go back to it; if it does not go on, start again there.",
        way_on,
    )


def _message(
    kind: str,
    title: str,
    message: str,
    way_on: WayOn = _NOWHERE,
    *,
    for_developer: tuple[str, str] | None = None,
    is_error: bool = False,
) -> str:
    return render(
        "message.html",
        kind=kind,
        title=title,
        message=message,
        way_on=way_on,
        for_developer=for_developer,
        is_error=is_error,
    )
