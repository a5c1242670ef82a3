"""POST /revoke: end a grant, or one access token (RFC 7009)."""

from valet.client_authentication import authentication
from valet.client_authentication.one_use import OneUse
from valet.endpoint import endpoint
from valet.handles import is_digest_of, parse_refresh_token
from valet.http import NO_STORE, Request, Response
from valet.models.clients import Client
from valet.protocol import cors
from valet.revocation import revoke as revoke_grant
from valet.server import SERVER, Server


def revoke(request: Request, server: Server) -> Response:
    form = authentication.form_of(request)
    authenticated = authentication.authenticate(request, form, server)
    client = authenticated.client
    one_use = OneUse(authenticated.assertion, server, client.client_id)
    cors.check_origin(request, client)
    token = form.require("token")
    if not _revoke_refresh_token(token, client, one_use, server):
        _revoke_access_token(token, client, one_use, request.issuer, server)
    one_use.spend()  # a token that was never good changed nothing, but the 200 is an answer
    # Answer 200 also for a token that was never good: the client can do nothing more about it (§2.2).
    return Response(200, {**NO_STORE, **cors.allow(request, cors.origins_for(request, client))})


def _revoke_refresh_token(token: str, client: Client, one_use: OneUse, server: Server) -> bool:
    """End the grant of a refresh token, current or spent; False if it is not one."""
    refresh = parse_refresh_token(token)
    if refresh is None:
        return False
    # Read first, then write: the grant's client and family secret never change. As a condition of the write they would
    # be attributes that this function's role has to allow, and so could write.
    grant = server.grants.find(refresh.grant_id)
    if grant is not None and grant.client_id == client.client_id and is_digest_of(grant.family_digest, refresh.family):
        one_use.spend()
        revoke_grant(server, grant, server.clock(), "grant.revoked", revoked_for="client")
    return True


def _revoke_access_token(token: str, client: Client, one_use: OneUse, issuer: str, server: Server) -> None:
    """Refuse one access token from now on; its grant lives."""
    # Most requests revoke a refresh token: PyJWT is imported only for the others (see tokens/verify.py).
    from valet.introspection import read_access_token

    verified = read_access_token(token, issuer, server)
    if verified is not None and verified.client_id == client.client_id:
        one_use.spend()
        server.status_lists.put_bits((verified.live,))
        server.audit.record("token.revoked", client_id=client.client_id, sub=verified.sub, jti=verified.claims["jti"])


SERVER.prepare()
handler = endpoint(revoke, "POST", server=SERVER, readable_by="registered origins")
