"""Second factors: the key that seals them works, and who requires them can have them."""

from collections.abc import Iterator

from valet.protocol.supported import MULTI_FACTOR_ACR

from admin.doctor.check import Check
from admin.doctor.evidence import Evidence
from admin.doctor.findings import Finding
from admin.doctor.passkeys import features_of
from admin.terminal.spelling import command


def look_key(evidence: Evidence) -> Iterator[Finding]:
    key_id = evidence.environment("SecondFunction").get("PEOPLE_KEY", "")
    if not key_id:
        return
    metadata = evidence.described_key(key_id)
    state = metadata["KeyState"] if metadata else "gone"
    if state == "Enabled":
        return
    why = (
        "Nobody can sign in with an authenticator app. If KMS deletes the key, every app is lost; recovery codes stay."
    )
    mend = f"Enable it: {command('aws kms enable-key --key-id', key_id)}"
    if state == "PendingDeletion":
        mend = f"Keep it: {command('aws kms cancel-key-deletion --key-id', key_id)}; then enable it"
    yield Finding(f"KMS says that the key of second factors is {state}", why, mend)


def look_required(evidence: Evidence) -> Iterator[Finding]:
    features, policy = features_of(evidence), evidence.register.policy()
    if "second_factor" in features:
        return
    why = "People who have no passkey cannot add a second factor here, so every sign-in of theirs is refused."
    mend = "Deploy with SecondFactor=on, or do not require it."
    if policy.second_factor == "required" and "passkeys" not in features:
        yield Finding("The policy requires a second factor of everybody", why, mend)
    if "passkeys" not in features:
        for client in evidence.clients:
            if client.required_acr == MULTI_FACTOR_ACR and not client.is_disabled:
                yield Finding(f"The client {client.client_id} requires a second factor", why, mend)
    for account in evidence.people.accounts():
        if account.totp_id and not account.is_disabled:
            yield Finding(
                "People have authenticator apps, and SecondFactor is off",
                f"{account.username}, for instance, cannot sign in: the password alone would be less than before.",
                f"Deploy with SecondFactor=on, or {command('valet users reset-second-factor', account.username)}",
            )
            return


CHECKS = (Check("second_factors.key", look_key), Check("second_factors.required", look_required))
