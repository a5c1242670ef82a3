"""The pages that only say something: how a sign-out ended, and what went wrong."""

from valet.pages.rendering import render


def signed_out() -> str:
    """Says that the session is over, where there is no address to go back to."""
    return _message("Signed out", "You are signed out", "You can close this page.")


def still_signed_in() -> str:
    """Says that nothing changed, when the end-user declined to sign out."""
    return _message("Signed in", "You are still signed in", "Nothing was changed. You can close this page.")


def error(
    *, title: str, message: str, request_id: str | None = None, for_developer: tuple[str, str] | None = None
) -> str:
    """Says what went wrong, in words for the end-user; `request_id` finds the log line.

    `for_developer` is the error and its description, in the specifications' words, for whoever made the app.
    """
    return _message("Error", title, message, request_id=request_id, for_developer=for_developer, is_error=True)


def unanswerable(error_code: str, description: str, request_id: str | None = None) -> str:
    """The client's request is at fault, and there is no address to tell the client so."""
    return error(
        title="This request cannot be answered",
        message="The app sent you here with a request that has a mistake. Go back to the app and try again. If you see"
        " this page again, tell the people who run the app.",
        request_id=request_id,
        for_developer=(error_code, description),
    )


def expired(request_id: str | None = None) -> str:
    """The saved request is gone: it was never made, is too old, or belongs to another browser."""
    return error(
        title="This sign-in has expired",
        message="It took too long, or it was begun in another browser. Go back to the app and start again.",
        request_id=request_id,
    )


def already_answered(request_id: str | None = None) -> str:
    """The saved request was allowed or denied before, and can be used once only."""
    return error(
        title="This request was already answered",
        message="You may have pressed the button twice. Go back to the app; if it does not go on, start again there.",
        request_id=request_id,
    )


def _message(
    kind: str,
    title: str,
    message: str,
    *,
    request_id: str | None = None,
    for_developer: tuple[str, str] | None = None,
    is_error: bool = False,
) -> str:
    return render(
        "message.html",
        kind=kind,
        title=title,
        message=message,
        request_id=request_id,
        for_developer=for_developer,
        is_error=is_error,
    )
