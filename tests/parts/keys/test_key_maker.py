"""The contract of KeyMaker and Signer together, on both emulated AWS; signatures are verified by other means."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

import boto3
import jwt
import pytest
from valet.aws.calls import Calls
from valet.aws.connection import NoAnswer
from valet.aws.key_maker import KmsKeyMaker, key_policy
from valet.aws.kms import KMS_ALGORITHMS, KmsSigners
from valet.errors import TemporarilyUnavailable
from valet.jose.public import thumbprint
from valet.keys.ring import ANNOUNCED
from valet.models.keys import SigningKey
from valet.settings import Settings

from local.aws.aws import emulated
from local.aws.calls import Call, refusal
from tests.parts.keys.fakes import SETTINGS
from tests.support.calls import calls

MINISTACK = pytest.mark.xdist_group("ministack")
MESSAGES = [pytest.param(length, id=f"{length} bytes") for length in (1, 1000, 4096, 4097, 100_000)]


@dataclass(frozen=True)
class Kms:
    """One of our emulated KMS, and a deployment's settings for it."""

    calls: Calls
    settings: Settings = SETTINGS

    @property
    def maker(self) -> KmsKeyMaker:
        return KmsKeyMaker(self.calls, self.settings)

    @property
    def signers(self) -> KmsSigners:
        return KmsSigners(self.calls)

    def wrapping(self) -> "Kms":
        """The same, with a key that wraps."""
        return replace(self, settings=replace(self.settings, signer="wrapped", wrapping_key=self.new_key()))

    def new_key(self) -> str:
        arn: str = self.calls("CreateKey", {})["KeyMetadata"]["Arn"]
        return arn


@pytest.fixture(params=["moto", pytest.param("ministack", marks=MINISTACK)])
def plain(request: pytest.FixtureRequest) -> Kms:
    return Kms(calls("kms", request.getfixturevalue("ministack_url") if request.param == "ministack" else ""))


@pytest.fixture(params=["kms", "wrapped"])
def kms(request: pytest.FixtureRequest, plain: Kms) -> Kms:
    return plain if request.param == "kms" else plain.wrapping()


@pytest.fixture
def moto() -> Kms:
    return Kms(calls("kms"))


def is_good(key: SigningKey, message: bytes, signature: bytes) -> bool:
    """By PyJWT and `cryptography`, from nothing but the published key."""
    algorithm = jwt.get_algorithm_by_name(key.alg)
    return algorithm.verify(message, jwt.PyJWK(dict(key.public_jwk)).key, signature)


# -- what both signers promise -----------------------------------------------------------------------------------------


@pytest.mark.parametrize("alg", ["RS256", "ES256"])
def test_a_new_key_is_announced_and_named_by_its_thumbprint(kms: Kms, alg: str) -> None:
    key = kms.maker.make_key(alg, 1_800_000_000.9)
    assert (key.state, key.alg, key.created_at) == (ANNOUNCED, alg, 1_800_000_000)
    assert key.kid == key.public_jwk["kid"] == thumbprint(key.public_jwk)
    assert bool(key.key_id) is not bool(key.wrapped_private_key)
    assert key.signing_roles == SETTINGS.signing_role_arns


def test_a_new_keys_policy_also_names_the_roles_that_can_wait() -> None:
    waiting = "arn:aws:iam::123456789012:role/NotifyClients"
    _, sign, _ = key_policy("RS256", replace(SETTINGS, waiting_role_arns=frozenset({waiting})))["Statement"]
    assert set(sign["Principal"]["AWS"]) == {*SETTINGS.signing_role_arns, waiting}
    assert sign["Action"] == ["kms:Sign"]


@pytest.mark.parametrize("length", MESSAGES)
@pytest.mark.parametrize("alg", ["RS256", "ES256"])
def test_messages_of_any_length_are_signed(kms: Kms, alg: str, length: int) -> None:
    key = kms.maker.make_key(alg, 0)
    message = b"m" * length
    signature = kms.signers.signer(key).sign(message)
    assert is_good(key, message, signature)
    assert not is_good(key, message + b"!", signature)


@pytest.mark.parametrize("length", MESSAGES)
def test_ps256_has_a_salt_as_long_as_its_hash(kms: Kms, length: int) -> None:
    key = kms.maker.make_key("PS256", 0)
    message = b"m" * length
    assert is_good(key, message, kms.signers.signer(key).sign(message))


def test_the_policy_of_a_key_lets_it_sign_with_its_one_algorithm() -> None:
    allowed = {}
    for alg in KMS_ALGORITHMS:
        (sign,) = (each for each in key_policy(alg, SETTINGS)["Statement"] if "kms:Sign" in each["Action"])
        assert sign["Action"] == ["kms:Sign"]
        allowed[alg] = sign["Condition"]["StringEquals"]["kms:SigningAlgorithm"]
    assert allowed == KMS_ALGORITHMS
    assert len(set(allowed.values())) == len(allowed)  # RS256 and PS256 sign with keys of one kind


@MINISTACK
@pytest.mark.parametrize("signer", ["kms", "wrapped"])
@pytest.mark.parametrize("length", [1, 4096])
def test_eddsa_is_ed25519_as_rfc_8037_has_it(ministack_url: str, signer: str, length: int) -> None:
    # The first of our two emulators makes no Ed25519 keys.
    kms = Kms(calls("kms", ministack_url))
    kms = kms.wrapping() if signer == "wrapped" else kms
    key = kms.maker.make_key("EdDSA", 0)
    message = b"m" * length
    assert is_good(key, message, kms.signers.signer(key).sign(message))


def test_kms_is_never_asked_to_sign_a_digest_with_ed25519(moto: Kms) -> None:
    # What it would answer is Ed25519ph, which is another algorithm.
    key = SigningKey("kid", "EdDSA", ANNOUNCED, {}, key_id="arn:aws:kms:us-east-1:123456789012:key/1")
    signer = moto.signers.signer(key)
    with emulated().recorded() as made, pytest.raises(TemporarilyUnavailable):
        signer.sign(b"m" * 4097)
    assert made == []


def test_a_usable_key_is_usable_until_it_has_ended_and_ending_it_again_is_no_error(kms: Kms) -> None:
    keys = kms.maker
    key = keys.make_key("ES256", 0)
    assert keys.is_usable(key)
    assert keys.end_key(key)
    assert keys.end_key(key)
    # A wrapped private key has ended when it is gone from its record.
    assert not keys.is_usable(replace(key, wrapped_private_key=b""))


def test_nobody_can_sign_with_a_key_that_has_ended(kms: Kms) -> None:
    key = kms.maker.make_key("ES256", 0)
    kms.maker.end_key(key)
    with pytest.raises(TemporarilyUnavailable):
        kms.signers.signer(replace(key, wrapped_private_key=b"")).sign(b"message")


def test_a_key_that_somebody_disabled_is_not_usable(plain: Kms) -> None:
    keys = plain.maker
    key = keys.make_key("ES256", 0)
    plain.calls("DisableKey", {"KeyId": key.key_id.rpartition("/")[2]})
    assert not keys.is_usable(key)


def test_a_key_that_is_not_there_is_not_usable_and_has_ended(plain: Kms) -> None:
    gone = SigningKey("kid", "ES256", ANNOUNCED, {}, key_id=f"{plain.new_key()[:-12]}{'0' * 12}")
    assert not plain.maker.is_usable(gone)
    assert plain.maker.end_key(gone)


# -- the wrapped key ---------------------------------------------------------------------------------------------------


@pytest.fixture
def wrapped(moto: Kms) -> Kms:
    return moto.wrapping()


def test_a_wrapped_key_is_unwrapped_once_in_an_execution_environment(wrapped: Kms) -> None:
    keys = [wrapped.maker.make_key("ES256", 0) for _ in range(2)]
    signers = wrapped.signers
    with emulated().recorded() as made:
        for _ in range(20):
            for key in keys:
                signers.signer(key).sign(b"message")
    assert [call.action for call in made] == ["Decrypt", "Decrypt"]


def test_a_key_that_is_no_longer_asked_for_leaves_the_memory(wrapped: Kms) -> None:
    signers = wrapped.signers
    for _ in range(5):
        signers.signer(wrapped.maker.make_key("ES256", 0))
    assert len(signers._unwrapped) == 2


def test_a_rotation_in_each_of_two_lanes_unwraps_each_key_once(wrapped: Kms) -> None:
    """An invocation that read the records before a change still asks for the former keys."""
    keys = [wrapped.maker.make_key(alg, 0) for alg in ("RS256", "PS256") for _ in range(2)]
    signers = wrapped.signers
    with emulated().recorded() as made:
        for _ in range(3):
            for key in keys:
                assert is_good(key, b"message", signers.signer(key).sign(b"message"))
    assert [call.action for call in made] == ["Decrypt"] * 4


def test_wrapping_and_unwrapping_say_what_for(wrapped: Kms) -> None:
    with emulated().recorded() as made:
        wrapped.signers.signer(wrapped.maker.make_key("ES256", 0))
    assert [call.action for call in made] == ["GenerateDataKeyPairWithoutPlaintext", "Decrypt"]
    for call in made:
        assert call.parameters["EncryptionContext"] == {"valet:use": "signing-key"}
        assert call.parameters["KeyId"] == wrapped.settings.wrapping_key


@MINISTACK
def test_a_key_that_was_wrapped_for_another_use_is_not_unwrapped(ministack_url: str) -> None:
    kms = Kms(calls("kms", ministack_url)).wrapping()
    key = kms.maker.make_key("ES256", 0)
    foreign = boto3.client("kms", endpoint_url=ministack_url).generate_data_key_pair_without_plaintext(
        KeyId=kms.settings.wrapping_key, KeyPairSpec="ECC_NIST_P256", EncryptionContext={"valet:use": "something else"}
    )
    with pytest.raises(TemporarilyUnavailable):
        kms.signers.signer(replace(key, wrapped_private_key=foreign["PrivateKeyCiphertextBlob"]))


def test_a_record_with_another_keys_private_key_signs_nothing(wrapped: Kms) -> None:
    one, other = (wrapped.maker.make_key("ES256", 0) for _ in range(2))
    with pytest.raises(TemporarilyUnavailable) as refused:
        wrapped.signers.signer(replace(one, wrapped_private_key=other.wrapped_private_key))
    assert "another key" in refused.value.detail


def test_a_record_with_another_kind_of_private_key_signs_nothing(wrapped: Kms) -> None:
    key = wrapped.maker.make_key("ES256", 0)
    with pytest.raises(TemporarilyUnavailable):
        wrapped.signers.signer(replace(key, alg="RS256"))


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
def test_a_signature_that_kms_refuses_is_temporarily_unavailable_and_the_log_says_why(moto: Kms, code: str) -> None:
    key = moto.maker.make_key("ES256", 0)

    def refuse(call: Call, forward: Callable[[], Any]) -> Any:
        return refusal(code)

    with emulated().intercept(refuse), pytest.raises(TemporarilyUnavailable) as refused:
        moto.signers.signer(key).sign(b"message")
    assert code in refused.value.detail
    assert key.key_id in refused.value.detail
    assert key.key_id not in refused.value.description


@pytest.mark.usefixtures("impatient")
def test_a_kms_out_of_reach_is_temporarily_unavailable_after_two_attempts(moto: Kms) -> None:
    key = moto.maker.make_key("ES256", 0)
    attempts = 0

    def lose(call: Call, forward: Callable[[], Any]) -> Any:
        nonlocal attempts
        attempts += 1
        raise NoAnswer("ConnectTimeout")

    with emulated().intercept(lose), pytest.raises(TemporarilyUnavailable) as refused:
        moto.signers.signer(key).sign(b"message")
    assert "ConnectTimeout" in refused.value.detail
    assert attempts == 2


def test_that_we_may_not_look_at_a_key_does_not_make_it_unusable(moto: Kms) -> None:
    key = moto.maker.make_key("ES256", 0)

    def refuse(call: Call, forward: Callable[[], Any]) -> Any:
        return refusal("AccessDeniedException")

    with emulated().intercept(refuse):
        assert moto.maker.is_usable(key)
        assert not moto.maker.end_key(key)
