"""The tokens that a grant gets: whether the grant is still good, and the claims that are signed for it."""

from collections.abc import Sequence

from valet.errors import InvalidScope
from valet.frozen import replace
from valet.grant_types.request import Ports, TokenRequest
from valet.models.accounts import Account
from valet.models.clients import Client, Scopes
from valet.models.grants import Grant, LiveToken, Tokens
from valet.protocol import claims
from valet.protocol.scope import OPENID, audience, the_scopes
from valet.tokens import access_token, id_token
from valet.tokens.issuance import Issuance
from valet.tokens.jws import current_signer


def picks_no_api(resource: Sequence[str], grant: Grant) -> bool:
    """Whether the request names an API by `resource`, or has to, and picks none of the grant's."""
    if not (resource or grant.resources):
        return False
    # Few clients name a resource: the module is imported for those only.
    from valet.protocol.resource import picked

    return picked(resource, grant) is None


def for_one_api(
    resource: Sequence[str], grant: Grant, scope: Sequence[str], known: Scopes, client: Client
) -> tuple[Sequence[str], Scopes]:
    """The scope of the access token, and the registered scopes that its audience, lifetime and roles follow.

    Where the request names an API of the grant by `resource`, or has to, they are that API's and the issuer's alone. So
    they are for a client that no operator registered, whose grant is for one API. Raises InvalidScope if the scope has
    nothing of that API.
    """
    if not (resource or grant.resources or client.is_unknown):
        return scope, known
    from valet.protocol.resource import for_one, picked

    return for_one(picked(resource, grant) or "", scope, known)


def sign_tokens(
    request: TokenRequest,
    ports: Ports,
    grant: Grant,
    account: Account,
    scope: Sequence[str],
    known: Scopes,
    live: LiveToken,
    *,
    is_first: bool,
) -> Tokens:
    """The access token of one generation, and its ID token if it has one. Raises InvalidScope. `scope` and `known` are
    as `for_one_api` answers them.

    Every answer for the generation, retries too, uses the same index and `exp`. A refresh gives an ID token only to
    clients that are registered for it, without the nonce of the authorization request (OpenID Connect Core §12.2).
    """
    allowed = [
        aud for aud in audience(scope, known, request.issuer) if aud in (*grant.aud, *grant.resources, request.issuer)
    ]
    if not allowed:
        raise nothing_left(scope)
    gives_id_token = OPENID in scope and (is_first or request.client.id_token_on_refresh)
    alg = access_token.signing_alg(allowed, known)
    id_token_alg = request.client.id_token_signed_response_alg if gives_id_token else alg
    # Find both signers before the first signature: KMS charges for that, and the other lane may not sign.
    is_fapi2 = request.client.is_fapi2
    signer = other = current_signer(ports.registry, ports.signers, alg, is_fapi2=is_fapi2)
    if id_token_alg != alg:
        other = current_signer(ports.registry, ports.signers, id_token_alg, is_fapi2=is_fapi2)
    issuance = Issuance(request.issuer, request.now, ports.random, signer, request.jkt)
    told = access_token.claims_for_user(issuance, grant, account, scope, allowed, known, live)
    token, kept = access_token.issue(told, issuance, allowed, known)
    tokens = Tokens(access_token=token, expires_in=max(0, live.exp - int(request.now)), scope=tuple(scope))
    if gives_id_token:
        about_user = claims.for_id_token(account, grant, scope, request.client, ports.registry.scopes)
        lifetime = ports.settings.id_token_lifetime
        if other is not signer:
            issuance = replace(issuance, signer=other)
        signed = id_token.sign(issuance, grant, token, about_user, lifetime=lifetime, with_nonce=is_first)
        tokens = replace(tokens, id_token=signed)
    access_token.keep(kept, ports)
    return tokens


def nothing_left(scope: Sequence[str]) -> InvalidScope:
    """The refusal of a scope that was granted, after an operator took it from the client or from its API."""
    return InvalidScope(f"{the_scopes(scope)} no longer available to this client.", names=scope)


def ends_at(grant: Grant, live: Sequence[LiveToken]) -> int:
    """DynamoDB's TTL: one day after the last moment at which the grant can matter."""
    return max(grant.absolute_expires_at, *(token.exp for token in live)) + 86_400
