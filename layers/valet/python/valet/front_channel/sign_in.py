"""The sign-in page and its form (OpenID Connect Core §3.1.2.3)."""

from collections.abc import Mapping

from valet.front_channel import ahead
from valet.front_channel.forms import PageOutOfDate, csrf_token, is_csrf_token
from valet.front_channel.saved_requests import Saved
from valet.http import Response, page
from valet.pages import sign_in
from valet.pages.words import Sentence
from valet.protocol.authorization_request import Destination

_OUT_OF_DATE = Sentence("sign_in.out_of_date")
_RENEWED = Sentence("sign_in.renewed")
_WRONG = Sentence("sign_in.wrong")


def sign_in_page(
    saved: Saved,
    destination: Destination,
    *,
    username: str,
    error: Sentence | None = None,
    status: int = 200,
) -> Response:
    """The page that asks for a username and a password."""
    upcoming = (f"{destination.issuer}/consent", f"{destination.issuer}/token")
    shown = sign_in.page(
        action="/login",
        request_handle=saved.handle,
        csrf_token=csrf_token(saved.browser, saved.handle),
        client_name=destination.name,
        username=username,
        error=error,
        notice=_RENEWED if saved.is_renewed and not error else None,
        starts=ahead.images(upcoming),
        images=upcoming,
        ui_locales=saved.request.ui_locales,
    )
    return page(status, shown)


def wrong_password_page(saved: Saved, destination: Destination, *, username: str) -> Response:
    """The page after a failed attempt. It does not say whether the account exists."""
    return sign_in_page(saved, destination, username=username, error=_WRONG, status=401)


def throttled_page(saved: Saved, destination: Destination, *, username: str, retry_after: int) -> Response:
    """The page after an attempt that came too soon; `retry_after` is in seconds."""
    error = Sentence("sign_in.throttled", {"minutes": -(-retry_after // 60)})
    response = sign_in_page(saved, destination, username=username, error=error, status=429)
    return response.with_headers({"Retry-After": str(retry_after)})


def out_of_date(saved: Saved, destination: Destination, *, username: str) -> PageOutOfDate:
    """The refusal of a form that this browser's sign-in page for this request did not send: the page again."""
    again = sign_in_page(saved, destination, username=username, error=_OUT_OF_DATE, status=400)
    return PageOutOfDate(saved.request.client_id, again)


def is_sign_in_form(parameters: Mapping[str, str], saved: Saved) -> bool:
    """Whether the form was sent from this browser's sign-in page for this request."""
    return is_csrf_token(parameters.get("csrf_token", ""), saved.browser, saved.handle)
