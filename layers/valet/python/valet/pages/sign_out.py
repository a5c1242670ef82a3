"""The sign-out page (OpenID Connect RP-Initiated Logout §2)."""

from collections.abc import Mapping

from valet.http import Page
from valet.pages.words import Sentence, Variants


def page(
    *,
    action: str,
    csrf_token: str,
    client_name: Variants | None = None,
    hidden: Mapping[str, str] | None = None,
    error: Sentence | None = None,
) -> Page:
    """Asks for `decision` before signing out; `hidden` carries the request's parameters."""
    carried = dict(hidden or {})
    return Page(
        "sign_out.html",
        {"action": action, "csrf_token": csrf_token, "client_name": client_name, "hidden": carried, "error": error},
        has_form=True,
        ui_locales=carried.get("ui_locales", ""),
        again=carried,
    )
