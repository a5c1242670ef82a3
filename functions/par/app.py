"""POST /par: keep an authorization request that its client sends itself, before a browser brings it (RFC 9126)."""

from valet.client_authentication import authentication
from valet.client_authentication.one_use import OneUse
from valet.endpoint import endpoint
from valet.errors import InvalidRequest, InvalidScope, TooLarge
from valet.front_channel.pushed_requests import push
from valet.http import Parameters, Request, Response, json_response
from valet.models.clients import Client
from valet.protocol import cors
from valet.protocol.authorization_request import destination_for, parse_authorization_request
from valet.server import SERVER, Server
from valet.tokens.id_token_hint import with_hinted_sub

# Bytes of a request. Anybody can pass for a public client, and each request is kept for a while.
_LARGEST, _LARGEST_OF_PUBLIC = 16 * 1024, 4 * 1024


def par(request: Request, server: Server) -> Response:
    form, now = authentication.form_of(request), server.clock()
    if request.query_string:
        raise InvalidRequest("Send every parameter in the request's body: this endpoint takes no query.")
    authenticated = authentication.authenticate(request, form, server)
    client, one_use = authenticated.client, OneUse(authenticated.assertion, server)
    cors.check_origin(request, client)
    _check(request, form, client)
    # The two phases of /authorize. Their errors are the client's to read here, and nothing is redirected.
    destination = destination_for(client, form, request.issuer)
    try:
        asked = parse_authorization_request(form, destination, server.registry.scopes())
    except InvalidScope as error:
        server.audit.record("scope.refused", client_id=client.client_id, scope=error.scope)
        raise
    asked = with_hinted_sub(asked, form, request.issuer, server.registry)
    one_use.spend()
    request_uri = push(server, asked, now)
    server.audit.record("request.pushed", client_id=client.client_id)
    members = {"request_uri": request_uri, "expires_in": server.settings.pushed_request_lifetime}
    return json_response(201, members).with_headers(cors.allow(request, client.origins))


def _check(request: Request, form: Parameters, client: Client) -> None:
    """Raises TooLarge, and InvalidRequest for what a pushed request has to have and what it cannot have (§2.1)."""
    if len(request.body) > (_LARGEST if client.is_confidential else _LARGEST_OF_PUBLIC):
        raise TooLarge("The request is too large.")
    if "request_uri" in form:
        raise InvalidRequest("A pushed request has no request_uri: send the parameters themselves.")
    form.require("client_id")  # also where the client authenticates by another parameter or a header


SERVER.prepare("log")
handler = endpoint(par, "POST", server=SERVER, readable_by="registered origins")
