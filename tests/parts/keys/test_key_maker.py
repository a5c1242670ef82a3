"""The contract of KeyMaker and Signer together, on both emulated AWS; signatures are verified by other means."""

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import boto3
import jwt
import pytest
from botocore.exceptions import ConnectTimeoutError
from valet.aws.clients import client
from valet.aws.key_maker import KmsKeyMaker
from valet.aws.kms import KmsSigners
from valet.errors import TemporarilyUnavailable
from valet.jose.public import thumbprint
from valet.keys.ring import ANNOUNCED
from valet.models.keys import SigningKey
from valet.settings import Settings

from local.aws.aws import emulated
from local.aws.calls import Call, error_response
from tests.parts.keys.fakes import SETTINGS

MINISTACK = pytest.mark.xdist_group("ministack")
MESSAGES = [pytest.param(length, id=f"{length} bytes") for length in (1, 1000, 4096, 4097, 100_000)]


@pytest.fixture(params=["moto", pytest.param("ministack", marks=MINISTACK)])
def kms_settings(request: pytest.FixtureRequest) -> Settings:
    emulated()
    url = request.getfixturevalue("ministack_url") if request.param == "ministack" else ""
    return replace(SETTINGS, aws_endpoint_url=url)


@pytest.fixture(params=["kms", "wrapped"])
def settings(request: pytest.FixtureRequest, kms_settings: Settings) -> Settings:
    if request.param == "kms":
        return kms_settings
    return replace(kms_settings, signer="wrapped", wrapping_key=make_wrapping_key(kms_settings))


def make_wrapping_key(settings: Settings) -> str:
    return client("kms", settings).create_key()["KeyMetadata"]["Arn"]


def maker(settings: Settings) -> KmsKeyMaker:
    return KmsKeyMaker(client("kms", settings), settings)


def is_good(key: SigningKey, message: bytes, signature: bytes) -> bool:
    """By PyJWT and `cryptography`, from nothing but the published key."""
    algorithm = jwt.get_algorithm_by_name(key.alg)
    return algorithm.verify(message, jwt.PyJWK(dict(key.public_jwk)).key, signature)


# -- what both signers promise -----------------------------------------------------------------------------------------


@pytest.mark.parametrize("alg", ["RS256", "ES256"])
def test_a_new_key_is_announced_and_named_by_its_thumbprint(settings: Settings, alg: str) -> None:
    key = maker(settings).make_key(alg, 1_800_000_000.9)
    assert (key.state, key.alg, key.created_at) == (ANNOUNCED, alg, 1_800_000_000)
    assert key.kid == key.public_jwk["kid"] == thumbprint(key.public_jwk)
    assert bool(key.key_id) is not bool(key.wrapped_private_key)
    assert key.signing_roles == SETTINGS.signing_role_arns


@pytest.mark.parametrize("length", MESSAGES)
@pytest.mark.parametrize("alg", ["RS256", "ES256"])
def test_messages_of_any_length_are_signed(settings: Settings, alg: str, length: int) -> None:
    key = maker(settings).make_key(alg, 0)
    message = b"m" * length
    signature = KmsSigners(settings).signer(key).sign(message)
    assert is_good(key, message, signature)
    assert not is_good(key, message + b"!", signature)


@pytest.mark.parametrize("length", MESSAGES)
def test_ps256_has_a_salt_as_long_as_its_hash(settings: Settings, length: int) -> None:
    key = maker(settings).make_key("PS256", 0)
    message = b"m" * length
    assert is_good(key, message, KmsSigners(settings).signer(key).sign(message))


@MINISTACK
@pytest.mark.parametrize("signer", ["kms", "wrapped"])
@pytest.mark.parametrize("length", [1, 4096])
def test_eddsa_is_ed25519_as_rfc_8037_has_it(ministack_url: str, signer: str, length: int) -> None:
    # The first of our two emulators makes no Ed25519 keys.
    settings = replace(SETTINGS, aws_endpoint_url=ministack_url, signer=signer)
    settings = replace(settings, wrapping_key=make_wrapping_key(settings))
    key = maker(settings).make_key("EdDSA", 0)
    message = b"m" * length
    assert is_good(key, message, KmsSigners(settings).signer(key).sign(message))


def test_kms_is_never_asked_to_sign_a_digest_with_ed25519() -> None:
    # What it would answer is Ed25519ph, which is another algorithm.
    key = SigningKey("kid", "EdDSA", ANNOUNCED, {}, key_id="arn:aws:kms:us-east-1:123456789012:key/1")
    signer = KmsSigners(SETTINGS).signer(key)
    with emulated().recorded() as calls, pytest.raises(TemporarilyUnavailable):
        signer.sign(b"m" * 4097)
    assert calls == []


def test_a_usable_key_is_usable_until_it_has_ended_and_ending_it_again_is_no_error(settings: Settings) -> None:
    keys = maker(settings)
    key = keys.make_key("ES256", 0)
    assert keys.is_usable(key)
    assert keys.end_key(key)
    assert keys.end_key(key)
    # A wrapped private key has ended when it is gone from its record.
    assert not keys.is_usable(replace(key, wrapped_private_key=b""))


def test_nobody_can_sign_with_a_key_that_has_ended(settings: Settings) -> None:
    key = maker(settings).make_key("ES256", 0)
    maker(settings).end_key(key)
    with pytest.raises(TemporarilyUnavailable):
        KmsSigners(settings).signer(replace(key, wrapped_private_key=b"")).sign(b"message")


def test_a_key_that_somebody_disabled_is_not_usable(kms_settings: Settings) -> None:
    keys = maker(kms_settings)
    key = keys.make_key("ES256", 0)
    client("kms", kms_settings).disable_key(KeyId=key.key_id.rpartition("/")[2])
    assert not keys.is_usable(key)


def test_a_key_that_is_not_there_is_not_usable_and_has_ended(kms_settings: Settings) -> None:
    gone = SigningKey("kid", "ES256", ANNOUNCED, {}, key_id=f"{make_wrapping_key(kms_settings)[:-12]}{'0' * 12}")
    assert not maker(kms_settings).is_usable(gone)
    assert maker(kms_settings).end_key(gone)


# -- the wrapped key ---------------------------------------------------------------------------------------------------


@pytest.fixture
def wrapped() -> Settings:
    emulated()
    return replace(SETTINGS, signer="wrapped", wrapping_key=make_wrapping_key(SETTINGS))


def test_a_wrapped_key_is_unwrapped_once_in_an_execution_environment(wrapped: Settings) -> None:
    keys = [maker(wrapped).make_key("ES256", 0) for _ in range(2)]
    signers = KmsSigners(wrapped)
    with emulated().recorded() as calls:
        for _ in range(20):
            for key in keys:
                signers.signer(key).sign(b"message")
    assert [call.action for call in calls] == ["Decrypt", "Decrypt"]


def test_a_key_that_is_no_longer_asked_for_leaves_the_memory(wrapped: Settings) -> None:
    signers = KmsSigners(wrapped)
    for _ in range(5):
        signers.signer(maker(wrapped).make_key("ES256", 0))
    assert len(signers._unwrapped) == 2


def test_wrapping_and_unwrapping_say_what_for(wrapped: Settings) -> None:
    with emulated().recorded() as calls:
        KmsSigners(wrapped).signer(maker(wrapped).make_key("ES256", 0))
    assert [call.action for call in calls] == ["GenerateDataKeyPairWithoutPlaintext", "Decrypt"]
    for call in calls:
        assert call.parameters["EncryptionContext"] == {"valet:use": "signing-key"}
        assert call.parameters["KeyId"] == wrapped.wrapping_key


@MINISTACK
def test_a_key_that_was_wrapped_for_another_use_is_not_unwrapped(ministack_url: str) -> None:
    settings = replace(SETTINGS, aws_endpoint_url=ministack_url, signer="wrapped")
    settings = replace(settings, wrapping_key=make_wrapping_key(settings))
    key = maker(settings).make_key("ES256", 0)
    foreign = boto3.client("kms", endpoint_url=ministack_url).generate_data_key_pair_without_plaintext(
        KeyId=settings.wrapping_key, KeyPairSpec="ECC_NIST_P256", EncryptionContext={"valet:use": "something else"}
    )
    with pytest.raises(TemporarilyUnavailable):
        KmsSigners(settings).signer(replace(key, wrapped_private_key=foreign["PrivateKeyCiphertextBlob"]))


def test_a_record_with_another_keys_private_key_signs_nothing(wrapped: Settings) -> None:
    one, other = (maker(wrapped).make_key("ES256", 0) for _ in range(2))
    with pytest.raises(TemporarilyUnavailable) as refused:
        KmsSigners(wrapped).signer(replace(one, wrapped_private_key=other.wrapped_private_key))
    assert "another key" in refused.value.detail


def test_a_record_with_another_kind_of_private_key_signs_nothing(wrapped: Settings) -> None:
    key = maker(wrapped).make_key("ES256", 0)
    with pytest.raises(TemporarilyUnavailable):
        KmsSigners(wrapped).signer(replace(key, alg="RS256"))


# -- when KMS does not do it -------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "code",
    [
        "ThrottlingException",
        "LimitExceededException",
        "KMSInternalException",
        "DependencyTimeoutException",
        "KeyUnavailableException",
        "DisabledException",
        "KMSInvalidStateException",
        "AccessDeniedException",
    ],
)
@pytest.mark.usefixtures("impatient")
def test_a_signature_that_kms_refuses_is_temporarily_unavailable_and_the_log_says_why(code: str) -> None:
    key = maker(SETTINGS).make_key("ES256", 0)

    def refuse(call: Call, forward: Callable[[], Any]) -> Any:
        return error_response("https://kms.us-east-1.amazonaws.com/", code)

    with emulated().intercept(refuse), pytest.raises(TemporarilyUnavailable) as refused:
        KmsSigners(SETTINGS).signer(key).sign(b"message")
    assert code in refused.value.detail
    assert key.key_id in refused.value.detail
    assert key.key_id not in refused.value.description


@pytest.mark.usefixtures("impatient")
def test_a_kms_out_of_reach_is_temporarily_unavailable_after_two_attempts() -> None:
    key = maker(SETTINGS).make_key("ES256", 0)
    attempts = 0

    def lose(call: Call, forward: Callable[[], Any]) -> Any:
        nonlocal attempts
        attempts += 1
        raise ConnectTimeoutError(endpoint_url="https://kms.us-east-1.amazonaws.com/")

    with emulated().intercept(lose), pytest.raises(TemporarilyUnavailable) as refused:
        KmsSigners(SETTINGS).signer(key).sign(b"message")
    assert "ConnectTimeoutError" in refused.value.detail
    assert attempts == 2


def test_that_we_may_not_look_at_a_key_does_not_make_it_unusable() -> None:
    key = maker(SETTINGS).make_key("ES256", 0)

    def refuse(call: Call, forward: Callable[[], Any]) -> Any:
        return error_response("https://kms.us-east-1.amazonaws.com/", "AccessDeniedException")

    with emulated().intercept(refuse):
        assert maker(SETTINGS).is_usable(key)
        assert not maker(SETTINGS).end_key(key)
