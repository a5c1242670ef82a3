"""Another provider's ID token, verified (OpenID Connect Core §3.1.3.7, RFC 8725 §3)."""

from collections.abc import Callable, Mapping
from hmac import compare_digest

from valet.errors import UpstreamRefused
from valet.jose import signed
from valet.jose.signed import Refused
from valet.models.providers import Provider
from valet.outbound.providers import exchange as exchanging
from valet.outbound.providers.exchange import Exchange
from valet.outbound.providers.keys import KEYS

Claims = Mapping[str, object]

LONGEST = 32_768  # characters: a token may name two hundred groups
OLDEST = 600  # seconds since `iat`: it was issued for a request, and none is older
AHEAD = 60  # seconds that the provider's clock may be ahead
LONGEST_SUB = 255  # characters of ASCII (§2)
# The type of an access token, a logout token or a proof is another one, so none of them passes for an ID token.
_TYPES = frozenset((None, "jwt"))


def verified(
    provider: Provider, told: Mapping[str, object], exchange: Exchange, issuer_of: Callable[[Claims], str]
) -> Claims:
    """The claims of the ID token in an answer of the token endpoint.

    `issuer_of` says what `iss` has to be, where that depends on the claims; it may raise UpstreamRefused.

    Raises UpstreamRefused, and TemporarilyUnavailable if the keys are out of reach.
    """
    token = exchanging.text(told, "id_token", "the token endpoint")
    try:
        unverified = signed.read(token, _TYPES, provider.algs, longest=LONGEST)
        claims = unverified.claims
        if claims.get("iss") != issuer_of(claims):
            raise Refused("another iss")
        _check_audience(claims, provider.client_id)
        signed.verify(unverified, KEYS.of(provider, unverified.header.kid, exchange))
        _check_times(claims, exchange.now)
    except Refused as refused:
        raise UpstreamRefused(f"ID token: {refused}") from None
    nonce = claims.get("nonce")
    if not isinstance(nonce, str) or not compare_digest(nonce.encode(), exchange.nonce.encode()):
        raise UpstreamRefused("ID token: another nonce")
    if not is_subject(claims.get("sub")):
        raise UpstreamRefused("ID token: sub is not 1 to 255 visible ASCII characters")
    return claims


def is_subject(sub: object) -> bool:
    return isinstance(sub, str) and 0 < len(sub) <= LONGEST_SUB and sub.isascii() and sub.isprintable()


def _check_audience(claims: Claims, client_id: str) -> None:
    # §3.1.3.7, 3: a token for other audiences too is refused, because no other one is trusted.
    if claims.get("aud") not in (client_id, [client_id]):
        raise Refused("another aud")
    if claims.get("azp", client_id) != client_id:
        raise Refused("another azp")


def _check_times(claims: Claims, now: float) -> None:
    expires_at, issued_at = signed.time_of(claims, "exp"), signed.time_of(claims, "iat")
    if expires_at is None or issued_at is None:
        raise Refused("exp or iat is missing")
    if expires_at <= now:
        raise Refused("expired")
    if not now - OLDEST <= issued_at <= now + AHEAD:
        raise Refused("iat is not of this moment")
    for name in ("nbf", "auth_time"):
        if (signed.time_of(claims, name) or 0) > now + AHEAD:
            raise Refused(f"{name} is ahead")
