"""MATCH=path: an API behind one catch-all route, whose framework reads the path by itself."""

import functools
import json
import re
import unicodedata
import urllib.parse
from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from valet.resource_server.api_gateway.events import HTTP_2, REST_REQUEST, Asked, UnknownEvent
from valet.resource_server.api_gateway.paths import LONGEST_PATH, Paths
from valet.resource_server.api_gateway.routes import parse_routes

from tests.parts.authorizer import gateway
from tests.parts.authorizer.issuer import ROUTES, Stand, http_2
from tests.parts.authorizer.test_events import allows, event_of, files

TABLE: dict[str, Any] = {
    "GET /": {"scopes": ["root"]},
    "GET /items": {"scopes": ["items"]},
    "GET /items/{id}": {"scopes": ["item"]},
    "GET /items/export": {"scopes": ["export"]},
    "GET /admin": {"scopes": ["admin"]},
    "DELETE /admin": {"scopes": ["admin"], "roles": ["admin"]},
    "GET /files": {"scopes": ["files"]},
    "GET /files/{path+}": {"scopes": ["file"]},
    "GET /pages/{path+}": {},
    "GET /{other}": {},
}


@functools.cache
def paths(base_path: str = "") -> Paths:
    routes, wrong = parse_routes(json.dumps(TABLE))
    assert not wrong
    return Paths(routes, base_path)


def judged(path: str, method: str = "GET", *, base_path: str = "", shape: int = HTTP_2) -> tuple[str | None, str]:
    http = {"method": method, "path": path}
    event = {"rawPath": path, "path": path, "httpMethod": method, "requestContext": {"http": http, "path": path}}
    return paths(base_path).route_of(event, Asked(shape, None, "arn", "GET /{proxy+}"))


@pytest.mark.parametrize(
    ("path", "route"),
    [
        ("/", "GET /"),
        ("/items", "GET /items"),
        ("/items/", "GET /items"),
        ("/items/1", "GET /items/{id}"),
        ("/items/1/", "GET /items/{id}"),
        ("/items/export", "GET /items/export"),
        ("/items/%31", "GET /items/{id}"),
        ("/items/My%20report", "GET /items/{id}"),
        ("/items/My report", "GET /items/{id}"),
        ("/items/J%C3%BCrgen", "GET /items/{id}"),
        ("/items/Jürgen", "GET /items/{id}"),
        ("/items/you@example.com", "GET /items/{id}"),
        ("/items/a:b,c=d&e'(f)!$+~", "GET /items/{id}"),
        ("/items/...", "GET /items/{id}"),
        ("/files", "GET /files"),
        ("/files/a/b/c.txt", "GET /files/{path+}"),
        ("/files/a/b/", "GET /files/{path+}"),
        ("/pages/ITEMS/Export", "GET /pages/{path+}"),
        ("/other", "GET /{other}"),
    ],
)
@pytest.mark.parametrize("shape", [HTTP_2, REST_REQUEST])
def test_FastAPI_behind_a_catch_all_gets_a_rule_for_each_of_its_own_paths(path: str, route: str, shape: int) -> None:
    assert judged(path, shape=shape) == (route, "")


@pytest.mark.parametrize(
    ("path", "reason"),
    [
        # An escaped slash is one to a framework that decodes first, and part of a name to another.
        ("/items%2Fexport", "escaped slash"),
        ("/items/x%2f..%2fexport", "escaped slash"),
        ("/items%5Cexport", "escaped slash"),
        ("/items\\export", "one of"),
        # Dot segments, in every spelling.
        ("/items/../admin", "dot segment"),
        ("/items/./export", "dot segment"),
        ("/items/%2e%2e/admin", "dot segment"),
        ("/items/.%2E/admin", "dot segment"),
        ("/items/..", "dot segment"),
        ("/items/\u2025/admin", "dot segment"),
        ("/items/\uff0e\uff0e/admin", "dot segment"),
        ("/items/.. /admin", "dot segment"),
        # Slashes.
        ("//items", "empty segment"),
        ("//", "empty segment"),
        ("//evil.example/admin", "empty segment"),
        ("/items//1", "empty segment"),
        ("/items//", "empty segment"),
        ("/items/ /x", "empty segment"),
        ("/items\uff0fexport", "resembles a slash"),
        ("/items\u2100x", "resembles a slash"),
        # Parameters of a segment, queries and fragments that were escaped.
        ("/admin;x=1", "one of"),
        ("/items/..;/admin", "one of"),
        ("/items/1;/../export", "one of"),
        ("/admin%3Bx", "one of"),
        ("/items/1%3Fx", "one of"),
        ("/admin%23x", "one of"),
        ("/admin?x", "one of"),
        ("/items/\uff1b", "one of"),
        # What IAM's policies read.
        ("/items/*", "one of"),
        ("/items/${aws:username}", "one of"),
        ("/items/%2A", "one of"),
        # NUL, line ends and characters without a shape.
        ("/admin%00", "not printable"),
        ("/admin%00.txt", "not printable"),
        ("/admin\x00", "not printable"),
        ("/items/a%0d%0ab", "not printable"),
        ("/items/a%7F", "not printable"),
        ("/items/a%C2%A0", "not printable"),
        ("/adm%E2%80%8Bin", "not printable"),
        ("/items/\ud800", "not UTF-8"),
        ("/items/\ufffd", "not printable"),
        # Overlong and broken UTF-8.
        ("/items%C0%AFexport", "not UTF-8"),
        ("/items/%C0%AE%C0%AE/admin", "not UTF-8"),
        ("/items/%E0%80%AF", "not UTF-8"),
        ("/items/%ED%A0%80", "not UTF-8"),
        ("/items/%FF", "not UTF-8"),
        # Escapes of escapes, as an HTTP API's decoded path shows them too.
        ("/items/%2561", "percent sign"),
        ("/%2561dmin", "percent sign"),
        ("/items/100%", "percent sign"),
        ("/items/%zz", "percent sign"),
        ("/items/%u002e%u002e", "percent sign"),
        ("/items/\uff05", "resembles"),
        # Another route with its escapes left alone, in another case, or without its last slash.
        ("/%61dmin", "another route"),
        ("/admi%6E", "another route"),
        ("/items/%65xport", "another route"),
        ("/items/e%78port/", "another route"),
        ("/ADMIN", "another route"),
        ("/Admin/", "another route"),
        ("/items/EXPORT", "another route"),
        ("/items/\uff45xport", "another route"),
        ("/items/export ", "another route"),
        ("/items/%20export", "another route"),
        ("/\uff41dmin", "another route"),
        ("/adm\u0131n", "another route"),
        ("/adm\u0130n", "another route"),
        ("/items/ ", "empty segment"),
        ("/%20", "empty segment"),
        ("/files/", "another route"),
        ("/FILES/", "another route"),
        ("/" + "a" * LONGEST_PATH, "characters"),
    ],
)
@pytest.mark.parametrize("shape", [HTTP_2, REST_REQUEST])
def test_a_path_that_two_frameworks_read_differently_is_refused(path: str, reason: str, shape: int) -> None:
    route, said = judged(path, shape=shape)
    assert route is None
    assert said.startswith("the path is ambiguous: ")
    assert reason in said
    # The log must not become the attacker's page.
    assert not re.search(r"export|admin|evil|%2|\x00", said)


CROSSING: dict[str, Any] = {
    "GET /public/{page}": {},
    "GET /{tenant}/{page}": {},
    "GET /{tenant}/admin": {"scopes": ["admin"]},
    "GET /{tenant}/{rest+}": {"scopes": ["rest"]},
    "GET /public/files/{name}": {},
}


def judged_among(table: dict[str, Any], path: str) -> tuple[str | None, str]:
    routes, wrong = parse_routes(json.dumps(table))
    assert not wrong
    event = {"path": path, "httpMethod": "GET", "requestContext": {"path": path}}
    return Paths(routes, "").route_of(event, Asked(REST_REQUEST, None, "arn", "ANY /{proxy+}"))


@pytest.mark.parametrize(
    "path",
    [
        "/p%75blic/ADMIN",  # Express leaves the escapes and has no case: /{tenant}/admin
        "/\uff50ublic/ADMIN",
        "/%20public/Admin",
        "/publ\u0131c/ADMIN",
        "/PUBLIC/%61dmin",  # Spring decodes, and has case
    ],
)
def test_Express_and_its_mixture_of_readings_do_not_lead_to_a_route_that_was_not_judged(path: str) -> None:
    route, said = judged_among(CROSSING, path)
    assert route is None
    assert "another route" in said


def test_a_path_of_two_routes_of_which_neither_is_more_specific_is_refused_until_ROUTES_names_it() -> None:
    route, said = judged_among(CROSSING, "/public/admin")
    assert (route, said.partition(": ")[2]) == (
        None,
        "it is two routes, and neither is the more specific one: name this path in ROUTES",
    )
    assert judged_among({**CROSSING, "GET /public/admin": {}}, "/public/admin") == ("GET /public/admin", "")
    # Two routes with one rule leave nothing to choose.
    assert judged_among({**CROSSING, "GET /{tenant}/admin": {}}, "/public/admin") == ("GET /public/{page}", "")


@pytest.mark.parametrize(
    ("path", "route"),
    [
        ("/public/about", "GET /public/{page}"),
        ("/public/About", "GET /public/{page}"),
        ("/acme/admin", "GET /{tenant}/admin"),
        ("/acme/about", "GET /{tenant}/{page}"),
        ("/acme/a/b", "GET /{tenant}/{rest+}"),
        ("/public/files/a", "GET /public/files/{name}"),
        ("/public/a/b", "GET /{tenant}/{rest+}"),
    ],
)
def test_a_route_that_is_more_specific_than_every_other_is_chosen(path: str, route: str) -> None:
    assert judged_among(CROSSING, path) == (route, "")


SLASHED: dict[str, Any] = {
    "GET /": {},
    "GET /about": {},
    "GET /items": {"scopes": ["items"]},
    "GET /{rest+}": {"scopes": ["files"]},
    "GET /open/{rest+}": {},
    "GET /open/report": {"scopes": ["report"], "roles": ["boss"]},
    "GET /{x}/export": {"scopes": ["files", "export"]},
    "GET /Admin": {"scopes": ["files"], "acr": ["gold", "phr"], "max_age": 60},
    "GET /open/about": {"scopes": [], "acr": ["phr"], "max_age": 300},
}


@pytest.mark.parametrize("path", ["/about/", "/items/", "/about%2f/", "/%69tems/"])
def test_FastAPI_minds_the_last_slash_so_its_catch_all_gets_no_path_that_it_was_not_asked_for(path: str) -> None:
    assert judged_among(SLASHED, path)[0] is None


@pytest.mark.parametrize(
    ("path", "route"),
    [
        ("/", "GET /"),
        ("/about", "GET /about"),
        ("/a/b/", "GET /{rest+}"),
        ("/open/a/", "GET /open/{rest+}"),
        # Whoever may call these may call what another reader makes of them.
        ("/open/report/", "GET /open/report"),
        ("/x/export/", "GET /{x}/export"),
    ],
)
def test_a_last_slash_is_no_matter_where_every_reader_lets_the_same_people_in(path: str, route: str) -> None:
    assert judged_among(SLASHED, path) == (route, "")


@pytest.mark.parametrize(
    ("rule", "other", "is_one"),
    [
        ({"scopes": ["a", "b"]}, {"scopes": ["a"]}, True),
        ({"scopes": ["a"]}, {"scopes": ["a", "b"]}, False),
        ({"scopes": [], "roles": ["r"]}, {}, True),
        ({}, {"scopes": [], "roles": ["r"]}, False),
        ({"scopes": [], "roles": ["r"]}, {"scopes": [], "roles": ["r", "s"]}, True),
        ({"scopes": [], "roles": ["r", "s"]}, {"scopes": [], "roles": ["r"]}, False),
        ({"scopes": [], "acr": ["a"]}, {}, True),
        ({}, {"scopes": [], "acr": ["a"]}, False),
        ({"scopes": [], "acr": ["a"]}, {"scopes": [], "acr": ["b", "a"]}, True),
        ({"scopes": [], "acr": ["a", "b"]}, {"scopes": [], "acr": ["a"]}, False),
        ({"scopes": [], "max_age": 60}, {}, True),
        ({}, {"scopes": [], "max_age": 60}, False),
        ({"scopes": [], "max_age": 60}, {"scopes": [], "max_age": 61}, True),
        ({"scopes": [], "max_age": 61}, {"scopes": [], "max_age": 60}, False),
        ({"scopes": [], "max_age": 60}, {"scopes": [], "max_age": 60, "acr": ["a"]}, False),
    ],
)
def test_a_path_that_is_another_route_to_some_reader_needs_a_rule_that_implies_the_others(
    rule: dict[str, Any], other: dict[str, Any], is_one: bool
) -> None:
    route, _ = judged_among({"GET /a": rule, "GET /{rest+}": other}, "/a/")
    assert (route is not None) is is_one


@pytest.mark.parametrize(
    ("method", "path"),
    [("POST", "/items"), ("PUT", "/items/export"), ("OPTIONS", "/items"), ("get", "/items"), ("GET", "/x/y"),
     ("GET", "items"), ("GET", "x/items"), ("HEAD", "/items")],
)  # fmt: skip
def test_what_ROUTES_does_not_name_is_refused(method: str, path: str) -> None:
    route, said = judged(path, method)
    assert route is None
    assert "ROUTES names no route" in said or "BASE_PATH" in said


def test_a_path_named_for_another_method_only_is_not_the_wider_routes() -> None:
    routes, _ = parse_routes('{"GET /a": {}, "POST /{x}": {}}')
    event = {"rawPath": "/a", "requestContext": {"http": {"method": "POST", "path": "/a"}}}
    assert Paths(routes, "").route_of(event, Asked(HTTP_2, None, "", None))[0] is None


@pytest.mark.parametrize(
    ("path", "route"),
    [
        ("/v1/items", "GET /items"),
        ("/v1", "GET /"),
        ("/v1/", "GET /"),
        ("/items", None),
        ("/v1items", None),
        ("/V1/items", None),
        ("/%76%31/items", None),
        ("/v1//items", None),
        ("/v1/../v1/items", None),
        ("/x/v1/items", None),
    ],
)
def test_a_stage_or_base_path_mapping_before_the_path_is_removed_if_it_is_BASE_PATH(path: str, route: str) -> None:
    assert judged(path, base_path="/v1")[0] == route


@pytest.mark.parametrize(
    ("again", "is_one"), [("/items", True), ("/prod/items", True), ("/admin", False), ("/items/1", False), ("", False)]
)
def test_an_event_whose_two_fields_disagree_is_refused(again: str, is_one: bool) -> None:
    event = {"path": "/items", "httpMethod": "GET", "requestContext": {"path": again}}
    route, said = paths().route_of(event, Asked(REST_REQUEST, None, "", None))
    assert (route is not None) is is_one
    assert is_one or said == "the event holds two paths"


@pytest.mark.parametrize("event", [{}, {"rawPath": None}, {"requestContext": {"http": {}}}, {"requestContext": None}])
def test_an_event_without_a_path_is_no_authorizers_event(event: dict[str, Any]) -> None:
    for shape in (HTTP_2, REST_REQUEST):
        with pytest.raises(UnknownEvent):
            paths().route_of(event, Asked(shape, None, "", None))


# What frameworks and their adapters do to a path before they look for a handler, alone or one after the other.
READERS: list[Callable[[str], str]] = [
    urllib.parse.unquote,
    str.lower,
    str.casefold,
    lambda path: unicodedata.normalize("NFKC", path),
    lambda path: path.removesuffix("/") or "/",
    lambda path: re.sub(r"//+", "/", path),
    lambda path: re.sub(r";[^/]*", "", path),
    lambda path: path.replace("\\", "/"),
    lambda path: path.partition("\0")[0],
    lambda path: path.partition("?")[0].partition("#")[0],
    lambda path: urllib.parse.urljoin("http://x/", path).removeprefix("http://x") if "//" not in path else path,
    lambda path: "/".join(segment.strip() for segment in path.split("/")),
]
PIECES = st.sampled_from(
    ["items", "export", "admin", "files", "pages",  "/", "/", "/", "//", ".", "..", "%2e", "%2F", "%5c", "\\", ";",
     ";x=1", "%00", "%3f", "?", "#", "%23", "%", "%25", "%2561", "%61", "%65", "%C0%AF", "%E2%80%8B", "e", "E", "A",
     "dmin", "xport", "\uff0f", "\uff0e", "\u017f", "\u212a", " ", "%20", "é", "%C3%A9", "1", "*", "+",
     "\ufffd", "\x00", "\n"]
)  # fmt: skip
SEGMENTS = st.sampled_from(
    ["public", "Public", "p%75blic", "admin", "ADMIN", "%61dmin", "files", "open", "report", "about", "\u0131tems", "x"]
)
RANDOM_PATHS = st.one_of(
    st.lists(PIECES, max_size=7).map(lambda pieces: "/" + "".join(pieces)),
    st.builds(
        lambda segments, end: "/" + "/".join(segments) + end, st.lists(SEGMENTS, max_size=3), st.sampled_from(["", "/"])
    ),
)


def permits(rule: dict[str, Any], other: dict[str, Any]) -> bool:
    """Whether whoever `rule` lets in is let in by `other`."""
    for some in ("roles", "acr"):
        names, others = set(rule.get(some, ())), set(other.get(some, ()))
        if others and not (names and names <= others):
            return False
    if rule.get("max_age", 10**9) > other.get("max_age", 10**9):
        return False
    return set(other.get("scopes", ())) <= set(rule.get("scopes", ()))


@settings(max_examples=1600, deadline=None)
@given(
    table=st.sampled_from([TABLE, CROSSING, SLASHED]),
    path=RANDOM_PATHS,
    readers=st.lists(st.sampled_from(READERS), max_size=3),
)
def test_no_reader_finds_a_route_that_asks_for_anything_more(
    table: dict[str, Any], path: str, readers: list[Callable[[str], str]]
) -> None:
    route, _ = judged_among(table, path)
    if route is None:
        return
    for reader in readers:
        path = reader(path)
    for is_lenient in (False, True):
        keys = {key.lower() if is_lenient else key: key for key in table}
        read = f"get {path.lower()}" if is_lenient else f"GET {path}"
        method, _, read_path = read.partition(" ")
        for each in (read_path, read_path.removesuffix("/") or "/"):
            found = gateway.chosen(list(keys), method, each, is_rest=True)
            if found is not None:
                assert permits(table[route], table[keys[found]])


BEHIND = {**ROUTES, "GET /api/{rest+}": {}}


@pytest.mark.parametrize("response", ["policy", "simple"])
@pytest.mark.parametrize("name", files("catch_all"))
def test_the_example_events_of_a_catch_all_route(name: str, response: str) -> None:
    stand = Stand(routes=BEHIND, MATCH="path", RESPONSE=response)
    event = event_of(name, stand.issuer.token())
    assert allows(stand.answer(event), event)
    weak = event_of(name, stand.issuer.token(scope="profile"))
    assert not allows(stand.answer(weak), weak)
    assert stand.lines[-1]["reason"] == "the token lacks the scope items"
    assert stand.lines[-1]["route"] == "GET /api/items/{id}"


@pytest.mark.parametrize("name", files("catch_all-ambiguous_path"))
def test_an_ambiguous_path_is_a_403_that_the_log_explains(name: str) -> None:
    for response in ("policy", "simple"):
        stand = Stand(routes=BEHIND, MATCH="path", RESPONSE=response)
        event = event_of(name, stand.issuer.token(scope="items profile admin", roles=["admin"]))
        assert not allows(stand.answer(event), event)
        assert stand.lines.events() == ["route.denied"]
        assert str(stand.lines.reasons()[0]).startswith("the path is ambiguous: ")
        assert stand.lines[0]["route"] is None


def test_without_MATCH_the_catch_all_route_itself_has_to_be_named() -> None:
    stand = Stand(routes=BEHIND)
    for name in files("catch_all"):
        event = event_of(name, stand.issuer.token())
        assert not allows(stand.answer(event), event)


@pytest.mark.parametrize("name", files("catch_all"))
def test_a_cached_policy_covers_the_path_that_was_judged_and_no_other(name: str) -> None:
    stand = Stand(routes=BEHIND, MATCH="path")
    event = event_of(name, stand.issuer.token())
    policy = stand.answer(event)["policyDocument"]
    arn = event.get("routeArn") or event["methodArn"]
    assert policy["Statement"] == [{"Action": "execute-api:Invoke", "Effect": "Allow", "Resource": [arn]}]
    for other in ("/api/items", "/api/items/2", "/api/items/1/x", "/api/items/1/", "/api/admin", "/api/rest", "/"):
        assert not gateway.iam_allows(policy, arn.replace("/api/items/1", other))
    assert not gateway.iam_allows(policy, arn.replace("/GET/", "/DELETE/"))


@pytest.mark.parametrize("odd", ["/api/items/*", "/api/items/?", "/api/${x}", "/api/" + "a" * 600])
def test_an_arn_that_IAM_would_read_as_more_than_one_path_is_denied(odd: str) -> None:
    stand = Stand(routes=BEHIND, MATCH="path")
    event = event_of("rest_request-catch_all", stand.issuer.token())
    event["methodArn"] = event["methodArn"].replace("/api/items/1", odd)
    policy = stand.answer(event)["policyDocument"]
    assert {statement["Effect"] for statement in policy["Statement"]} == {"Deny"}


def test_a_TOKEN_authorizer_cannot_judge_by_path_and_says_so() -> None:
    stand = Stand(routes=BEHIND, MATCH="path")
    event = event_of("rest_token-good_token", stand.issuer.token())
    assert not allows(stand.answer(event), event)
    assert "type REQUEST" in str(stand.lines.reasons()[0])


def test_websocket_and_AppSync_are_not_touched_by_MATCH() -> None:
    stand = Stand(routes={**BEHIND, "$connect": {}, "Query.admin": {"scopes": ["admin"]}}, MATCH="path")
    event = event_of("websocket-good_token", stand.issuer.token())
    assert allows(stand.answer(event), event)
    assert stand.answer(event_of("appsync-good_token", stand.issuer.token()))["deniedFields"] == ["Query.admin"]


def test_a_revoked_token_is_a_401_whatever_the_path() -> None:
    stand = Stand(routes=BEHIND, MATCH="path")
    stand.issuer.revoke(7)
    for path in ("/api/items/1", "/api//items"):
        with pytest.raises(Exception, match=r"^Unauthorized$"):
            stand.answer(http_2(stand.issuer.token(), "ANY /{proxy+}", path))
