"""POST /par: keep an authorization request that its client sends itself, before a browser brings it (RFC 9126)."""

from valet.client_authentication import authentication, sender
from valet.client_authentication.one_use import OneUse
from valet.endpoint import endpoint
from valet.errors import InvalidDpopProof, InvalidRequest, OAuthError, TooLarge
from valet.front_channel.pushed_requests import push
from valet.frozen import replace
from valet.http import Parameters, Request, Response, json_response
from valet.models.clients import Client
from valet.models.once import Sender
from valet.models.saved_requests import AuthorizationRequest
from valet.protocol import cors
from valet.protocol.authorization_request import destination_for, parse_authorization_request
from valet.refusals import record_names
from valet.server import SERVER, Server
from valet.tokens.id_token_hint import with_hinted_sub

# Bytes of a request. Anybody can pass for a public client, and each request is kept for a while.
_LARGEST, _LARGEST_OF_PUBLIC = 16 * 1024, 4 * 1024


def par(request: Request, server: Server) -> Response:
    form, now = authentication.form_of(request), server.clock()
    if request.query_string:
        raise InvalidRequest("Send every parameter in the request's body: this endpoint takes no query.")
    authenticated = authentication.authenticate(request, form, server)
    client = authenticated.client
    cors.check_origin(request, client)
    _check(request, form, client)
    proven = sender.prove(request, client, server, now)
    one_use = OneUse(authenticated.assertion or proven.proof, server, client.client_id)
    try:
        asked = _pushed(_asked(request, form, client, server), proven)
        one_use.spend()
    except OAuthError as error:
        record_names(error, client, server)
        error.headers |= proven.headers
        raise
    request_uri = push(server, asked, now)
    server.audit.record("request.pushed", client_id=client.client_id)
    members = {"request_uri": request_uri, "expires_in": server.settings.pushed_request_lifetime}
    return json_response(201, members).with_headers({**cors.allow(request, client.origins), **proven.headers})


def _asked(request: Request, form: Parameters, client: Client, server: Server) -> AuthorizationRequest:
    """The two phases of /authorize. Their errors are the client's to read here, and nothing is redirected."""
    destination = destination_for(client, form, request.issuer)
    asked = parse_authorization_request(form, destination, server)
    return with_hinted_sub(asked, form, request.issuer, server.registry)


def _pushed(asked: AuthorizationRequest, proven: Sender) -> AuthorizationRequest:
    """The request as one that was pushed, whose code only the key of the proof redeems (RFC 9449 §10.1). Raises
    InvalidDpopProof.
    """
    if not proven.jkt:
        return replace(asked, is_pushed=True)
    if asked.dpop_jkt not in ("", proven.jkt):
        raise InvalidDpopProof("The dpop_jkt is not the thumbprint of the key that signed the DPoP proof.")
    return replace(asked, dpop_jkt=proven.jkt, is_pushed=True)


def _check(request: Request, form: Parameters, client: Client) -> None:
    """Raises TooLarge, and InvalidRequest for what a pushed request has to have and what it cannot have (§2.1)."""
    if len(request.body) > (_LARGEST if client.is_confidential else _LARGEST_OF_PUBLIC):
        raise TooLarge("The request is too large.")
    if "request_uri" in form:
        raise InvalidRequest("A pushed request has no request_uri: send the parameters themselves.")
    form.require("client_id")  # also where the client authenticates by another parameter or a header


SERVER.prepare()
handler = endpoint(par, "POST", server=SERVER, readable_by="registered origins")
