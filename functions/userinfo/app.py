"""GET, POST /userinfo: claims about the end-user (OpenID Connect Core §5.3)."""

from valet.endpoint import endpoint
from valet.errors import InsufficientScope, InvalidToken
from valet.http import NO_STORE, Request, Response, json_response
from valet.introspection import find_active
from valet.models.accounts import Account
from valet.protocol import bearer, cors
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
    account = find_active(verified, server)
    if account is None:
        raise _refusal()
    return json_response(200, _claims(account, verified.scope), {**NO_STORE, **cors.allow(request, client.origins)})


def _claims(account: Account, scope: frozenset[str]) -> dict[str, object]:
    """By scope (§5.4). Always the `sub`."""
    claims: dict[str, object] = {"sub": account.sub}
    if "profile" in scope:
        claims["preferred_username"] = account.username
        if account.name:
            claims["name"] = account.name
    if "email" in scope and account.email:
        claims["email"] = account.email
        claims["email_verified"] = account.email_verified
    return claims


def _origins(request: Request, server: Server) -> frozenset[str]:
    return server.registry.origins() if request.origin else frozenset()


def _refusal() -> InvalidToken:
    return InvalidToken("The access token is expired, revoked, malformed, or not for this endpoint.")


handler = endpoint(
    userinfo, "GET", "POST", server=SERVER, refuse=refuse_with_challenge, readable_by="registered origins"
)
