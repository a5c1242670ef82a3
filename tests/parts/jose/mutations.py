"""Almost right assertions and proofs of clients, for every algorithm: changed as text, or odd and signed again."""

import json
from collections.abc import Callable, Sequence
from typing import Any

from tests.parts.authorizer.issuer import encoded
from tests.parts.jose.clients import ASSERTION_CLAIMS, NOW, PROOF_CLAIMS, Client
from tests.support.mutated_jws import VALUES, TextChanges, odd_json

_HEADERS: Sequence[dict[str, Any]] = [
    {"typ": "JWT"}, {"typ": "application/dpop+jwt"}, {"typ": "DPOP+JWT"}, {"typ": "at+jwt"}, {"typ": None}, {"typ": 1},
    {"alg": "none"}, {"alg": "HS256"}, {"alg": "RS256"}, {"alg": "ES256"}, {"alg": "PS256"}, {"alg": "EdDSA"},
    {"alg": "ES384"}, {"alg": None}, {"alg": 1}, {"kid": "other"}, {"kid": None}, {"kid": 1}, {"kid": ""},
    {"crit": ["exp"]}, {"crit": []}, {"crit": ["b64"], "b64": False}, {"b64": False}, {"b64": True},
    {"jku": "https://evil.example"}, {"x5u": "https://evil.example"}, {"x5c": ["AA"]}, {"cty": "JWT"}, {"zip": "DEF"},
    {"unknown": 1}, {"a": "\ud800"}, {"jwk": {}}, {"jwk": None}, {"jwk": "text"}, {"jwk": []},
]  # fmt: skip
_JWKS: Sequence[dict[str, Any]] = [
    {"d": "AA"}, {"k": "AA"}, {"p": "AA"}, {"use": "enc"}, {"use": None}, {"use": "sig"}, {"key_ops": ["verify"]},
    {"key_ops": ["sign"]}, {"key_ops": ["encrypt"]}, {"key_ops": []}, {"alg": "ES384"}, {"alg": "RS256"}, {"alg": 1},
    {"kid": "other"}, {"kid": 1}, {"kty": "oct"}, {"kty": "RSA"}, {"kty": "OKP"}, {"kty": None}, {"crv": "P-384"},
    {"crv": "X25519"}, {"crv": None}, {"ext": True}, {"x5c": ["AA"]}, {"unknown": 1}, {"oth": []},
]  # fmt: skip
_CLAIMS = ("iss", "sub", "aud", "exp", "iat", "nbf", "jti", "htm", "htu", "ath", "nonce", "extra")


class Mutations(TextChanges):
    """Draws mutated JWS of `clients` from one seed. Only keys that sign fast sign again."""

    def __init__(self, clients: Sequence[Client], seed: int) -> None:
        super().__init__([sign() for client in clients for sign in (client.assertion, client.proof)], seed)
        self.signing = [client for client in clients if client.alg in ("ES256", "EdDSA")]

    def signed_again(self) -> str:
        """A JWS whose header or payload is odd, under a right signature."""
        change: Callable[[Client], str] = self.random.choice(
            [self._claim, self._time, self._header, self._jwk, self._coordinate, self._json, self._spelling]
        )
        return change(self.random.choice(self.signing))

    def _any(self, client: Client, header: dict[str, Any], **claims: object) -> str:
        return self.random.choice([client.assertion, client.proof])(header, **claims)

    def _claim(self, client: Client) -> str:
        names = self.random.sample(_CLAIMS, self.random.choice([1, 1, 2]))
        return self._any(client, {}, **{name: self.random.choice(VALUES) for name in names})

    def _time(self, client: Client) -> str:
        seconds = NOW + self.random.choice([-(10**9), -60, 0, 60, 10**9, 10**12])
        value = self.random.choice([seconds, seconds, float(seconds), str(seconds), seconds + 0.5])
        return self._any(client, {}, **{self.random.choice(["exp", "iat", "nbf"]): value})

    def _header(self, client: Client) -> str:
        return self._any(client, self.random.choice(_HEADERS), jti=str(self.random.random()))

    def _jwk(self, client: Client) -> str:
        other = self.random.choice([client, client, client, self.random.choice(self.signing)])
        return client.proof({"jwk": {**other.own_jwk, **self.random.choice(_JWKS)}})

    def _coordinate(self, client: Client) -> str:
        name = self.random.choice([name for name in ("x", "y") if name in client.own_jwk])
        right = client.own_jwk[name]
        wrong = [
            "",
            "AA",
            right + "=",
            right[:-1],
            "AAAA" + right,
            right[1:] + "A",
            right.lower(),
            right + "\n",
            "é",
            1,
        ]
        return client.proof({"jwk": {**client.own_jwk, name: self.random.choice(wrong)}})

    def _json(self, client: Client) -> str:
        header: dict[str, Any] = {"alg": client.alg, "kid": client.kid}
        claims: dict[str, Any] = ASSERTION_CLAIMS
        if self.random.random() < 0.5:
            header, claims = {"typ": "dpop+jwt", "alg": client.alg, "jwk": client.own_jwk}, PROOF_CLAIMS
        if self.random.random() < 0.6:
            return client.sign(header, self.random.choice(odd_json(json.dumps(claims))))
        return client.sign(self.random.choice(odd_json(json.dumps(header))), claims)

    def _spelling(self, client: Client) -> str:
        """One part in another encoding of the same bytes, signed as it then stands."""
        header = json.dumps({"typ": "dpop+jwt", "alg": client.alg, "jwk": client.own_jwk}).encode()
        parts = [encoded(header), encoded(json.dumps(PROOF_CLAIMS).encode())]
        which = self.random.randrange(2)
        parts[which] = self.random.choice(
            [parts[which] + "=", parts[which] + "==", parts[which] + "\n", parts[which].replace("J", "J ", 1)]
        )
        return client.sign_text(".".join(parts))
