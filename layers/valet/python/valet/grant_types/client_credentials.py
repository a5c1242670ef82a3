"""The client credentials grant (RFC 6749 §4.4): an access token for the client itself."""

from valet.errors import InvalidScope, UnauthorizedClient
from valet.grant_types.request import Outside, TokenRequest
from valet.models.grants import Tokens
from valet.protocol.scope import OFFLINE_ACCESS, OPENID, audience, requested_scope
from valet.tokens import access_token
from valet.tokens.jws import current_signer


def redeem(request: TokenRequest, outside: Outside) -> Tokens:
    client, now = request.client, request.now
    if not client.is_confidential:
        raise UnauthorizedClient("A public client has no credentials (RFC 6749 section 4.4).")
    known = outside.registry.scopes()
    scope = requested_scope(request.form, client, known)
    if {OPENID, OFFLINE_ACCESS} & set(scope):
        raise InvalidScope("The scopes openid and offline_access need an end-user.")
    signer = current_signer(outside.registry, outside.signers)
    exp = int(now) + access_token.lifetime(scope, known, outside.settings)
    token = access_token.sign_for_client(
        client,
        scope,
        audience(scope, known, request.issuer),
        outside.status_indices.allot(client.client_id, exp, client.epoch),
        issuer=request.issuer,
        now=now,
        random=outside.random,
        signer=signer,
    )
    outside.audit.record(
        "token.issued", client_id=client.client_id, grant_type="client_credentials", scope=" ".join(scope)
    )
    return Tokens(access_token=token, expires_in=exp - int(now), scope=scope)
