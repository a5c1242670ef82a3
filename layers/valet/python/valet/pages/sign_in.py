"""The sign-in page (OpenID Connect Core §3.1.2.3)."""

from collections.abc import Sequence

from valet.frozen import Frozen
from valet.pages.rendering import render


class PasskeyForm(Frozen):
    """What the page needs to ask for a passkey."""

    action: str
    challenge: str  # base64url
    issued_ms: int
    rp_id: str
    acr: str
    script: str


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
    passkey: PasskeyForm | None = None,
    asks_password: bool = True,
    needs_localhost: bool = False,
) -> str:
    """Asks for `username` and `password`, and offers a passkey where there is a `passkey` form.

    `error` is the sentence that a failed attempt gets, and `notice` says why the page is there again without one.
    `starts` are images that start the functions that come next. `needs_localhost`: passkeys do not work at this
    address of the local stack.
    """
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
        passkey=passkey,
        asks_password=asks_password,
        needs_localhost=needs_localhost,
    )
