"""The attacks on bound tokens and requests that Valet refuses, and their tests: a table of docs/promises.md."""

from __future__ import annotations

from tests.parts.docs.promises import Row, promises

_DPOP = "integration/test_dpop.py"
_NONCES = "integration/test_dpop_nonces.py"
_USERINFO = "integration/test_dpop_userinfo.py"
_KEY = "integration/test_private_key_jwt.py"
_PAR = "integration/test_pushed_requests.py"
_BOUND = "parts/authorizer/test_bound_tokens.py"
_LANES = "parts/keys/test_lanes.py"
_ALGS = "integration/test_signing_algs.py"
_GUARDED = "parts/outbound/test_guarded.py"
_JOSE = "parts/jose/test_refused.py"
_KEYS = "parts/jose/test_refused_keys.py"
_REFERENCES = "integration/test_reference_tokens.py"
_WALK = "promises/model/test_interleavings.py::*"

ATTACKS = (
    Row(
        "a bound access token as a bearer token, with or without a proof",
        (
            f"{_BOUND}::test_a_bound_token_as_bearer_is_refused_with_a_good_proof_too",
            f"{_BOUND}::test_no_proof_and_two_proofs_are_refused",
            f"{_USERINFO}::test_a_bound_token_is_no_bearer_token",
        ),
    ),
    Row(
        "a bearer token by the scheme DPoP",
        (
            f"{_BOUND}::test_a_token_that_is_bound_to_no_key_is_refused_as_DPoP",
            f"{_USERINFO}::test_a_bearer_token_is_no_bound_token",
        ),
    ),
    Row(
        "a code or a refresh token that belongs to a key, without a proof of it",
        (
            f"{_DPOP}::test_only_the_named_key_redeems_a_code",
            f"{_DPOP}::test_a_stolen_refresh_token_is_worth_nothing_without_its_key",
        ),
    ),
    Row(
        "a cnf with a member that is unknown or empty",
        (f"{_BOUND}::test_a_cnf_with_an_unknown_or_empty_member_is_refused",),
    ),
    Row(
        "a proof for another method, path, host or stage, for another token, or by another key",
        (
            f"{_BOUND}::test_another_method_is_refused",
            f"{_BOUND}::test_another_path_host_stage_or_scheme_is_refused_and_advised_once",
            f"{_BOUND}::test_another_tokens_proof_and_one_without_a_token_are_refused",
            f"{_BOUND}::test_a_proof_that_claims_the_right_key_is_refused_by_its_signature",
            f"{_DPOP}::test_a_bad_proof_is_refused_and_the_code_stays_good",
            f"{_USERINFO}::test_a_bad_proof_is_refused",
        ),
    ),
    Row("two proofs in one request", ("parts/binding/test_proof.py::test_two_proofs_in_one_value_are_refused",)),
    Row(
        "an access token or an assertion as a proof, and the reverse",
        (
            f"{_BOUND}::test_a_token_is_no_proof_and_a_proof_is_no_token",
            f"{_DPOP}::test_an_access_token_is_no_proof",
            f"{_JOSE}::test_an_assertion_is_no_proof_and_a_proof_no_assertion",
        ),
    ),
    Row(
        "a public key as an HMAC secret, alg none, RS256",
        (
            f"{_KEYS}::test_no_key_verifies_hs256_or_none_even_for_a_caller_that_allows_them",
            f"{_KEYS}::test_rs256_where_the_caller_does_not_allow_it_or_the_key_is_for_ps256",
            f"{_JOSE}::test_a_header_that_is_not_a_proofs",
        ),
    ),
    Row(
        "a private key in a header, a point off its curve or of small order, an RSA key that is too short or too long, "
        "or has a long exponent",
        (
            f"{_KEYS}::test_a_key_in_the_header_that_is_not_a_public_one",
            f"{_KEYS}::test_an_ed25519_key_that_anybody_can_sign_for_or_in_a_second_encoding",
            f"{_KEYS}::test_an_rsa_key_of_1024_bits",
            f"{_KEYS}::test_an_rsa_key_whose_numbers_are_not_those_of_a_key",
        ),
    ),
    Row(
        "half a surrogate pair, the number 1e999, crit, repeated members, a megabyte of JSON",
        (
            f"{_JOSE}::test_claims_that_cannot_be_used",
            f"{_JOSE}::test_a_payload_that_readers_read_differently",
            f"{_JOSE}::test_a_repeated_member_of_the_header_or_its_key",
            f"{_JOSE}::test_a_header_that_is_not_a_proofs",
        ),
    ),
    Row(
        "a captured token request, sent again by fifty threads at each border of its proof's time",
        (
            "integration/test_replays_at_once.py::*",
            f"{_KEY}::test_of_many_that_replay_one_assertion_at_once_one_is_answered",
            f"{_DPOP}::test_what_is_spent_is_kept_longer_than_the_proof_can_be_accepted",
        ),
    ),
    Row(
        "a proof without a nonce, or with an old one: a good code, refresh token or assertion stays good",
        (
            f"{_NONCES}::test_the_first_proof_gets_a_nonce_and_the_second_is_good",
            f"{_NONCES}::test_a_refusal_for_the_nonce_spends_no_proof",
            f"{_KEY}::test_a_refusal_for_the_nonce_leaves_the_assertion_and_the_refresh_token_good",
        ),
    ),
    Row(
        "a code that a thief redeems first, with a key of their own",
        (f"{_DPOP}::test_a_thief_who_redeems_a_code_first_loses_everything_when_its_owner_comes",),
    ),
    Row(
        "a lost answer, asked for by another key",
        (f"{_DPOP}::test_a_stolen_refresh_token_is_worth_nothing_without_its_key",),
    ),
    Row(
        "proofs that an injected script makes ahead",
        (f"{_NONCES}::test_a_nonce_is_good_in_its_slot_and_the_next", f"{_NONCES}::test_only_public_clients_need_one"),
    ),
    Row(
        "an assertion for a hostile server, for an endpoint, for several audiences, of another client, expired by a "
        "second, or good for a year",
        (f"{_KEY}::test_whatever_is_wrong_the_answer_is_the_same_and_nothing_is_spent",),
    ),
    Row(
        "an assertion by another client's key of the same kid",
        (f"{_KEY}::test_the_key_of_another_client_with_the_same_kid_is_refused",),
    ),
    Row(
        "a jwks_uri that leads inside, by an address, a name, a second answer of DNS or a redirect",
        (
            f"{_GUARDED}::test_no_other_address_is_connected_to",
            f"{_GUARDED}::test_nothing_but_https_with_a_plain_name_is_asked",
            f"{_GUARDED}::test_one_address_of_a_name_that_is_not_public_refuses_all",
            f"{_GUARDED}::test_a_name_that_changes_its_address_is_asked_once",
            f"{_GUARDED}::test_no_redirect_is_followed",
        ),
    ),
    Row(
        "a jwks_uri that answers slowly or endlessly",
        (
            f"{_GUARDED}::test_an_answer_byte_by_byte_ends_in_time",
            f"{_GUARDED}::test_an_answer_that_is_too_large_is_cut",
            f"{_GUARDED}::test_an_answer_that_grows_when_it_is_inflated_is_cut",
        ),
    ),
    Row(
        "a request_uri that is another client's, used, expired or guessed, and parameters next to it",
        (
            f"{_PAR}::test_another_clients_request_uri_gets_the_page_of_an_unknown_one",
            f"{_PAR}::test_a_used_request_uri_is_refused_before_any_login_page",
            f"{_PAR}::test_a_request_uri_is_good_for_ninety_seconds_and_not_one_more",
            f"{_PAR}::test_a_guessed_request_uri_gets_a_page",
            f"{_PAR}::test_every_other_parameter_is_ignored",
        ),
    ),
    Row(
        "two browsers that finish one pushed request at the same time",
        (f"{_PAR}::test_two_browsers_get_one_code", _WALK),
    ),
    Row(
        "a scope of one API in an access token for another",
        (
            "unit/test_resource.py::test_every_token_of_whatever_is_granted_is_for_one_named_api_and_its_scopes",
            "integration/test_resource_indicators.py::"
            "test_a_refresh_whose_scope_has_nothing_of_its_resource_is_refused_and_the_token_stays_good",
        ),
    ),
    Row(
        "an algorithm that an operator drops while its tokens live",
        (
            f"{_LANES}::test_no_good_token_is_refused_while_the_algorithms_change",
            f"{_LANES}::test_nor_if_the_operator_changes_their_mind_at_any_hour",
            f"{_LANES}::test_it_finds_a_lane_that_is_dropped_before_the_wanted_one_signs",
        ),
    ),
    Row(
        "a PS256 signature by the key of RS256",
        (
            f"{_ALGS}::test_ps256_by_the_key_of_rs256_is_no_signature_for_our_endpoints",
            f"{_ALGS}::test_nor_for_the_authorizer",
            f"{_ALGS}::test_a_forger_who_relabels_the_header_fares_no_better",
        ),
    ),
    Row(
        "a reference token that is altered, cut short, made up or another deployment's; introspected by a client of "
        "another API; used at another API",
        (
            f"{_REFERENCES}::test_a_forged_one_is_refused_and_changes_nothing",
            f"{_REFERENCES}::test_a_token_of_another_deployment_is_refused",
            f"{_REFERENCES}::test_a_client_of_another_api_is_told_nothing_and_may_revoke_nothing",
            f"{_REFERENCES}::test_an_authorizer_for_another_audience_refuses_it",
        ),
    ),
)


def attacks() -> list[str]:
    """The lines of the table."""
    return [f"| {each.says} | {each.links} |" for each in ATTACKS]


if __name__ == "__main__":
    from tests.parts.docs.account_attacks import account_attacks
    from tests.parts.docs.agent_attacks import agent_attacks
    from tests.parts.docs.device_attacks import device_attacks

    print("\n".join([*promises(), "", *attacks(), "", *account_attacks(), "", *agent_attacks(), "", *device_attacks()]))
