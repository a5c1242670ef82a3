"""The attacks on devices and the people who answer them, and their tests: a table of docs/promises.md."""

from __future__ import annotations

from tests.parts.docs.promises import Row

_PAGE = "integration/test_device_page.py"
_DEVICE = "integration/test_device_authorization.py"
_CONTRACT = "contract/test_device_codes.py"

DEVICE_ATTACKS = (
    Row(
        "a link with a code, sent to a victim, from another network too, or framed",
        (
            f"{_PAGE}::test_opening_the_link_approves_nothing",
            f"{_PAGE}::test_from_another_network_the_link_does_not_even_fill_the_code_in",
            f"{_PAGE}::test_a_person_who_is_not_signed_in_signs_in_first_and_comes_back_to_the_code",
            f"{_PAGE}::test_the_pages_cannot_be_framed_and_run_no_script",
            f"{_PAGE}::test_the_registration_may_refuse_devices_in_other_networks",
        ),
    ),
    Row(
        "a form from another site, of another device, scope or session, or without the page before it",
        (
            f"{_PAGE}::test_a_form_of_another_site_has_no_cookies_and_answers_nothing",
            f"{_PAGE}::test_a_form_of_another_page_shows_the_page_again_and_answers_nothing",
            f"{_PAGE}::test_the_code_counts_only_from_the_page_with_the_field",
        ),
    ),
    Row(
        "a code that is answered twice, by two people, after a no, after a yes, after it expired, or after a sign-out",
        (
            f"{_PAGE}::test_the_first_answer_counts_and_a_second_one_changes_nothing",
            f"{_PAGE}::test_a_yes_after_the_code_expired_is_nothing",
            f"{_PAGE}::test_a_grant_that_was_ended_stays_so_whatever_is_answered",
            f"{_PAGE}::test_after_a_sign_out_a_yes_without_offline_access_is_nothing",
        ),
    ),
    Row(
        "guesses at user codes, by one person, from one network, by links, and by letters that look alike",
        (
            f"{_PAGE}::test_five_wrong_codes_keep_a_person_from_trying_for_a_quarter_of_an_hour",
            f"{_PAGE}::test_thirty_wrong_codes_from_one_network_keep_all_its_people_from_trying",
            f"{_PAGE}::test_links_of_a_stranger_do_not_keep_a_person_from_typing",
            f"{_PAGE}::test_what_is_no_code_is_looked_up_nowhere",
        ),
    ),
    Row(
        "a User-Agent that reads like a sentence of the page",
        (f"{_PAGE}::test_a_user_agent_that_reads_like_a_sentence_of_ours_is_not_shown",),
    ),
    Row(
        "a device code at the authorization code grant, the reverse, and another client's device code",
        (
            f"{_DEVICE}::test_a_device_code_is_no_authorization_code",
            f"{_DEVICE}::test_an_authorization_code_is_no_device_code",
            f"{_DEVICE}::test_only_the_client_that_asked_gets_anything_and_only_for_the_whole_code",
            f"{_DEVICE}::test_a_client_that_is_not_registered_for_it_polls_in_vain",
        ),
    ),
    Row(
        "sixty-four polls at once, two in one millisecond, one that comes too soon, one after the tokens were given",
        (
            f"{_CONTRACT}::test_of_sixty_four_polls_at_once_one_is_let_look",
            f"{_DEVICE}::test_a_poll_that_comes_too_soon_reads_nothing",
            f"{_DEVICE}::test_a_replay_after_the_retry_window_ends_the_grant",
        ),
    ),
    Row(
        "a poll that was captured before the answer and is sent again after the yes",
        (
            f"{_DEVICE}::test_a_poll_that_was_captured_while_the_person_thought_is_worth_nothing_after_the_yes",
            f"{_DEVICE}::test_an_assertion_is_good_for_one_request_that_asks_and_one_that_is_given_tokens",
        ),
    ),
    Row(
        "a device that fetches its tokens late, so that its person does not see it and cannot take the yes back",
        (f"{_PAGE}::test_a_yes_can_be_taken_back_before_the_device_has_fetched_its_tokens",),
    ),
    Row(
        "a user code that is drawn again while the grant of the first one lives",
        (
            f"{_PAGE}::test_a_code_drawn_again_is_another_device_while_the_grant_of_the_first_lives",
            f"{_CONTRACT}::test_a_user_code_that_waits_is_no_second_devices_until_a_day_after_its_end",
        ),
    ),
    Row(
        "devices that ask without end, from one address or from thousands",
        (
            f"{_DEVICE}::test_sixty_devices_of_one_address_may_ask_and_others_are_not_held_up",
            f"{_DEVICE}::test_a_client_has_ten_thousand_devices_at_most_from_however_many_addresses",
        ),
    ),
)


def device_attacks() -> list[str]:
    """The lines of the table."""
    return [f"| {each.says} | {each.links} |" for each in DEVICE_ATTACKS]
