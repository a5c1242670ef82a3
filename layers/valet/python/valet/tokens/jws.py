"""JSON Web Signatures with a key that this process may never hold (RFC 7515), through PyJWT."""

import json
from collections.abc import Mapping, Sequence
from functools import cache, lru_cache
from typing import Any

import jwt
from jwt.algorithms import Algorithm

from valet.keys import signing_key
from valet.models import SigningKey
from valet.ports import Registry, Signer, Signers


class _PortAlgorithm(Algorithm):
    """A PyJWT algorithm whose signatures come from a Signer."""

    def prepare_key(self, key: Signer) -> Signer:
        return key

    def sign(self, msg: bytes, key: Signer) -> bytes:
        return key.sign(msg)

    def verify(self, msg: bytes, key: Signer, sig: bytes) -> bool:
        raise NotImplementedError("a Signer signs; verify() below checks with the public key")

    @staticmethod
    def to_jwk(key_obj: Any, as_dict: bool = False) -> Any:
        raise NotImplementedError("a Signer's key is published by its record")

    @staticmethod
    def from_jwk(jwk: Any) -> Any:
        raise NotImplementedError("a Signer is not made from a JWK")


# Made once: a JSON encoder, a JWS object and a parsed key each cost more than what they are asked for here.
_as_json = json.JSONEncoder(separators=(",", ":"), ensure_ascii=False).encode


@cache
def _jws(alg: str) -> jwt.PyJWS:
    """Signs with `alg`, by a Signer, and does nothing else."""
    jws = jwt.PyJWS(algorithms=[])
    jws.register_algorithm(alg, _PortAlgorithm())
    return jws


@lru_cache(maxsize=16)
def _public_key(members: frozenset[tuple[str, str]], alg: str) -> jwt.PyJWK:
    return jwt.PyJWK(dict(members), algorithm=alg)


def current_signer(registry: Registry, signers: Signers) -> Signer:
    """The signer of the key that signs now. Raises TemporarilyUnavailable while there is none."""
    return signers.signer(signing_key(registry.signing_keys()))


def sign(claims: Mapping[str, object], typ: str, signer: Signer) -> str:
    """A compact JWS over `claims`, typed, so that no token can pass for one of another kind (RFC 8725 §3.11)."""
    payload = _as_json(claims).encode()
    return _jws(signer.alg).encode(payload, signer, algorithm=signer.alg, headers={"kid": signer.kid, "typ": typ})  # type: ignore[arg-type]


def verify(
    token: str, typ: str, issuer: str, keys: Sequence[SigningKey], *, now: float | None, audience: str | None = None
) -> Mapping[str, Any] | None:
    """The claims of a token of ours, or None for anything else: another type, issuer or key, a bad signature, or,
    unless `now` is None, one that is over."""
    try:
        header = jwt.get_unverified_header(token)
        key = next((key for key in keys if key.kid == header.get("kid")), None)
        # The key says which algorithm; the header may only agree (RFC 8725 §3.1).
        if (
            key is None
            or header.get("alg") != key.alg
            or str(header.get("typ")).lower() not in (typ, f"application/{typ}")
        ):
            return None
        claims: dict[str, Any] = jwt.decode(
            token,
            _public_key(frozenset(key.public_jwk.items()), key.alg),
            algorithms=[key.alg],
            issuer=issuer,
            audience=audience,
            options={
                "verify_aud": audience is not None,
                "verify_exp": False,  # below: PyJWT has no clock but its own
                "verify_iat": False,
                "verify_nbf": False,
                "require": ["iss", "sub", "aud", "exp", "iat"],
            },
        )
        return claims if now is None or now < claims["exp"] else None
    except (jwt.PyJWTError, ValueError, TypeError):
        return None
