"""Signatures by KMS, and by a private key that KMS has wrapped (RFC 7518 §3, RFC 8037 §3.1); and MACs by KMS.

KMS signs with RSA without `cryptography`, so that is imported only where it is used.
"""

import hashlib
from collections.abc import Mapping
from threading import Lock
from typing import Any

from valet.aws.calls import Answer, CallFailed, Calls, binary
from valet.errors import SigningFailed, TemporarilyUnavailable
from valet.frozen import Frozen
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

_LONGEST_RAW_MESSAGE = 4096  # bytes; KMS takes longer messages only as their digest
_MOST_UNWRAPPED_KEYS = 2  # of each algorithm: a rotation needs two; what is no longer asked for leaves the memory


def prepare(environment: Mapping[str, str]) -> None:
    """Import what the signatures of this deployment need."""
    if environment.get("SIGNER") == "wrapped":
        import valet.aws.unwrapped
    elif "ES256" in environment.get("SIGNING_ALG", ""):
        import valet.jose.ecdsa  # noqa: F401


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
                held = [kid for kid, signer in self._unwrapped.items() if signer.alg == key.alg]
                for kid in held[: len(held) + 1 - _MOST_UNWRAPPED_KEYS]:
                    del self._unwrapped[kid]
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
        if self.alg != "ES256":
            return signature
        from valet.jose.ecdsa import joined  # only ES256 needs it

        return joined(signature)


def unwrapped_signer(kms: Calls, key: SigningKey) -> Signer:
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
    from valet.aws.unwrapped import signer_of  # only Signer=wrapped needs it

    return signer_of(key, binary(answer["Plaintext"]))


class KmsNonceKey(Frozen):
    """The port NonceKey: an HMAC key that never leaves KMS."""

    kms: Calls
    key_id: str

    def mac(self, message: bytes, /) -> bytes:
        asking = {"KeyId": self.key_id, "Message": message, "MacAlgorithm": "HMAC_SHA_256"}
        return binary(asked(self.kms, "GenerateMac", asking)["Mac"])


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
