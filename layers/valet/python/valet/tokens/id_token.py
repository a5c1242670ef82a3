"""ID tokens (OpenID Connect Core §2)."""

import hashlib
from collections.abc import Mapping

from valet.handles import base64url
from valet.models.grants import Grant
from valet.tokens import jws
from valet.tokens.issuance import Issuance

TYPE = "JWT"


def sign(
    issuance: Issuance,
    grant: Grant,
    access_token: str,
    about_user: Mapping[str, object],
    *,
    lifetime: int,
    with_nonce: bool = True,
) -> str:
    """The ID token that goes with `access_token`; a refreshed one has no nonce (§12.2)."""
    claims: dict[str, object] = {
        **about_user,  # first: what the token says of itself cannot be replaced
        "iss": issuance.issuer,
        "sub": grant.sub,
        "aud": grant.client_id,
        "iat": int(issuance.now),
        "exp": int(issuance.now) + lifetime,
        "auth_time": grant.auth_time,
        **({"amr": list(grant.amr)} if grant.amr else {}),  # a provider may not say how the end-user signed in
        "sid": grant.sid,
        "at_hash": at_hash(access_token),
    }
    if grant.acr:  # a sign-in by joining with a passkey reaches no level
        claims["acr"] = grant.acr
    if grant.nonce is not None and with_nonce:
        claims["nonce"] = grant.nonce
    return jws.sign(claims, TYPE, issuance.signer)


def at_hash(access_token: str) -> str:
    """The left half of the access token's SHA-256 (§3.1.3.6); all our algorithms hash with SHA-256."""
    return base64url(hashlib.sha256(access_token.encode()).digest()[:16])
