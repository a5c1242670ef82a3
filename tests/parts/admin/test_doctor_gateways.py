"""`valet doctor` about the account's other APIs, which may take bound tokens without a proof, or ask for sign-ins that
nobody can make.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import pytest
from valet.models.clients import Client

from admin.doctor import examine, gateways, reference_tokens, step_up
from admin.doctor.evidence import Answer, Evidence
from admin.doctor.findings import Finding, Skipped
from tests.parts.admin.account_apis import AUDIENCE, BEARER, BOUND, ISSUER, OURS, SCOPES, THEIRS, Gateway, Lambda, of


def looked(evidence: Evidence, name: str) -> tuple[list[Finding], list[Skipped]]:
    checks = (*gateways.CHECKS, *step_up.CHECKS, *reference_tokens.CHECKS)
    return examine(evidence, [check for check in checks if check.name == name])


def add_http(gateway: Gateway, **authorizer: Any) -> tuple[str, str]:
    """An HTTP API with an authorizer. Returns their ids."""
    number = len(gateway.apis)
    api, made = f"api{number}", f"authorizer{number}"
    gateway.apis.append({"ApiId": api, "Name": "pay", "ProtocolType": "HTTP", "RouteSelectionExpression": "x"})
    gateway.authorizers[api] = [{"AuthorizerId": made, "Name": "mine", **authorizer}]
    return api, made


def jwt(issuer: str, *audiences: str) -> dict[str, Any]:
    return {"AuthorizerType": "JWT", "JwtConfiguration": {"Issuer": issuer, "Audience": list(audiences)}}


# -- API Gateway's own authorizers -------------------------------------------------------------------------------------


@pytest.mark.parametrize("audience", [AUDIENCE, "bank"], ids=["aud", "client_id"])
@pytest.mark.parametrize("issuer", [ISSUER, f"{ISSUER}/"])
def test_an_authorizer_that_ignores_cnf_is_found(
    evidence: Evidence, http_apis: Gateway, audience: str, issuer: str
) -> None:
    api, authorizer = add_http(http_apis, **jwt(issuer, "other", audience))
    [finding], skipped = looked(evidence, "gateways.jwt-authorizers")
    assert (finding.is_error, skipped) == (True, [])
    assert finding.what.endswith(f"{authorizer} of the API pay ({api}) takes tokens for {audience}")
    assert f"aws apigatewayv2 delete-authorizer --api-id {api} --authorizer-id {authorizer}" in finding.mend


def test_so_is_one_before_the_issuers_own_audience_and_on_a_later_page(evidence: Evidence, http_apis: Gateway) -> None:
    evidence.__dict__["clients"] = (Client("bank", "Bank", profile="fapi2", scope=frozenset({"openid"})), BEARER)
    add_http(http_apis, **jwt("https://other.example.com", ISSUER))
    _, authorizer = add_http(http_apis, **jwt(ISSUER, ISSUER))
    [finding], _ = looked(evidence, "gateways.jwt-authorizers")
    assert authorizer in finding.what


def test_other_authorizers_are_fine(evidence: Evidence, http_apis: Gateway) -> None:
    add_http(http_apis, **jwt("https://other.example.com", AUDIENCE))
    add_http(http_apis, **jwt(ISSUER, "https://shop.example.com"))  # which only clients with bearer tokens may call
    add_http(http_apis, AuthorizerType="REQUEST", AuthorizerUri=of(OURS), AuthorizerPayloadFormatVersion="2.0")
    assert looked(evidence, "gateways.jwt-authorizers") == ([], [])


def test_without_clients_of_bound_tokens_nothing_is_asked(evidence: Evidence, http_apis: Gateway) -> None:
    disabled = Client("gone", "Gone", dpop_bound_access_tokens=True, is_disabled=True)
    evidence.__dict__["clients"] = (BEARER, disabled)
    http_apis.is_denied = True
    assert examine(evidence, gateways.CHECKS) == ([], [])


# -- caches ------------------------------------------------------------------------------------------------------------


def test_answers_that_are_kept_are_found_on_both_kinds_of_api(
    evidence: Evidence, http_apis: Gateway, rest_apis: Gateway
) -> None:
    request = {"AuthorizerType": "REQUEST", "AuthorizerPayloadFormatVersion": "2.0"}
    http, _ = add_http(http_apis, AuthorizerUri=of(OURS), AuthorizerResultTtlInSeconds=60, **request)
    add_http(http_apis, AuthorizerUri=of(OURS), AuthorizerResultTtlInSeconds=0, **request)
    add_http(http_apis, AuthorizerUri=of(THEIRS), AuthorizerResultTtlInSeconds=60, **request)
    rest_apis.apis.append({"id": "old1", "name": "old"})
    rest_apis.authorizers["old1"] = [
        {"id": "none", "type": "REQUEST", "authorizerUri": of(OURS), "authorizerResultTtlInSeconds": 0},
        {"id": "default", "type": "REQUEST", "authorizerUri": of(OURS)},
        {"id": "cognito", "type": "COGNITO_USER_POOLS"},
    ]
    findings, skipped = looked(evidence, "gateways.cache")
    assert skipped == []
    of_http, of_rest = findings
    assert f"the API pay ({http}) keeps the answers" in of_http.what
    assert "for 60 s" in of_http.what
    assert "apigatewayv2 update-authorizer" in of_http.mend
    assert "the REST API old (old1) keeps the answers of its authorizer default for 300 s" in of_rest.what
    assert "--rest-api-id old1 --authorizer-id default --patch-operations op=replace" in of_rest.mend
    evidence.__dict__["clients"] = (BEARER,)
    assert looked(evidence, "gateways.cache") == ([], [])


def test_a_function_that_may_not_be_read_is_told_and_hides_no_other(evidence: Evidence, http_apis: Gateway) -> None:
    request = {"AuthorizerType": "REQUEST", "AuthorizerPayloadFormatVersion": "2.0", "AuthorizerResultTtlInSeconds": 60}
    add_http(http_apis, AuthorizerUri=of("of-another-account"), **request)
    add_http(http_apis, AuthorizerUri=of(OURS), **request)
    findings, [skipped] = looked(evidence, "gateways.cache")
    assert len(findings) == 1
    assert "of-another-account (AccessDeniedException)" in skipped.reason


def test_without_permission_a_check_could_not_look(evidence: Evidence, http_apis: Gateway, rest_apis: Gateway) -> None:
    rest_apis.is_denied = True
    findings, [skipped] = examine(evidence, gateways.CHECKS)
    assert (findings, skipped.check) == ([], "gateways.cache")
    http_apis.is_denied = True
    findings, both = examine(evidence, gateways.CHECKS)
    assert findings == []
    assert {each.check for each in both} == {"gateways.cache", "gateways.jwt-authorizers"}
    assert all("AccessDenied" in each.reason for each in both)


# -- step-up -----------------------------------------------------------------------------------------------------------

PASSWORD, REQUEST = "urn:valet:acr:password", {"AuthorizerType": "REQUEST", "AuthorizerPayloadFormatVersion": "2.0"}


def asks_for(monkeypatch: pytest.MonkeyPatch, **rule: Any) -> None:
    """The authorizer before somebody else's API has one route, and a trust in this issuer."""
    environment = {"ISSUER": ISSUER, "ROUTES": json.dumps({"POST /pay": {"scopes": ["pay"], **rule}})}
    monkeypatch.setattr(Lambda, "environments", {OURS: environment, THEIRS: {**environment, "ISSUER": "https://x"}})


def reach(evidence: Evidence, *levels: str) -> None:
    """What the deployment's metadata says of the levels of sign-ins."""
    document = json.dumps({"acr_values_supported": levels} if levels else {})
    evidence._answers["/.well-known/openid-configuration"] = Answer(200, {}, document.encode())


def test_a_level_that_no_sign_in_reaches_is_found_once_for_each_authorizer(
    evidence: Evidence, http_apis: Gateway, monkeypatch: pytest.MonkeyPatch
) -> None:
    """This deployment has no passkeys."""
    reach(evidence, PASSWORD)
    asks_for(monkeypatch, acr=["phr"])
    for function in (OURS, OURS, THEIRS):
        add_http(http_apis, AuthorizerUri=of(function), **REQUEST)
    [finding], skipped = looked(evidence, "gateways.step-up")
    assert (finding.is_error, skipped) == (True, [])
    assert finding.what.startswith(f"POST /pay in ROUTES of the authorizer {of(OURS).split('/functions/')[1][:20]}")
    assert finding.what.endswith("asks for the level phr, which no sign-in here reaches")
    assert f"a level that they reach in ROUTES ({PASSWORD})" in finding.mend


@pytest.mark.parametrize(
    ("acr", "what"),
    [
        (["phr"], ""),
        ([PASSWORD, "urn:valet:acr:upstream", "phr"], ""),
        (["gold", "phr"], ""),
        ([PASSWORD, "phr"], "takes the level urn:valet:acr:password, and not urn:valet:acr:upstream, which stands as"),
        (["urn:valet:acr:upstream", PASSWORD], "and not phr, which"),
    ],
)
def test_a_route_that_takes_a_level_and_not_one_that_stands_as_high_is_found(
    evidence: Evidence, rest_apis: Gateway, monkeypatch: pytest.MonkeyPatch, acr: list[str], what: str
) -> None:
    """A person who signs in with a passkey would be refused where a password is enough."""
    reach(evidence, PASSWORD, "urn:valet:acr:upstream", "phr")
    rest_apis.apis.append({"id": "old1", "name": "old"})
    rest_apis.authorizers["old1"] = [
        {"id": "a", "type": "REQUEST", "authorizerUri": of(OURS), "authorizerResultTtlInSeconds": 0}
    ]
    asks_for(monkeypatch, acr=acr)
    findings, skipped = looked(evidence, "gateways.step-up")
    assert (len(findings), skipped) == (bool(what), [])
    assert all(what in finding.what and "to acr in ROUTES" in finding.mend for finding in findings)


def test_without_the_metadata_nothing_is_called_good(
    evidence: Evidence, http_apis: Gateway, monkeypatch: pytest.MonkeyPatch
) -> None:
    reach(evidence)
    asks_for(monkeypatch, acr=["phr"])
    add_http(http_apis, AuthorizerUri=of(OURS), **REQUEST)
    findings, [skipped] = looked(evidence, "gateways.step-up")
    assert (findings, skipped.reason) == ([], "the metadata names no acr_values_supported")


def test_answers_that_are_kept_longer_than_a_max_age_says_are_found(
    evidence: Evidence, http_apis: Gateway, monkeypatch: pytest.MonkeyPatch
) -> None:
    add_http(http_apis, AuthorizerUri=of(OURS), AuthorizerResultTtlInSeconds=60, **REQUEST)
    add_http(http_apis, AuthorizerUri=of(OURS), AuthorizerResultTtlInSeconds=0, **REQUEST)
    asks_for(monkeypatch)
    assert looked(evidence, "gateways.step-up") == ([], [])
    asks_for(monkeypatch, max_age=300)
    [finding], _ = looked(evidence, "gateways.step-up")
    assert "whose routes have a max_age" in finding.what
    assert "for up to 60 s longer" in finding.why
    assert "--authorizer-result-ttl-in-seconds 0" in finding.mend


def test_the_stacks_own_authorizer_is_left_to_its_own_check(
    evidence: Evidence, http_apis: Gateway, monkeypatch: pytest.MonkeyPatch
) -> None:
    asks_for(monkeypatch, acr=["phr"])
    evidence.deployment.__dict__["outputs"] = {"Issuer": ISSUER, "AuthorizerFunction": OURS}
    add_http(http_apis, AuthorizerUri=of(OURS), **REQUEST)
    assert looked(evidence, "gateways.step-up") == ([], [])


def test_a_function_that_may_not_be_read_is_told_of_among_those_that_may_ask_for_a_level(
    evidence: Evidence, http_apis: Gateway, monkeypatch: pytest.MonkeyPatch
) -> None:
    reach(evidence, PASSWORD)
    asks_for(monkeypatch, acr=["phr"])
    for function in ("of-another-account", OURS):
        add_http(http_apis, AuthorizerUri=of(function), **REQUEST)
    findings, [skipped] = looked(evidence, "gateways.step-up")
    assert len(findings) == 1
    assert "of-another-account (AccessDeniedException)" in skipped.reason


# -- reference tokens --------------------------------------------------------------------------------------------------

PRIVATE = {"ISSUER": ISSUER, "AUDIENCE": AUDIENCE, "INTROSPECTION_CLIENT": "introspector"}
INTROSPECTOR = Client("introspector", "Introspector", introspects=frozenset({AUDIENCE}))


def with_references(evidence: Evidence, monkeypatch: pytest.MonkeyPatch, environment: Mapping[str, str]) -> None:
    """The first API has reference tokens, and an authorizer with that environment."""
    api = replace(SCOPES.apis[AUDIENCE], access_token_format="reference")
    evidence.__dict__["scopes"] = replace(SCOPES, apis={**SCOPES.apis, AUDIENCE: api})
    evidence.__dict__["clients"] = (BOUND, INTROSPECTOR)
    monkeypatch.setattr(Lambda, "environments", {OURS: environment})


def whats(found: list[Finding]) -> list[str]:
    return [each.what for each in found]


def test_an_authorizer_that_introspects_and_whose_answers_are_not_kept_is_right(
    evidence: Evidence, http_apis: Gateway, monkeypatch: pytest.MonkeyPatch
) -> None:
    with_references(evidence, monkeypatch, PRIVATE)
    add_http(http_apis, AuthorizerType="REQUEST", AuthorizerUri=of(OURS))
    for check in ("apis.reference-tokens", "gateways.reference-tokens"):
        assert looked(evidence, check) == ([], []), check


@pytest.mark.parametrize(
    ("environment", "told"),
    [
        ({**PRIVATE, "INTROSPECTION_CLIENT": ""}, "has no INTROSPECTION_CLIENT"),
        ({**PRIVATE, "INTROSPECTION_CLIENT": "bank"}, "introspects as bank, which may not"),
        ({**PRIVATE, "INTROSPECTION_CLIENT": "gone"}, "introspects as gone, which is not registered, or is disabled"),
        ({**PRIVATE, "AUDIENCE": "https://shop.example.com", "INTROSPECTION_CLIENT": ""}, ""),
        ({**PRIVATE, "ISSUER": "https://other", "INTROSPECTION_CLIENT": ""}, ""),
    ],
)
def test_an_authorizer_that_would_refuse_every_reference_token_is_named_once(
    evidence: Evidence,
    http_apis: Gateway,
    monkeypatch: pytest.MonkeyPatch,
    environment: Mapping[str, str],
    told: str,
) -> None:
    with_references(evidence, monkeypatch, environment)
    for _ in range(2):
        add_http(http_apis, AuthorizerType="REQUEST", AuthorizerUri=of(OURS))
    found, skipped = looked(evidence, "gateways.reference-tokens")
    assert not skipped
    assert len(found) == (1 if told else 0)
    assert all(told in each for each in whats(found))


def test_answers_that_a_gateway_keeps_outlive_the_revocation_of_a_reference_token(
    evidence: Evidence, http_apis: Gateway, rest_apis: Gateway, monkeypatch: pytest.MonkeyPatch
) -> None:
    with_references(evidence, monkeypatch, PRIVATE)
    add_http(http_apis, AuthorizerType="REQUEST", AuthorizerUri=of(OURS), AuthorizerResultTtlInSeconds=60)
    found, _ = looked(evidence, "gateways.reference-tokens")
    assert [each.endswith("for 60 s") for each in whats(found)] == [True]
    assert "--authorizer-result-ttl-in-seconds 0" in found[0].mend


def test_an_authorizer_that_aws_does_not_show_leaves_the_check_open(
    evidence: Evidence, http_apis: Gateway, monkeypatch: pytest.MonkeyPatch
) -> None:
    with_references(evidence, monkeypatch, PRIVATE)
    add_http(http_apis, AuthorizerType="REQUEST", AuthorizerUri=of(THEIRS))
    found, skipped = looked(evidence, "gateways.reference-tokens")
    assert (found, len(skipped)) == ([], 1)


def test_an_api_whose_reference_tokens_no_client_may_introspect_is_named(
    evidence: Evidence, monkeypatch: pytest.MonkeyPatch
) -> None:
    with_references(evidence, monkeypatch, PRIVATE)
    for clients in ((BOUND,), (BOUND, replace(INTROSPECTOR, is_disabled=True))):
        evidence.__dict__["clients"] = clients
        found, _ = looked(evidence, "apis.reference-tokens")
        assert [each.is_error for each in found] == [True]
        assert "no client may introspect" in found[0].what
    evidence.__dict__["clients"] = (replace(INTROSPECTOR, scope=frozenset({"pay"})),)
    found, _ = looked(evidence, "apis.reference-tokens")
    assert [(each.is_error, "gets tokens" in each.what) for each in found] == [(False, True)]
    evidence.__dict__["scopes"] = SCOPES
    evidence.__dict__["clients"] = ()
    assert looked(evidence, "apis.reference-tokens") == ([], [])


def test_a_secret_that_introspects_for_more_than_a_year_is_named(
    evidence: Evidence, monkeypatch: pytest.MonkeyPatch
) -> None:
    with_references(evidence, monkeypatch, PRIVATE)
    year = 365 * 86_400
    for age, is_named in ((year, False), (year + 86_400, True)):
        made_at_ms = int((evidence.now - age) * 1000)
        evidence.__dict__["clients"] = (replace(INTROSPECTOR, secret_made_at_ms=made_at_ms),)
        found, _ = looked(evidence, "apis.reference-tokens")
        assert [(each.is_error, "366 days old" in each.what) for each in found] == [(False, True)] * is_named
    assert found[0].mend == "`valet clients rotate-secret introspector`"
