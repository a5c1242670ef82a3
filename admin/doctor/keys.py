"""The signing keys: one signs, one is announced, none is too old, and KMS agrees with each record (docs/keys.md)."""

from collections.abc import Iterator

from valet.jose.public import jwk_from_public_key
from valet.keys.ring import ANNOUNCED, DROPPED, RETIRED, SIGNING
from valet.models.keys import SigningKey

from admin.desk import span
from admin.doctor.check import Check
from admin.doctor.evidence import Evidence
from admin.doctor.findings import Finding
from admin.terminal.spelling import command

_HOURLY = (
    "Find out why rotate_keys failed: `valet tail --since 2h --event request.failed --no-follow`; then invoke it: "
    "`valet keys rotate`"
)
_DAY = 86_400


def look_states(evidence: Evidence) -> Iterator[Finding]:
    states = [key.state for key in evidence.ring.keys]
    if states.count(SIGNING) != 1:
        yield Finding(
            f"{states.count(SIGNING)} keys sign", "Exactly one key must sign. Without one, no token is issued.", _HOURLY
        )
    if ANNOUNCED not in states:
        yield Finding(
            "No standby key is announced",
            "If the signing key had to be dropped, verifiers would not know the next one for up to two hours.",
            _HOURLY,
        )
    for key in evidence.ring.keys:
        unused_since = key.retired_at or key.dropped_at
        if key.state in (RETIRED, DROPPED) and not key.ended_at and evidence.now - unused_since > _DAY:
            yield Finding(
                f"The key {key.kid} is {key.state}, but can still sign", "Valet does not need it any more.", _HOURLY
            )


def look_age(evidence: Evidence) -> Iterator[Finding]:
    period = int(evidence.environment("RotateKeysFunction").get("ROTATION_PERIOD") or 30) * _DAY
    for key in evidence.ring.keys:
        age = evidence.now - key.signing_since
        if key.state == SIGNING and age > period + _DAY:
            yield Finding(
                f"The key {key.kid} has been signing for {span(age)}, but the period is {span(period)}",
                "The rotation has stopped: the schedule is off, or rotate_keys fails.",
                _HOURLY,
            )


def look_kms(evidence: Evidence) -> Iterator[Finding]:
    for key in evidence.ring.keys:
        if key.state in (SIGNING, ANNOUNCED) and not key.ended_at:
            yield from _wrapping_key(key, evidence) if key.wrapping_key else _signing_key(key, evidence)


def _signing_key(key: SigningKey, evidence: Evidence) -> Iterator[Finding]:
    metadata = evidence.described_key(key.key_id)
    state = metadata["KeyState"] if metadata else "gone"
    if state != "Enabled":
        yield Finding(
            f"KMS says that the {key.state} key {key.kid} is {state}",
            "Valet cannot sign with it. If it is the signing key, no token is issued.",
            f"Drop it: {_emergency(key)}; or enable it: {command('aws kms enable-key --key-id', key.key_id)}",
        )
        return
    answer = evidence.deployment.client("kms").get_public_key(KeyId=key.key_id)
    if jwk_from_public_key(answer["PublicKey"], key.alg)["kid"] != key.kid:
        yield Finding(
            f"KMS has another public key than the record {key.kid}",
            "No published key verifies what it signs.",
            _emergency(key),
        )


def _wrapping_key(key: SigningKey, evidence: Evidence) -> Iterator[Finding]:
    metadata = evidence.described_key(key.wrapping_key)
    state = metadata["KeyState"] if metadata else "gone"
    if state != "Enabled":
        yield Finding(
            f"The key {key.wrapping_key}, which wraps the {key.state} key {key.kid}, is {state}",
            "The functions cannot unwrap the signing key again when they start anew.",
            f"If it is to be deleted, {command('aws kms cancel-key-deletion --key-id', key.wrapping_key)}; "
            f"then {command('aws kms enable-key --key-id', key.wrapping_key)}",
        )


def _emergency(key: SigningKey) -> str:
    return command("valet keys emergency", key.kid)


CHECKS = (
    Check("keys.states", look_states),
    Check("keys.age", look_age),
    Check("keys.kms", look_kms),
)
