"""The sign-out page (OpenID Connect RP-Initiated Logout §2)."""

from collections.abc import Mapping

from valet.pages.rendering import render


def html(
    *,
    action: str,
    csrf_token: str,
    client_name: str | None = None,
    hidden: Mapping[str, str] | None = None,
    error: str | None = None,
) -> str:
    """Asks for `decision` before signing out; `hidden` carries the request's parameters."""
    return render(
        "sign_out.html",
        action=action,
        csrf_token=csrf_token,
        client_name=client_name,
        hidden=dict(hidden or {}),
        error=error,
    )
