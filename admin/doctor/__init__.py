"""The audit of a live deployment: every check, run over one body of evidence."""

from collections.abc import Iterable
from dataclasses import replace

from botocore.exceptions import BotoCoreError, ClientError
from valet.errors import TemporarilyUnavailable

from admin.doctor import (
    account,
    client_keys,
    devices,
    endpoints,
    fapi,
    functions,
    gateways,
    keys,
    logouts,
    mails,
    passkeys,
    policy,
    providers,
    proxy,
    reference_tokens,
    registrations,
    resources,
    second_factors,
    step_up,
    strangers,
    tables,
)
from admin.doctor.check import Check
from admin.doctor.evidence import Evidence
from admin.doctor.findings import CannotLook, Finding, Skipped

CHECKS: tuple[Check, ...] = (
    *endpoints.CHECKS,
    *proxy.CHECKS,
    *keys.CHECKS,
    *tables.CHECKS,
    *registrations.CHECKS,
    *client_keys.CHECKS,
    *devices.CHECKS,
    *policy.CHECKS,
    *logouts.CHECKS,
    *mails.CHECKS,
    *fapi.CHECKS,
    *passkeys.CHECKS,
    *second_factors.CHECKS,
    *providers.CHECKS,
    *functions.CHECKS,
    *gateways.CHECKS,
    *step_up.CHECKS,
    *reference_tokens.CHECKS,
    *resources.CHECKS,
    *strangers.CHECKS,
    *account.CHECKS,
)


def examine(evidence: Evidence, checks: Iterable[Check] = CHECKS) -> tuple[list[Finding], list[Skipped]]:
    """Run the checks. Returns the findings and the skipped checks; a check that fails does not stop the others."""
    found: list[Finding] = []
    skipped: list[Skipped] = []
    for check in checks:
        try:
            found.extend(replace(finding, check=check.name) for finding in check.look(evidence))
        except CannotLook as error:
            skipped.append(Skipped(check.name, str(error)))
        except (ClientError, BotoCoreError) as error:
            skipped.append(Skipped(check.name, f"AWS did not answer: {error}"))
        except TemporarilyUnavailable as error:
            skipped.append(Skipped(check.name, f"AWS did not answer: {error.detail}"))
    return sorted(found, key=lambda finding: not finding.is_error), skipped
