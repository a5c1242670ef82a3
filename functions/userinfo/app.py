"""GET, POST /userinfo: claims about the end-user (OpenID Connect Core §5.3)."""

from valet.endpoint import endpoint
from valet.errors import InsufficientScope, InvalidToken
from valet.http import NO_STORE, Request, Response, json_response
from valet.introspection import find_active
from valet.protocol import bearer, cors
from valet.protocol.claims import for_userinfo
from valet.protocol.scope import OPENID
from valet.refusals import refuse_with_challenge
from valet.server import SERVER, Server
from valet.tokens.verify import verify_access_token


def userinfo(request: Request, server: Server) -> Response:
    token = bearer.find_token(request)
    if token is None:
        return Response(401, {**NO_STORE, **bearer.challenge(), **cors.allow(request, _origins(request, server))})
    verified = verify_access_token(token, request.issuer, server.registry.signing_keys(), server.clock())
    client = server.registry.find_client(verified.client_id) if verified else None
    if verified is None or client is None:
        raise _refusal()
    cors.check_origin(request, client)
    audience = verified.claims["aud"]
    if OPENID not in verified.scope or request.issuer not in ([audience] if isinstance(audience, str) else audience):
        raise InsufficientScope("The access token has no scope openid.")
    found = find_active(verified, server)
    if found is None:
        raise _refusal()
    grant, account = found
    claims = for_userinfo(account, grant, verified.scope, client, server.registry.scopes)
    headers = {**NO_STORE, **cors.allow(request, client.origins)}
    return json_response(200, {**claims, "sub": account.sub}, headers)


def _origins(request: Request, server: Server) -> frozenset[str]:
    return server.registry.origins() if request.origin else frozenset()


def _refusal() -> InvalidToken:
    return InvalidToken("The access token is expired, revoked, malformed, or not for this endpoint.")


SERVER.prepare()
handler = endpoint(
    userinfo, "GET", "POST", server=SERVER, refuse=refuse_with_challenge, readable_by="registered origins"
)
