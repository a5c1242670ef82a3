"""A hundred thousand mutated tokens: wherever this verifier disagrees with PyJWT or joserfc, there is a reason.

The libraries are called as their documents say: the key by `kid`, its own algorithm alone, issuer, audience and the
required claims named. They do not look at `typ`, status, scope and roles; those are this resource server's business.
"""

import json
import time
from base64 import urlsafe_b64decode
from collections import Counter
from collections.abc import Callable
from typing import Any

import joserfc.errors
import joserfc.jwk
import joserfc.jwt
import jwt
import pytest
from valet.resource_server.outcomes import TokenRefused

from tests.parts.authorizer.issuer import AUDIENCE, ISSUER, Stand
from tests.parts.authorizer.mutations import Mutations
from tests.support.mutated_jws import legible

pytestmark = pytest.mark.slow

SHARDS, OF_TEXT, SIGNED_AGAIN = 8, 8_750, 3_750  # 8 × 12,500 = 100,000
REQUIRED = ["iss", "aud", "sub", "client_id", "jti", "iat", "exp"]

STRICTER = {
    "not base64url": "RFC 7515 §2: no padding, no other alphabet, no spare bits: one token has one spelling",
    "a JSON member is repeated": "RFC 7515 §4, RFC 7519 §4: names are unique; two readers may choose differently",
    "NaN and Infinity are not JSON": "RFC 8259 §6; Python's json.loads takes them",
    "a JSON number is too large": "RFC 8259 §6; Python makes 1e999 infinite",
    "not JSON": "RFC 8259 §8.1: UTF-8 without a mark; Python's json.loads also takes UTF-16 and UTF-32",
    "typ is not at+jwt": "RFC 9068 §4: any other type is rejected, whatever else is right",
    "typ, alg or kid is missing": "RFC 9068 §2.1 for typ, which the libraries do not ask for",
    "a header parameter that names a key or an extension": "RFC 8725 §3.10; RFC 7515 §4.1.11; RFC 7797",
    "exp, iat or nbf is not a whole number": "NumericDate may be a fraction (RFC 7519 §2); this issuer's never are",
    "exp is more than ten years ahead": "an access token that outlives its key is a mistake or an attack",
    "sub, client_id or jti is missing": "RFC 9068 §2.2: required, so neither empty nor of another type",
    "scope is not a list of names": "RFC 9068 §2.2.3: a text of names; what is released to the API is checked",
    "roles are not a list of names": "a role with a space in it would be two roles in the context",
    "status_list is malformed": "draft-ietf-oauth-status-list §6.1",
    "no status": "revocation cannot be looked up",
    "status is of no kind that this verifier knows": "revocation cannot be looked up",
    "cnf names no key": "RFC 7800 §3.1: the token is bound, and to nothing that could be proven",
    "cnf holds a member that this verifier cannot check": "RFC 7800 §3.1, RFC 8705 §3.1",
}
LAXER = {
    ("PyJWT", "ImmatureSignatureError"): "60 s of leeway for nbf and iat (RFC 7519 §4.1.5); PyJWT was given none",
    ("joserfc", "InvalidClaimError"): "60 s of leeway for nbf (RFC 7519 §4.1.5); joserfc was given none",
    ("joserfc", "UnsupportedHeaderError"): "RFC 7515 §4: a header parameter that is not understood is ignored",
}


class Libraries:
    """PyJWT and joserfc, each answering None for a token that it takes, else the name of its refusal."""

    def __init__(self, stand: Stand) -> None:
        self.keys = {jwk["kid"]: (jwt.PyJWK(jwk), joserfc.jwk.import_key(jwk), jwk["alg"]) for jwk in stand.issuer.jwks}

    def verdicts(self, token: str) -> dict[str, str | None]:
        try:
            # PyJWT would read the whole token for it, and read it again when it decodes it.
            key, other_key, alg = self.keys[json.loads(urlsafe_b64decode(token.partition(".")[0] + "=="))["kid"]]
        except Exception as error:
            return dict.fromkeys(("PyJWT", "joserfc"), type(error).__name__)
        return {
            "PyJWT": _refusal(lambda: _by_pyjwt(token, key, alg)),
            "joserfc": _refusal(lambda: _by_joserfc(token, other_key, alg)),
        }


def _refusal(decode: Callable[[], object]) -> str | None:
    try:
        decode()
    except Exception as error:
        return type(error).__name__
    return None


def _by_pyjwt(token: str, key: jwt.PyJWK, alg: str) -> None:
    jwt.decode(token, key, algorithms=[alg], audience=AUDIENCE, issuer=ISSUER, options={"require": REQUIRED})


def _by_joserfc(token: str, key: Any, alg: str) -> None:
    _validate(joserfc.jwt.decode(token, key, algorithms=[alg]).claims)


def _validate(claims: dict[str, Any]) -> None:
    required: Any = {name: {"essential": True} for name in REQUIRED}
    required["iss"]["value"], required["aud"]["value"] = ISSUER, AUDIENCE
    joserfc.jwt.JWTClaimsRegistry(**required).validate(claims)


def ours(stand: Stand) -> Callable[[str], str | None]:
    def verdict(token: str) -> str | None:
        stand.clock.wall = time.time()  # which the libraries go by
        try:
            stand.authorizer._verifier.verify(token, stand.clock())
        except TokenRefused as refused:
            return str(refused)
        return None

    return verdict


@pytest.mark.parametrize("shard", range(SHARDS))
def test_every_disagreement_has_a_written_reason(shard: int) -> None:
    stands = {alg: Stand(alg) for alg in ("RS256", "ES256")}
    counted: Counter[str] = Counter()
    for alg, stand in stands.items():
        stand.clock.wall = float(int(time.time()))
        mutations, libraries, verdict = Mutations(stand.issuer, shard), Libraries(stand), ours(stand)
        assert [verdict(mutations.good[0]), *libraries.verdicts(mutations.good[0]).values()] == [None] * 3
        # RS256 is the cheaper to verify, ES256 the cheaper to sign.
        many, draw = (OF_TEXT, mutations.changed_text) if alg == "RS256" else (SIGNED_AGAIN, mutations.signed_again)
        for _ in range(many):
            token = draw()
            mine = verdict(token)
            for name, theirs in libraries.verdicts(token).items():
                if mine is not None and theirs is None:
                    assert mine in STRICTER, f"{name} takes what we refuse for {mine!r}: {legible(token)}"
                    counted[f"{name} takes: {mine}"] += 1
                elif mine is None and theirs is not None:
                    assert (name, theirs) in LAXER, f"{name} refuses ({theirs}) what we take: {legible(token)}"
                    counted[f"{name} refuses: {theirs}"] += 1
        assert set(stand.issuer.fetches) <= {"/.well-known/openid-configuration", "/.well-known/jwks.json"}
    assert counted, "mutations that nobody disagrees about would show nothing"
    print(sorted(counted.items()))
