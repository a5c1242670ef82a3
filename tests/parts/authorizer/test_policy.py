"""A policy allows every route that the token may call, and no path more, whichever route was asked for first."""

import itertools
import json
import re
import urllib.parse
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from valet.resource_server.api_gateway import events, permissions, policy
from valet.resource_server.api_gateway.events import HTTP_2, REST_REQUEST, REST_TOKEN, Asked
from valet.resource_server.api_gateway.routes import NO_SIGN_IN, Routes, SignIn, parse_routes

from tests.parts.authorizer import gateway
from tests.parts.authorizer.issuer import ARN, Lines, Stand, http_2

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
_rule = st.sampled_from(
    [
        {},
        {"scopes": ["r"]},
        {"scopes": ["w"]},
        {"scopes": ["r"], "roles": ["admin"]},
        {"scopes": [], "acr": ["phr", "mfa"]},
        {"scopes": ["r"], "max_age": 60},
    ]
)
_tables = st.dictionaries(_key, _rule, min_size=1, max_size=6)
_unnamed = st.lists(_key, max_size=3)  # routes that the API has and ROUTES does not name


def parsed(table: dict[str, Any]) -> Routes:
    routes, wrong = parse_routes(json.dumps(table))
    assert not wrong, wrong
    return routes


def document(routes: Routes, scope: str, roles: str, asked: Asked, sign_in: SignIn = NO_SIGN_IN) -> dict[str, Any]:
    made = permissions.Permissions(routes, Lines().append)
    return made.document(made.of(scope, roles, sign_in), asked).policy


def spelled(path: str, escapes: list[bool]) -> str:
    """`path` with some of its characters, and no slash, escaped."""
    return "".join(
        f"%{ord(each):02x}" if is_escaped and each != "/" else each
        for each, is_escaped in itertools.zip_longest(path, escapes[: len(path)], fillvalue=False)
        if isinstance(each, str)
    )


@settings(max_examples=400, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(
    table=_tables,
    unnamed=_unnamed,
    escapes=st.just([]) | st.lists(st.booleans(), max_size=8),
    scope=st.sampled_from(["", "r", "w", "r w"]),
    roles=st.sampled_from(["", "admin"]),
    sign_in=st.sampled_from([NO_SIGN_IN, ("pwd", 30), ("phr", 61), ("mfa", 60)]),
    shape=st.sampled_from([REST_REQUEST, REST_TOKEN, HTTP_2]),
    method=st.sampled_from(METHODS),
    path=st.sampled_from(PATHS),
)
def test_policy_and_router_agree_on_random_tables(
    table: dict[str, Any],
    unnamed: list[str],
    escapes: list[bool],
    scope: str,
    roles: str,
    sign_in: SignIn,
    shape: int,
    method: str,
    path: str,
) -> None:
    routes = parsed(table)
    is_rest = shape != HTTP_2
    # A REST TOKEN event names no route: below a named template, it cannot tell one that ROUTES does not name.
    api = list(table) if shape == REST_TOKEN else [*table, *unnamed]

    arn = f"{BASE}/{method}{spelled(path, escapes)}"

    def may(verb: str, each: str) -> bool:
        key = gateway.chosen(list(table), verb, each, is_rest=is_rest)
        return key is not None and gateway.permits(table[key], scope, roles.split(), *sign_in)

    chosen = gateway.chosen(api, method, path, is_rest=is_rest)
    route = f"{method} {chosen.split(' ', 1)[1]}" if chosen else None
    asked = Asked(shape, "", arn, route)
    if shape == REST_TOKEN:
        asked = events.read({"type": "TOKEN", "authorizationToken": "", "methodArn": arn}, routes)
        assert asked.route in (route, None if escapes else route), "the router reads a path as the gateway does"
    permitted = permissions.Permissions(routes, print).of(scope, roles, sign_in).routes
    is_refused = asked.route not in permitted
    found = document(routes, scope, roles, asked, sign_in)
    allowed = {(verb, p) for verb in METHODS for p in PATHS if gateway.iam_allows(found, f"{BASE}/{verb}{p}")}
    for verb, each in allowed:
        # A gateway may ignore one slash at the end, so that such a path is the asked route's own.
        asked_itself = (verb, each) == (method, path) and may(verb, each.removesuffix("/") or "/")
        assert may(verb, each) or asked_itself, f"{verb} {each} is allowed by {found}"
    if is_refused:
        for each in (arn, f"{BASE}/{method}{path}"):
            assert not gateway.iam_allows(found, each), f"{route} is refused, and {each} is allowed by {found}"
    elif path in CANONICAL and not any(escapes):
        assert (method, path) in allowed, f"{method} {path} by {found}"
    exact = policy.grant(routes, permitted, is_rest=is_rest)
    if exact is not None and path in CANONICAL:
        denied = re.compile(re.sub(r"(?:%..)+", ".*", arn.removeprefix(f"{BASE}/")) if is_refused else "(?!)")
        for verb, each in itertools.product(METHODS, CANONICAL):
            expected = may(verb, each) and not denied.fullmatch(f"{verb}{each}")
            assert ((verb, each) in allowed) == expected, f"{verb} {each} by {found}"


BELOW: dict[str, Any] = {
    "GET /items/{id}": {"scopes": ["items"]},
    "GET /users/{id}": {"scopes": ["profile"]},
    "GET /open/{proxy+}": {},
    "GET /items/secret": {"scopes": ["admin"]},
}


@pytest.mark.parametrize(
    ("route", "path"),
    [
        ("GET /items/export", "/items/export"),
        ("GET /open/admin/{id}", "/open/admin/2"),
        ("ANY /users/all", "/users/all"),
        ("$default", "/users/all"),
        ("GET /items/secret", "/items/%73ecret"),
        ("GET /items/secret", "/items/secre%74"),
        ("GET /items/secret", "/items/s%65%63ret"),
        ("GET /items/{id}/secret", "/items/2%2Fsecret"),
        ("GET /users/@me", "/users/@me"),
        ("GET /users/a*", "/users/a*"),
        ("GET /users/jürgen", "/users/jürgen"),
        ("GET /users/jürgen", "/users/j%c3%bcrgen"),
    ],
)
@pytest.mark.parametrize("is_http_1", [False, True])
def test_a_refused_route_is_denied_however_spelled_and_a_cached_answer_still_serves_the_others(
    route: str, path: str, is_http_1: bool
) -> None:
    stand = Stand(routes=BELOW)
    event = http_2(stand.issuer.token(), route, path)
    event["routeArn"] = f"{ARN}/GET{path}"
    if is_http_1:
        event |= {"version": "1.0", "methodArn": event.pop("routeArn"), "httpMethod": "GET"}
        event["resource"] = route.rpartition(" ")[2]
    answer = stand.answer(event)
    assert stand.lines.events() == ["route.denied"]
    assert answer["context"]["sub"] == "john"
    for each in (path, urllib.parse.unquote(path), urllib.parse.quote(urllib.parse.unquote(path))):
        assert not gateway.iam_allows(answer["policyDocument"], f"{ARN}/GET{each}")
    for each in ("/items/1", "/users/1", "/open/a/b"):
        assert gateway.iam_allows(answer["policyDocument"], f"{ARN}/GET{each}")


@pytest.mark.parametrize("method", ["ANY", "$default", "*", "MKCOL"])
def test_where_the_arn_names_no_method_the_path_is_denied_for_all(method: str) -> None:
    stand = Stand(routes=BELOW)
    event = http_2(stand.issuer.token(), "$default", "/items/export")
    event["routeArn"] = f"{ARN}/{method}/items/export"
    found = stand.answer(event)["policyDocument"]
    assert not gateway.iam_allows(found, f"{ARN}/GET/items/export")
    assert not gateway.iam_allows(found, event["routeArn"])
    assert gateway.iam_allows(found, f"{ARN}/GET/items/1")
    event["routeArn"] = f"{ARN}/{method}"
    assert not gateway.iam_allows(stand.answer(event)["policyDocument"], f"{ARN}/GET/items/export")


def test_a_refused_request_leaves_no_trace_in_later_answers() -> None:
    stand = Stand(routes=BELOW)
    token = stand.issuer.token()
    before = json.dumps(stand.ask(token, "GET /items/{id}", "/items/1"))
    stand.ask(token, "GET /items/export", "/items/export")
    assert json.dumps(stand.ask(token, "GET /items/{id}", "/items/1")) == before


@pytest.mark.parametrize(
    ("path", "resource"),
    [
        ("/items/export", "/items/export"),
        ("/items/%65xport", "/items/*xport"),
        ("/items/*", "/items/*"),
        ("/items/???x", "/items/*x"),
        ("/items/${aws:username}", "/items/*aws*username*"),
        ("/items/${*}", "/items/*"),
        ("/items/%", "/items/*"),
        ("/", "/"),
        ("/" + "x" * 2000, "/" + "x" * (510 - len(f"{ARN}/GET")) + "*"),
    ],
)
def test_a_deny_has_no_variable_in_it_and_is_never_too_long_nor_too_narrow(path: str, resource: str) -> None:
    found = policy.refusal(f"{ARN}/GET{path}")
    assert [statement["Effect"] for statement in found.statements] == ["Deny"]
    assert found.statements[0]["Resource"] == [f"{ARN}/GET{resource}"]
    assert len(f"{ARN}/GET{resource}") <= policy.LARGEST_RESOURCE
    assert not gateway.iam_allows(
        policy.refusal(f"{ARN}/GET{path}", policy.literal("*", True)).policy, f"{ARN}/GET{path}"
    )


def test_the_answer_allows_the_same_whichever_route_was_asked_first() -> None:
    stand = Stand()
    token = stand.issuer.token()
    permitted, other, refused, unnamed = (
        stand.ask(token, route, path)["policyDocument"]["Statement"]
        for route, path in [
            ("GET /api/profile", "/api/profile"),
            ("GET /api/items/{id}", "/api/items/1"),
            ("GET /api/admin", "/api/admin"),
            ("GET /api/unnamed", "/api/unnamed"),
        ]
    )
    assert permitted == other == refused[:-1] == unnamed[:-1]
    assert refused[-1] == {"Action": "execute-api:Invoke", "Effect": "Deny", "Resource": [f"{ARN}/GET/api/admin"]}
    assert gateway.iam_allows({"Statement": unnamed}, f"{ARN}/GET/api/items/7")


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
    assert {statement["Effect"] for statement in found["Statement"]} == {"Deny"}
