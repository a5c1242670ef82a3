"""The signing keys: of each algorithm one signs and one is announced, none is too old, each client and API has one, and
KMS agrees with each record (docs/keys.md)."""

from collections.abc import Iterator

from valet.jose.public import jwk_from_public_key
from valet.keys.plan import ANNOUNCED_FOR
from valet.keys.ring import ANNOUNCED, DROPPED, RETIRED, SIGNING, signing_algs
from valet.models.clients import Client
from valet.models.keys import SigningKey
from valet.registration.signing_algs import registered_for_others

from admin.desk import moment, span
from admin.doctor.check import Check
from admin.doctor.evidence import Evidence
from admin.doctor.findings import Finding, warning
from admin.terminal.spelling import command

_HOURLY = (
    "Find out why rotate_keys failed: `valet tail --since 2h --event request.failed --no-follow`; then invoke it: "
    "`valet keys rotate`"
)
_DAY = 86_400


def look_states(evidence: Evidence) -> Iterator[Finding]:
    signing = signing_algs(evidence.ring.keys)
    if not signing:
        yield Finding("0 keys sign", "Without a signing key, no token is issued.", _HOURLY)
    for alg in sorted(set(signing)):
        if (count := signing.count(alg)) > 1:
            yield Finding(f"{count} keys sign with {alg}", "Exactly one key of an algorithm must sign.", _HOURLY)
        if all(key.alg != alg or key.state != ANNOUNCED for key in evidence.ring.keys):
            yield Finding(
                f"No standby key is announced for {alg}",
                "If the signing key had to be dropped, verifiers would not know the next one for up to two hours.",
                _HOURLY,
            )
    for key in evidence.ring.keys:
        unused_since = key.retired_at or key.dropped_at
        if key.state in (RETIRED, DROPPED) and not key.ended_at and evidence.now - unused_since > _DAY:
            yield Finding(
                f"The key {key.kid} is {key.state}, but can still sign", "Valet does not need it any more.", _HOURLY
            )


def look_lanes(evidence: Evidence) -> Iterator[Finding]:
    """Finds the algorithms that the deployment asks for and no key signs with, and the registrations that wait."""
    keys, signing = evidence.ring.keys, signing_algs(evidence.ring.keys)
    wanted = (evidence.environment("RotateKeysFunction").get("SIGNING_ALG") or "RS256").split("+")
    for alg in wanted:
        announced = min((key.created_at for key in keys if key.alg == alg and key.state == ANNOUNCED), default=0)
        if alg not in signing and announced:
            yield warning(
                f"No key signs with {alg} yet",
                "Verifiers have to know a new algorithm's key before its first signature.",
                f"Wait: it signs from {moment(announced + ANNOUNCED_FOR)} on",
            )
        elif alg not in signing:
            yield Finding(
                f"No key signs with {alg}, and none is announced", "SigningAlgorithm names this algorithm.", _HOURLY
            )
    apis, in_use = evidence.scopes.apis.values(), [alg for alg in signing if alg in wanted]
    for each in registered_for_others(evidence.clients, apis, in_use):
        if isinstance(each, Client):
            whose, alg = f"ID tokens of the client {each.client_id}", each.id_token_signed_response_alg
            mend = command("valet clients change", each.client_id, "--id-token-alg", "default")
        else:
            whose, alg = f"Access tokens for {each.audience}", each.access_token_signing_alg
            mend = command("valet apis change", each.audience, "--access-token-alg", "default")
        signs = "SigningAlgorithm does not name it any more" if alg in signing else "no key signs with it"
        yield Finding(
            f"{whose} are to be signed with {alg}, and {signs}",
            "Without a key that signs, they are refused as temporarily_unavailable: another algorithm never stands in.",
            f"Deploy with a SigningAlgorithm that names {alg} and wait 2 h 15 min, or {mend}",
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
    Check("keys.lanes", look_lanes),
    Check("keys.age", look_age),
    Check("keys.kms", look_kms),
)
