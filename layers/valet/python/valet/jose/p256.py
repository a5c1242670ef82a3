"""Keys on the curve P-256, and ES256, their algorithm (RFC 7518 §3.4).

Imported with the first such key: RS256 is the default, and a cold start does not load curves that it does not use.
"""

from collections.abc import Callable

from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric.ec import (
    ECDSA,
    SECP256R1,
    EllipticCurvePrivateKey,
    EllipticCurvePublicKey,
)
from cryptography.hazmat.primitives.asymmetric.utils import encode_dss_signature
from cryptography.hazmat.primitives.hashes import SHA256


class _Es256(ECDSA):
    algorithm = SHA256()
    deterministic_signing = False

    def __init__(self) -> None:
        """Do not call ECDSA's own, which imports every cipher to learn whether signatures may be deterministic: 4 ms
        before the first signature of a process.
        """


ES256 = _Es256()
"""The scheme that a private key signs by."""

_CURVE = SECP256R1()


def private_key(pem: bytes) -> EllipticCurvePrivateKey:
    """The private key on P-256 in a PEM file without a password. Raises ValueError."""
    from cryptography.hazmat.primitives.serialization import load_pem_private_key

    try:
        key = load_pem_private_key(pem, None)
    except (TypeError, UnsupportedAlgorithm) as error:  # it has a password, or is of another kind
        raise ValueError("not a private key in PEM without a password") from error
    if not isinstance(key, EllipticCurvePrivateKey) or not isinstance(key.curve, SECP256R1):
        raise ValueError("not a private key on P-256")
    return key


def verifier(x: bytes, y: bytes) -> Callable[[bytes, bytes], None]:
    """The function that verifies by the key with these coordinates, of 32 bytes each. Raises ValueError if they are no
    point of the curve.
    """
    verify = EllipticCurvePublicKey.from_encoded_point(_CURVE, b"\x04" + x + y).verify

    def es256(signature: bytes, message: bytes) -> None:
        if len(signature) != 64:  # JOSE uses r‖s, never DER
            raise InvalidSignature
        r, s = int.from_bytes(signature[:32]), int.from_bytes(signature[32:])
        verify(encode_dss_signature(r, s), message, ES256)

    return es256
