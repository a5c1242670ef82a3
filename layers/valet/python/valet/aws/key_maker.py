"""Makes and ends the KMS keys that sign. Each key's own policy holds all permissions on it.

The account's administrators may manage a key and delete it, but not sign with it. The signing functions may sign, with
one algorithm. rotate_keys may read its state and end it. No role's policy adds anything to this.
"""

import json
from typing import Any

from valet.aws.calls import CallFailed, Calls, binary
from valet.aws.kms import ENCRYPTION_CONTEXT, KMS_ALGORITHMS, asked
from valet.errors import TemporarilyUnavailable
from valet.jose.public import jwk_from_public_key
from valet.keys.ring import ANNOUNCED
from valet.models.keys import SigningKey
from valet.settings import Settings, SettingsError

_KEY_SPECS: dict[str, Any] = {
    "RS256": "RSA_2048",
    "PS256": "RSA_2048",
    "ES256": "ECC_NIST_P256",
    "EdDSA": "ECC_NIST_EDWARDS25519",
}
_ENDING = ("PendingDeletion", "PendingReplicaDeletion")
_WAITING_PERIOD = 7  # days between the order and the deletion, the least that KMS allows

_DENIED = (
    "kms:CreateKey is denied. A role that was made a moment ago may not be known yet. If the account's organization "
    "denies it, deploy with the parameter Signer=wrapped, which makes no KMS keys"
)
_MALFORMED = (
    "KMS does not accept the key policy. A role in it that was made a moment ago may not be known yet; it also has to "
    "leave the account a way to change the policy"
)


class KmsKeyMaker:
    """KeyMaker, for both signers."""

    def __init__(self, kms: Calls, settings: Settings) -> None:
        self._kms = kms
        self._settings = settings
        _check(settings)

    def make_key(self, alg: str, now: float) -> SigningKey:
        return self._wrapped_key(alg, int(now)) if self._settings.signer == "wrapped" else self._kms_key(alg, int(now))

    def is_usable(self, key: SigningKey) -> bool:
        if key.wrapping_key:
            return bool(key.wrapped_private_key)
        try:
            answer = asked(self._kms, "DescribeKey", {"KeyId": key.key_id})
        except TemporarilyUnavailable as error:
            # Replace a key only if KMS says for certain that it cannot sign. If this function may not look, the signing
            # functions may still sign.
            return _code(error) != "NotFoundException"
        return answer["KeyMetadata"]["KeyState"] not in ("Disabled", *_ENDING)

    def end_key(self, key: SigningKey) -> bool:
        if key.wrapping_key:
            return True  # the private key was only in its record, and is already deleted there
        key_id = key.key_id.rpartition("/")[2]
        try:
            answer = asked(self._kms, "DescribeKey", {"KeyId": key_id})
            if answer["KeyMetadata"]["KeyState"] in _ENDING:
                return True
            # Disable it first: if the second call does not happen, the key still cannot sign.
            asked(self._kms, "DisableKey", {"KeyId": key_id})
            asked(self._kms, "ScheduleKeyDeletion", {"KeyId": key_id, "PendingWindowInDays": _WAITING_PERIOD})
        except TemporarilyUnavailable as error:
            if _code(error) == "AccessDeniedException":
                return False
            if _code(error) not in ("NotFoundException", "KMSInvalidStateException"):
                raise
        return True

    def _kms_key(self, alg: str, now: int) -> SigningKey:
        key_id = self._create_key(alg)
        answer = asked(self._kms, "GetPublicKey", {"KeyId": key_id})
        jwk = jwk_from_public_key(binary(answer["PublicKey"]), alg)
        roles = self._settings.key_roles
        return SigningKey(jwk["kid"], alg, ANNOUNCED, jwk, key_id=key_id, signing_roles=roles, created_at=now)

    def _create_key(self, alg: str) -> str:
        try:
            answer = asked(
                self._kms,
                "CreateKey",
                {
                    "Description": "Signs Valet's tokens; made, replaced and deleted by rotate_keys",
                    "KeyUsage": "SIGN_VERIFY",
                    "KeySpec": _KEY_SPECS[alg],
                    "Origin": "AWS_KMS",
                    "MultiRegion": False,
                    "BypassPolicyLockoutSafetyCheck": False,
                    "Policy": json.dumps(key_policy(alg, self._settings)),
                },
            )
        except TemporarilyUnavailable as error:
            reason = {"AccessDeniedException": _DENIED, "MalformedPolicyDocumentException": _MALFORMED}.get(
                _code(error)
            )
            if reason is None:
                raise
            raise TemporarilyUnavailable(detail=f"{error.detail}: {reason}") from error
        arn: str = answer["KeyMetadata"]["Arn"]
        return arn

    def _wrapped_key(self, alg: str, now: int) -> SigningKey:
        wrapping_key = self._settings.wrapping_key
        answer = asked(
            self._kms,
            "GenerateDataKeyPairWithoutPlaintext",
            {"KeyId": wrapping_key, "KeyPairSpec": _KEY_SPECS[alg], "EncryptionContext": ENCRYPTION_CONTEXT},
        )
        jwk = jwk_from_public_key(binary(answer["PublicKey"]), alg)
        return SigningKey(
            jwk["kid"],
            alg,
            ANNOUNCED,
            jwk,
            signing_roles=self._settings.key_roles,
            wrapped_private_key=binary(answer["PrivateKeyCiphertextBlob"]),
            wrapping_key=wrapping_key,
            created_at=now,
        )


def key_policy(alg: str, settings: Settings) -> dict[str, Any]:
    """A signing key's policy."""
    return {
        "Version": "2012-10-17",
        "Statement": [
            _allow(
                "AdministerButNotUse",
                [settings.account_root_arn],
                "Describe* Get* List* PutKeyPolicy DisableKey EnableKey ScheduleKeyDeletion CancelKeyDeletion",
            ),
            {
                **_allow("Sign", sorted(settings.key_roles), "Sign"),
                "Condition": {"StringEquals": {"kms:SigningAlgorithm": KMS_ALGORITHMS[alg]}},
            },
            _allow("Rotate", [settings.rotate_role_arn], "DescribeKey GetPublicKey DisableKey ScheduleKeyDeletion"),
        ],
    }


def _allow(sid: str, principals: list[str], actions: str) -> dict[str, Any]:
    return {
        "Sid": sid,
        "Effect": "Allow",
        "Principal": {"AWS": principals},
        "Action": [f"kms:{action}" for action in actions.split()],
        "Resource": "*",  # in a key policy: this key
    }


def _code(error: TemporarilyUnavailable) -> str:
    cause = error.__cause__
    return cause.code if isinstance(cause, CallFailed) else ""


def _check(settings: Settings) -> None:
    needed = (
        {"WRAPPING_KEY": settings.wrapping_key}
        if settings.signer == "wrapped"
        else {
            "SIGNING_ROLE_ARNS": settings.signing_role_arns,
            "ROTATE_ROLE_ARN": settings.rotate_role_arn,
            "ACCOUNT_ROOT_ARN": settings.account_root_arn,
        }
    )
    missing = [name for name, value in needed.items() if not value]
    if missing:
        raise SettingsError(f"SIGNER is {settings.signer!r}, which needs {', '.join(missing)}")
