"""The client credentials grant (RFC 6749 §4.4): an access token for the client itself."""

from valet.errors import InvalidScope, UnauthorizedClient
from valet.grant_types.request import Ports, TokenRequest
from valet.models.grants import Tokens
from valet.protocol.scope import OFFLINE_ACCESS, OPENID, audience, requested_scope, the_scopes
from valet.tokens import access_token
from valet.tokens.issuance import Issuance
from valet.tokens.jws import current_signer


def redeem(request: TokenRequest, ports: Ports) -> Tokens:
    client, now = request.client, request.now
    if not client.is_confidential:
        raise UnauthorizedClient("A public client has no credentials (RFC 6749 section 4.4).")
    known = ports.registry.scopes()
    scope = requested_scope(request.form, client, known)
    of_people = [name for name in (OPENID, OFFLINE_ACCESS) if name in scope]
    if of_people:
        why = f"{the_scopes(of_people)} for end-users, and grant_type=client_credentials has none."
        raise InvalidScope(why, names=of_people)
    issuance = Issuance(request.issuer, now, ports.random, current_signer(ports.registry, ports.signers), request.jkt)
    exp = int(now) + access_token.lifetime(scope, known, ports.settings)
    token = access_token.sign_for_client(
        issuance,
        client,
        scope,
        audience(scope, known, request.issuer),
        ports.status_indices.allot(client.client_id, exp, client.epoch),
    )
    request.one_use.spend()
    ports.audit.record(
        "token.issued", client_id=client.client_id, grant_type="client_credentials", scope=" ".join(scope)
    )
    return Tokens(access_token=token, expires_in=exp - int(now), scope=scope)
