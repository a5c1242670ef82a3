"""ID tokens (OpenID Connect Core §2)."""

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass

from valet.handles import base64url
from valet.models import Grant, SigningKey
from valet.ports import Signer
from valet.tokens import jws

TYPE = "jwt"


@dataclass(frozen=True, slots=True)
class Hint:
    """What an id_token_hint says; it may be long over (OpenID Connect RP-Initiated Logout §2)."""

    sub: str
    sid: str | None
    client_id: str


def sign(
    grant: Grant, access_token: str, *, issuer: str, now: float, lifetime: int, signer: Signer, with_nonce: bool = True
) -> str:
    """The ID token that goes with `access_token`; a refreshed one has no nonce (§12.2)."""
    claims: dict[str, object] = {
        "iss": issuer,
        "sub": grant.sub,
        "aud": grant.client_id,
        "iat": int(now),
        "exp": int(now) + lifetime,
        "auth_time": grant.auth_time,
        "acr": grant.acr,
        "amr": list(grant.amr),
        "sid": grant.sid,
        "at_hash": at_hash(access_token),
    }
    if grant.nonce is not None and with_nonce:
        claims["nonce"] = grant.nonce
    return jws.sign(claims, "JWT", signer)


def at_hash(access_token: str) -> str:
    """The left half of the access token's SHA-256 (§3.1.3.6); all our algorithms hash with SHA-256."""
    return base64url(hashlib.sha256(access_token.encode()).digest()[:16])


def verify_hint(token: str, issuer: str, keys: Sequence[SigningKey]) -> Hint | None:
    """What an ID token of ours says, expired or not; None for anything else."""
    claims = jws.verify(token, TYPE, issuer, keys, now=None)
    if claims is None or not isinstance(claims["aud"], str):
        return None
    return Hint(claims["sub"], claims.get("sid"), claims["aud"])
