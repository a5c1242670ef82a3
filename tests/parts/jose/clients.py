"""A client that signs with a key of its own, and how a caller reads what it signs."""

import json
from collections.abc import Callable, Collection, Mapping, Sequence
from typing import Any

import jwt
import pytest
from valet.jose import signed
from valet.jose.jwk import usable_keys

from tests.parts.authorizer.issuer import PrivateKey, encoded, private_key, public_jwk

FAPI = frozenset({"ES256", "PS256", "EdDSA"})
PLAIN = FAPI | {"RS256"}
# RFC 7523 asks for no typ; its revision (draft-ietf-oauth-rfc7523bis §4) for an explicit one, as SHOULD.
ASSERTION = frozenset({None, "jwt", "client-authentication+jwt"})
PROOF = frozenset({"dpop+jwt"})  # RFC 9449 §4.2
NOW = 1_800_000_000

ASSERTION_CLAIMS = {
    "iss": "web_app_123",
    "sub": "web_app_123",
    "aud": "https://issuer.example",
    "exp": NOW + 60,
    "iat": NOW,
    "jti": "jti-1",
}
PROOF_CLAIMS = {"jti": "jti-1", "htm": "POST", "htu": "https://issuer.example/token", "iat": NOW}


class Client:
    """Signs assertions, and proofs with its key in the header."""

    def __init__(self, alg: str, kid: str = "key-1", key: PrivateKey | None = None) -> None:
        self.alg, self.kid, self.key = alg, kid, key or private_key(alg)
        self.jwk = public_jwk(self.key, kid)
        self.own_jwk = {name: value for name, value in self.jwk.items() if name not in ("kid", "use")}

    def assertion(self, header: Mapping[str, object] | None = None, **claims: object) -> str:
        return self.sign({"alg": self.alg, "kid": self.kid, **(header or {})}, {**ASSERTION_CLAIMS, **claims})

    def proof(self, header: Mapping[str, object] | None = None, **claims: object) -> str:
        whole = {"typ": "dpop+jwt", "alg": self.alg, "jwk": self.own_jwk, **(header or {})}
        return self.sign(whole, {**PROOF_CLAIMS, **claims})

    def sign(self, header: Mapping[str, object] | bytes, payload: Mapping[str, object] | bytes) -> str:
        """A JWS of these very bytes, or of these members without those that are None."""
        return self.sign_text(f"{encoded(_bytes(header))}.{encoded(_bytes(payload))}")

    def sign_text(self, signing_input: str) -> str:
        """A JWS of this very text."""
        signature = jwt.get_algorithm_by_name(self.alg).sign(signing_input.encode(), self.key)
        return f"{signing_input}.{encoded(signature)}"


def _bytes(members: Mapping[str, object] | bytes) -> bytes:
    if isinstance(members, bytes):
        return members
    return json.dumps({k: v for k, v in members.items() if v is not None}, separators=(",", ":")).encode()


def read_assertion(
    jws: str, jwks: Sequence[Mapping[str, Any]], algorithms: Collection[str] = PLAIN
) -> Mapping[str, object]:
    return signed.verify(signed.read(jws, ASSERTION, algorithms), usable_keys(jwks))


def read_proof(jws: str, algorithms: Collection[str] = FAPI) -> Mapping[str, object]:
    unverified = signed.read(jws, PROOF, algorithms)
    return signed.verify(unverified, [signed.key_in_header(unverified)])


def refusal_of(read: Callable[..., object], *arguments: object) -> str:
    """The reason why `read` refuses these arguments."""
    with pytest.raises(signed.Refused) as refused:
        read(*arguments)
    assert refused.value.__cause__ is None
    return str(refused.value)
