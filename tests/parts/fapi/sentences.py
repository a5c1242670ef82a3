"""What the FAPI 2.0 Security Profile (Final) asks of an authorization server and of a resource server, item by item.

With the tests that show it. docs/fapi.md has the table: `python -m tests.parts.fapi.sentences`.
"""

from __future__ import annotations

from dataclasses import dataclass

from tests.support.named_tests import link

_FAPI = "integration/test_fapi2.py"
_KEY = "integration/test_private_key_jwt.py"
_PAR = "integration/test_pushed_requests.py"
_DPOP = "integration/test_dpop.py"
_TOKEN = "parts/authorizer/test_tokens.py"
_BOUND = "parts/authorizer/test_bound_tokens.py"
_TLS = "parts/docs/test_fapi_example.py::test_of_tls_1_2_cloudfront_takes_only_what_the_profile_permits"


@dataclass(frozen=True)
class Sentence:
    """One item of a section's list, in our words. `elsewhere`: why no test here can show it, or not all of it."""

    item: str  # the section, and the item's number in its list
    asks: str
    tests: tuple[str, ...] = ()  # file::name, below tests/
    elsewhere: str = ""


SENTENCES = (
    # Every endpoint
    Sentence("5.2.1 (1)", "TLS at every endpoint, and to other servers",
             ("unit/test_settings.py::test_any_other_issuer_is_refused",
              "parts/outbound/test_guarded.py::test_nothing_but_https_with_a_plain_name_is_asked"),
             "API Gateway and CloudFront end TLS"),
    Sentence("5.2.1 (2)", "TLS 1.2 or later", (_TLS,),
             "CloudFront's security policy in front of the deployment"),
    Sentence("5.2.1 (3)", "the recommendations of BCP 195", (_TLS,),
             "CloudFront's security policy; `valet doctor` tries a handshake (`fapi.tls`)"),
    Sentence("5.2.1 (4)", "DNSSEC (should)", (), "the zone of the domain"),
    Sentence("5.2.1 (5)", "the certificates of other servers are checked",
             ("parts/aws/test_hostile_networks.py::"
              "test_a_server_with_another_name_or_an_old_certificate_gets_no_request",
              "parts/aws/test_hostile_networks.py::test_a_server_of_an_unknown_authority_gets_no_request",
              "parts/outbound/test_guarded.py::test_a_certificate_of_another_name_is_refused",
              "parts/outbound/test_guarded.py::test_a_certificate_of_an_unknown_authority_is_refused")),
    Sentence("5.2.2 (1)", "endpoints that browsers do not use: of TLS 1.2, only the suites that BCP 195 recommends",
             (_TLS,
              "parts/admin/test_fapi.py::test_a_server_that_takes_a_suite_outside_bcp_195_is_known_by_a_handshake"),
             "CloudFront's security policy; the tests are of the example and of the doctor's handshake"),
    Sentence("5.2.3 (1)", "endpoints that browsers use: no TLS stripping",
             (f"{_FAPI}::test_pages_are_for_https_alone",), "preloading is the domain's"),
    Sentence("5.2.3 (2)", "and of TLS 1.2, only suites that BCP 195 allows", (_TLS,),
             "CloudFront's security policy"),
    Sentence("5.2.3 (3)", "no CORS at the authorization endpoint",
             ("integration/test_cors.py::test_pages_and_introspection_are_for_no_script",)),
    # Authorization servers: general
    Sentence("5.3.2.1 (1)", "discovery metadata",
             ("integration/test_metadata.py::test_it_has_what_openid_connect_discovery_and_rfc_8414_require",
              "integration/test_metadata.py::test_both_addresses_give_the_same_document")),
    Sentence("5.3.2.1 (2)", "no password grant",
             ("integration/test_token_endpoint.py::"
              "test_an_unknown_grant_type_is_refused_password_and_implicit_among_them",)),
    Sentence("5.3.2.1 (3)", "confidential clients only",
             ("unit/test_profile.py::test_each_rule_is_broken_by_what_it_forbids_and_registration_refuses_that",
              f"{_FAPI}::test_an_item_edited_to_another_method_gets_no_request_through")),
    Sentence("5.3.2.1 (4)", "only sender-constrained access tokens",
             (f"{_FAPI}::test_a_token_request_without_a_proof_gets_nothing_and_its_code_stays_good",
              f"{_FAPI}::test_a_machine_client_needs_no_authorization_requests",
              f"{_FAPI}::test_an_edited_item_gets_no_request_through")),
    Sentence("5.3.2.1 (5)", "constrained by mutual TLS or by DPoP",
             (f"{_FAPI}::test_pushed_bound_and_signed_from_the_request_to_userinfo",
              f"{_DPOP}::test_a_proof_binds_the_access_token_of_every_grant_type")),
    Sentence("5.3.2.1 (6)", "clients authenticate by mutual TLS or private_key_jwt",
             (f"{_FAPI}::test_a_secret_is_refused",
              f"{_FAPI}::test_an_item_edited_to_another_method_gets_no_request_through")),
    Sentence("5.3.2.1 (7)", "no open redirector",
             ("integration/test_authorize_phase_one.py::"
              "test_a_redirect_uri_that_is_not_registered_to_the_letter_gets_a_page",
              "integration/test_every_endpoint.py::"
              "test_no_combination_of_our_own_words_is_a_5xx_or_a_redirect_to_a_stranger")),
    Sentence("5.3.2.1 (8)", "of `aud` in an assertion, only the issuer as text",
             (f"{_KEY}::test_whatever_is_wrong_the_answer_is_the_same_and_nothing_is_spent",)),
    Sentence("5.3.2.1 (9)", "no rotation of refresh tokens, except in extraordinary circumstances",
             (f"{_FAPI}::test_the_refresh_token_stays_good_at_every_use",
              f"{_FAPI}::test_an_edited_item_gets_no_request_through")),
    Sentence("5.3.2.1 (10)", "nonces of the server for DPoP proofs (may)", ("integration/test_dpop_nonces.py::*",)),
    Sentence("5.3.2.1 (11)", "codes live 60 seconds at most",
             ("integration/test_authorization_code.py::"
              "test_an_expired_code_is_refused_even_before_dynamodb_deletes_it",
              "integration/test_authorization_code.py::test_a_code_is_good_to_its_last_second")),
    Sentence("5.3.2.1 (12)", "codes that are bound to a DPoP key",
             (f"{_DPOP}::test_only_the_named_key_redeems_a_code",
              "integration/test_dpop_at_par.py::test_only_the_key_of_the_proof_redeems_the_code")),
    Sentence("5.3.2.1 (13)", "`iat` and `nbf` may be 10 seconds ahead, and not more than 60",
             (f"{_KEY}::test_the_borders_of_what_is_accepted",
              f"{_KEY}::test_whatever_is_wrong_the_answer_is_the_same_and_nothing_is_spent",
              "parts/binding/test_proof.py::test_a_moment_beyond_the_window_is_refused")),
    Sentence("5.3.2.1 (14)", "access tokens with the least privileges (should)",
             ("integration/test_authorization_code.py::"
              "test_roles_are_told_to_the_api_that_has_them_and_to_nobody_else",
              "integration/test_consent.py::test_no_more_is_granted_than_was_shown")),
    # Authorization servers: the authorization endpoint
    Sentence("5.3.2.2 (1)", "response_type code alone",
             (f"{_FAPI}::test_a_pushed_request_that_is_not_of_the_profile_is_refused",)),
    Sentence("5.3.2.2 (2)", "pushed authorization requests of authenticated clients",
             (f"{_FAPI}::test_pushed_bound_and_signed_from_the_request_to_userinfo",)),
    Sentence("5.3.2.2 (3)", "no other authorization requests",
             (f"{_FAPI}::test_an_authorization_request_that_was_not_pushed_is_refused",
              f"{_FAPI}::test_an_edited_item_gets_no_request_through")),
    Sentence("5.3.2.2 (4)", "no pushed request without client authentication",
             (f"{_FAPI}::test_a_pushed_request_without_client_authentication_is_refused",
              f"{_PAR}::test_a_client_that_does_not_authenticate_pushes_nothing")),
    Sentence("5.3.2.2 (5)", "PKCE with S256",
             (f"{_FAPI}::test_a_pushed_request_that_is_not_of_the_profile_is_refused",
              "integration/test_authorization_code.py::test_the_challenge_itself_is_no_verifier")),
    Sentence("5.3.2.2 (6)", "`redirect_uri` in each pushed request",
             (f"{_FAPI}::test_a_pushed_request_that_is_not_of_the_profile_is_refused",)),
    Sentence("5.3.2.2 (7)", "`iss` in each authorization response",
             (f"{_FAPI}::test_pushed_bound_and_signed_from_the_request_to_userinfo",
              "integration/test_authorize_phase_two.py::"
              "test_what_is_wrong_with_the_request_goes_back_to_the_client")),
    Sentence("5.3.2.2 (8)", "no redirect URI with http",
             ("unit/test_profile.py::test_each_rule_is_broken_by_what_it_forbids_and_registration_refuses_that",
              f"{_FAPI}::test_an_edited_item_gets_no_request_through",
              f"{_FAPI}::test_a_redirect_uri_that_became_http_gets_no_code_of_a_request_in_progress")),
    Sentence("5.3.2.2 (9)", "a code is redeemed once",
             ("integration/test_authorization_code.py::"
              "test_a_second_use_within_ten_seconds_is_refused_and_what_the_first_got_lives",
              "integration/test_authorization_code.py::test_a_second_use_later_ends_the_grant")),
    Sentence("5.3.2.2 (10), (11)", "no 307 after credentials; 303 (should)",
             (f"{_FAPI}::test_pushed_bound_and_signed_from_the_request_to_userinfo",)),
    Sentence("5.3.2.2 (12)", "`expires_in` of a request_uri below 600 seconds",
             ("unit/test_settings.py::test_a_pushed_request_lives_less_than_ten_minutes",)),
    Sentence("5.3.2.2 (13)", "the end-user learns who asks for what (should)",
             ("integration/test_consent.py::test_the_page_says_who_asks_for_what_and_where_the_answer_goes",)),
    Sentence("5.3.2.2 (14)", "nonces of 64 characters",
             (f"{_FAPI}::test_a_nonce_of_64_characters_and_a_state_of_1000_come_back",)),
    Sentence("5.3.2.3", "OpenID Connect tells who the end-user is",
             ("integration/test_authorization_code.py::"
              "test_a_code_is_redeemed_for_an_access_token_a_refresh_token_and_an_id_token",)),
    # Resource servers
    Sentence("5.3.4 (1)", "access tokens in the HTTP header",
             (f"{_BOUND}::test_a_bound_token_with_its_proof_is_allowed_on_every_event_that_carries_one",
              "integration/test_dpop_userinfo.py::test_a_bound_token_is_good_with_a_proof_by_its_key")),
    Sentence("5.3.4 (2)", "no access tokens in the query",
             ("integration/test_userinfo.py::test_two_tokens_or_one_in_the_query_are_refused",)),
    Sentence("5.3.4 (3)", "validity, integrity, expiration and revocation are verified",
             (f"{_TOKEN}::test_a_claim_that_is_wrong_refuses",
              "parts/authorizer/test_status.py::test_a_revoked_token_is_refused_within_the_lists_ttl",
              "integration/test_userinfo.py::test_a_revoked_token_is_invalid_at_once",
              "integration/test_userinfo.py::test_an_expired_token_is_invalid")),
    Sentence("5.3.4 (4)", "the token's scope is enough for the request",
             ("parts/authorizer/test_events.py::test_too_little_is_an_answer_that_does_not_allow",
              "parts/authorizer/test_challenges.py::"
              "test_too_little_scope_is_told_with_the_scope_that_the_route_asks_for",
              "integration/test_userinfo.py::test_a_token_without_openid_has_too_little_scope")),
    Sentence("5.3.4 (5)", "the sender is verified, by mutual TLS or DPoP",
             (f"{_BOUND}::test_a_bound_token_as_bearer_is_refused_with_a_good_proof_too",
              f"{_BOUND}::test_sender_constraint_required_refuses_bearer_tokens",
              "parts/apis/test_bound_tokens.py::test_a_bound_token_is_no_bearer_token",
              f"{_FAPI}::test_a_bound_token_is_no_bearer_token_at_userinfo",
              f"{_FAPI}::test_a_bearer_token_from_before_the_profile_is_refused_and_its_grant_goes_on_bound")),
    # Cryptography
    Sentence("5.4.1 (1.1)", "RFC 8725: JWTs are typed, and each key has its own algorithms",
             ("integration/test_signing_algs.py::"
              "test_ps256_by_the_key_of_rs256_is_no_signature_for_our_endpoints",
              f"{_TOKEN}::test_another_typ_refuses",
              "parts/jose/test_refused.py::test_an_assertion_is_no_proof_and_a_proof_no_assertion")),
    Sentence("5.4.1 (1.2)", "PS256, ES256 or EdDSA for every JWT",
             (f"{_FAPI}::test_an_assertion_by_rs256_is_refused",
              f"{_FAPI}::test_no_token_is_signed_with_rs256_whatever_is_registered",
              f"{_FAPI}::test_without_a_lane_of_the_profile_nothing_is_signed_or_spent",
              "parts/binding/test_proof.py::test_an_algorithm_that_is_not_allowed_is_refused"),
             "status lists are signed with the deployment's first algorithm: use SigningAlgorithm PS256 or ES256"),
    Sentence("5.4.1 (1.3)", "never the algorithm none",
             (f"{_TOKEN}::test_alg_none_with_no_signature_refuses",
              "parts/jose/test_refused_keys.py::"
              "test_no_key_verifies_hs256_or_none_even_for_a_caller_that_allows_them")),
    Sentence("5.4.1 (2)", "RSA keys of 2048 bits or more",
             ("parts/jose/test_refused_keys.py::test_an_rsa_key_of_1024_bits",)),
    Sentence("5.4.1 (3)", "elliptic curves of 224 bits or more",
             ("parts/keys/test_jwk.py::test_a_key_on_another_curve_is_refused",)),
    Sentence("5.4.1 (4)", "credentials with 128 random bits or more",
             ("unit/test_handles.py::test_a_handle_is_256_random_bits_and_an_id_128",)),
    Sentence("5.4.2 (1)", "the JWK Set over TLS alone", (), "API Gateway and CloudFront end TLS"),
    Sentence("5.4.2 (2)", "no `x5u` or `jku` (should)",
             (f"{_TOKEN}::test_a_header_that_names_its_own_key_refuses_even_under_a_right_signature",)),
    Sentence("5.4.2 (3)", "each `kid` of the JWK Set names one key (should)",
             ("parts/keys/test_jwk.py::test_the_thumbprint_is_that_of_rfc_7638",)),
    Sentence("5.4.3", "of several keys with one `kid`, the one that fits the signature verifies",
             (f"{_FAPI}::test_two_keys_of_one_kid_are_told_apart_by_their_algorithm",)),
)  # fmt: skip


def rows() -> list[str]:
    """The lines of the table in docs/fapi.md."""
    return [
        f"| {each.item} | {each.asks} | {', '.join(link(test) for test in each.tests)} | {each.elsewhere} |"
        for each in SENTENCES
    ]


if __name__ == "__main__":
    print("| item | what it asks | shown by | shown elsewhere |\n| --- | --- | --- | --- |")
    print("\n".join(rows()))
