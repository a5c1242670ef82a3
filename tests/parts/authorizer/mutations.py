"""Tokens that are almost right: a good one, changed in one way, some of them signed again."""

import base64
import json
import random
import string
from collections.abc import Callable
from typing import Any

from tests.parts.authorizer.issuer import AUDIENCE, ISSUER, FakeIssuer

_ALPHABET = string.ascii_letters + string.digits + "-_" + "+/=. \t\n\0%é,;:"
_VALUES: list[Any] = [
    None, True, False, 0, 1, -1, 1.5, 1e308, 2**53, 2**64, 10**30, "", " ", "a", "admin", ISSUER, AUDIENCE, [], [1],
    [[]], ["a", "b"], [AUDIENCE], [AUDIENCE, ISSUER], {}, {"a": 1},
    "\x00", "é", "\U0001f511", "\ud800", "1", "2000000000",
]  # fmt: skip
_HEADERS: list[dict[str, Any]] = [
    {"typ": "JWT"}, {"typ": "application/at+jwt"}, {"typ": "AT+JWT"}, {"typ": None}, {"typ": 1}, {"alg": "none"},
    {"alg": "HS256"}, {"alg": "RS256"}, {"alg": "ES256"}, {"alg": "PS256"}, {"alg": None}, {"alg": 1}, {"kid": "other"},
    {"kid": None}, {"kid": 1}, {"kid": "../key"}, {"crit": ["exp"]}, {"crit": []}, {"crit": ["b64"], "b64": False},
    {"b64": False}, {"b64": True}, {"jku": "https://evil.example"}, {"jwk": {}}, {"x5u": "x"}, {"x5c": []},
    {"cty": "JWT"},    {"zip": "DEF"}, {"x5t": "x"}, {"unknown": 1},
]  # fmt: skip
_CLAIMS = ("iss", "sub", "aud", "client_id", "iat", "exp", "nbf", "jti", "scope", "roles", "status", "cnf", "extra")


class Mutations:
    """Draws mutated tokens of one issuer from one seed."""

    def __init__(self, issuer: FakeIssuer, seed: int) -> None:
        self.issuer, self.random = issuer, random.Random(seed)
        self.good = [issuer.token(jti=f"jti-{number}") for number in range(20)]

    def changed_text(self) -> str:
        """A good token with its text changed; whatever signature it had, it keeps."""
        token = self.random.choice(self.good)
        change: Callable[[str], str] = self.random.choice(
            [self._flip, self._flip, self._insert, self._delete, self._tail, self._spare_bits, self._parts, self._swap]
        )
        return change(token)

    def signed_again(self) -> str:
        """A token whose header or payload is odd, under a right signature."""
        change: Callable[[], str] = self.random.choice([self._claim, self._claim, self._header, self._date, self._json])
        return change()

    def _flip(self, token: str) -> str:
        at = self.random.randrange(len(token))
        return token[:at] + self.random.choice(_ALPHABET) + token[at + 1 :]

    def _insert(self, token: str) -> str:
        at = self.random.randrange(len(token) + 1)
        return token[:at] + self.random.choice(_ALPHABET) + token[at:]

    def _delete(self, token: str) -> str:
        at, many = self.random.randrange(len(token)), self.random.choice([1, 1, 2, 4, 100])
        return token[:at] + token[at + many :]

    def _tail(self, token: str) -> str:
        return token + self.random.choice(["=", "==", "A", "AAAA", ".", ".AAAA", " ", "\n", "\r\n", "\0", "%00", "=\n"])

    def _spare_bits(self, token: str) -> str:
        parts = token.split(".")
        which = self.random.randrange(3)
        parts[which] = parts[which][:-1] + self.random.choice(string.ascii_letters + string.digits + "-_")
        return ".".join(parts)

    def _parts(self, token: str) -> str:
        parts = token.split(".")
        change = self.random.randrange(4)
        if change == 0:
            self.random.shuffle(parts)
        elif change == 1:
            parts[self.random.randrange(3)] = ""
        elif change == 2:
            parts.insert(self.random.randrange(4), self.random.choice(["", *parts]))
        else:
            parts[self.random.randrange(3)] += self.random.choice(["=", "==", "\n", " "])
        return ".".join(parts)

    def _swap(self, token: str) -> str:
        mine, theirs = token.split("."), self.random.choice(self.good).split(".")
        which = self.random.randrange(3)
        mine[which] = theirs[which]
        return ".".join(mine)

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
        payload = self.random.choice(
            [
                text.encode("utf-16"),
                b"\xef\xbb\xbf" + text.encode(),
                (text[:-1] + ',"sub":"jane"}').encode(),
                (text[:-1] + ',"exp":9999999999}').encode(),
                (text[:-1] + ',"extra":NaN}').encode(),
                (text[:-1] + ',"extra":-Infinity}').encode(),
                (text[:-1] + ',"extra":{"a":1,"a":2}}').encode(),
                (text[:-1] + ',"extra":' + "[" * 500 + "]" * 500 + "}").encode(),
                (text[:-1] + ",}").encode(),
                (text + "{}").encode(),
                (" \r\n" + text + "\t ").encode(),
                ("\x0b" + text).encode(),
                ("[" + text + "]").encode(),
                (text[:-1] + ',"extra":"\n"}').encode(),
                text[:-1].encode() + b',"extra":"\xc3\x28"}',
                text.replace('"', "'").encode(),
            ]
        )
        if self.random.random() < 0.7:
            return self.issuer.sign_bytes(payload, {"typ": "at+jwt"})
        header = {"typ": "at+jwt", "kid": self.issuer.kid, "alg": self.issuer.algs[self.issuer.kid]}
        odd = json.dumps(header)[:-1] + self.random.choice(
            [',"kid":"other"}', ',"a":NaN}', ",}", " }\n", ',"b":{"c":1,"c":2}}']
        )
        return self.issuer.sign_bytes(text.encode(), odd.encode())


def legible(token: str) -> str:
    """`token` with its header and payload readable, for a failure's message."""
    parts = token.split(".")[:2]
    return f"{[base64.urlsafe_b64decode(part.encode('ascii', 'replace') + b'===') for part in parts]} of {token!r}"
