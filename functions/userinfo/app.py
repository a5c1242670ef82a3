"""GET, POST /userinfo: claims about the end-user (OpenID Connect Core §5.3)."""

from valet.endpoint import endpoint
from valet.errors import InsufficientScope, InvalidToken
from valet.http import NO_STORE, Request, Response, json_response
from valet.introspection import find_active, read_access_token
from valet.models.once import OneTimeValue
from valet.protocol import cors, presented_token
from valet.protocol.claims import for_userinfo
from valet.protocol.presented_token import PresentedToken
from valet.protocol.scope import OPENID
from valet.refusals import refuse_with_challenge
from valet.server import SERVER, Server
from valet.tokens.verify import Verified


def userinfo(request: Request, server: Server) -> Response:
    presented = presented_token.find_token(request)
    if presented is None:
        challenge = presented_token.challenge()
        return Response(401, {**NO_STORE, **challenge, **cors.allow(request, _origins(request, server))})
    verified = read_access_token(presented.token, request.issuer, server)
    client = server.registry.find_client(verified.client_id) if verified else None
    if verified is None or client is None:
        raise _refusal()
    cors.check_origin(request, client)
    if client.is_fapi2 and "cnf" not in verified.claims:
        # It was issued before the client had this profile (FAPI 2.0 Security Profile §5.3.4).
        raise InvalidToken("This client uses only access tokens that are bound to a key.")
    proof = _proof(request, presented, verified, server)
    audience = verified.claims["aud"]
    if OPENID not in verified.scope or request.issuer not in ([audience] if isinstance(audience, str) else audience):
        raise InsufficientScope("The access token has no scope openid.")
    found = find_active(verified, server)
    if found is None:
        raise _refusal()
    grant, account = found
    claims = for_userinfo(account, grant, verified.scope, client, server.registry.scopes)
    if proof is not None:
        from valet.client_authentication.one_use import OneUse

        OneUse(proof, server, client.client_id).spend()
    headers = {**NO_STORE, **cors.allow(request, cors.origins_for(request, client))}
    return json_response(200, {**claims, "sub": account.sub}, headers)


def _proof(request: Request, presented: PresentedToken, verified: Verified, server: Server) -> OneTimeValue | None:
    """What a request with a bound token has to spend; None for a bearer token (RFC 9449 §7.1, §7.2)."""
    if presented.is_dpop:
        # Few tokens are bound: the module that verifies proofs is imported for those only.
        from valet.protocol import dpop

        return dpop.prove_token(request, presented.token, verified.claims.get("cnf"), server.clock())
    if "cnf" in verified.claims:
        raise InvalidToken("The access token is bound to a key: present it by the scheme DPoP, with a proof.")
    return None


def _origins(request: Request, server: Server) -> frozenset[str]:
    return server.registry.origins() if request.origin else frozenset()


def _refusal() -> InvalidToken:
    return InvalidToken("The access token is expired, revoked, malformed, or not for this endpoint.")


SERVER.prepare()
handler = endpoint(
    userinfo, "GET", "POST", server=SERVER, refuse=refuse_with_challenge, readable_by="registered origins"
)
