"""The consent page (OpenID Connect Core §3.1.2.4)."""

from collections.abc import Sequence
from typing import TYPE_CHECKING

from valet.http import Page
from valet.pages.logos import with_logo
from valet.pages.words import Sentence, Variants

if TYPE_CHECKING:
    from valet.pages.strangers import Stranger

Said = Sentence | Variants


def page(
    *,
    action: str,
    request_handle: str,
    csrf_token: str,
    client_name: Variants,
    client_logo: str = "",
    owner: str,
    client_links: Sequence[tuple[Sentence, Variants]] = (),
    stranger: "Stranger | None" = None,
    answer_host: str,
    username: str,
    scopes: Sequence[tuple[Said | None, Sequence[tuple[str, Said]]]],
    switch_account: str | None = None,
    error: Sentence | None = None,
    notice: Sentence | None = None,
    starts: Sequence[str] = (),
    images: tuple[str, ...] = (),
    ui_locales: str = "",
) -> Page:
    """Asks for `decision`: what `client_name` may do, who runs it, where its own pages are, and where the answer goes.
    `stranger`: no operator registered the client.

    `scopes` are lists of (scope, sentence), each with its title; the first may have none.

    `switch_account` is the address of the sign-in page for the same request. `error` says why what was sent did not
    count, `notice` why the page is there again. `starts` are images that start the functions that come next, from the
    addresses in `images`.
    """
    return Page(
        "consent.html",
        {
            "action": action,
            "request_handle": request_handle,
            "csrf_token": csrf_token,
            "client_name": client_name,
            "client_logo": client_logo,
            "owner": owner,
            "client_links": client_links,
            "stranger": stranger,
            "answer_host": answer_host,
            "username": username,
            "scopes": scopes,
            "switch_account": switch_account,
            "error": error,
            "notice": notice,
            "starts": starts,
        },
        has_form=True,
        images=with_logo(images, client_logo),
        ui_locales=ui_locales,
        again={"request": request_handle},
    )
