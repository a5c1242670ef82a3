"""The consent page (OpenID Connect Core §3.1.2.4)."""

from collections.abc import Sequence

from valet.pages.rendering import render


def html(
    *,
    action: str,
    request_handle: str,
    csrf_token: str,
    client_name: str,
    owner: str,
    answer_host: str,
    username: str,
    scopes: Sequence[tuple[str, Sequence[tuple[str, str]]]],
    switch_account: str | None = None,
    error: str | None = None,
    notice: str | None = None,
    starts: Sequence[str] = (),
) -> str:
    """Asks for `decision`: what `client_name` may do, who runs it and where the answer goes.

    `scopes` are lists of (scope, sentence), each with its title; the first may have none.

    `switch_account` is the address of the sign-in page for the same request. `error` says why what was sent did not
    count, `notice` why the page is there again. `starts` are images that start the functions that come next.
    """
    return render(
        "consent.html",
        action=action,
        request_handle=request_handle,
        csrf_token=csrf_token,
        client_name=client_name,
        owner=owner,
        answer_host=answer_host,
        username=username,
        scopes=scopes,
        switch_account=switch_account,
        error=error,
        notice=notice,
        starts=starts,
    )
