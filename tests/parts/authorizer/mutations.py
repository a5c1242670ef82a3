"""Tokens that are almost right: a good one, changed in one way, some of them signed again."""

import json
from collections.abc import Callable
from typing import Any

from tests.parts.authorizer.issuer import AUDIENCE, ISSUER, FakeIssuer
from tests.support.mutated_jws import VALUES, TextChanges, odd_json

_VALUES: list[Any] = [*VALUES, ISSUER, AUDIENCE, [AUDIENCE], [AUDIENCE, ISSUER]]
_HEADERS: list[dict[str, Any]] = [
    {"typ": "JWT"}, {"typ": "application/at+jwt"}, {"typ": "AT+JWT"}, {"typ": None}, {"typ": 1}, {"alg": "none"},
    {"alg": "HS256"}, {"alg": "RS256"}, {"alg": "ES256"}, {"alg": "PS256"}, {"alg": None}, {"alg": 1}, {"kid": "other"},
    {"kid": None}, {"kid": 1}, {"kid": "../key"}, {"crit": ["exp"]}, {"crit": []}, {"crit": ["b64"], "b64": False},
    {"b64": False}, {"b64": True}, {"jku": "https://evil.example"}, {"jwk": {}}, {"x5u": "x"}, {"x5c": []},
    {"cty": "JWT"},    {"zip": "DEF"}, {"x5t": "x"}, {"unknown": 1},
]  # fmt: skip
_CLAIMS = ("iss", "sub", "aud", "client_id", "iat", "exp", "nbf", "jti", "scope", "roles", "status", "cnf", "extra")


class Mutations(TextChanges):
    """Draws mutated tokens of one issuer from one seed."""

    def __init__(self, issuer: FakeIssuer, seed: int) -> None:
        super().__init__([issuer.token(jti=f"jti-{number}") for number in range(20)], seed)
        self.issuer = issuer

    def signed_again(self) -> str:
        """A token whose header or payload is odd, under a right signature."""
        change: Callable[[], str] = self.random.choice([self._claim, self._claim, self._header, self._date, self._json])
        return change()

    def _claim(self) -> str:
        claims = self.issuer.claims()
        for name in self.random.sample(_CLAIMS, self.random.choice([1, 1, 2])):
            if self.random.random() < 0.3:
                claims.pop(name, None)
            else:
                claims[name] = self.random.choice(_VALUES)
        return self.issuer.sign(claims)

    def _date(self) -> str:
        now = int(self.issuer.clock.wall)
        name = self.random.choice(["exp", "iat", "nbf"])
        # Far enough from every limit that the libraries' own clocks agree with ours.
        value = now + self.random.choice([-(10**9), -3600, -100, -30, 30, 100, 3600, 10**8, 10**9, 10**12])
        return self.issuer.sign(
            self.issuer.claims(**{name: self.random.choice([value, value, float(value), str(value)])})
        )

    def _header(self) -> str:
        return self.issuer.sign(self.issuer.claims(jti=str(self.random.random())), self.random.choice(_HEADERS))

    def _json(self) -> str:
        text = json.dumps(self.issuer.claims())
        payload = self.random.choice(odd_json(text))
        if self.random.random() < 0.7:
            return self.issuer.sign_bytes(payload, {"typ": "at+jwt"})
        header = {"typ": "at+jwt", "kid": self.issuer.kid, "alg": self.issuer.algs[self.issuer.kid]}
        odd = json.dumps(header)[:-1] + self.random.choice(
            [',"kid":"other"}', ',"a":NaN}', ",}", " }\n", ',"b":{"c":1,"c":2}}']
        )
        return self.issuer.sign_bytes(text.encode(), odd.encode())
