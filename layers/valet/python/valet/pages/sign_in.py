"""The sign-in page (OpenID Connect Core §3.1.2.3)."""

from collections.abc import Sequence

from valet.http import Page
from valet.pages.words import Sentence, Variants


def page(
    *,
    action: str,
    request_handle: str,
    csrf_token: str,
    client_name: Sentence | Variants,
    username: str = "",
    error: Sentence | None = None,
    notice: Sentence | None = None,
    starts: Sequence[str] = (),
    images: tuple[str, ...] = (),
    ui_locales: str = "",
) -> Page:
    """Asks for `username` and `password`; `error` is the sentence that a failed attempt gets, and `notice` says why the
    page is there again without one. `starts` are images that start the functions that come next, from the addresses in
    `images`."""
    return Page(
        "sign_in.html",
        {
            "action": action,
            "request_handle": request_handle,
            "csrf_token": csrf_token,
            "client_name": client_name,
            "username": username,
            "error": error,
            "notice": notice,
            "starts": starts,
        },
        has_form=True,
        images=images,
        ui_locales=ui_locales,
        again={"request": request_handle},
    )
