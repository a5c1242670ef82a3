"""POST /token: exchange a grant for tokens (RFC 6749 §3.2)."""

from valet import grant_types
from valet.client_authentication import secret
from valet.client_authentication.one_use import OneUse
from valet.endpoint import endpoint
from valet.errors import InvalidScope
from valet.grant_types.request import TokenRequest
from valet.http import Request, Response
from valet.protocol import cors
from valet.server import SERVER, Server
from valet.tokens.response import token_response


def token(request: Request, server: Server) -> Response:
    form, now = secret.form_of(request), server.clock()
    client = secret.authenticate(request, form, server.registry)
    cors.check_origin(request, client)
    redeem = grant_types.named(form.require("grant_type"), client)
    exchange = TokenRequest(
        client,
        form,
        request.issuer,
        now,
        OneUse(None, server),
        source_ip=request.source_ip,
        user_agent=request.headers.get("user-agent", ""),
    )
    try:
        tokens = redeem(exchange, server)
    except InvalidScope as error:
        server.audit.record("scope.refused", client_id=client.client_id, scope=error.scope)
        raise
    return token_response(tokens).with_headers(cors.allow(request, client.origins))


SERVER.prepare("signatures")
handler = endpoint(token, "POST", server=SERVER, readable_by="registered origins", starts_ahead=True)
