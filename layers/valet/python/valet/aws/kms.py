"""Signatures by KMS, and by a private key that KMS has wrapped (RFC 7518 §3, RFC 8037 §3.1)."""

import hashlib
from collections.abc import Callable, Mapping
from functools import partial
from threading import Lock
from typing import Any

from cryptography.hazmat.primitives.asymmetric import ec, ed25519, padding, rsa
from cryptography.hazmat.primitives.asymmetric.padding import AsymmetricPadding
from cryptography.hazmat.primitives.asymmetric.utils import decode_dss_signature
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat, load_der_private_key

from valet.aws.calls import Answer, CallFailed, Calls, binary
from valet.errors import SigningFailed, TemporarilyUnavailable
from valet.frozen import Frozen
from valet.jose.public import jwk_from_public_key
from valet.models.keys import SigningKey
from valet.ports.keys import Signer

# A caller that asks KMS to unwrap has to name the purpose, so that a role's permission can be limited to it.
ENCRYPTION_CONTEXT: Mapping[str, str] = {"valet:use": "signing-key"}

KMS_ALGORITHMS: Mapping[str, Any] = {
    "RS256": "RSASSA_PKCS1_V1_5_SHA_256",
    "PS256": "RSASSA_PSS_SHA_256",
    "ES256": "ECDSA_SHA_256",
    "EdDSA": "ED25519_SHA_512",
}

_PADDINGS: Mapping[str, AsymmetricPadding] = {
    "RS256": padding.PKCS1v15(),
    "PS256": padding.PSS(padding.MGF1(SHA256()), SHA256.digest_size),  # RFC 7518 §3.5: a salt as long as the hash
}

_LONGEST_RAW_MESSAGE = 4096  # bytes; KMS takes longer messages only as their digest
_MOST_UNWRAPPED_KEYS = 2  # a rotation needs two; what is no longer asked for leaves the memory


class KmsSigners:
    """Signers: KMS itself, or a private key that it wrapped, as the key's record says."""

    def __init__(self, kms: Calls) -> None:
        self._kms = kms
        self._unwrapped: dict[str, Signer] = {}
        self._unwrapping = Lock()

    def signer(self, key: SigningKey, /) -> Signer:
        if not key.wrapping_key:
            return KmsSigner(self._kms, key)
        with self._unwrapping:
            found = self._unwrapped.get(key.kid)
            if found is None:
                found = unwrapped_signer(self._kms, key)
                while len(self._unwrapped) >= _MOST_UNWRAPPED_KEYS:
                    del self._unwrapped[next(iter(self._unwrapped))]
                self._unwrapped[key.kid] = found
            return found


class KmsSigner:
    """A private key that never leaves KMS: each signature is one call."""

    def __init__(self, kms: Calls, key: SigningKey) -> None:
        self._kms = kms
        self._key = key

    @property
    def alg(self) -> str:
        return self._key.alg

    @property
    def kid(self) -> str:
        return self._key.kid

    def sign(self, message: bytes, /) -> bytes:
        is_raw = len(message) <= _LONGEST_RAW_MESSAGE
        if not is_raw and self.alg == "EdDSA":
            # Ed25519 hashes the message itself, twice. With a digest, KMS would sign by Ed25519ph, which JOSE does not
            # have.
            raise SigningFailed(detail=f"KMS signs no {len(message)} bytes with Ed25519")
        answer = asked(
            self._kms,
            "Sign",
            {
                "KeyId": self._key.key_id,
                "Message": message if is_raw else hashlib.sha256(message).digest(),
                "MessageType": "RAW" if is_raw else "DIGEST",
                "SigningAlgorithm": KMS_ALGORITHMS[self.alg],
            },
            SigningFailed,
        )
        signature = binary(answer["Signature"])
        return _joined(signature) if self.alg == "ES256" else signature


class UnwrappedSigner(Frozen):
    """A private key in this process's memory."""

    alg: str
    kid: str
    sign: Callable[[bytes], bytes]


def unwrapped_signer(kms: Calls, key: SigningKey) -> UnwrappedSigner:
    """The signer of a wrapped key, unwrapped by KMS."""
    if not key.wrapped_private_key:
        raise SigningFailed(detail=f"the signing key {key.kid} has ended")
    answer = asked(
        kms,
        "Decrypt",
        {
            "CiphertextBlob": key.wrapped_private_key,
            "KeyId": key.wrapping_key,
            "EncryptionContext": ENCRYPTION_CONTEXT,
        },
        SigningFailed,
    )
    private_key = load_der_private_key(binary(answer["Plaintext"]), password=None)
    public_key = private_key.public_key().public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
    if jwk_from_public_key(public_key, key.alg)["kid"] != key.kid:
        raise SigningFailed(detail=f"what is wrapped under {key.kid} is another key")
    return UnwrappedSigner(key.alg, key.kid, _signature_by(private_key, key.alg))


def _signature_by(private_key: object, alg: str) -> Callable[[bytes], bytes]:
    match private_key:
        case rsa.RSAPrivateKey() if alg in _PADDINGS:
            return partial(_rsa_signature, private_key, _PADDINGS[alg])
        case ec.EllipticCurvePrivateKey() if alg == "ES256":
            return partial(_ecdsa_signature, private_key)
        case ed25519.Ed25519PrivateKey() if alg == "EdDSA":
            return private_key.sign
    raise SigningFailed(detail=f"{type(private_key).__name__} is no key for {alg}")


def _rsa_signature(key: rsa.RSAPrivateKey, pad: AsymmetricPadding, message: bytes) -> bytes:
    return key.sign(message, pad, SHA256())


def _ecdsa_signature(key: ec.EllipticCurvePrivateKey, message: bytes) -> bytes:
    return _joined(key.sign(message, ec.ECDSA(SHA256())))


def _joined(der: bytes) -> bytes:
    """An ECDSA signature in JOSE's form, r and s in 32 bytes each (RFC 7518 §3.4), from X.509's form, DER."""
    r, s = decode_dss_signature(der)
    return r.to_bytes(32, "big") + s.to_bytes(32, "big")


def asked(
    kms: Calls,
    operation: str,
    parameters: Mapping[str, Any],
    failure: type[TemporarilyUnavailable] = TemporarilyUnavailable,
) -> Answer:
    """KMS's answer. Raises `failure` if KMS is throttled, unreachable, disabled or denied: the client may try again,
    and the log names the reason.
    """
    try:
        return kms(operation, parameters)
    except CallFailed as failed:
        key = f" with {parameters['KeyId']}" if "KeyId" in parameters else ""
        raise failure(detail=f"KMS {operation}{key}: {failed.code}") from failed
