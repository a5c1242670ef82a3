"""A policy allows every route that the token may call, and no path more, whichever route was asked for first."""

import itertools
import json
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from valet.resource_server import permissions, policy
from valet.resource_server.events import HTTP_2, REST_REQUEST, REST_TOKEN, Asked
from valet.resource_server.routes import Routes, parse_routes

from tests.authorizer import gateway
from tests.authorizer.issuer import ARN, Lines, Stand

BASE = ARN
METHODS = ("GET", "PUT")
SEGMENTS = ("a", "b", "x", "")
PATHS = ["/", *("/" + "/".join(each) for n in (1, 2, 3, 4) for each in itertools.product(SEGMENTS, repeat=n))]
CANONICAL = [path for path in PATHS if path == "/" or all(path.split("/")[1:])]

_segment = st.sampled_from(["a", "b", "{p}"])
_template = st.builds(
    lambda parts, tail: "/" + "/".join([*(p.replace("{p}", f"{{p{i}}}") for i, p in enumerate(parts)), *tail]),
    st.lists(_segment, max_size=3),
    st.sampled_from([[], [], ["{rest+}"]]),
)
_key = st.builds(lambda verb, template: f"{verb} {template}", st.sampled_from(["GET", "PUT", "ANY"]), _template)
_rule = st.sampled_from([{}, {"scopes": ["r"]}, {"scopes": ["w"]}, {"scopes": ["r"], "roles": ["admin"]}])
_tables = st.dictionaries(_key, _rule, min_size=1, max_size=6)


def parsed(table: dict[str, Any]) -> Routes:
    routes, wrong = parse_routes(json.dumps(table))
    assert not wrong, wrong
    return routes


def document(routes: Routes, scope: str, roles: str, asked: Asked) -> dict[str, Any]:
    made = permissions.Permissions(routes, Lines().append)
    return made.document(made.of(scope, roles), asked).policy


@settings(max_examples=400, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(
    table=_tables,
    scope=st.sampled_from(["", "r", "w", "r w"]),
    roles=st.sampled_from(["", "admin"]),
    shape=st.sampled_from([REST_REQUEST, REST_TOKEN, HTTP_2]),
    method=st.sampled_from(METHODS),
    path=st.sampled_from(PATHS),
)
def test_policy_and_router_agree_on_random_tables(
    table: dict[str, Any], scope: str, roles: str, shape: int, method: str, path: str
) -> None:
    routes = parsed(table)
    is_rest = shape != HTTP_2

    def may(verb: str, each: str) -> bool:
        key = gateway.chosen(list(table), verb, each, is_rest=is_rest)
        return key is not None and gateway.permits(table[key], scope, roles.split())

    chosen = gateway.chosen(list(table), method, path, is_rest=is_rest)
    route = f"{method} {chosen.split(' ', 1)[1]}" if chosen else None
    if shape == REST_TOKEN:
        assert routes.route_of(method, path) == route, "the router reads a path as the gateway does"
    found = document(routes, scope, roles, Asked(shape, "", f"{BASE}/{method}{path}", route))
    allowed = {(verb, p) for verb in METHODS for p in PATHS if gateway.iam_allows(found, f"{BASE}/{verb}{p}")}
    for verb, each in allowed:
        # A gateway may ignore one slash at the end, so that such a path is the asked route's own.
        asked_itself = (verb, each) == (method, path) and may(verb, each.removesuffix("/") or "/")
        assert may(verb, each) or asked_itself, f"{verb} {each} is allowed by {found}"
    if path in CANONICAL:
        assert ((method, path) in allowed) == may(method, path), f"{method} {path} by {found}"
    exact = policy.grant(routes, permissions.Permissions(routes, print).of(scope, roles).routes, is_rest=is_rest)
    if exact is not None and path in CANONICAL:
        for verb, each in itertools.product(METHODS, CANONICAL):
            assert ((verb, each) in allowed) == may(verb, each), f"{verb} {each} by {found}"


def test_the_answer_is_the_same_whichever_route_was_asked_first() -> None:
    stand = Stand()
    token = stand.issuer.token()
    policies = [
        stand.ask(token, route, path)["policyDocument"]
        for route, path in [
            ("GET /api/profile", "/api/profile"),
            ("GET /api/items/{id}", "/api/items/1"),
            ("GET /api/admin", "/api/admin"),
            ("GET /api/unnamed", "/api/unnamed"),
        ]
    ]
    assert all(each == policies[0] for each in policies)
    assert gateway.iam_allows(policies[0], f"{ARN}/GET/api/items/7")
    assert not gateway.iam_allows(policies[0], f"{ARN}/GET/api/admin")


@pytest.mark.parametrize(
    ("table", "path"),
    [
        ({"GET /items/{id}": {}}, "/items/1/private"),
        ({"GET /items/{id}": {}}, "/items/"),
        ({"GET /items/{id}": {}, "GET /items/all": {"scopes": ["all"]}}, "/items/all"),
        ({"ANY /open/{proxy+}": {}}, "/api/open/x"),
        ({"ANY /open/{proxy+}": {}}, "/open/"),
        ({"ANY /{proxy+}": {}}, "/"),
        ({"ANY /{proxy+}": {}, "ANY /admin/{proxy+}": {"scopes": ["admin"]}}, "/admin/x/y"),
        ({"GET /{a}/b": {}}, "/1/2/b"),
    ],
)
def test_a_star_never_allows_what_routes_does_not(table: dict[str, Any], path: str) -> None:
    routes = parsed(table)
    template = next(iter(table)).split(" ", 1)[1]
    example = template.replace("{id}", "1").replace("{proxy+}", "x").replace("{a}", "1")
    found = document(routes, "", "", Asked(HTTP_2, "", f"{BASE}/GET{example}", f"GET {template}"))
    assert gateway.iam_allows(found, f"{BASE}/GET{example}")
    assert not gateway.iam_allows(found, f"{BASE}/GET{path}")


def test_where_no_policy_says_it_exactly_only_the_route_asked_for_is_named() -> None:
    routes = parsed({"GET /items/{id}": {}, "GET /items/{id}/a": {}})
    found = document(routes, "", "", Asked(HTTP_2, "", f"{BASE}/GET/items/1", "GET /items/{id}"))
    assert gateway.iam_allows(found, f"{BASE}/GET/items/1")
    assert gateway.iam_allows(found, f"{BASE}/GET/items/2")
    assert not gateway.iam_allows(found, f"{BASE}/GET/items/1/a")
    assert not gateway.iam_allows(found, f"{BASE}/GET/items/1/b")
    found = document(routes, "", "", Asked(HTTP_2, "", f"{BASE}/GET/items/1/a", "GET /items/{id}/a"))
    assert gateway.iam_allows(found, f"{BASE}/GET/items/9/a")
    assert not gateway.iam_allows(found, f"{BASE}/GET/items/1")


def test_the_start_says_which_routes_no_policy_can_tell_apart() -> None:
    assert Stand(routes={"GET /items/{id}": {}, "GET /items/{id}/a": {}}).lines == [
        {
            "level": "WARNING",
            "event": "policy.inexact",
            "reason": "no IAM policy says exactly these routes: answers name only the route asked for",
            "routes": ["GET /items/{id}", "GET /items/{id}/a"],
        }
    ]
    assert Stand().lines == []
    assert Stand(routes={"GET /items/{id}": {}, "GET /items/{id}/a": {}}, RESPONSE="simple").lines == []


@pytest.mark.parametrize("path", ["/items/*", "/items/?", "/items/${aws:username}"])
def test_a_wildcard_in_the_requested_path_is_never_repeated_in_a_policy(path: str) -> None:
    # Asked for literally, `GET/items/*` would allow everything below, were it cached.
    routes = parsed({"GET /{a}/{b}": {}, "GET /{a}/{b}/c": {}, "GET /{a}/x/{c+}": {"scopes": ["never"]}})
    found = document(routes, "", "", Asked(HTTP_2, "", f"{BASE}/GET{path}", "GET /{a}/{b}"))
    assert not gateway.iam_allows(found, f"{BASE}/GET/items/1/private")
    assert not gateway.iam_allows(found, f"{BASE}/GET/items/1/c")


def test_an_escaped_slash_opens_no_other_route() -> None:
    # `/items/1%2Fb` is `GET /items/{id}` to the gateway, and may be `/items/1/b` in the ARN, which is another route.
    table = {"GET /items/{id}": {}, "GET /items/{id}/b": {"scopes": ["admin"]}}
    found = document(parsed(table), "", "", Asked(HTTP_2, "", f"{BASE}/GET/items/1/b", "GET /items/{id}"))
    assert not gateway.iam_allows(found, f"{BASE}/GET/items/1/b")


def test_a_slash_at_the_end_is_still_the_route_that_the_event_names() -> None:
    stand = Stand()
    answer = stand.ask(stand.issuer.token(), "GET /api/items/{id}", "/api/items/1/")
    assert gateway.iam_allows(answer["policyDocument"], f"{ARN}/GET/api/items/1/")


def test_a_table_too_large_for_one_policy_falls_back_to_the_route_asked_for() -> None:
    table: dict[str, Any] = {f"GET /some/rather/long/path/number/{n}": {} for n in range(400)}
    stand = Stand(routes=table)
    answer = stand.ask(stand.issuer.token(), "GET /some/rather/long/path/number/7")
    assert gateway.size(answer) <= 16 * 1024
    assert gateway.iam_allows(answer["policyDocument"], f"{ARN}/GET/some/rather/long/path/number/7")
    assert not gateway.iam_allows(answer["policyDocument"], f"{ARN}/GET/some/rather/long/path/number/8")


def fat_token(stand: Stand) -> str:
    payload = json.dumps(stand.issuer.claims(sub="é" * 1500), ensure_ascii=False).encode()
    return stand.issuer.sign_bytes(payload, {"typ": "at+jwt"})


def test_an_answer_with_fat_claims_still_fits() -> None:
    table: dict[str, Any] = {f"GET /path/number/{n}": {} for n in range(120)}
    stand = Stand(routes=table)
    token = fat_token(stand)
    answer = stand.ask(token, "GET /path/number/7")
    assert gateway.size(answer) <= 16 * 1024
    websocket = {"type": "REQUEST", "methodArn": f"{ARN}/$connect", "headers": {"Authorization": f"Bearer {token}"}}
    stand = Stand(routes={"$connect": {}})
    token = fat_token(stand)
    websocket["headers"] = {"Authorization": f"Bearer {token}"}
    answer = stand.answer(websocket)
    assert gateway.size(answer) <= 8 * 1024
    assert not gateway.iam_allows(answer["policyDocument"], f"{ARN}/$connect")


def test_any_is_every_method_but_options() -> None:
    stand = Stand(routes={"ANY /open/{proxy+}": {}})
    found = stand.ask(stand.issuer.token(), "PATCH /open/{proxy+}", "/open/a/b")["policyDocument"]
    for method in ("DELETE", "GET", "HEAD", "PATCH", "POST", "PUT"):
        assert gateway.iam_allows(found, f"{ARN}/{method}/open/x")
    assert not gateway.iam_allows(found, f"{ARN}/OPTIONS/open/x")
    assert not any(resource.startswith(f"{ARN}/*") for resource in found["Statement"][0]["Resource"])


def test_a_token_that_may_call_nothing_gets_a_policy_that_allows_nothing() -> None:
    stand = Stand()
    found = stand.ask(stand.issuer.token(scope=""))["policyDocument"]
    assert [statement["Effect"] for statement in found["Statement"]] == ["Deny"]
