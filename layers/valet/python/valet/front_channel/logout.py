"""The logout page and its form (OpenID Connect RP-Initiated Logout §2)."""

from collections.abc import Mapping
from urllib.parse import urlencode

from valet.front_channel.forms import PageOutOfDate, csrf_token, is_csrf_token
from valet.http import Request, Response, page, redirect
from valet.pages import messages, sign_out
from valet.pages.words import Sentence, variants
from valet.people.cookies import Cookies
from valet.protocol.logout_request import LogoutRequest

_FORM = "logout"  # what the CSRF token is for
_OUT_OF_DATE = Sentence("sign_out.out_of_date")


def to_get(asked: LogoutRequest, issuer: str) -> Response:
    """Redirect a request that came by POST to the same request by GET.

    A form of another site carries no cookies of this server (SameSite=Lax), whatever else it says; the GET carries
    them.
    """
    return redirect(f"{issuer}/logout?{urlencode(dict(asked.carried))}")


def logout_page(asked: LogoutRequest, session_cookie: str, *, is_again: bool = False) -> Response:
    """The page that asks whether to sign out; `is_again` after a form that this page did not send."""
    shown = sign_out.page(
        action="/logout",
        csrf_token=csrf_token(session_cookie, _FORM),
        client_name=variants(asked.client, "client_name") if asked.client else None,
        hidden=asked.carried,
        error=_OUT_OF_DATE if is_again else None,
    )
    return page(400 if is_again else 200, shown)


def check_logout_form(parameters: Mapping[str, str], asked: LogoutRequest, session_cookie: str) -> None:
    """Raises PageOutOfDate if the form was not sent from this session's logout page."""
    if not is_csrf_token(parameters.get("csrf_token", ""), session_cookie, _FORM):
        client_id = asked.client.client_id if asked.client else ""
        raise PageOutOfDate(client_id, logout_page(asked, session_cookie, is_again=True))


def still_signed_in() -> Response:
    """The page after the end-user declined to sign out."""
    return page(200, messages.still_signed_in())


def signed_out(asked: LogoutRequest, request: Request, cookies: Cookies) -> Response:
    """Redirect to the client, or show that the session is over; end the session cookie."""
    response = redirect(asked.back) if asked.back else page(200, messages.signed_out())
    # If the browser sent no cookie, its session lives on: do not delete the cookie, or the end-user could not end the
    # session any more.
    has_cookie = cookies.session in request.cookies
    return response.with_cookies(cookies.end_session()) if has_cookie else response
