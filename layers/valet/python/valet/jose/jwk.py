"""JSON Web Keys that can verify, and the algorithms each one allows (RFC 7517, RFC 7518 §6, RFC 8037).

The key decides which algorithms it may be used with, never the token. This prevents the confusion of RS256 with HS256
or ES256 (RFC 8725 §3.1).
"""

from collections.abc import Callable, Iterable, Mapping
from typing import NamedTuple

from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import padding, rsa

from valet.jose import compact
from valet.jose.compact import Malformed

Verify = Callable[[bytes, bytes], None]
"""(signature, message) → nothing, or InvalidSignature."""

ALGORITHMS = frozenset({"RS256", "PS256", "ES256", "EdDSA"})

# The owner of the key chooses both lengths, and so how long a verification takes: at most 0.6 ms, ten times as long as
# for ES256. An exponent as long as the modulus would take almost 90 times as long as the usual 65537.
_SMALLEST_MODULUS, _LARGEST_MODULUS = 2048, 8192
_LONGEST_EXPONENT = 32
# The points of Ed25519 whose order is 1, 2, 4 or 8, by their y: anybody can sign for such a key.
_ED25519 = 2**255 - 19
_ORDER_8 = 0x05FC536D880238B13933C6D305ACDFD5F098EFF289F4C345B027B2C28F95E826
_SMALL_ORDER = frozenset({0, 1, _ED25519 - 1, _ORDER_8, _ED25519 - _ORDER_8})
_SHA256 = hashes.SHA256()
_PKCS1 = padding.PKCS1v15()
_PSS = padding.PSS(mgf=padding.MGF1(_SHA256), salt_length=32)  # RFC 7518 §3.5: as long as the hash

# RFC 7518 §6.2.2, §6.3.2 and §6.4.1. A private key that was sent or published is no longer its owner's alone.
PRIVATE = frozenset({"d", "p", "q", "dp", "dq", "qi", "oth", "k"})


class Key(NamedTuple):
    """One key that may verify: `verifiers` says how, by the `alg` of RFC 7518. `kid` is empty if the JWK has none."""

    kid: str
    jwk: Mapping[str, object]
    verifiers: Mapping[str, Verify]


class UnusableKey(Exception):
    """This JWK is not one that a token may be verified with."""


def key_from_jwk(jwk: Mapping[str, object]) -> Key:
    """The key that `jwk` describes. Raises UnusableKey."""
    kid = jwk.get("kid", "")
    if not isinstance(kid, str) or (not kid and "kid" in jwk):
        raise UnusableKey("kid is not a name")
    if not PRIVATE.isdisjoint(jwk):
        raise UnusableKey("a private or symmetric key")
    if jwk.get("use", "sig") != "sig":
        raise UnusableKey("use is not sig")
    operations = jwk.get("key_ops", ["verify"])
    if not isinstance(operations, list) or "verify" not in operations:
        raise UnusableKey("key_ops lacks verify")
    kty = jwk.get("kty")
    if not isinstance(kty, str) or kty not in _BY_TYPE:
        raise UnusableKey("kty is not one of " + ", ".join(_BY_TYPE))
    try:
        verifiers = _BY_TYPE[kty](jwk)
    except (Malformed, ValueError) as error:
        raise UnusableKey(f"malformed {kty} key") from error
    if "alg" in jwk:
        alg = compact.alg_name(jwk["alg"]) if isinstance(jwk["alg"], str) else ""
        verifiers = {name: verify for name, verify in verifiers.items() if name == alg}
    if not verifiers:
        raise UnusableKey("alg is none of " + ", ".join(sorted(ALGORITHMS)))
    return Key(kid, jwk, verifiers)


def usable_keys(jwks: Iterable[object]) -> list[Key]:
    """The keys of a JWK set that can verify. The others are left out (RFC 7517 §5)."""
    found = []
    for jwk in jwks:
        if not isinstance(jwk, dict):
            continue
        try:
            found.append(key_from_jwk(jwk))
        except UnusableKey:
            continue
    return found


def _octets(jwk: Mapping[str, object], name: str) -> bytes:
    value = jwk.get(name)
    if not isinstance(value, str):
        raise UnusableKey(f"{name} is missing")
    return compact.decode(value.encode("ascii"))


def _number(jwk: Mapping[str, object], name: str) -> int:
    octets = _octets(jwk, name)
    if not octets[0]:  # RFC 7518 §2: the shortest encoding; another would give the key a second thumbprint
        raise UnusableKey(f"{name} begins with a zero byte")
    return int.from_bytes(octets)


def _rsa(jwk: Mapping[str, object]) -> dict[str, Verify]:
    e, n = _number(jwk, "e"), _number(jwk, "n")
    if e.bit_length() > _LONGEST_EXPONENT:
        raise UnusableKey(f"exponent is longer than {_LONGEST_EXPONENT} bits")
    if not _SMALLEST_MODULUS <= n.bit_length() <= _LARGEST_MODULUS:
        raise UnusableKey(f"modulus is not {_SMALLEST_MODULUS} to {_LARGEST_MODULUS} bits long")
    verify = rsa.RSAPublicNumbers(e, n).public_key().verify

    def rs256(signature: bytes, message: bytes) -> None:
        verify(signature, message, _PKCS1, _SHA256)

    def ps256(signature: bytes, message: bytes) -> None:
        verify(signature, message, _PSS, _SHA256)

    return {"RS256": rs256, "PS256": ps256}


def _ec(jwk: Mapping[str, object]) -> dict[str, Verify]:
    # Imported here and below, because RS256 is the default: a cold start does not load curves that it does not use.
    from valet.jose.p256 import verifier

    x, y = _octets(jwk, "x"), _octets(jwk, "y")
    if jwk.get("crv") != "P-256" or len(x) != 32 or len(y) != 32:
        raise UnusableKey("not a key on P-256")
    return {"ES256": verifier(x, y)}


def _okp(jwk: Mapping[str, object]) -> dict[str, Verify]:
    from cryptography.hazmat.primitives.asymmetric import ed25519

    x = _octets(jwk, "x")
    if jwk.get("crv") != "Ed25519":
        raise UnusableKey("not a key on Ed25519")
    y = int.from_bytes(x, "little") & ((1 << 255) - 1)  # without the sign (RFC 8032 §5.1.2)
    if y in _SMALL_ORDER or y >= _ED25519:
        raise UnusableKey("a point of small order, or not in its only encoding")
    return {"EdDSA": ed25519.Ed25519PublicKey.from_public_bytes(x).verify}


_BY_TYPE: dict[str, Callable[[Mapping[str, object]], dict[str, Verify]]] = {"RSA": _rsa, "EC": _ec, "OKP": _okp}
