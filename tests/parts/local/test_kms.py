"""The emulated KMS signs as KMS does: checked with `cryptography`, never with moto's own verify."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from typing import Any

import boto3
import pytest
from botocore.exceptions import ClientError
from cryptography.hazmat.primitives.asymmetric import ec, padding, rsa
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import load_der_private_key, load_der_public_key

from local.aws.aws import emulated
from local.aws.door import Door
from local.server import Server, listen

PKCS1, PSS, ECDSA = "RSASSA_PKCS1_V1_5_SHA_256", "RSASSA_PSS_SHA_256", "ECDSA_SHA_256"
LONG = b"x" * 5000


@pytest.fixture(scope="module", params=["in process", "over HTTP"])
def kms(request: pytest.FixtureRequest) -> Iterator[Any]:
    aws = emulated()
    if request.param == "in process":
        yield boto3.client("kms")
        return
    listener = listen(0)
    port = listener.getsockname()[1]
    server = Server(listener, Door(port, aws.services()), threads=4)
    server.start()
    yield boto3.client("kms", endpoint_url=f"http://127.0.0.1:{port}")
    server.stop()


def new_key(kms: Any, spec: str) -> str:
    return str(kms.create_key(KeySpec=spec, KeyUsage="SIGN_VERIFY")["KeyMetadata"]["KeyId"])


@pytest.mark.parametrize("algorithm", [PKCS1, PSS])
@pytest.mark.parametrize("message_type", ["RAW", "DIGEST"])
def test_an_rsa_signature_is_over_the_message(algorithm: str, message_type: str, kms: Any) -> None:
    key = new_key(kms, "RSA_2048")
    message = b"header.payload" if message_type == "RAW" else LONG
    sent = message if message_type == "RAW" else hashlib.sha256(message).digest()
    signature = kms.sign(KeyId=key, Message=sent, MessageType=message_type, SigningAlgorithm=algorithm)["Signature"]
    public_key = load_der_public_key(kms.get_public_key(KeyId=key)["PublicKey"])
    assert isinstance(public_key, rsa.RSAPublicKey)
    salted = padding.PSS(padding.MGF1(SHA256()), 32)  # RFC 7518 §3.5: as long as the hash
    public_key.verify(signature, message, salted if algorithm == PSS else padding.PKCS1v15(), SHA256())


@pytest.mark.parametrize("message_type", ["RAW", "DIGEST"])
def test_an_ecdsa_signature_is_over_the_message(message_type: str, kms: Any) -> None:
    key = new_key(kms, "ECC_NIST_P256")
    sent = b"message" if message_type == "RAW" else hashlib.sha256(b"message").digest()
    signature = kms.sign(KeyId=key, Message=sent, MessageType=message_type, SigningAlgorithm=ECDSA)["Signature"]
    public_key = load_der_public_key(kms.get_public_key(KeyId=key)["PublicKey"])
    assert isinstance(public_key, ec.EllipticCurvePublicKey)
    public_key.verify(signature, b"message", ec.ECDSA(SHA256()))


@pytest.mark.parametrize(
    ("message", "message_type", "algorithm", "code"),
    [
        (LONG, "RAW", PKCS1, "ValidationException"),
        (b"short", "DIGEST", PKCS1, "ValidationException"),
        (b"message", "RAW", ECDSA, "InvalidKeyUsageException"),
    ],
)
def test_what_kms_refuses_is_refused(message: bytes, message_type: str, algorithm: str, code: str, kms: Any) -> None:
    key = new_key(kms, "RSA_2048")
    with pytest.raises(ClientError, match=code):
        kms.sign(KeyId=key, Message=message, MessageType=message_type, SigningAlgorithm=algorithm)


def test_a_disabled_key_does_not_sign(kms: Any) -> None:
    key = new_key(kms, "RSA_2048")
    kms.disable_key(KeyId=key)
    with pytest.raises(ClientError, match="DisabledException"):
        kms.sign(KeyId=key, Message=b"a", MessageType="RAW", SigningAlgorithm=PKCS1)
    kms.schedule_key_deletion(KeyId=key, PendingWindowInDays=7)
    with pytest.raises(ClientError, match="KMSInvalidStateException"):
        kms.sign(KeyId=key, Message=b"a", MessageType="RAW", SigningAlgorithm=PKCS1)


@pytest.mark.parametrize("spec", ["RSA_2048", "ECC_NIST_P256"])
def test_a_wrapped_key_pair_opens_in_its_own_context_only(spec: str, kms: Any) -> None:
    wrapping = kms.create_key()["KeyMetadata"]["KeyId"]
    pair = kms.generate_data_key_pair_without_plaintext(
        KeyId=wrapping, KeyPairSpec=spec, EncryptionContext={"valet:use": "signing-key"}
    )
    assert "PrivateKeyPlaintext" not in pair
    opened = kms.decrypt(
        CiphertextBlob=pair["PrivateKeyCiphertextBlob"], EncryptionContext={"valet:use": "signing-key"}
    )
    private_key = load_der_private_key(opened["Plaintext"], None)
    public_key = load_der_public_key(pair["PublicKey"])
    assert private_key.public_key() == public_key
    with pytest.raises(ClientError):
        kms.decrypt(CiphertextBlob=pair["PrivateKeyCiphertextBlob"], EncryptionContext={"valet:use": "other"})
