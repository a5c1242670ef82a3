"""GET, POST /authorize: begin or go on with an authorization request (RFC 6749 §4.1.1, OpenID Connect Core §3.1.2).

Login and consent lead back here with the handle of the saved request, so that what comes next is decided in one place.
"""

from valet.endpoint import endpoint, refused_to
from valet.errors import InvalidScope, LoginRequired, OAuthError
from valet.front_channel.progress import begun_anew, go_on
from valet.front_channel.saved_requests import RequestTooOld, find_to_resume
from valet.front_channel.steps import to_get
from valet.frozen import replace
from valet.http import Parameters, Request, Response
from valet.protocol.authorization_request import destination_of, find_destination, parse_authorization_request
from valet.refusals import refuse_as_page
from valet.server import SERVER, Server


def authorize(request: Request, server: Server) -> Response:
    # A malformed parameter is reported to the client, once the client is known (RFC 6749 §4.1.2.1).
    read = request.form if request.method == "POST" else request.query
    parameters = read(tolerates_malformed=True)
    if request.method != "POST" and "client_id" not in parameters and "resume" in parameters:
        return _resume(request, parameters["resume"], server)
    destination = find_destination(parameters, server.registry, request.issuer)
    try:
        asked = parse_authorization_request(parameters, destination, server.registry.scopes())
        asked = replace(asked, hinted_sub=_hinted_sub(parameters, asked.prompt, request.issuer, server))
        if request.method == "POST":
            return to_get(server, asked, request.issuer, server.clock())
        return go_on(server, request, asked, None, destination, server.clock())
    except InvalidScope as error:
        server.audit.record("scope.refused", client_id=destination.client.client_id, scope=error.scope)
        return destination.refuse(error)
    except OAuthError as error:
        return refused_to(destination, error)


def _resume(request: Request, handle: str, server: Server) -> Response:
    """Go on after a login, with a request that came by POST, or anew with one whose pages were open for too long."""
    try:
        saved, is_bound = find_to_resume(handle, request, server.cookies, server.saved_requests, server.clock())
    except RequestTooOld as error:
        saved, is_bound = begun_anew(server, error.saved, server.clock()), True
    destination = destination_of(saved.request, server.registry, request.issuer)
    try:
        return go_on(server, request, saved.request, saved if is_bound else None, destination, server.clock())
    except OAuthError as error:
        return refused_to(destination, error)


def _hinted_sub(parameters: Parameters, prompt: frozenset[str], issuer: str, server: Server) -> str | None:
    """The end-user that the client expects (OpenID Connect Core §3.1.2.1).

    A hint that does not verify counts as none: signing keys are dropped, and a client may hold an ID token for months.
    With prompt=none the client is told that the end-user has to sign in: it is no longer known which end-user it means.
    """
    if "id_token_hint" not in parameters:
        return None
    # Few clients send a hint: PyJWT is imported for those only (see tokens/verify.py).
    from valet.tokens.verify import verify_id_token_hint

    hint = verify_id_token_hint(parameters["id_token_hint"], issuer, server.registry.signing_keys())
    if hint is None and "none" in prompt:
        raise LoginRequired("The id_token_hint is not an ID token of this server, or no longer.")
    return hint.sub if hint else None


SERVER.prepare()
handler = endpoint(authorize, "GET", "POST", server=SERVER, refuse=refuse_as_page)
