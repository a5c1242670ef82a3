"""POST /token: exchange a grant for tokens (RFC 6749 §3.2)."""

from valet import grant_types
from valet.client_authentication import authentication, sender
from valet.client_authentication.one_use import OneUse
from valet.endpoint import endpoint
from valet.errors import OAuthError
from valet.grant_types.request import TokenRequest
from valet.http import Request, Response
from valet.protocol import cors
from valet.refusals import record_names
from valet.server import SERVER, Server
from valet.tokens.response import token_response


def token(request: Request, server: Server) -> Response:
    form, now = authentication.form_of(request), server.clock()
    authenticated = authentication.authenticate(request, server.freshened(form, request), server)
    client = authenticated.client
    cors.check_origin(request, client)
    redeem = grant_types.named(form.require("grant_type"), client, server.settings)
    proven = sender.prove(request, client, server, now)
    if client.dpop_bound_access_tokens and not proven.jkt:
        raise sender.unproven(client)
    exchange = TokenRequest(
        client,
        form,
        request.issuer,
        now,
        # A proof cannot come again without another assertion, so one of them is enough.
        OneUse(authenticated.assertion or proven.proof, server, client.client_id),
        jkt=proven.jkt,
        source_ip=request.source_ip,
        user_agent=request.headers.get("user-agent", ""),
    )
    try:
        tokens = redeem(exchange, server)
    except OAuthError as error:
        record_names(error, client, server)
        error.headers |= proven.headers
        raise
    if client.is_unknown:
        from valet.grant_types.unknown_clients import keep

        keep(client, server, now)
    response = token_response(tokens, is_bound=bool(proven.jkt))
    return response.with_headers({**cors.allow(request, cors.origins_for(request, client)), **proven.headers})


SERVER.prepare("signatures")
handler = endpoint(token, "POST", server=SERVER, readable_by="registered origins", starts_ahead=True)
