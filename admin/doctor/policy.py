"""The policy for people: a member that breaks a rule is passed over, or breaks the pages."""

from collections.abc import Iterator

from valet.registration.policy import wrong_with_policy

from admin.doctor.check import Check
from admin.doctor.evidence import Evidence
from admin.doctor.findings import Finding
from admin.terminal import registrations
from admin.terminal.spelling import command
from configuration.table import POLICY, key_of


def look_policy(evidence: Evidence) -> Iterator[Finding]:
    wrong = wrong_with_policy(evidence.register.policy())
    keys = dict.fromkeys(key_of(POLICY, each.member) for each in wrong)
    for told in registrations.told(wrong, registrations.POLICY):
        yield Finding(
            f"The policy for people breaks a rule: {told}",
            "No command would store it: the item was edited by hand, or by another release. The pages pass over it, or "
            "cannot be shown.",
            command("valet people set --reset", " ".join(sorted(keys))),
        )


CHECKS = (Check("people.policy", look_policy),)
