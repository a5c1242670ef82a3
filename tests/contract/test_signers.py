"""The contract of the port Signers: JOSE signatures that `cryptography` verifies, never the emulator that made them."""

from base64 import urlsafe_b64decode
from collections.abc import Callable
from dataclasses import dataclass

import boto3
import pytest
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.asymmetric.padding import PKCS1v15
from cryptography.hazmat.primitives.asymmetric.utils import encode_dss_signature
from cryptography.hazmat.primitives.hashes import SHA256
from valet.aws.kms import ENCRYPTION_CONTEXT, KmsSigners
from valet.jose.public import jwk_from_public_key
from valet.keys.ring import SIGNING
from valet.models.keys import SigningKey
from valet.ports.keys import Signers

from tests.contract.conftest import MINISTACK, endpoint_of
from tests.contract.facts import THREADS, at_once
from tests.support.calls import calls
from tests.support.signing import MemorySigners

MESSAGES = (b"header.payload", b"x" * 4096, b"y" * 4097, b"z" * 20_000)  # KMS takes the last two as digests only


@dataclass(frozen=True)
class Keys:
    """One implementation, and how it comes by a key."""

    signers: Signers
    new_key: Callable[[str], SigningKey]


@pytest.fixture(params=["memory", "moto", "moto wrapped", MINISTACK])
def keys(request: pytest.FixtureRequest) -> Keys:
    if request.param == "memory":
        memory = MemorySigners()
        return Keys(memory, memory.new_key)
    endpoint_url = endpoint_of(request)
    new_key = _wrapped_key if request.param == "moto wrapped" else _kms_key
    return Keys(KmsSigners(calls("kms", endpoint_url or "")), lambda alg: new_key(alg, endpoint_url))


def _kms_key(alg: str, endpoint_url: str | None) -> SigningKey:
    kms = boto3.client("kms", endpoint_url=endpoint_url)
    spec = kms.create_key(KeySpec="RSA_2048" if alg == "RS256" else "ECC_NIST_P256", KeyUsage="SIGN_VERIFY")
    arn = spec["KeyMetadata"]["Arn"]
    jwk = jwk_from_public_key(kms.get_public_key(KeyId=arn)["PublicKey"], alg)
    return SigningKey(jwk["kid"], alg, SIGNING, jwk, key_id=arn)


def _wrapped_key(alg: str, endpoint_url: str | None) -> SigningKey:
    kms = boto3.client("kms", endpoint_url=endpoint_url)
    wrapping_key = kms.create_key()["KeyMetadata"]["Arn"]
    pair = kms.generate_data_key_pair_without_plaintext(
        KeyId=wrapping_key,
        KeyPairSpec="RSA_2048" if alg == "RS256" else "ECC_NIST_P256",
        EncryptionContext=dict(ENCRYPTION_CONTEXT),
    )
    jwk = jwk_from_public_key(pair["PublicKey"], alg)
    wrapped = pair["PrivateKeyCiphertextBlob"]
    return SigningKey(jwk["kid"], alg, SIGNING, jwk, wrapped_private_key=wrapped, wrapping_key=wrapping_key)


def verify(key: SigningKey, signature: bytes, message: bytes) -> None:
    """Raises InvalidSignature."""
    jwk = key.public_jwk
    if key.alg == "RS256":
        rsa.RSAPublicNumbers(_number(jwk["e"]), _number(jwk["n"])).public_key().verify(
            signature, message, PKCS1v15(), SHA256()
        )
        return
    assert len(signature) == 64, "r and s, in 32 bytes each (RFC 7518 section 3.4)"
    point = ec.EllipticCurvePublicNumbers(_number(jwk["x"]), _number(jwk["y"]), ec.SECP256R1())
    der = encode_dss_signature(int.from_bytes(signature[:32]), int.from_bytes(signature[32:]))
    point.public_key().verify(der, message, ec.ECDSA(SHA256()))


def _number(value: str) -> int:
    return int.from_bytes(urlsafe_b64decode(value + "=="))


@pytest.mark.parametrize("alg", ["RS256", "ES256"])
def test_signatures_are_good_whatever_the_messages_length(keys: Keys, alg: str) -> None:
    key = keys.new_key(alg)
    signer = keys.signers.signer(key)
    assert (signer.alg, signer.kid) == (alg, key.kid)
    for message in MESSAGES:
        verify(key, signer.sign(message), message)


def test_signatures_made_at_once_are_all_good(keys: Keys) -> None:
    key = keys.new_key("ES256")
    signatures = at_once(lambda number: keys.signers.signer(key).sign(b"message %d" % number))
    for number in range(THREADS):
        verify(key, signatures[number], b"message %d" % number)
