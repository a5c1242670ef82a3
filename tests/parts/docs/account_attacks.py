"""The attacks on accounts that Valet refuses, and their tests: a table of docs/promises.md."""

from __future__ import annotations

from tests.parts.docs.promises import Row

_ADDRESS = "integration/test_own_address.py"
_FIRST = "integration/test_first_means.py"
_NOTICES = "integration/test_notices.py"
_PASSWORD = "integration/test_new_password.py"
_UNDO = "integration/test_undoing.py"
_WRITES = "contract/test_own_sign_in.py"

ACCOUNT_ATTACKS = (
    Row(
        "a stolen password that adds the thief's own passkey, provider or password first",
        (
            f"{_FIRST}::test_a_stolen_password_adds_nothing",
            f"{_FIRST}::test_a_form_without_the_proof_or_with_anothers_adds_nothing",
            f"{_FIRST}::test_a_proof_counts_only_while_the_account_is_as_the_mail_found_it",
            f"{_FIRST}::test_after_a_change_of_address_the_code_goes_to_the_one_before",
            f"{_FIRST}::test_a_password_next_to_another_provider_alone_takes_the_code",
        ),
    ),
    Row(
        "a stolen password, where the account has a passkey",
        (
            f"{_PASSWORD}::test_a_stale_sign_in_and_one_below_the_accounts_own_level_set_none",
            f"{_ADDRESS}::test_a_stale_sign_in_and_one_below_the_accounts_own_level_change_nothing",
            "integration/test_passkey_enrolment.py::test_a_password_changes_no_passkey_of_an_account_that_has_one",
        ),
    ),
    Row(
        "a thief with a session who is still writing while the owner sets a password, or undoes a change",
        (
            f"{_PASSWORD}::test_a_thief_who_is_still_writing_while_the_owner_resets_comes_too_late",
            f"{_UNDO}::test_a_thief_who_is_still_writing_while_the_owner_undoes_comes_too_late",
            f"{_WRITES}::test_an_account_that_has_changed_keeps_its_password",
            f"{_WRITES}::test_an_account_that_has_changed_keeps_its_address",
            f"{_WRITES}::test_an_undoing_of_an_account_that_has_changed_is_none",
        ),
    ),
    Row(
        "a change of address that was begun before, and is finished when its victim has the account",
        (
            f"{_ADDRESS}::test_a_code_that_was_asked_for_before_everything_ended_counts_no_more",
            f"{_ADDRESS}::test_a_code_counts_in_the_session_that_asked_for_it_alone",
        ),
    ),
    Row(
        "a second change of address, so that the first one cannot be undone",
        (
            f"{_ADDRESS}::test_a_thief_cannot_outrun_the_undoing_by_a_second_change",
            f"{_UNDO}::test_a_second_change_does_not_outrun_the_undoing",
            f"{_WRITES}::test_a_second_change_never_outruns_the_first_ones_undoing",
        ),
    ),
    Row(
        "an undoing from the address that the thief has set",
        (
            f"{_UNDO}::test_a_thief_gains_nothing_by_undoing_from_the_new_address",
            f"{_WRITES}::test_the_former_address_takes_the_account_back_and_the_new_one_does_not",
        ),
    ),
    Row(
        "a stolen mailbox, where the account has a passkey or a second factor",
        (
            f"{_UNDO}::test_a_stolen_mailbox_takes_no_passkey_and_no_second_factor_away",
            f"{_UNDO}::test_a_password_alone_is_shown_none_of_them",
            f"{_UNDO}::test_an_undoing_opens_no_session",
        ),
    ),
    Row(
        "who has an address, asked by a change to it",
        (f"{_ADDRESS}::test_nobody_learns_whether_an_address_is_taken",),
    ),
    Row(
        "guesses at the code of a mail, also in another session or for another purpose",
        (
            f"{_ADDRESS}::test_a_code_is_tried_five_times_and_not_once_more",
            f"{_FIRST}::test_a_wrong_code_proves_nothing",
            f"{_FIRST}::test_a_code_for_a_change_of_address_is_none_for_the_first_means",
        ),
    ),
    Row(
        "a mail scanner that opens every link",
        (f"{_UNDO}::test_fetching_the_link_spends_nothing_however_often_and_by_whomever",),
    ),
    Row(
        "a change or a sign-in that its owner never hears of",
        (
            f"{_NOTICES}::test_a_change_is_told_before_its_write",
            f"{_NOTICES}::test_the_notice_is_sent_before_the_browser_counts_as_known",
            f"{_NOTICES}::test_an_address_that_can_undo_a_change_is_told_as_well",
        ),
    ),
    Row(
        "a late or doubled copy of a write on an account",
        (
            f"{_WRITES}::*",
            "promises/faults/test_faults.py::test_whatever_fails_the_client_tries_again_and_everybody_is_who_they_were",
        ),
    ),
)


def account_attacks() -> list[str]:
    """The lines of the table."""
    return [f"| {each.says} | {each.links} |" for each in ACCOUNT_ATTACKS]
