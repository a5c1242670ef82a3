"""What Valet promises whatever happens, and the tests that show it: a table of docs/promises.md.

All tables of that document: `python -m tests.parts.docs.attacks`.
"""

from __future__ import annotations

from dataclasses import dataclass

from tests.support.named_tests import link

_DPOP = "integration/test_dpop.py"
_USERINFO = "integration/test_dpop_userinfo.py"
_FAPI = "integration/test_fapi2.py"
_DEVICE = "integration/test_device_page.py"
_POLL = "integration/test_device_authorization.py"
_KEY = "integration/test_private_key_jwt.py"
_PAR = "integration/test_pushed_requests.py"
_PROOFS = "integration/test_proofs.py"
_UNDOING = "integration/test_undoing.py"
_RECOVERING = "integration/test_recovering.py"
_NEW_PASSWORD = "integration/test_new_password.py"
_PROVIDERS = "parts/outbound/test_providers.py"
_STOLEN = "integration/test_stolen_sign_ins.py"
_BOUND = "parts/authorizer/test_bound_tokens.py"
_SEEN = "parts/authorizer/test_proofs_seen.py"
_API = "integration/test_bound_tokens_at_an_api.py"
_LANES = "parts/keys/test_lanes.py"
_ALGS = "integration/test_signing_algs.py"
_GUARDED = "parts/outbound/test_guarded.py"
_MAILS = "integration/test_mails.py"
_MAIL_COUNTS = "promises/counts/test_mails.py"
_MAIL_WORDS = "unit/test_mail_composing.py"
_COUNTS = "promises/counts/test_counts.py"
_PRIVILEGES = "promises/privileges/test_privileges.py"
_REFERENCES = "integration/test_reference_tokens.py"
_ASKED = "parts/authorizer/test_reference_tokens.py"
_FETCHING = "integration/test_fetching.py"
_DOCUMENTS = "integration/test_documents.py"
_REGISTRATION = "integration/test_registration.py"
_WALK = "promises/model/test_interleavings.py::*"
_MACHINE = "promises/model/test_machine.py::*"


@dataclass(frozen=True)
class Row:
    """A promise, by the name that tests call it, or an attack, which has none."""

    says: str
    tests: tuple[str, ...]  # file::name, below tests/
    name: str = ""

    @property
    def links(self) -> str:
        return ", ".join(link(test) for test in self.tests)


PROMISES = (
    Row(
        "A code is redeemed once, a refresh token has one successor, a one-time value is used once: with any number of "
        "requests at the same time.",
        ("contract/test_grants_under_threads.py::*", "contract/test_once.py::*", _WALK, _MACHINE),
        "P1",
    ),
    Row(
        "A request spends nothing before its answer is ready. After a fault the client sends it again.",
        (
            f"{_COUNTS}::test_what_is_signed_is_signed_before_anything_is_spent",
            "promises/faults/test_faults.py::test_whatever_fails_the_client_tries_again_and_everybody_is_who_they_were",
        ),
        "P2",
    ),
    Row(
        "A client that lost the answer to a refresh sends the same refresh token again and gets the same successor. An "
        "older refresh token is theft, and ends the grant.",
        (
            "integration/test_refresh_token.py::test_a_lost_answer_is_given_again_within_the_retry_window",
            "integration/test_refresh_token.py::test_an_older_token_is_theft_and_ends_the_grant",
            _WALK,
        ),
        "P3",
    ),
    Row(
        "Tables hold digests: a copy of them yields no code, token, session or secret.",
        (
            "integration/test_cookies.py::test_no_cookie_or_secret_stands_in_the_tables",
            "integration/test_repeated_answers.py::test_nothing_at_rest_makes_the_code",
            f"{_PAR}::test_the_handle_is_kept_as_a_digest_alone",
            _MACHINE,
        ),
        "P4",
    ),
    Row(
        "An API refuses a revoked access token within 5 seconds, and asks for nothing while its status list is young.",
        (
            "parts/authorizer/test_revocation_bound.py::*",
            "parts/authorizer/test_status.py::test_no_fetch_while_the_list_is_young",
            "parts/local/test_revocation_time.py::*",
            "promises/lists/test_walk.py::*",
        ),
        "P5",
    ),
    Row(
        "A signing key stays in KMS, or leaves it wrapped where the operator chooses that.",
        (
            "parts/keys/test_key_maker.py::test_the_policy_of_a_key_lets_it_sign_with_its_one_algorithm",
            f"{_PRIVILEGES}::test_only_the_functions_that_sign_may_use_a_key_and_each_with_its_own_algorithm",
            f"{_PRIVILEGES}::test_a_wrapped_key_is_unwrapped_for_signing_and_for_nothing_else",
        ),
        "P6",
    ),
    Row("Each function has the permissions that it uses, and no others.", (f"{_PRIVILEGES}::*",), "P7"),
    Row(
        "Memory is a cache: a function may be frozen, cloned or killed at any line.",
        ("promises/growth/test_memory_is_a_cache.py::*", "promises/test_starts.py::*", _MACHINE),
        "P8",
    ),
    Row(
        "A bad request gets the error of its specification, no 5xx, and spends nothing.",
        ("promises/fuzz/test_endpoints.py::*", "integration/test_every_endpoint.py::*"),
        "P9",
    ),
    Row(
        "What matters is logged once, under a name that stays, without a secret.",
        (
            "promises/faults/test_audit.py::*",
            "parts/observability/test_log_watch.py::*",
            "integration/test_log_lines.py::*",
            "integration/test_refusal_pages.py::*",
        ),
        "P10",
    ),
    Row(
        "An account that people make begins with a proven address, or with a provider's identity where the operator "
        "allows it. Nothing that somebody else chose is in it when its owner first opens it.",
        (
            "integration/test_joining.py::test_p11_classic_federated_merge",
            "integration/test_joining.py::test_p11_unexpired_session",
            "integration/test_joining.py::test_p11_trojan_identifier",
            "integration/test_joining.py::test_p11_unexpired_address_change",
            "integration/test_joining.py::test_p11_non_verifying_identity_provider",
            "integration/test_linking.py::test_row_5_who_is_nobody_here_gets_an_account_of_their_own",
        ),
        "P11",
    ),
    Row(
        "A person who asks for a mail cannot know whether anybody has the address: the same words, the same calls, and "
        "a function that may not read accounts. Only the mailbox tells.",
        (
            f"{_MAILS}::test_nobody_gets_no_mail_and_no_line_tells_of_the_address",
            f"{_MAIL_COUNTS}::test_asking_for_a_mail_counts_three_times_whoever_has_the_address",
        ),
        "P12",
    ),
    Row(
        "No factor vouches for another, and none opens a session: each factor's function may leave its own kind of "
        "proof, and /authorize alone makes a session of it.",
        (
            f"{_PRIVILEGES}::test_a_factors_function_leaves_its_own_proof_and_opens_no_session",
            f"{_PRIVILEGES}::test_authorize_can_spend_a_proof_and_say_nothing_of_who_proved_what",
            f"{_PROOFS}::test_a_password_alone_opens_no_session",
        ),
        "P13",
    ),
    Row(
        "A proof is good for one sign-in, in one browser, once, for a minute, and only while the account names what it "
        "rests on.",
        (
            f"{_PROOFS}::test_a_proof_opens_one_session_and_no_second_one",
            f"{_PROOFS}::test_a_proof_is_of_one_browser",
            f"{_PROOFS}::test_a_proof_is_of_one_request",
            f"{_PROOFS}::test_a_proof_dies_with_what_it_rests_on",
            f"{_STOLEN}::test_a_proof_that_was_not_gone_back_with_does_not_wait_in_the_history",
            f"{_STOLEN}::test_nobody_is_signed_in_by_an_attackers_link",
            "contract/test_proofs.py::*",
            _WALK,
        ),
        "P14",
    ),
    Row(
        "Mail alone gives back a password to an account that has one, and a session of that level, no more: whatever "
        "asks for a passkey or a second factor still asks. An undoing takes back an address and a password, never a "
        "passkey or a second factor.",
        (
            f"{_RECOVERING}::test_whatever_asks_for_a_passkey_still_asks",
            f"{_UNDOING}::test_a_stolen_mailbox_takes_no_passkey_and_no_second_factor_away",
            f"{_UNDOING}::test_an_account_without_a_password_is_given_none",
            f"{_UNDOING}::test_an_undoing_opens_no_session",
        ),
        "P15",
    ),
    Row(
        "A link in a mail spends nothing by being fetched, by anybody, in any order, any number of times.",
        (f"{_UNDOING}::test_fetching_the_link_spends_nothing_however_often_and_by_whomever",),
        "P16",
    ),
    Row(
        "An account is one item, and each change of how its end-user signs in is one conditional write on it. What "
        "shuts people out ends every session and grant by that very write, and is finished wherever the function that "
        "made it was killed.",
        (
            f"{_NEW_PASSWORD}::test_everything_that_was_opened_before_is_over",
            f"{_NEW_PASSWORD}::test_the_sign_out_is_announced_before_the_write",
            f"{_NEW_PASSWORD}::test_a_thief_who_is_still_writing_while_the_owner_resets_comes_too_late",
            f"{_UNDOING}::test_a_thief_who_is_still_writing_while_the_owner_undoes_comes_too_late",
            f"{_UNDOING}::test_a_second_change_does_not_outrun_the_undoing",
            "integration/test_own_address.py::test_a_change_that_died_half_way_is_finished_by_looking_at_the_page",
            "contract/test_own_sign_in.py::*",
            "contract/test_passkeys.py::*",
            _WALK,
        ),
        "P17",
    ),
    Row(
        "An identity at another provider is its issuer and subject there. An address that the provider has not proven "
        "counts as not told.",
        (
            f"{_PROVIDERS}::test_an_address_that_is_not_proven_upstream_counts_as_not_told",
            f"{_PROVIDERS}::test_an_address_and_its_proof_are_of_one_source",
            f"{_PROVIDERS}::test_noauth_an_address_that_any_administrator_may_write_proves_nothing",
            f"{_PROVIDERS}::test_github_is_known_by_its_number_and_not_by_a_name_that_another_may_take",
            f"{_PROVIDERS}::test_mix_up_a_response_that_names_another_issuer_is_refused",
            f"{_PROVIDERS}::test_a_code_of_another_browser_is_refused_by_pkce",
            "parts/outbound/test_id_tokens.py::*",
        ),
        "P18",
    ),
    Row(
        "A client that asked to be told of a logout is told, or an alarm says which one was not. A sign-out that was "
        "begun is finished, wherever the function that began it was killed.",
        (
            "integration/test_back_channel_logout.py::*",
            "promises/faults/test_signing_out.py::*",
            "parts/admin/test_logouts.py::test_what_ends_all_that_a_person_has_opened_is_announced_before_it_is_written",
        ),
        "P19",
    ),
    Row(
        "acr and amr say what happened and nothing more, and auth_time is the time of the oldest factor that acr "
        "rests on.",
        (
            "integration/test_second_factors.py::test_a_password_and_a_code_sign_in_and_the_tokens_say_so",
            "integration/test_second_factors.py::test_max_age_counts_from_the_password_however_fresh_the_code_is",
            "integration/test_joining.py::test_a_passkey_instead_of_a_password",
            "integration/test_upstream_levels.py::*",
        ),
        "P20",
    ),
    Row(
        "The secrets at other providers are ciphertext at rest. Operators can seal them and open none.",
        (
            "parts/admin/test_providers.py::test_the_secret_is_sealed_for_this_provider_and_no_command_shows_it",
            "parts/template/test_roles.py::test_operators_seal_providers_secrets_and_open_none",
        ),
        "P21",
    ),
    Row(
        "Nobody is mail-bombed, and no stranger's words reach anybody's mailbox through us.",
        (
            f"{_MAILS}::test_nobody_puts_words_into_a_strangers_mailbox",
            f"{_MAILS}::test_nothing_but_one_address_is_ever_given_to_ses",
            f"{_MAIL_WORDS}::test_no_mail_repeats_what_was_typed",
            f"{_MAIL_WORDS}::test_a_subject_is_one_line_whatever_the_operator_registered",
            f"{_PRIVILEGES}::test_the_mailer_alone_sends_mail_and_from_one_address",
            "unit/test_mail_throttling.py::*",
        ),
        "P22",
    ),
    Row(
        "Every page works without script (a passkey needs the browser's), with a keyboard, at 320 pixels, in both "
        "themes and both directions.",
        (
            "e2e/test_accessibility.py::test_every_page_keeps_wcag_2_2_aa_and_fits_every_width",
            "e2e/test_account_page.py::test_every_section_keeps_wcag_2_2_aa_and_fits_every_width",
            "e2e/test_joining.py::test_every_page_keeps_wcag_2_2_aa_and_fits_every_width",
            "e2e/test_own_sign_in.py::test_every_page_keeps_wcag_2_2_aa_and_fits_every_width",
            "e2e/test_passkeys.py::test_every_page_keeps_wcag_2_2_aa_and_fits_every_width",
            "e2e/test_second_factor.py::test_every_page_keeps_wcag_2_2_aa_and_fits_every_width",
            "e2e/test_passkeys.py::test_without_script_the_page_is_as_before",
        ),
        "P23",
    ),
    Row(
        "An access token that is bound to a key is refused without a proof of that key: at /userinfo, at the "
        "authorizer on each kind of event, and by the Python package.",
        (
            f"{_BOUND}::test_a_bound_token_as_bearer_is_refused_with_a_good_proof_too",
            f"{_BOUND}::test_no_proof_and_two_proofs_are_refused",
            f"{_BOUND}::test_another_keys_proof_is_refused_before_its_key_is_built",
            f"{_BOUND}::test_another_tokens_proof_and_one_without_a_token_are_refused",
            f"{_API}::test_a_stolen_token_is_refused_and_its_owner_is_not",
            f"{_USERINFO}::test_a_bound_token_is_no_bearer_token",
            f"{_USERINFO}::test_a_stolen_token_is_worth_nothing_without_its_key",
            "parts/apis/test_bound_tokens.py::test_a_bound_token_is_no_bearer_token",
        ),
        "S1",
    ),
    Row(
        "Each member of cnf is proven, or the access token is refused. So is one on an event that carries no proof.",
        (
            "parts/binding/test_confirmation.py::test_a_member_that_is_unknown_or_empty_refuses",
            f"{_BOUND}::test_a_cnf_with_an_unknown_or_empty_member_is_refused",
            f"{_BOUND}::test_a_token_event_carries_no_proof_so_a_bound_token_is_refused",
            f"{_BOUND}::test_appsync_without_an_address_refuses_a_bound_token",
            f"{_BOUND}::test_a_websockets_token_in_a_protocol_has_no_proof_so_a_bound_one_is_refused",
            "parts/apis/test_bound_tokens.py::test_a_cnf_that_cannot_be_proven_whole_is_refused",
        ),
        "S2",
    ),
    Row(
        "The authorization server accepts a request with a client assertion or a DPoP proof once. A replay spends "
        "nothing and ends nothing.",
        (
            "integration/test_replays_at_once.py::*",
            f"{_DPOP}::test_a_redemption_that_was_captured_is_good_once",
            f"{_DPOP}::test_a_refresh_that_was_captured_is_good_once",
            f"{_KEY}::test_a_captured_refresh_changes_nothing_within_and_after_the_retry_window",
            f"{_KEY}::test_a_captured_revocation_and_introspection_answer_nothing",
            f"{_USERINFO}::test_a_captured_request_is_good_once",
            "integration/test_dpop_at_par.py::test_a_proof_that_comes_again_pushes_nothing",
            _WALK,
            "integration/test_device_authorization.py::"
            "test_a_poll_that_was_captured_while_the_person_thought_is_worth_nothing_after_the_yes",
        ),
        "S3",
    ),
    Row(
        "A replay at an API is bounded, and the bound is printed.",
        (
            f"{_SEEN}::test_a_replay_in_one_process_is_refused",
            f"{_SEEN}::test_a_proof_is_remembered_for_every_second_that_it_is_accepted",
            f"{_SEEN}::test_another_process_does_not_know_it_which_is_the_printed_bound",
            f"{_SEEN}::test_a_full_set_turns_early_and_tells_once",
            f"{_BOUND}::test_iat_is_good_up_to_both_borders_and_no_second_further",
            "parts/authorizer/test_documents.py::test_the_bound_of_a_replay_is_printed_with_every_number_in_it",
        ),
        "S4",
    ),
    Row(
        "A client that lost the answer makes a new proof "
        "or assertion, and the same refresh token gets the same successor.",
        (
            f"{_DPOP}::test_a_lost_answer_is_given_again_for_a_new_proof",
            f"{_DPOP}::test_a_retry_signs_for_the_key_of_its_own_request",
            f"{_KEY}::test_the_same_refresh_token_with_a_new_assertion_gets_the_same_successor",
            "integration/test_refresh_without_rotation.py::"
            "test_a_lost_answer_is_only_a_reason_to_ask_again_however_late",
        ),
        "S5",
    ),
    Row(
        "A thief without the key changes nothing: the refusal comes before anything counts as a second use.",
        (
            f"{_DPOP}::test_a_stolen_refresh_token_is_worth_nothing_without_its_key",
            f"{_DPOP}::test_only_the_named_key_redeems_a_code",
            f"{_KEY}::test_the_key_of_another_client_with_the_same_kid_is_refused",
            _WALK,
        ),
        "S6",
    ),
    Row(
        "A request_uri ends in one code, and may be reloaded until then, by any number of browsers. A used one is "
        "refused before a login page.",
        (
            f"{_PAR}::test_it_may_be_reloaded_until_then",
            f"{_PAR}::test_two_tabs_get_one_code",
            f"{_PAR}::test_two_browsers_get_one_code",
            f"{_PAR}::test_a_used_request_uri_is_refused_before_any_login_page",
            _WALK,
        ),
        "S7",
    ),
    Row(
        "No function that answers requests fetches an address that a stranger names.",
        (
            f"{_GUARDED}::test_no_function_that_answers_requests_can_reach_the_package",
            f"{_GUARDED}::test_a_request_with_an_assertion_loads_nothing_that_goes_out",
            f"{_PAR}::test_a_request_uri_by_reference_stays_unsupported",
            f"{_PRIVILEGES}::test_the_function_that_goes_out_can_read_addresses_and_write_keys_and_nothing_else",
        ),
        "S8",
    ),
    Row(
        "No setting of a client with the profile fapi2, no parameter of a request and no edited item gets around a "
        "rule of FAPI 2.0.",
        ("unit/test_profile.py::*", f"{_FAPI}::*", "integration/test_fapi2_deployment.py::*"),
        "S9",
    ),
    Row(
        "A key signs with one algorithm. Each algorithm's keys rotate alone, and no verifier refuses a good token "
        "while an algorithm is added or dropped.",
        (
            f"{_LANES}::test_no_good_token_is_refused_while_the_algorithms_change",
            f"{_LANES}::test_each_lane_rotates_alone",
            f"{_LANES}::test_it_finds_a_key_that_signs_with_two_algorithms",
            f"{_ALGS}::test_a_lane_that_does_not_sign_spends_nothing_and_no_other_lane_signs_for_it",
        ),
        "S10",
    ),
    Row(
        "Access tokens that are bound to no key cost what they cost before.",
        (
            f"{_BOUND}::test_a_process_that_sees_only_bearer_tokens_loads_nothing_for_proofs",
            "unit/test_one_use.py::test_without_assertion_and_proof_nothing_is_written_or_drawn",
            "parts/bench/test_limits.py::test_a_warm_request_calls_no_more_functions_than_it_did",
            f"{_COUNTS}::test_a_warm_request_makes_these_calls",
        ),
        "S12",
    ),
    Row(
        "A device code is redeemed once, by the client that asked for it, after one person said yes to a page that "
        "showed what it is for. A second answer changes nothing, also if another person gives it.",
        (
            f"{_DEVICE}::test_the_first_answer_counts_and_a_second_one_changes_nothing",
            f"{_DEVICE}::test_a_code_drawn_again_is_another_device_while_the_grant_of_the_first_lives",
            f"{_POLL}::test_only_the_client_that_asked_gets_anything_and_only_for_the_whole_code",
            f"{_POLL}::test_a_replay_after_the_retry_window_ends_the_grant",
            "contract/test_device_codes.py::test_of_sixty_four_polls_at_once_one_is_let_look",
            _WALK,
        ),
        "M1",
    ),
    Row(
        "No link signs a device in. Opening the address with the code approves nothing, and from another network than "
        "the device's it does not even fill the code in.",
        (
            f"{_DEVICE}::test_opening_the_link_approves_nothing",
            f"{_DEVICE}::test_from_another_network_the_link_does_not_even_fill_the_code_in",
            f"{_DEVICE}::test_the_pages_cannot_be_framed_and_run_no_script",
        ),
        "M2",
    ),
    Row(
        "What a stranger names is fetched by one function, which answers nobody and may touch nothing but what it "
        "fetched and its counters. Nothing goes to an address that is not public, and no redirect is followed.",
        (
            f"{_FETCHING}::*",
            f"{_PRIVILEGES}::test_what_strangers_name_is_written_by_one_function_that_can_see_nothing_else",
        ),
        "M7",
    ),
    Row(
        "A stranger costs a bounded amount: of fetches, of items and of kilobytes, for each sender and for a "
        "deployment. What nobody uses expires by itself.",
        (
            f"{_FETCHING}::test_ten_thousand_client_ids_of_one_host_cost_twenty_fetches_a_minute",
            f"{_FETCHING}::test_beyond_a_bound_no_document_that_is_not_stored_is_fetched",
            f"{_FETCHING}::test_one_sender_who_has_their_own_documents_refreshed_keeps_no_others_from_that",
            f"{_REGISTRATION}::test_ten_clients_an_hour_register_from_one_address",
            f"{_REGISTRATION}::test_without_an_invite_nothing_counts_for_everybody",
            f"{_REGISTRATION}::test_an_unused_client_ends_after_a_day_and_a_used_one_after_ninety",
            f"{_REGISTRATION}::test_a_write_that_came_twice_counts_once",
        ),
        "M8",
    ),
    Row(
        "An unknown client gets what an API opened for unknown clients, after a page that says that nobody vouches for "
        "it. Its answer goes to its own origin, to this computer, or to a host that the operator named.",
        (
            f"{_DOCUMENTS}::*",
            f"{_PRIVILEGES}::test_who_registers_a_client_can_make_no_other_and_see_none",
        ),
        "M9",
    ),
    Row(
        "A token is for the API that was named by resource, or there is no token.",
        (
            "integration/test_resource_indicators.py::*",
            "integration/test_resource_requests.py::*",
            "unit/test_resource.py::test_whatever_is_sent_names_a_registered_audience_or_none",
            "unit/test_resource.py::test_every_token_of_whatever_is_granted_is_for_one_named_api_and_its_scopes",
            f"{_DOCUMENTS}::test_a_person_allowed_one_api_and_a_closed_api_leaves_no_token_for_another_audience",
        ),
        "M10",
    ),
    Row(
        "A reference token is refused at the first call after its revocation, its grant's or its person's. If the "
        "issuer cannot be asked, the answer is an error, and no refusal.",
        (
            f"{_REFERENCES}::test_it_is_refused_at_the_next_call",
            f"{_REFERENCES}::test_if_the_issuer_is_down_the_answer_is_an_error_and_never_a_refusal",
            f"{_ASKED}::test_where_no_answer_says_whether_it_is_good_there_is_an_error_and_no_refusal",
            f"{_PRIVILEGES}::test_only_token_can_make_a_reference_token_and_no_function_can_change_or_delete_one",
        ),
        "M11",
    ),
    Row(
        "What is switched off is absent: no route, no function, no role, no word in the metadata, and "
        "`unsupported_grant_type` at /token.",
        (
            f"{_DOCUMENTS}::test_switched_off_there_are_no_such_clients",
            "parts/template/test_functions.py::test_what_may_be_switched_off_is_deployed_on_request",
            "parts/template/test_devices.py::*",
            f"{_POLL}::test_switched_off_it_is_absent",
            "unit/test_supported.py::"
            "test_a_grant_type_that_the_deployment_does_not_have_is_refused_whatever_is_registered",
        ),
        "M12",
    ),
)


def promises() -> list[str]:
    """The lines of the table."""
    return [f"| {each.name} | {each.says} | {each.links} |" for each in PROMISES]
