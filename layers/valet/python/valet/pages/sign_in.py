"""The sign-in page (OpenID Connect Core §3.1.2.3)."""

from collections.abc import Sequence

from valet.pages.rendering import render


def html(
    *,
    action: str,
    request_handle: str,
    csrf_token: str,
    client_name: str,
    username: str = "",
    error: str | None = None,
    notice: str | None = None,
    starts: Sequence[str] = (),
) -> str:
    """Asks for `username` and `password`; `error` is the sentence that a failed attempt gets, and `notice` says why the
    page is there again without one. `starts` are images that start the functions that come next."""
    return render(
        "sign_in.html",
        action=action,
        request_handle=request_handle,
        csrf_token=csrf_token,
        client_name=client_name,
        username=username,
        error=error,
        notice=notice,
        starts=starts,
    )
