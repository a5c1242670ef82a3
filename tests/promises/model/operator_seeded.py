"""Faults of what operators end, put into the running code on purpose: some were there, the others are near."""

from valet.grant_types import redemption, refresh_token

from tests.promises.model.faults import FALSE_REVOCATION, Fault
from tests.promises.model.operator_patches import (
    account_is_written_unconditionally,
    any_password_is_in_force,
    client_epochs_are_not_compared,
    client_epochs_must_be_equal,
    clients_are_swept_once,
    credential_is_replaced_in_place,
    epoch_is_read_after_the_password,
    exchange_compares_no_epoch,
    first_pointer_is_put_over_the_second,
    grant_takes_the_accounts_epoch,
    indices_are_of_the_clients_epoch,
    marks_by_a_clock_that_is_behind,
    marks_in_whole_seconds,
    people_are_swept_once,
    pointer_ends_with_the_code,
    settled_unconditionally,
    sweeps_end_what_came_after,
)

TOKENS = "shut out, and given tokens"
OLD_PASSWORD = "a password that is not in force opens a session"
LOST_BIT = "shut out, yet an access token is on no status list"
LOCKED_OUT = "locked out: the right password opens no session"

OPERATOR_FAULTS = (
    Fault(
        "the epoch is read after the password was compared",
        "password-sign-in",
        OLD_PASSWORD,
        epoch_is_read_after_the_password,
    ),
    Fault("marks are compared in whole seconds", "password-sign-in", TOKENS, marks_in_whole_seconds),
    Fault(
        "a mark is by the operator's clock, 30 s behind", "sign-out-redeem", LOST_BIT, marks_by_a_clock_that_is_behind
    ),
    Fault(
        "a credential is replaced in its place, before the account names it",
        "password-sign-in-faults",
        "locked out of the release before: its credential is not the one that the account names",
        credential_is_replaced_in_place,
    ),
    Fault(
        "a password need not be named by the account", "password-change-sign-in", LOCKED_OUT, any_password_is_in_force
    ),
    Fault(
        "the account is written without a condition",
        "passwords-late",
        "a late write brings an older password back into force",
        account_is_written_unconditionally,
    ),
    Fault(
        "a credential is settled without a condition",
        "passwords-late",
        "locked out of the release before: its credential is not the one that the account names",
        settled_unconditionally,
    ),
    Fault(
        "a grant takes the account's epoch, not the session's",
        "password-consent",
        TOKENS,
        grant_takes_the_accounts_epoch,
    ),
    Fault("a redemption compares no epoch", "password-redeem", TOKENS, exchange_compares_no_epoch(redemption)),
    Fault("a refresh compares no epoch", "password-refresh", TOKENS, exchange_compares_no_epoch(refresh_token)),
    Fault(
        "what an end-user holds is swept once",
        "password-consent",
        "shut out, and what was allowed is remembered",
        people_are_swept_once,
    ),
    Fault("a client's indices are swept once", "client-leases", LOST_BIT, clients_are_swept_once),
    Fault(
        "a sweep ends what was begun after the write", "sign-out-sign-in", FALSE_REVOCATION, sweeps_end_what_came_after
    ),
    Fault(
        "the pointer of a redeemed grant ends with its code", "pointer-expires", LOST_BIT, pointer_ends_with_the_code
    ),
    Fault("the first pointer is put over the second", "pointer-late", LOST_BIT, first_pointer_is_put_over_the_second),
    Fault(
        "a client's epoch must be the grant's",
        "client-redeem",
        "false refusal: a good code is refused",
        client_epochs_must_be_equal,
    ),
    Fault("a client's epoch is not compared", "client-refresh", TOKENS, client_epochs_are_not_compared),
    Fault(
        "a new grant's tokens use indices of an older epoch",
        "client-redeem",
        "false revocation: an access token was revoked with its client's older ones",
        indices_are_of_the_clients_epoch,
    ),
)
