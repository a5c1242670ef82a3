"""ROUTES: what may stand in it, and which route a path means where the event names none."""

import json
from typing import Any

import pytest
from valet.resource_server.api_gateway.routes import parse_routes

from tests.parts.authorizer.issuer import Stand


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("", "not JSON"),
        ("{", "not JSON"),
        ("[" * 100_000, "not JSON"),
        ("[]", "not a JSON object"),
        ("{}", "names a route"),
        ('{"GET /a": {}, "GET /a": {}}', "repeats 'GET /a'"),
        ('{"GET /a": {"scopes": [], "scopes": ["x"]}}', "repeats 'scopes'"),
        ('{"GET /a": []}', "not an object"),
        ('{"GET /a": null}', "not an object"),
        ('{"GET /a": {"scope": ["x"]}}', "not an object"),
        ('{"GET /a": {"scopes": "x"}}', "scopes that are not a list"),
        ('{"GET /a": {"scopes": [7]}}', "scopes that are not a list"),
        ('{"GET /a": {"scopes": ["a b"]}}', "scopes that are not a list"),
        ('{"GET /a": {"scopes": [""]}}', "scopes that are not a list"),
        ('{"GET /a": {"roles": ["admin"]}}', "names roles but no scopes"),
        ('{"GET /a": {"scopes": [], "roles": []}}', "names no role"),
        ('{"GET /a": {"acr": ["phr"]}}', "names acr but no scopes"),
        ('{"GET /a": {"max_age": 60}}', "names max_age but no scopes"),
        ('{"GET /a": {"scopes": [], "acr": "phr"}}', 'acr that are not a list of names: write ["one", "another"]'),
        ('{"GET /a": {"scopes": [], "acr": ["phr mfa"]}}', "acr that are not a list"),
        ('{"GET /a": {"scopes": [], "acr": ["\\""]}}', "acr that are not a list"),
        ('{"GET /a": {"scopes": [], "acr": [1]}}', "acr that are not a list"),
        ('{"GET /a": {"scopes": [], "acr": []}}', "names no acr value: leave acr out"),
        *(
            (f'{{"GET /a": {{"scopes": [], "max_age": {max_age}}}}}', "whole number of seconds, 1 to 31622400")
            for max_age in ("0", "-1", "300.0", '"300"', "true", "null", "31622401", "[]")
        ),
        ('{"GET /a": {"scopes": [], "acr_values": ["phr"]}}', '"max_age", "tools" and "direct" alone'),
        ('{"OPTIONS /a": {}}', "OPTIONS cannot be protected"),
        ('{"get /a": {}}', "a key is"),
        ('{"GET": {}}', "a path is"),
        ('{"GET a": {}}', "a path is"),
        ('{"GET  /a": {}}', "a path is"),
        ('{"GET /a/": {}}', "a path is"),
        ('{"GET //a": {}}', "a path is"),
        ('{"GET /a/*": {}}', "a path is"),
        ('{"GET /a?b": {}}', "a path is"),
        ('{"GET /a/../b": {}}', "a path is"),
        ('{"GET /a/{x}b": {}}', "a path is"),
        ('{"GET /a/{}": {}}', "a path is"),
        ('{"GET /{x+}/a": {}}', "a path is"),
        ('{"GET /a/%7Bx%7D": {}}', "a path is"),
        ('{"GET /${aws:username}": {}}', "a path is"),
        ('{"GET /a/{x}": {}, "PUT /a/{y}": {}}', "are one path"),
        ('{"$default": {}}', "a key is"),
        ('{"$disconnect": {}}', "a key is"),
        ('{"Query.a.b": {}}', "a key is"),
    ],
)
def test_what_is_wrong_is_named(text: str, said: str) -> None:
    _, wrong = parse_routes(text)
    assert wrong
    assert said in "; ".join(wrong)


def test_a_rule_may_write_out_that_it_asks_for_no_scope() -> None:
    routes, wrong = parse_routes('{"GET /a": {"scopes": [], "roles": ["admin"]}}')
    assert not wrong
    assert routes.rules["GET /a"].permits(frozenset(), frozenset({"admin"}))
    assert not routes.rules["GET /a"].permits(frozenset({"admin"}), frozenset())


def test_all_scopes_and_one_role_and_one_level_that_is_recent() -> None:
    routes, wrong = parse_routes(
        '{"GET /a": {"scopes": ["x"], "roles": ["r"], "acr": ["b", "a", "b"], "max_age": 60}, "GET /b": {"scopes": []}}'
    )
    rule = routes.rules["GET /a"]
    assert (wrong, rule.acr, rule.max_age) == ([], ("b", "a"), 60)  # in their order, which is that of preference
    assert rule.permits(frozenset("x"), frozenset("r"), ("a", 60))
    assert rule.permits(frozenset("x"), frozenset("r"), ("b", 0))
    for scope, role, acr, age in (("y", "r", "a", 0), ("x", "s", "a", 0), ("x", "r", "c", 0), ("x", "r", "a", 61)):
        assert not rule.permits(frozenset(scope), frozenset(role), (acr, age))
    assert not rule.permits(frozenset("x"), frozenset("r"))  # a token that tells of no sign-in
    assert routes.asks_for_sign_in
    assert not parse_routes('{"GET /b": {"scopes": []}}')[0].asks_for_sign_in


def test_all_scopes_and_one_role() -> None:
    routes, _ = parse_routes('{"GET /a": {"scopes": ["x", "y"], "roles": ["r", "s"]}}')
    rule = routes.rules["GET /a"]
    assert rule.permits(frozenset("xyz"), frozenset("s"))
    assert not rule.permits(frozenset("x"), frozenset("rs"))
    assert not rule.permits(frozenset("xy"), frozenset("t"))


@pytest.mark.parametrize(
    ("method", "path", "route"),
    [
        ("GET", "", "GET /"),
        ("GET", "items", "GET /items"),
        ("GET", "items/all", "GET /items/all"),
        ("GET", "items/1", "GET /items/{id}"),
        ("PUT", "items/1", "PUT /items/{id}"),
        ("GET", "items/1/x", "GET /items/{id}/{rest+}"),
        ("GET", "items/1/x/y/z", "GET /items/{id}/{rest+}"),
        ("GET", "items/", None),
        ("GET", "items//x", None),
        ("PUT", "items/all", None),
        ("GET", "other", None),
        ("GET", "ITEMS", None),
        ("OPTIONS", "items/1", None),
        ("get", "items", None),
    ],
)
def test_a_path_means_its_most_specific_route(method: str, path: str, route: str | None) -> None:
    keys = ["GET /", "GET /items", "GET /items/all", "ANY /items/{id}", "GET /items/{id}", "GET /items/{id}/{rest+}"]
    table: dict[str, Any] = {key: {} for key in keys}
    routes, wrong = parse_routes(json.dumps(table))
    assert not wrong
    assert routes.route_of(method, path) == route


def test_a_method_goes_before_any() -> None:
    stand = Stand(routes={"ANY /a": {"scopes": ["other"]}, "GET /a": {"scopes": ["profile"]}})
    for method, allowed in (("GET", True), ("POST", False)):
        event = {
            "type": "TOKEN",
            "authorizationToken": f"Bearer {stand.issuer.token()}",
            "methodArn": f"arn:aws:execute-api:eu-west-1:123456789012:abcdef1234/prod/{method}/a",
        }
        resources = stand.answer(event)["policyDocument"]["Statement"][0]
        assert (event["methodArn"] in resources["Resource"] and resources["Effect"] == "Allow") is allowed
