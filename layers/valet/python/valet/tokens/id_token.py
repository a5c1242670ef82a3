"""ID tokens (OpenID Connect Core §2)."""

import hashlib

from valet.handles import base64url
from valet.models.grants import Grant
from valet.ports.keys import Signer
from valet.tokens import jws

TYPE = "JWT"


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
    return jws.sign(claims, TYPE, signer)


def at_hash(access_token: str) -> str:
    """The left half of the access token's SHA-256 (§3.1.3.6); all our algorithms hash with SHA-256."""
    return base64url(hashlib.sha256(access_token.encode()).digest()[:16])
