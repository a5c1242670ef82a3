"""`valet doctor` about what APIs say of themselves (RFC 9728), and about the challenges in front of MCP servers."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

import pytest
from valet.models.clients import ProtectedApi, Scope, Scopes

from admin.doctor import examine, resources
from admin.doctor.evidence import Answer, Evidence
from admin.doctor.findings import CannotLook, Finding, Skipped
from tests.parts.admin.account_apis import ISSUER, OURS, THEIRS, Gateway, Lambda, of

AUDIENCE = "https://tools.example.com/mcp"
WELL_KNOWN = "https://tools.example.com/.well-known/oauth-protected-resource"
SCOPES = Scopes(
    {name: Scope(name, name) for name in ("tools.read", "tools.write", "pay")},
    {
        AUDIENCE: ProtectedApi(AUDIENCE, "Tools", frozenset({"tools.read", "tools.write"})),
        "urn:pay": ProtectedApi("urn:pay", "Pay", frozenset({"pay"})),
    },
)
GOOD = {"resource": AUDIENCE, "authorization_servers": [ISSUER], "scopes_supported": ["tools.read"]}


def looked(evidence: Evidence, name: str) -> tuple[list[Finding], list[Skipped]]:
    return examine(evidence, [check for check in resources.CHECKS if check.name == name])


class Web:
    """What is there to be fetched, by its address; the rest is 404. `asked` are the addresses in their order."""

    def __init__(self) -> None:
        self.found: dict[str, Answer] = {AUDIENCE: Answer(401, {}, b"")}
        self.asked: list[str] = []
        self.is_down = False

    def publish(self, address: str = f"{WELL_KNOWN}/mcp", **changed: Any) -> None:
        self.found[address] = Answer(200, {}, json.dumps({**GOOD, **changed}).encode())

    def challenge(self, address: str) -> None:
        headers = {"www-authenticate": f'Bearer scope="tools.read", resource_metadata="{address}"'}
        self.found[AUDIENCE] = Answer(401, headers, b"")

    def __call__(self, origin: str, path: str) -> Answer:
        if self.is_down:
            raise CannotLook(f"{origin}{path} does not answer: timed out")
        self.asked.append(f"{origin}{path}")
        return self.found.get(f"{origin}{path}", Answer(404, {}, b'{"message":"Not Found"}'))


@pytest.fixture
def web(evidence: Evidence, monkeypatch: pytest.MonkeyPatch) -> Web:
    made = Web()
    monkeypatch.setattr(resources, "ask", made)
    evidence.__dict__["scopes"] = SCOPES
    return made


@pytest.mark.parametrize("address", [f"{WELL_KNOWN}/mcp", WELL_KNOWN, "https://elsewhere.example.com/v1/metadata"])
def test_metadata_is_found_where_a_client_finds_it(evidence: Evidence, web: Web, address: str) -> None:
    if "elsewhere" in address:
        web.challenge(address)
    web.publish(address)
    assert looked(evidence, "apis.metadata") == ([], [])
    assert web.asked[-1] == address
    assert not [each for each in web.asked if "urn" in each]


def test_a_challenge_is_followed_to_https_alone(evidence: Evidence, web: Web) -> None:
    web.challenge("http://tools.example.com/metadata")
    web.publish()
    assert looked(evidence, "apis.metadata") == ([], [])
    assert "http://tools.example.com/metadata" not in web.asked


def test_an_api_without_metadata_is_told(evidence: Evidence, web: Web) -> None:
    [finding], skipped = looked(evidence, "apis.metadata")
    assert (finding.is_error, skipped) == (False, [])
    assert finding.what == f"The API {AUDIENCE} publishes no metadata at {WELL_KNOWN}"


@pytest.mark.parametrize(
    ("changed", "what"),
    [
        ({"resource": "https://tools.example.com"}, "names the resource https://tools.example.com"),
        ({"resource": f"{AUDIENCE}/"}, f"names the resource {AUDIENCE}/"),
        ({"authorization_servers": ["https://other.example.com"]}, "does not name this issuer"),
        ({"authorization_servers": [f"{ISSUER}/"]}, "does not name this issuer"),
        ({"authorization_servers": None}, "does not name this issuer"),
        ({"scopes_supported": ["tools.read", "pay", "offline_access"]}, "does not have: offline_access pay"),
        ({"scopes_supported": "tools.read"}, "does not have: no list"),
    ],
)
def test_metadata_that_leads_clients_astray_is_found(
    evidence: Evidence,
    web: Web,
    changed: dict[str, Any],
    what: str,
) -> None:
    web.publish(**changed)
    [finding], skipped = looked(evidence, "apis.metadata")
    assert (finding.is_error, skipped) == (True, [])
    assert what in finding.what


def test_an_api_that_does_not_answer_is_not_called_good(evidence: Evidence, web: Web) -> None:
    web.is_down = True
    findings, [skipped] = looked(evidence, "apis.metadata")
    assert (findings, skipped.reason) == ([], f"{AUDIENCE} does not answer: timed out")


# -- REST APIs in front of MCP -----------------------------------------------------------------------------------------

CHALLENGE = '\'Bearer resource_metadata="https://tools.example.com/x", scope="tools.read"\''


@pytest.fixture
def guard(rest_apis: Gateway, monkeypatch: pytest.MonkeyPatch) -> dict[str, Any]:
    """The authorizer of a REST API, whose routes have tools."""
    tools = {"ANY /mcp": {"scopes": ["tools.read"], "tools": {"delete_item": {"scopes": ["tools.write"]}}}}
    environment = {"ISSUER": ISSUER, "ROUTES": json.dumps(tools)}
    plain = {"ISSUER": ISSUER, "ROUTES": json.dumps({"GET /a": {"scopes": ["a"]}})}
    environments = {OURS: environment, THEIRS: {**environment, "ISSUER": "https://other"}, "plain": plain}
    monkeypatch.setattr(Lambda, "environments", environments)
    made = {"id": "guard", "type": "REQUEST", "authorizerUri": of(OURS), "authorizerResultTtlInSeconds": 0}
    rest_apis.apis.append({"id": "api1", "name": "tools"})
    rest_apis.authorizers["api1"] = [made]
    respond(rest_apis, UNAUTHORIZED=CHALLENGE, ACCESS_DENIED="context.authorizer.challenge")
    return made


def respond(gateway: Gateway, **headers: str) -> None:
    """The gateway responses of the REST API, each with its WWW-Authenticate."""
    gateway.responses = [
        {"responseType": kind, "responseParameters": {"gatewayresponse.header.WWW-Authenticate": header}}
        for kind, header in headers.items()
    ]


def test_an_api_that_challenges_as_the_example_does_is_fine(
    evidence: Evidence,
    guard: Mapping[str, Any],
) -> None:
    assert looked(evidence, "gateways.tools") == ([], [])


def test_a_cache_would_let_a_token_through_to_every_tool(evidence: Evidence, guard: dict[str, Any]) -> None:
    guard["authorizerResultTtlInSeconds"] = 300
    [finding], _ = looked(evidence, "gateways.tools")
    assert finding.is_error
    assert "whose routes have tools" in finding.what
    assert "op=replace,path=/authorizerResultTtlInSeconds,value=0" in finding.mend


@pytest.mark.parametrize(
    ("headers", "whats"),
    [
        ({}, ["answers 401 without a challenge", "answers 403 without the authorizer's challenge"]),
        ({"UNAUTHORIZED": "'Bearer'", "ACCESS_DENIED": "context.authorizer.challenge"}, ["answers 401 without"]),
        ({"UNAUTHORIZED": CHALLENGE, "ACCESS_DENIED": "'Bearer'"}, ["answers 403 without"]),
    ],
)
def test_an_api_in_front_of_mcp_that_does_not_challenge_is_found(
    evidence: Evidence,
    rest_apis: Gateway,
    guard: Mapping[str, Any],
    headers: dict[str, str],
    whats: list[str],
) -> None:
    respond(rest_apis, **headers)
    findings, skipped = looked(evidence, "gateways.tools")
    assert skipped == []
    assert len(findings) == len(whats)
    for finding, what in zip(findings, whats, strict=True):
        assert f"the REST API tools (api1) {what}" in finding.what


@pytest.mark.parametrize("function", [THEIRS, "plain"])
def test_other_authorizers_need_no_challenge(
    evidence: Evidence,
    rest_apis: Gateway,
    guard: dict[str, Any],
    function: str,
) -> None:
    guard["authorizerUri"] = of(function)
    respond(rest_apis)
    assert looked(evidence, "gateways.tools") == ([], [])


def test_a_function_that_may_not_be_read_is_not_called_good(evidence: Evidence, guard: dict[str, Any]) -> None:
    guard["authorizerUri"] = of("of-another-account")
    findings, [skipped] = looked(evidence, "gateways.tools")
    assert findings == []
    assert "of-another-account (AccessDeniedException)" in skipped.reason
