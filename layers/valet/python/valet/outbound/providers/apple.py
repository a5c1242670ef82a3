"""Sign in with Apple (developer.apple.com/documentation/signinwithapplerestapi).

Apple tells a person's name only once, and not in the ID token but in a form that the browser brings: it is signed by
nobody, so it is not read. An address of the private relay is an address like any other.
"""

import json
from collections.abc import Mapping

from valet.errors import UpstreamRefused
from valet.jose.ecdsa import joined
from valet.jose.p256 import ES256
from valet.jose.p256 import private_key as key_of
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
    try:
        signature = joined(key_of(private_key).sign(signing_input.encode(), ES256))
    except ValueError:
        raise UpstreamRefused("the private key is not a .p8 file") from None
    return f"{signing_input}.{base64url(signature)}"
