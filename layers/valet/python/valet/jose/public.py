"""JSON Web Keys of our signing keys (RFC 7517, RFC 7518 §6, RFC 8037), and thumbprints (RFC 7638).

The classes of keys are imported with the first key: a thumbprint needs none of them.
"""

import hashlib
from binascii import b2a_base64
from collections.abc import Mapping
from json.encoder import encode_basestring_ascii as _as_json
from typing import Any

_BASE64URL = bytes.maketrans(b"+/", b"-_")
# RFC 7638 §3.2 and RFC 8037 §2: only the members that make up the key, none that describe it, in their order.
_REQUIRED = {"RSA": ("e", "kty", "n"), "EC": ("crv", "kty", "x", "y"), "OKP": ("crv", "kty", "x")}


def thumbprint(jwk: Mapping[str, Any]) -> str:
    """The SHA-256 thumbprint of a key. It is the `kid` of our own, so that a key never gets another name.

    Raises KeyError for a member that is missing, and TypeError for one that is not text.
    """
    # Written member by member: json.dumps takes four times as long, and every new key of a proof is digested.
    members = ",".join([f'"{name}":{_as_json(jwk[name])}' for name in _REQUIRED[jwk["kty"]]])
    return base64url(hashlib.sha256(f"{{{members}}}".encode()).digest())


def jwk_from_public_key(der: bytes, alg: str) -> dict[str, str]:
    """The JWK of a SubjectPublicKeyInfo, for signatures with `alg` only, named by its thumbprint."""
    members = _members(der)
    return {**members, "kid": thumbprint(members), "use": "sig", "alg": alg}


def _members(der: bytes) -> dict[str, str]:
    from cryptography.hazmat.primitives.asymmetric.ec import SECP256R1, EllipticCurvePublicKey
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
    from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicKey
    from cryptography.hazmat.primitives.serialization import load_der_public_key

    match load_der_public_key(der):
        case RSAPublicKey() as key:
            numbers = key.public_numbers()
            return {"kty": "RSA", "n": _unsigned(numbers.n), "e": _unsigned(numbers.e)}
        case EllipticCurvePublicKey(curve=SECP256R1()) as key:
            point = key.public_numbers()
            return {"kty": "EC", "crv": "P-256", "x": _unsigned(point.x, 32), "y": _unsigned(point.y, 32)}
        case Ed25519PublicKey() as key:
            return {"kty": "OKP", "crv": "Ed25519", "x": base64url(key.public_bytes_raw())}
        case other:
            raise ValueError(f"no signing key of ours is a {type(other).__name__}")


def _unsigned(number: int, length: int | None = None) -> str:
    """RFC 7518 §2: the shortest encoding; a coordinate has its curve's full length (§6.2.1.2)."""
    return base64url(number.to_bytes(length or (number.bit_length() + 7) // 8, "big"))


def base64url(value: bytes) -> str:
    """Base64url without padding (RFC 7515 §2)."""
    # base64.urlsafe_b64encode does this in three calls more, and a cold start would import it for this alone.
    return b2a_base64(value, newline=False).rstrip(b"=").translate(_BASE64URL).decode()
