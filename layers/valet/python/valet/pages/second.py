"""The page that asks for a second factor."""

from collections.abc import Sequence

from valet.http import Page
from valet.pages.logos import with_logo
from valet.pages.words import Sentence, Variants


def page(
    *,
    request_handle: str,
    csrf_token: str,
    client_name: Sentence | Variants,
    client_logo: str,
    username: str,
    asks_recovery: bool,
    days: int,
    ways: Sequence[tuple[str, str]],
    error: Sentence | None = None,
    ui_locales: str = "",
) -> Page:
    """Asks `username` for a code of the authenticator app, or for a recovery code.

    `days`: for how long the browser may be remembered; 0: it may not. `ways` are others, by the key of their sentence
    and their address. `error` is the sentence that a failed attempt gets.
    """
    shown = {
        "request_handle": request_handle,
        "csrf_token": csrf_token,
        "client_name": client_name,
        "client_logo": client_logo,
        "username": username,
        "asks_recovery": asks_recovery,
        "days": days,
        "ways": ways,
        "error": error,
    }
    again = {"request": request_handle, **({"use": "recovery"} if asks_recovery else {})}
    return Page(
        "second.html",
        shown,
        has_form=True,
        images=with_logo((), client_logo),
        ui_locales=ui_locales,
        again=again,
    )
