"""GET, POST /logout: end the browser session and the grants that live by it (OpenID Connect RP-Initiated Logout)."""

from valet.endpoint import endpoint
from valet.front_channel.logout import check_logout_form, logout_page, signed_out, still_signed_in, to_get
from valet.handles import digest
from valet.http import Parameters, Request, Response
from valet.models.sessions import Hint
from valet.people.cookies import session_secret
from valet.people.sessions import replaced_by
from valet.protocol.logout_request import parse_logout_request
from valet.refusals import refuse_as_page
from valet.server import SERVER, Server
from valet.sign_outs import end_session
from valet.tokens.verify import verify_id_token_hint


def logout(request: Request, server: Server) -> Response:
    parameters = request.form() if request.method == "POST" else request.query()
    asked = parse_logout_request(parameters, _find_hint(parameters, request.issuer, server), server.registry)
    secret = session_secret(request, server.cookies)
    is_our_form = request.method == "POST" and "csrf_token" in parameters and secret is not None
    if request.method == "POST" and not is_our_form:
        return to_get(asked, request.issuer)
    session = server.sessions.find_session(digest(secret)) if secret else None
    if secret is None or session is None:
        return signed_out(asked, request, server.cookies)
    if is_our_form:
        check_logout_form(parameters, asked, secret)
        if parameters.get("decision") != "allow":
            return still_signed_in()
    elif not session.ended_at and not asked.is_about(session):
        # Another site could have sent the end-user here (§6), so the end-user is asked, even if the session only idles:
        # its grants may well live.
        return logout_page(asked, secret)
    # Repeat this for a session that has ended before: the invocation that ended it may have died before its grants.
    for each in (session, *replaced_by(session, server.sessions)):
        end_session(server, each, request.issuer, server.clock(), "logout")
    return signed_out(asked, request, server.cookies)


def _find_hint(parameters: Parameters, issuer: str, server: Server) -> Hint | None:
    """What the id_token_hint says. A hint that does not verify counts as none: a client may hold the only ID token that
    it was given for months, and signing keys are dropped before that."""
    if "id_token_hint" not in parameters:
        return None
    return verify_id_token_hint(parameters["id_token_hint"], issuer, server.registry.signing_keys())


SERVER.prepare()
handler = endpoint(logout, "GET", "POST", server=SERVER, refuse=refuse_as_page)
