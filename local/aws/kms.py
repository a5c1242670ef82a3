"""The parts of KMS that moto lacks: data key pairs, digests, salts, disabled and multi-Region keys (AWS KMS API)."""

from __future__ import annotations

import base64
import json
from typing import Any
from uuid import uuid4

from cryptography.hazmat.primitives.asymmetric import ec, padding, rsa
from cryptography.hazmat.primitives.asymmetric.utils import Prehashed
from cryptography.hazmat.primitives.hashes import SHA256, SHA384, SHA512, HashAlgorithm
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat, PublicFormat

_HASHES: dict[str, HashAlgorithm] = {"256": SHA256(), "384": SHA384(), "512": SHA512()}
_CURVES: dict[str, ec.EllipticCurve] = {
    "ECC_NIST_P256": ec.SECP256R1(),
    "ECC_NIST_P384": ec.SECP384R1(),
    "ECC_NIST_P521": ec.SECP521R1(),
}
_LONGEST_RAW_MESSAGE = 4096


def complete() -> None:
    """Replace these operations in moto's KMS, for calls from this process and over HTTP."""
    from moto.kms import models
    from moto.kms.responses import KmsResponse

    for operation in (_sign, _generate_data_key_pair_without_plaintext):
        setattr(KmsResponse, operation.__name__.removeprefix("_"), operation)  # moto calls them by these names
    setattr(models, "generate_key_id", _key_id)  # noqa: B010  the module is not typed as mutable


def _key_id(multi_region: bool = False) -> str:
    # moto's ciphertexts have no room for the prefix of a multi-Region key's id, so moto opens none of such a key.
    return str(uuid4())


def _sign(self: Any) -> str:
    # moto hashes a digest once more, gives PSS its longest salt, takes any length, and signs with a disabled key.
    key = self.kms_backend.describe_key(self._get_param("KeyId"))
    message: bytes = self._get_param("Message")  # decoded already
    algorithm = self._get_param("SigningAlgorithm")
    is_digest = self._get_param("MessageType") == "DIGEST"
    _require_enabled(key)
    if algorithm not in key.signing_algorithms:
        raise _error("InvalidKeyUsageException", f"{algorithm} is not an algorithm of the key {key.arn}")
    hashed = _HASHES[algorithm[-3:]]
    if is_digest and len(message) != hashed.digest_size:
        raise _error("ValidationException", "Digest is invalid length for algorithm")
    if not is_digest and not 1 <= len(message) <= _LONGEST_RAW_MESSAGE:
        raise _error("ValidationException", f"Message has {len(message)} bytes, not 1 to {_LONGEST_RAW_MESSAGE}")
    signature = _signature(key.private_key.private_key, message, algorithm, Prehashed(hashed) if is_digest else hashed)
    return json.dumps({"KeyId": key.arn, "Signature": _text(signature), "SigningAlgorithm": algorithm})


def _signature(private_key: Any, message: bytes, algorithm: str, hashed: Any) -> bytes:
    if isinstance(private_key, ec.EllipticCurvePrivateKey):
        return private_key.sign(message, ec.ECDSA(hashed))
    salted = padding.PSS(padding.MGF1(_HASHES[algorithm[-3:]]), padding.PSS.DIGEST_LENGTH)
    signature: bytes = private_key.sign(message, salted if "_PSS_" in algorithm else padding.PKCS1v15(), hashed)
    return signature


def _generate_data_key_pair_without_plaintext(self: Any) -> str:
    key, spec = self.kms_backend.describe_key(self._get_param("KeyId")), self._get_param("KeyPairSpec")
    _require_enabled(key)
    private_key: rsa.RSAPrivateKey | ec.EllipticCurvePrivateKey
    if spec in _CURVES:
        private_key = ec.generate_private_key(_CURVES[spec])
    elif spec in ("RSA_2048", "RSA_3072", "RSA_4096"):
        private_key = rsa.generate_private_key(65537, int(spec[4:]))
    else:
        raise _error("ValidationException", f"the local stack does not know the KeyPairSpec {spec}")
    wrapped, arn = self.kms_backend.encrypt(
        key.id,
        private_key.private_bytes(Encoding.DER, PrivateFormat.PKCS8, NoEncryption()),
        self._get_param("EncryptionContext") or {},
    )
    public = private_key.public_key().public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
    return json.dumps(
        {
            "KeyId": arn,
            "KeyPairSpec": spec,
            "PrivateKeyCiphertextBlob": _text(wrapped),
            "PublicKey": _text(public),
        }
    )


def _require_enabled(key: Any) -> None:
    if key.key_state == "Disabled":
        raise _error("DisabledException", f"{key.arn} is disabled.")
    if key.key_state == "PendingDeletion":
        raise _error("KMSInvalidStateException", f"{key.arn} is pending deletion.")


def _error(code: str, message: str) -> Exception:
    from moto.core.exceptions import JsonRESTError

    error: Exception = JsonRESTError(code, message)
    return error


def _text(value: bytes) -> str:
    return base64.b64encode(value).decode()
