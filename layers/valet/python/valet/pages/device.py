"""The device page (RFC 8628 §3.3): the field for the code, and what the device asks for."""

from collections.abc import Sequence

from valet.http import Page
from valet.pages.consent import Said
from valet.pages.logos import with_logo
from valet.pages.words import Sentence, Variants


def code_page(*, csrf_token: str, username: str, user_code: str = "", error: Sentence | None = None) -> Page:
    """Asks for `user_code`, which may be filled in. `error` says why what was typed did not count."""
    values = {"csrf_token": csrf_token, "username": username, "user_code": user_code, "error": error}
    return Page("device.html", values, has_form=True, again={})


def ask_page(
    *,
    csrf_token: str,
    user_code: str,
    client_name: Variants,
    client_logo: str = "",
    owner: str,
    username: str,
    scopes: Sequence[tuple[Said | None, Sequence[tuple[str, Said]]]],
    device_ip: str,
    agent: str,
    own_ip: str,
    minutes: int,
    is_elsewhere: bool,
    error: Sentence | None = None,
) -> Page:
    """Asks for `decision`: whether the device that shows `user_code` may use the account of `username`.

    `minutes` ago it asked, from the address `device_ip`; `agent` is what it calls itself, empty if that is not known.
    `is_elsewhere`: it is in another network than the reader, whose address is `own_ip`. `scopes` are as on the consent
    page. `error` says why what was sent did not count.
    """
    return Page(
        "device_ask.html",
        {
            "csrf_token": csrf_token,
            "user_code": user_code,
            "client_name": client_name,
            "client_logo": client_logo,
            "owner": owner,
            "username": username,
            "scopes": scopes,
            "device_ip": device_ip,
            "agent": agent,
            "own_ip": own_ip,
            "minutes": minutes,
            "is_elsewhere": is_elsewhere,
            "error": error,
        },
        has_form=True,
        images=with_logo((), client_logo),
        again={},
    )
