"""The attacks on APIs that agents call, and their tests: a table of docs/promises.md."""

from __future__ import annotations

from tests.parts.docs.promises import Row

_INDICATORS = "integration/test_resource_indicators.py"
_REQUESTS = "integration/test_resource_requests.py"
_RESOURCE = "unit/test_resource.py"
_TOOLS = "parts/authorizer/test_tools.py"
_MCP = "e2e/test_mcp_clients.py"
_DOCUMENTS = "integration/test_documents.py"
_NAMES = "unit/test_unknown_clients.py"

AGENT_ATTACKS = (
    Row(
        "resource at /token other than the grant's, two resources, variants by slash and case",
        (
            f"{_INDICATORS}::test_a_code_for_another_resource_or_for_none_of_two_is_refused_and_not_spent",
            f"{_INDICATORS}::test_a_refresh_for_another_resource_or_for_none_of_two_is_refused_and_the_token_stays_good",
            f"{_INDICATORS}::test_a_token_request_that_names_two_resources_is_refused_and_spends_nothing",
            f"{_RESOURCE}::test_everything_else_counts",
            f"{_RESOURCE}::test_a_new_api_has_no_audience_that_no_request_can_name",
        ),
    ),
    Row(
        "a scope of another API next to a resource",
        (
            f"{_REQUESTS}::test_a_request_whose_scope_is_not_that_of_its_resources_goes_back_as_invalid_scope",
            f"{_RESOURCE}::test_a_scope_of_another_api_or_none_of_an_api_that_is_named_is_refused_by_name",
        ),
    ),
    Row(
        "Mcp-Name without Mcp-Method, without a name, twice, or in a base64 that two readers read in two ways",
        (f"{_TOOLS}::test_headers_that_two_readers_may_read_in_two_ways_are_refused",),
    ),
    Row(
        "the base64 of a tool that needs more scope, as Mcp-Name",
        (
            f"{_TOOLS}::test_a_named_tool_asks_for_both_scopes_in_one_challenge",
            f"{_TOOLS}::test_a_name_that_fits_into_no_header_comes_in_base64",
        ),
    ),
    Row(
        "a body that calls another tool than Mcp-Name says, and a client that sends no such header",
        (
            f"{_MCP}::test_a_body_that_calls_another_tool_than_the_header_says_calls_none",
            f"{_MCP}::test_a_client_of_an_older_revision_gets_the_tools_own_refusal_in_words",
        ),
    ),
    Row(
        "a cached answer for one tool, used for another",
        (
            f"{_TOOLS}::test_an_answer_for_a_tool_is_for_that_request_alone",
            "parts/admin/test_doctor_resources.py::test_a_cache_would_let_a_token_through_to_every_tool",
        ),
    ),
    Row(
        "a token that came through another client, at a route that is direct, or with actors that it does not name",
        (
            f"{_TOOLS}::test_a_direct_route_refuses_a_token_that_came_through_a_client_and_asks_for_no_other",
            f"{_TOOLS}::test_a_direct_field_is_null_for_a_token_that_came_through_a_client",
            f"{_TOOLS}::test_a_token_that_does_not_say_who_its_actors_are_is_refused",
        ),
    ),
    Row(
        "a link to this server with a request that is refused, to send a person on to a stranger's address",
        (f"{_DOCUMENTS}::test_a_person_who_follows_a_link_to_this_server_is_not_sent_on_to_a_strangers_address",),
    ),
    Row(
        "a name that looks like this server's host, ends the quotation that it stands in, or covers other lines",
        (
            f"{_DOCUMENTS}::test_a_name_that_could_deceive_is_left_out",
            f"{_NAMES}::test_a_person_is_not_told_a_name_that_looks_like_this_servers_own_host",
            f"{_NAMES}::test_a_person_is_not_told_a_name_that_ends_the_quotation_that_it_stands_in",
            f"{_NAMES}::test_a_person_is_not_told_a_name_that_nobody_sees_or_that_covers_the_lines_around_it",
        ),
    ),
    Row(
        "a registration that names a trusted host's address next to a program's own",
        (
            "integration/test_registration.py::"
            "test_a_person_is_not_told_of_a_trusted_host_while_the_answer_goes_elsewhere",
        ),
    ),
    Row(
        "made-up addresses of a host, to keep its client out",
        (
            "integration/test_fetching.py::"
            "test_one_sender_who_makes_up_addresses_of_a_host_does_not_keep_its_client_out",
        ),
    ),
    Row(
        "a key that a client has replaced in its document, in a request with and without client_id",
        (
            "integration/test_documents_with_keys.py::"
            "test_a_thief_of_a_key_that_its_client_has_replaced_is_refused_as_soon_as_the_document_is_stale",
        ),
    ),
    Row(
        "another API's token at an MCP server",
        ("parts/local/test_beside.py::test_a_token_for_another_api_is_none_for_the_mcp_server",),
    ),
)


def agent_attacks() -> list[str]:
    """The lines of the table."""
    return [f"| {each.says} | {each.links} |" for each in AGENT_ATTACKS]
