"""The logout page and its form (OpenID Connect RP-Initiated Logout §2)."""

from collections.abc import Mapping
from urllib.parse import urlencode

from valet.errors import InvalidRequest
from valet.front_channel.forms import csrf_token, is_csrf_token
from valet.http import Request, Response, page, redirect
from valet.pages import messages, sign_out
from valet.pages.policy import content_security_policy
from valet.people.cookies import Cookies
from valet.protocol.logout_request import LogoutRequest

_FORM = "logout"  # what the CSRF token is for


def to_get(asked: LogoutRequest, issuer: str) -> Response:
    """Redirect a request that came by POST to the same request by GET.

    A form of another site carries no cookies of this server (SameSite=Lax), whatever else it says; the GET carries
    them.
    """
    return redirect(f"{issuer}/logout?{urlencode(dict(asked.carried))}")


def logout_page(asked: LogoutRequest, session_cookie: str) -> Response:
    """The page that asks whether to sign out."""
    html = sign_out.html(
        action="/logout",
        csrf_token=csrf_token(session_cookie, _FORM),
        client_name=asked.client.client_name if asked.client else None,
        hidden=asked.carried,
    )
    return page(200, html, content_security_policy(has_form=True))


def check_logout_form(parameters: Mapping[str, str], session_cookie: str) -> None:
    """Raises InvalidRequest if the form was not sent from this session's logout page."""
    if not is_csrf_token(parameters.get("csrf_token", ""), session_cookie, _FORM):
        raise InvalidRequest("This page is out of date. Sign out again from the app.")


def still_signed_in() -> Response:
    """The page after the end-user declined to sign out."""
    return _message(messages.still_signed_in())


def signed_out(asked: LogoutRequest, request: Request, cookies: Cookies) -> Response:
    """Redirect to the client, or show that the session is over; end the session cookie."""
    response = redirect(asked.back) if asked.back else _message(messages.signed_out())
    # If the browser sent no cookie, its session lives on: do not delete the cookie, or the end-user could not end the
    # session any more.
    has_cookie = cookies.session in request.cookies
    return response.with_cookies(cookies.end_session()) if has_cookie else response


def _message(html: str) -> Response:
    return page(200, html, content_security_policy())
