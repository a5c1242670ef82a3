"""Sign in with Apple (developer.apple.com/documentation/signinwithapplerestapi).

Apple tells a person's name only once, and not in the ID token but in a form that the browser brings: it is signed by
nobody, so it is not read. An address of the private relay is an address like any other.
"""

import json
from collections.abc import Mapping

from cryptography.hazmat.primitives.asymmetric.ec import SECP256R1, EllipticCurvePrivateKey
from cryptography.hazmat.primitives.serialization import load_pem_private_key

from valet.errors import UpstreamRefused
from valet.jose.ecdsa import joined
from valet.jose.p256 import ES256
from valet.jose.public import base64url
from valet.models.providers import Identity, Provider
from valet.outbound.providers import oidc, told
from valet.outbound.providers.exchange import Exchange

_LIFETIME = 300  # seconds of a client secret; Apple takes up to six months


def parameters(asked: Mapping[str, str]) -> Mapping[str, str]:
    """Apple gives scopes only to a response that is posted."""
    return {**asked, "response_mode": "form_post" if asked["scope"] != "openid" else ""}


def redeem(provider: Provider, secret: bytes, exchange: Exchange) -> Identity:
    client_secret = client_secret_of(provider, secret, exchange.now)
    claims = oidc.claims_of(provider, client_secret, exchange, lambda _: provider.issuer)
    is_proven = claims.get("email_verified") in (True, "true")
    return told.identity(provider, claims, exchange.now, email=told.address(claims, is_proven=is_proven))


def client_secret_of(provider: Provider, private_key: bytes, now: float) -> str:
    """A client secret, which is a JWT signed by the key that Apple gave out as a .p8 file. It is kept nowhere.

    Raises UpstreamRefused.
    """
    header = {"alg": "ES256", "kid": provider.key_id}
    claims = {
        "iss": provider.team_id,
        "iat": int(now),
        "exp": int(now) + _LIFETIME,
        "aud": provider.issuer,
        "sub": provider.client_id,
    }
    signing_input = ".".join(base64url(json.dumps(part).encode()) for part in (header, claims))
    signature = joined(signing_key(private_key).sign(signing_input.encode(), ES256))
    return f"{signing_input}.{base64url(signature)}"


def signing_key(private_key: bytes) -> EllipticCurvePrivateKey:
    """The key of a .p8 file. Raises UpstreamRefused."""
    try:
        key = load_pem_private_key(private_key, None)
    except (ValueError, TypeError):
        raise UpstreamRefused("the private key is not a .p8 file") from None
    if not isinstance(key, EllipticCurvePrivateKey) or not isinstance(key.curve, SECP256R1):
        raise UpstreamRefused("the private key is not one on P-256")
    return key
