"""POST /token: exchange a grant for tokens (RFC 6749 §3.2)."""

from valet.client_authentication import secret
from valet.endpoint import endpoint
from valet.errors import InvalidScope, UnauthorizedClient, UnsupportedGrantType
from valet.grant_types import authorization_code, client_credentials, refresh_token
from valet.grant_types.request import TokenRequest
from valet.http import Request, Response
from valet.protocol import cors
from valet.protocol.scope import registered_names
from valet.server import SERVER, Server
from valet.tokens.response import token_response

GRANT_TYPES = {
    "authorization_code": authorization_code.redeem,
    "client_credentials": client_credentials.redeem,
    "refresh_token": refresh_token.redeem,
}


def token(request: Request, server: Server) -> Response:
    form, now = request.form(), server.clock()
    client = secret.authenticate(request, form, server.registry)
    cors.check_origin(request, client)
    grant_type = form.require("grant_type")
    if grant_type not in GRANT_TYPES:
        raise UnsupportedGrantType("The grant_type is not one of " + ", ".join(GRANT_TYPES) + ".")
    if grant_type not in client.grant_types:
        raise UnauthorizedClient("This client is not registered for this grant_type.")
    exchange = TokenRequest(
        client, form, request.issuer, now, source_ip=request.source_ip, user_agent=request.headers.get("user-agent", "")
    )
    try:
        tokens = GRANT_TYPES[grant_type](exchange, server)
    except InvalidScope:
        asked = registered_names(form, server.registry.scopes())
        server.audit.record("scope.refused", client_id=client.client_id, scope=asked)
        raise
    return token_response(tokens).with_headers(cors.allow(request, client.origins))


handler = endpoint(token, "POST", server=SERVER, readable_by="registered origins")
