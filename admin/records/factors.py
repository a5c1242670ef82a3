"""End-users' second factors in the Users table, as operators see and reset them."""

from dataclasses import replace
from typing import Any

from valet.aws.dynamodb.factors import DynamoFactors
from valet.models.accounts import Account
from valet.models.factors import RecoveryCodes, Totp
from valet.people import recovery_codes
from valet.people.identifiers import called
from valet.people.notices import notify

from admin.records.deployment import Deployment
from admin.records.people import People, revoked
from admin.terminal.endings import Refused


def factors_of(people: People, account: Account) -> tuple[Totp | None, RecoveryCodes | None]:
    """The second factor and the recovery codes in force."""
    factors = DynamoFactors(people.table)
    return factors.find_totp(account.sub, account.totp_id), factors.find_recovery_codes(
        account.sub, account.recovery_id
    )


def shown(people: People, account: Account) -> dict[str, Any]:
    """What operators see of them: no seed and no hash."""
    factor, codes = factors_of(people, account)
    return {
        "second_factor": bool(account.totp_id),
        "second_factor_added_at": factor.added_at if factor else 0,
        "wrong_codes_in_a_row": factor.failures if factor else 0,
        "recovery_codes_left": recovery_codes.left(codes) if codes else 0,
    }


def reset(people: People, deployment: Deployment, before: Account, now: float) -> Account:
    """Take the second factor and the recovery codes out of force, and end all that the end-user is signed in to, by one
    write. Returns the account after it. Raises Refused if there is nothing to reset.
    """
    if not before.totp_id and not before.recovery_id:
        raise Refused(f"{called(before)} has neither a second factor nor recovery codes.")
    notify(deployment, before, "second.removed", deployment.issuer, now, mark=before.totp_id)
    after = people.change(before, replace(revoked(before, now), totp_id="", recovery_id=""))
    forget(people, before)
    people.audit.record("second.removed", sub=before.sub)
    return after


def forget(people: People, account: Account) -> None:
    """Delete the second factors and recovery codes of an account that names none, or is about to be deleted."""
    DynamoFactors(people.table).forget_factors(account.sub)
