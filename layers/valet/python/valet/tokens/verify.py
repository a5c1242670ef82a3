"""Reading Valet's own tokens when they come back (RFC 7515 §5.2, RFC 7519 §7.2), through PyJWT.

It is separate from the signing side: importing PyJWT takes a tenth of a cold start, and most requests bring no token of
ours.
"""

from collections.abc import Mapping, Sequence
from functools import lru_cache
from typing import Any

import jwt

from valet.frozen import Frozen
from valet.keys.ring import published_keys
from valet.models.grants import LiveToken
from valet.models.keys import SigningKey
from valet.models.sessions import Hint
from valet.tokens import access_token, id_token


class Verified(Frozen):
    """A verified access token of this issuer."""

    sub: str
    client_id: str
    scope: frozenset[str]
    grant_id: str | None  # None: client_credentials
    issued_at_ms: int
    live: LiveToken
    claims: Mapping[str, Any]


def verify_access_token(token: str, issuer: str, keys: Sequence[SigningKey], now: float) -> Verified | None:
    """The token's content, if it is an access token of this issuer and has not expired; else None."""
    claims = _verify(token, access_token.TYPE, issuer, keys)
    return verified(claims) if claims is not None and now < claims["exp"] else None


def verified(claims: Mapping[str, Any]) -> Verified:
    """An access token of ours, by its claims."""
    status = claims["status"]["status_list"]
    return Verified(
        sub=claims["sub"],
        client_id=claims["client_id"],
        scope=frozenset(claims["scope"].split()),
        grant_id=claims.get("grant_id"),
        issued_at_ms=claims["iat"] * 1000,
        live=LiveToken(claims["exp"], status["uri"].rpartition("/")[2], status["idx"]),
        claims=claims,
    )


def verify_id_token_hint(token: str, issuer: str, keys: Sequence[SigningKey]) -> Hint | None:
    """The content of an ID token of this issuer, expired or not; None for anything else."""
    claims = _verify(token, id_token.TYPE, issuer, keys)
    if claims is None or not isinstance(claims["aud"], str):
        return None
    return Hint(claims["sub"], claims.get("sid"), claims["aud"])


def _verify(token: str, typ: str, issuer: str, keys: Sequence[SigningKey]) -> Mapping[str, Any] | None:
    """The claims of a token of ours, over or not; None for another type, issuer or key, and for a bad signature."""
    try:
        header = jwt.get_unverified_header(token)
        key = next((key for key in published_keys(keys) if key.kid == header.get("kid")), None)
        # The key says which algorithm; the header may only agree (RFC 8725 §3.1).
        if key is None or header.get("alg") != key.alg or not _is_typed(header, typ):
            return None
        claims: dict[str, Any] = jwt.decode(
            token,
            _public_key(frozenset(key.public_jwk.items()), key.alg),
            algorithms=[key.alg],
            issuer=issuer,
            options={
                "verify_aud": False,  # the caller compares it with its own audience
                "verify_exp": False,  # the caller compares it: PyJWT has no clock but its own
                "verify_iat": False,
                "verify_nbf": False,
                "require": ["iss", "sub", "aud", "exp", "iat"],
            },
        )
    except (jwt.PyJWTError, ValueError, TypeError):
        return None
    return claims


def _is_typed(header: Mapping[str, Any], typ: str) -> bool:
    """Media types are compared without regard to case, and may leave `application/` out (RFC 7515 §4.1.9)."""
    return str(header.get("typ")).lower() in (typ.lower(), f"application/{typ}".lower())


@lru_cache(maxsize=16)
def _public_key(members: frozenset[tuple[str, str]], alg: str) -> jwt.PyJWK:
    return jwt.PyJWK(dict(members), algorithm=alg)
