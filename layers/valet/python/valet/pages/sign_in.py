"""The sign-in page (OpenID Connect Core §3.1.2.3)."""

from collections.abc import Sequence

from valet.frozen import Frozen
from valet.http import Page
from valet.pages.logos import with_logo
from valet.pages.words import Sentence, Variants


class PasskeyForm(Frozen):
    """What the page needs to ask for a passkey."""

    action: str
    challenge: str  # base64url
    issued_ms: int
    rp_id: str
    acr: str
    script: str


def page(
    *,
    action: str,
    request_handle: str,
    csrf_token: str,
    client_name: Sentence | Variants,
    client_logo: str = "",
    username: str = "",
    error: Sentence | None = None,
    notice: Sentence | None = None,
    starts: Sequence[str] = (),
    images: tuple[str, ...] = (),
    ui_locales: str = "",
    passkey: PasskeyForm | None = None,
    asks_password: bool = True,
    asks_name_only: bool = False,
    providers: tuple[tuple[Variants, str], ...] = (),
    account_page: str = "",
    needs_localhost: bool = False,
    joins: bool = False,
    recovers: bool = False,
    recovery: str = "",
) -> Page:
    """Asks for `username` and `password`, and offers a passkey where there is a `passkey` form.

    With `asks_name_only` it asks for the name alone, whose domain may lead elsewhere. `providers` are the other ones to
    sign in with, by name, and where each begins. `account_page` is where an identity can be linked, if not here.

    `error` is the sentence that a failed attempt gets, and `notice` says why the page is there again without one.
    `starts` are images that start the functions that come next, from the addresses in `images`. `needs_localhost`:
    passkeys do not work at this address of the local stack. `joins`: people may make an account on their way to this
    client, if the policy lets them; `recovers`: they may set a new password by mail. `recovery` is where people go who
    have lost their passkey.
    """
    return Page(
        "sign_in.html",
        {
            "action": action,
            "request_handle": request_handle,
            "csrf_token": csrf_token,
            "client_name": client_name,
            "client_logo": client_logo,
            "username": username,
            "error": error,
            "notice": notice,
            "starts": starts,
            "passkey": passkey,
            "asks_password": asks_password,
            "asks_name_only": asks_name_only,
            "providers": providers,
            "account_page": account_page,
            "needs_localhost": needs_localhost,
            "joins": joins,
            "recovers": recovers,
            "recovery": recovery,
        },
        has_form=True,
        images=with_logo(images, client_logo),
        script=passkey.script if passkey else "",
        ui_locales=ui_locales,
        again={"request": request_handle},
    )
