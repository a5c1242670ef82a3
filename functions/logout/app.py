"""GET, POST /logout: end the browser session and the grants that live by it (OpenID Connect RP-Initiated Logout)."""

from collections.abc import Mapping
from dataclasses import dataclass
from urllib.parse import urlencode

from valet import pages
from valet.endpoint import endpoint
from valet.errors import InvalidRequest
from valet.front_channel.forms import csrf_token, is_csrf_token
from valet.handles import digest
from valet.http import Parameters, Request, Response, add_to_query, page, redirect
from valet.models.clients import Client
from valet.models.sessions import Session
from valet.people.cookies import session_secret
from valet.protocol.redirect_uri import host_for_log, is_registered
from valet.refusals import refuse_as_page
from valet.revocation import end_session
from valet.server import SERVER, Server
from valet.tokens.verify import Hint, verify_id_token_hint

_CARRIED = ("id_token_hint", "client_id", "post_logout_redirect_uri", "state")
_LONGEST_STATE = 2048  # bytes: it travels in a Location header, and a gateway takes ten kilobytes of those
_FORM = "logout"  # what the CSRF token of our own form is for


@dataclass(frozen=True, slots=True)
class _LogoutRequest:
    """What a relying party asks for, checked."""

    hint: Hint | None
    client: Client | None
    back: str | None  # where to, afterwards
    carried: Mapping[str, str]


def logout(request: Request, server: Server) -> Response:
    parameters = request.form() if request.method == "POST" else request.query()
    asked = _parse(parameters, request, server)
    secret = session_secret(request, server.cookies)
    is_our_form = request.method == "POST" and "csrf_token" in parameters and secret is not None
    if request.method == "POST" and not is_our_form:
        # A form of another site carries no cookies of ours (SameSite=Lax), whatever else it says: go on with a GET,
        # which does.
        return redirect(f"{request.issuer}/logout?{urlencode(dict(asked.carried))}")
    session = server.sessions.find_session(digest(secret)) if secret else None
    if secret is None or session is None:
        return _go_back(asked, request, server)
    if is_our_form:
        if not is_csrf_token(parameters["csrf_token"], secret, _FORM):
            raise InvalidRequest("This form was not made for this session.")
        if parameters.get("decision") != "allow":
            return _page(pages.still_signed_in())
        return _end(asked, session, request, server)
    if session.ended_at or (asked.hint is not None and asked.hint.sid == session.sid):
        # One that has ended before, too: whoever ended it may have been killed before he had come to its grants.
        return _end(asked, session, request, server)
    # Nobody showed that it is this session that should end: another site could send anybody here (§6). The grants of
    # one that only idles may well live, so it asks as well.
    return _ask(asked, csrf_token(secret, _FORM))


def _parse(parameters: Parameters, request: Request, server: Server) -> _LogoutRequest:
    """Raises InvalidRequest, for a page, and nothing has ended."""
    hint = None
    if "id_token_hint" in parameters:
        # One that does not verify is none: an app may hold the only ID token it was given for months, and keys go.
        hint = verify_id_token_hint(parameters["id_token_hint"], request.issuer, server.registry.signing_keys())
    client_id = parameters.get("client_id", hint.client_id if hint else None)
    if hint is not None and client_id != hint.client_id:
        raise InvalidRequest("The client_id is not the one that the id_token_hint was issued to.")
    client = server.registry.find_client(client_id) if client_id else None
    if len(parameters.get("state", "").encode()) > _LONGEST_STATE:
        raise InvalidRequest(f"A state has at most {_LONGEST_STATE} bytes.")
    back = parameters.get("post_logout_redirect_uri")
    if client is None and hint is None and "id_token_hint" in parameters:
        back = None  # whose address it would be, the hint can say no more: the end-user can sign out all the same
    if back is not None:
        is_native = client is not None and client.application_type == "native"
        if client is None or not is_registered(back, client.post_logout_redirect_uris, is_native=is_native):
            raise InvalidRequest(
                "This post_logout_redirect_uri is not registered for the client.",
                detail=f"post_logout_redirect_uri not registered, of host {host_for_log(back)}",
                client_id=client.client_id if client else "",
            )
        back = add_to_query(back, {"state": parameters.get("state")})
    carried = {name: parameters[name] for name in _CARRIED if name in parameters}
    # What is of nobody may be of any length.
    for name, known in (("client_id", client), ("id_token_hint", hint), ("post_logout_redirect_uri", back)):
        if known is None:
            carried.pop(name, None)
    return _LogoutRequest(hint, client, back, carried)


def _end(asked: _LogoutRequest, session: Session, request: Request, server: Server) -> Response:
    end_session(server, session, server.clock(), "logout")
    return _go_back(asked, request, server)


def _go_back(asked: _LogoutRequest, request: Request, server: Server) -> Response:
    response = redirect(asked.back) if asked.back else _page(pages.signed_out())
    # A cookie that stayed at home is not ours to end: its session lives, and so would its grants, out of reach.
    has_cookie = server.cookies.session in request.cookies
    return response.with_cookies(server.cookies.end_session()) if has_cookie else response


def _ask(asked: _LogoutRequest, token: str) -> Response:
    html = pages.sign_out(
        action="/logout",
        csrf_token=token,
        client_name=asked.client.client_name if asked.client else None,
        hidden=asked.carried,
    )
    targets = ["'self'"]
    if asked.back:
        targets.append(pages.form_action_source(asked.back))
    return page(200, html, pages.content_security_policy(targets))


def _page(html: str) -> Response:
    return page(200, html, pages.content_security_policy(("'none'",)))


handler = endpoint(logout, "GET", "POST", server=SERVER, refuse=refuse_as_page)
