"""The tokens that a grant gets: whether the grant is still good, and the claims that are signed for it."""

from collections.abc import Sequence

from valet.errors import InvalidScope
from valet.frozen import replace
from valet.grant_types.request import Ports, TokenRequest
from valet.models.accounts import Account
from valet.models.grants import Grant, LiveToken, Tokens
from valet.protocol import claims
from valet.protocol.scope import OPENID, audience, the_scopes
from valet.tokens import access_token, id_token
from valet.tokens.issuance import Issuance
from valet.tokens.jws import current_signer


def sign_tokens(
    request: TokenRequest,
    ports: Ports,
    grant: Grant,
    account: Account,
    scope: Sequence[str],
    live: LiveToken,
    *,
    is_first: bool,
) -> Tokens:
    """The access token of one generation, and its ID token if it has one. Raises InvalidScope.

    Every answer for the generation, retries too, uses the same index and `exp`. A refresh gives an ID token only to
    clients that are registered for it, without the nonce of the authorization request (OpenID Connect Core §12.2).
    """
    known = ports.registry.scopes()
    issuance = Issuance(
        request.issuer, request.now, ports.random, current_signer(ports.registry, ports.signers), request.jkt
    )
    allowed = [aud for aud in audience(scope, known, request.issuer) if aud in (*grant.aud, request.issuer)]
    if not allowed:
        raise nothing_left(scope)
    token = access_token.sign_for_user(issuance, grant, account, scope, allowed, known, live)
    tokens = Tokens(access_token=token, expires_in=max(0, live.exp - int(request.now)), scope=tuple(scope))
    if OPENID not in scope or not (is_first or request.client.id_token_on_refresh):
        return tokens
    about_user = claims.for_id_token(account, grant, scope, request.client, ports.registry.scopes)
    lifetime = ports.settings.id_token_lifetime
    signed = id_token.sign(issuance, grant, token, about_user, lifetime=lifetime, with_nonce=is_first)
    return replace(tokens, id_token=signed)


def nothing_left(scope: Sequence[str]) -> InvalidScope:
    """The refusal of a scope that was granted, after an operator took it from the client or from its API."""
    return InvalidScope(f"{the_scopes(scope)} no longer available to this client.", names=scope)


def ends_at(grant: Grant, live: Sequence[LiveToken]) -> int:
    """DynamoDB's TTL: one day after the last moment at which the grant can matter."""
    return max(grant.absolute_expires_at, *(token.exp for token in live)) + 86_400
