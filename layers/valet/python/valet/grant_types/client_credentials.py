"""The client credentials grant (RFC 6749 §4.4): an access token for the client itself."""

from valet.errors import InvalidScope, InvalidTarget, UnauthorizedClient, quoted
from valet.grant_types.request import Ports, TokenRequest
from valet.models.grants import Tokens
from valet.protocol.resource import for_one, requested
from valet.protocol.scope import OFFLINE_ACCESS, OPENID, audience, the_scopes
from valet.tokens import access_token
from valet.tokens.issuance import Issuance
from valet.tokens.jws import current_signer


def redeem(request: TokenRequest, ports: Ports) -> Tokens:
    client, now = request.client, request.now
    if not client.is_confidential:
        raise UnauthorizedClient("A public client has no credentials (RFC 6749 section 4.4).")
    known = ports.registry.scopes()
    scope, resource = requested(request.form, client, known)
    if len(resource) > 1:
        why = f"An access token is for one API: name one by resource, of {quoted(*resource)}."
        raise InvalidTarget(why, resources=resource)
    of_people = [name for name in (OPENID, OFFLINE_ACCESS) if name in scope]
    if of_people:
        why = f"{the_scopes(of_people)} for end-users, and grant_type=client_credentials has none."
        raise InvalidScope(why, names=of_people)
    if resource:
        scope, known = for_one(resource[0], scope, known)
    aud = audience(scope, known, request.issuer)
    alg = access_token.signing_alg(aud, known)
    signer = current_signer(ports.registry, ports.signers, alg, is_fapi2=client.is_fapi2)
    issuance = Issuance(request.issuer, now, ports.random, signer, request.jkt)
    exp = int(now) + access_token.lifetime(scope, known, ports.settings)
    live = ports.status_indices.allot(client.client_id, exp, client.epoch)
    claims = access_token.claims_for_client(issuance, client, scope, aud, live)
    token, kept = access_token.issue(claims, issuance, aud, known)
    access_token.keep(kept, ports)
    request.one_use.spend()
    ports.audit.record(
        "token.issued", client_id=client.client_id, grant_type="client_credentials", scope=" ".join(scope)
    )
    return Tokens(access_token=token, expires_in=exp - int(now), scope=scope)
