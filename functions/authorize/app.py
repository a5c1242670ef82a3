"""GET, POST /authorize: begin or go on with an authorization request (RFC 6749 §4.1.1, OpenID Connect Core §3.1.2).

Login and consent lead back here with the handle of the saved request, so that what comes next is decided in one place.
"""

from valet.endpoint import endpoint, refused_to
from valet.errors import OAuthError
from valet.front_channel.progress import find_to_go_on, go_on
from valet.front_channel.steps import to_get
from valet.http import Parameters, Request, Response
from valet.protocol.authorization_request import (
    destination_of,
    find_client,
    find_destination,
    not_pushed,
    parse_authorization_request,
    pushed_request_uri,
)
from valet.refusals import record_names, refuse_as_page
from valet.server import SERVER, Server
from valet.tokens.id_token_hint import with_hinted_sub


def authorize(request: Request, server: Server) -> Response:
    # A malformed parameter is reported to the client, once the client is known (RFC 6749 §4.1.2.1).
    parameters = (request.form if request.method == "POST" else request.query)(tolerates_malformed=True)
    if request.method != "POST" and "client_id" not in parameters and "resume" in parameters:
        return _resume(request, parameters["resume"], parameters.get("by", ""), server)
    if (request_uri := pushed_request_uri(parameters)) is not None:
        return _visit(request, parameters, request_uri, server)
    destination = find_destination(server.freshened(parameters, request), server.registry, request.issuer)
    try:
        if destination.client.require_pushed_authorization_requests:
            raise not_pushed(destination.client)
        asked = parse_authorization_request(parameters, destination, server)
        asked = with_hinted_sub(asked, parameters, request.issuer, server.registry)
        if request.method == "POST":
            return to_get(server, asked, request.issuer, server.clock())
        return go_on(server, request, asked, None, destination, server.clock())
    except OAuthError as error:
        record_names(error, destination.client, server)
        return refused_to(destination, error)


def _resume(request: Request, handle: str, proven_by: str, server: Server) -> Response:
    """Go on after a sign-in, with a request that came by POST, or anew with one whose pages were open for too long."""
    now = server.clock()
    saved, is_bound, opened = find_to_go_on(server, request, handle, proven_by, now)
    for left in opened.left if opened else ():
        from valet.revocation import end_grants  # people seldom share a computer

        # If this fails, the browser must not get its new session: its former one still names the grants to end.
        end_grants(server, left, now, "other_sign_in")
    destination = None
    try:
        destination = destination_of(saved.request, server.registry, request.issuer)
        return go_on(server, request, saved.request, saved if is_bound else None, destination, now, opened)
    except OAuthError as error:
        error.cookies = (opened.cookie,) if opened else ()  # whatever becomes of it, the end-user has signed in
        return refused_to(destination, error)


def _visit(request: Request, parameters: Parameters, request_uri: str, server: Server) -> Response:
    """Begin a request that the client has pushed. Every other parameter is ignored (RFC 9126 §4)."""
    from valet.front_channel.pushed_requests import copy_for_browser, find_pushed, pushed_to_get  # few clients push

    client, now = find_client(parameters, server.registry), server.clock()
    if request.method == "POST":
        return pushed_to_get(client, request_uri, request.issuer)
    pushed = find_pushed(server, request_uri, client, now)
    destination = destination_of(pushed.request, server.registry, request.issuer)
    saved, cookies = copy_for_browser(server, pushed, request, now)
    try:
        return go_on(server, request, saved.request, saved, destination, now).with_cookies(*cookies)
    except OAuthError as error:
        return refused_to(destination, error)


SERVER.prepare()
handler = endpoint(authorize, "GET", "POST", server=SERVER, refuse=refuse_as_page)
