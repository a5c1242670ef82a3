"""A client that proves possession of a key (RFC 9449). joserfc makes its proofs, so no code of Valet's takes part."""

import hashlib
import json
from base64 import urlsafe_b64encode
from typing import Any

from joserfc import jws
from joserfc.jwk import ECKey, OKPKey, RSAKey

NOW = 1_800_000_000
Key = ECKey | OKPKey | RSAKey
_RSA: list[RSAKey] = []  # made once: a key of 2048 bits takes a tenth of a second


def key_for(alg: str) -> Key:
    """A key for `alg`; a new one each time, except for RSA."""
    if alg == "ES256":
        return ECKey.generate_key("P-256")
    if alg == "Ed25519":
        return OKPKey.generate_key("Ed25519")
    if not _RSA:
        _RSA.append(RSAKey.generate_key(2048))
    return _RSA[0]


def ath_of(token: str) -> str:
    return urlsafe_b64encode(hashlib.sha256(token.encode()).digest()).rstrip(b"=").decode()


class DpopClient:
    """Makes proofs with one key. A `jti` is new in each, unless the test names one."""

    def __init__(self, alg: str = "ES256", key: Key | None = None) -> None:
        self.alg, self.key = alg, key or key_for(alg)
        self.jwk = dict(self.key.as_dict(private=False))
        self.jwk.pop("kid", None)
        self._made = 0

    @property
    def jkt(self) -> str:
        """The key's thumbprint (RFC 7638)."""
        return self.key.thumbprint()

    def proof(
        self,
        htm: str = "GET",
        htu: str = "https://api.example/items",
        *,
        token: str | None = None,
        header: dict[str, Any] | None = None,
        **claims: object,
    ) -> str:
        """A proof for one request, with `ath` if `token` is given. None leaves a parameter or claim out."""
        self._made += 1
        made = {"jti": f"proof-{self._made}", "htm": htm, "htu": htu, "iat": NOW}
        if token is not None:
            made["ath"] = ath_of(token)
        whole = {"typ": "dpop+jwt", "alg": self.alg, "jwk": self.jwk, **(header or {})}
        payload = {name: value for name, value in {**made, **claims}.items() if value is not None}
        registry = jws.JWSRegistry(algorithms=[self.alg], strict_check_header=False)
        protected = {name: value for name, value in whole.items() if value is not None}
        return jws.serialize_compact(protected, json.dumps(payload).encode(), self.key, registry=registry)
