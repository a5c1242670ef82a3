"""What a refusal asks for (RFC 6750 §3.1, RFC 9728 §5.1), handed to the gateway response by the answer's context."""

from typing import Any

import pytest
from valet.resource_server.api_gateway.configuration import parse
from valet.resource_server.outcomes import ConfigurationError

from tests.parts.authorizer import gateway
from tests.parts.authorizer.issuer import Stand, environment
from tests.parts.authorizer.test_events import OWN_ROUTES, event_of, files

METADATA = "https://api.example/.well-known/oauth-protected-resource"


@pytest.mark.parametrize("name", ["rest_token-too_little_scope", "rest_request-too_little_scope"])
def test_too_little_scope_is_told_with_the_scope_that_the_route_asks_for(name: str) -> None:
    stand = Stand(routes=OWN_ROUTES)
    context = stand.answer(event_of(name, stand.issuer.token()))["context"]
    assert context["challenge"] == 'Bearer error="insufficient_scope", scope="admin"'


def test_all_scopes_of_the_route_are_told_and_where_the_apis_metadata_is() -> None:
    stand = Stand(routes={"GET /a": {"scopes": ["items", "b", "a"]}}, RESOURCE_METADATA=METADATA)
    assert stand.ask(stand.issuer.token(), "GET /a")["context"]["challenge"] == (
        f'Bearer error="insufficient_scope", scope="a b items", resource_metadata="{METADATA}"'
    )


@pytest.mark.parametrize("name", files("good_token", "too_little_role", "unnamed_route"))
def test_where_more_scope_would_not_help_none_is_asked_for(name: str) -> None:
    stand = Stand(routes=OWN_ROUTES, RESOURCE_METADATA=METADATA)
    answer = stand.answer(event_of(name, stand.issuer.token()))
    assert "challenge" not in (answer.get("context") or answer["resolverContext"])


def test_an_answer_with_a_challenge_is_within_the_gateways_limit() -> None:
    scopes = [f"scope-{number}" for number in range(1200)]
    routes: dict[str, Any] = {"GET /a": {"scopes": scopes}, **{f"GET /b/{n}": {} for n in range(200)}}
    stand = Stand(routes=routes)
    answer = stand.ask(stand.issuer.token(), "GET /a")
    assert gateway.size(answer) <= 16 * 1024
    assert {statement["Effect"] for statement in answer["policyDocument"]["Statement"]} == {"Deny"}


@pytest.mark.parametrize("address", ["http://api.example/x", 'https://api.example/"x', "https://api.example/ x", "/x"])
def test_the_metadatas_address_is_https_and_fits_into_a_header(address: str) -> None:
    with pytest.raises(ConfigurationError, match="RESOURCE_METADATA"):
        parse({**environment(), "RESOURCE_METADATA": address})
