"""Scope by tool (MCP 2026-07-28), and tokens that came through another client (RFC 8693 §4.1)."""

import base64
import json
import os
import subprocess
import sys
from collections.abc import Mapping, Sequence
from typing import Any

import pytest
from valet.resource_server.api_gateway.routes import parse_routes
from valet.resource_server.outcomes import ConfigurationError

from tests.parts.authorizer import gateway
from tests.parts.authorizer.issuer import ISSUER, Stand, environment, http_2
from tests.parts.authorizer.test_events import event_of
from tests.parts.authorizer.test_process import APP, LAYER

API: dict[str, Any] = {
    "ANY /mcp": {
        "scopes": ["tools.read"],
        "tools": {"delete_item": {"scopes": ["tools.write"]}, "café": {"scopes": ["tools.write", "tools.eat"]}},
    },
    "GET /items": {"scopes": ["tools.read"]},
}
METADATA = "https://api.example/.well-known/oauth-protected-resource/mcp"
BOTH = f'Bearer error="insufficient_scope", scope="tools.read tools.write", resource_metadata="{METADATA}"'
BASE = "arn:aws:execute-api:eu-west-1:123456789012:abcdef1234/prod"


def rest(token: str, headers: Sequence[tuple[str, str]] = (), route: str = "POST /mcp") -> dict[str, Any]:
    """The event of a REST API's REQUEST authorizer, with headers that may be repeated."""
    method, path = route.split(" ")
    several: dict[str, list[str]] = {"Authorization": [f"Bearer {token}"]}
    for name, value in headers:
        several.setdefault(name, []).append(value)
    return {
        "type": "REQUEST",
        "methodArn": f"{BASE}/{method}{path}",
        "resource": path,
        "path": path,
        "httpMethod": method,
        "headers": {name: values[-1] for name, values in several.items()},
        "multiValueHeaders": several,
        "requestContext": {"path": f"/prod{path}", "stage": "prod", "domainName": "api.example"},
    }


def call(name: str, *more: tuple[str, str]) -> list[tuple[str, str]]:
    return [("Mcp-Method", "tools/call"), ("Mcp-Name", name), *more]


def wrapped(name: str) -> str:
    return f"=?base64?{base64.b64encode(name.encode()).decode()}?="


@pytest.fixture
def stand() -> Stand:
    return Stand(routes=API, RESOURCE_METADATA=METADATA)


def is_let_in(answer: Mapping[str, Any], event: Mapping[str, Any]) -> bool:
    return gateway.iam_allows(answer["policyDocument"], event["methodArn"])


@pytest.mark.parametrize(
    "headers",
    [
        [],
        [("Mcp-Method", "tools/list")],
        [("Mcp-Method", "initialize")],
        call("list_items"),
        call("delete_item2"),
        call("DELETE_ITEM"),  # names are compared to the letter, as the server does
        call(wrapped("list_items")),
        call("=?BASE64?ZGVsZXRlX2l0ZW0=?="),
        [("Mcp-Method", "tasks/get"), ("Mcp-Name", "delete_item")],  # the name of a task
        [("Mcp-Method", "Tools/Call"), ("Mcp-Name", "delete_item")],  # no method of MCP, which the server refuses
    ],
)
def test_a_request_that_calls_no_named_tool_asks_for_the_routes_scopes(
    stand: Stand, headers: list[tuple[str, str]]
) -> None:
    event = rest(stand.issuer.token(scope="tools.read"), headers)
    assert is_let_in(stand.answer(event), event)
    without = rest(stand.issuer.token(scope="tools.write"), headers)
    assert not is_let_in(stand.answer(without), without)


@pytest.mark.parametrize(
    "headers",
    [
        call("delete_item"),
        call("  delete_item\t"),
        call(wrapped("delete_item")),
        [("mcp-method", "tools/call"), ("MCP-NAME", "delete_item")],
    ],
)
def test_a_named_tool_asks_for_both_scopes_in_one_challenge(stand: Stand, headers: list[tuple[str, str]]) -> None:
    short = rest(stand.issuer.token(scope="tools.read"), headers)
    answer = stand.answer(short)
    assert not is_let_in(answer, short)
    assert answer["context"]["challenge"] == BOTH
    assert stand.lines[-1]["route"] == "POST /mcp"
    assert stand.lines.reasons() == ["the token lacks the scope tools.write"]
    for scope, is_enough in (("tools.write", False), ("tools.read tools.write", True)):
        event = rest(stand.issuer.token(scope=scope), headers)
        assert is_let_in(stand.answer(event), event) is is_enough


def test_the_event_of_such_a_request_is_refused_as_its_name_says(stand: Stand) -> None:
    event = event_of("rest_request-too_little_for_a_tool", stand.issuer.token(scope="tools.read"))
    assert stand.answer(event)["context"]["challenge"] == BOTH
    again = event_of("rest_request-too_little_for_a_tool", stand.issuer.token(scope="tools.read tools.write"))
    assert is_let_in(stand.answer(again), again)


def test_a_name_that_fits_into_no_header_comes_in_base64(stand: Stand) -> None:
    event = rest(stand.issuer.token(scope="tools.read tools.write"), call(wrapped("café")))
    answer = stand.answer(event)
    assert not is_let_in(answer, event)
    assert 'scope="tools.eat tools.read tools.write"' in answer["context"]["challenge"]


@pytest.mark.parametrize(
    ("headers", "reason"),
    [
        ([("Mcp-Name", "list_items")], "Mcp-Name without Mcp-Method"),
        ([("Mcp-Method", "tools/call")], "Mcp-Method is tools/call, and Mcp-Name is missing or malformed"),
        (call(""), "Mcp-Method is tools/call, and Mcp-Name is missing or malformed"),
        (call("list_items", ("Mcp-Name", "delete_item")), "Mcp-Method or Mcp-Name is repeated"),
        (call("list_items", ("mcp-name", "list_items")), "Mcp-Method or Mcp-Name is repeated"),
        (call("list_items", ("Mcp-Method", "tools/list")), "Mcp-Method or Mcp-Name is repeated"),
        (call("café"), "Mcp-Method is tools/call, and Mcp-Name is missing or malformed"),
        (call("\xa0delete_item"), "Mcp-Method is tools/call, and Mcp-Name is missing or malformed"),
        (call("delete_item\x0b"), "Mcp-Method is tools/call, and Mcp-Name is missing or malformed"),
        (call("=?base64?!!!!?="), "Mcp-Method is tools/call, and Mcp-Name is missing or malformed"),
        (call("=?base64?ZGVsZXRlX2l0ZW0?="), "Mcp-Method is tools/call, and Mcp-Name is missing or malformed"),
        (call("=?base64?ZGVsZXRl X2l0ZW0=?="), "Mcp-Method is tools/call, and Mcp-Name is missing or malformed"),
        (call("=?base64?ZGVsZXRlX2l0ZW1=?="), "Mcp-Method is tools/call, and Mcp-Name is missing or malformed"),
        (call("=?base64?/w==?="), "Mcp-Method is tools/call, and Mcp-Name is missing or malformed"),
    ],
)
def test_headers_that_two_readers_may_read_in_two_ways_are_refused(
    stand: Stand, headers: list[tuple[str, str]], reason: str
) -> None:
    event = rest(stand.issuer.token(scope="tools.read tools.write tools.eat"), headers)
    answer = stand.answer(event)
    assert not is_let_in(answer, event)
    assert "challenge" not in answer["context"], "no other token would help"
    assert stand.lines.reasons() == [reason]


def test_an_answer_for_a_tool_is_for_that_request_alone(stand: Stand) -> None:
    """A cache would apply it to the next tool: so no answer for another route allows this, and this allows no other."""
    token = stand.issuer.token(scope="tools.read")
    listing, items = rest(token, call("list_items")), rest(token, route="GET /items")
    answer = stand.answer(listing)
    assert answer["policyDocument"]["Statement"] == [
        {"Action": "execute-api:Invoke", "Effect": "Allow", "Resource": [listing["methodArn"]]}
    ]
    other = stand.answer(items)
    assert is_let_in(other, items)
    assert not gateway.iam_allows(other["policyDocument"], listing["methodArn"])
    refused = stand.answer(rest(token, call("delete_item")))
    assert gateway.iam_allows(refused["policyDocument"], items["methodArn"])


def test_a_tool_is_told_apart_behind_a_catch_all_route_too() -> None:
    stand = Stand(routes=API, MATCH="path")
    for name, is_enough in (("list_items", True), ("delete_item", False)):
        event = {**rest(stand.issuer.token(scope="tools.read"), call(name)), "resource": "/{proxy+}"}
        assert is_let_in(stand.answer(event), event) is is_enough


@pytest.mark.parametrize(
    "stricter",
    [{"scopes": ["tools.read"], "tools": {"x": {"scopes": ["y"]}}}, {"scopes": ["tools.read"], "direct": True}],
)
def test_a_path_that_others_read_as_a_route_with_tools_or_a_direct_one_is_refused(stricter: dict[str, Any]) -> None:
    """A framework may not mind case: then /MCP is that route, and its tools would be called unasked."""
    stand = Stand(routes={"POST /mcp": stricter, "POST /{page}": {"scopes": ["tools.read"]}}, MATCH="path")
    for path, is_enough in (("/MCP", False), ("/about", True), ("/mcp", True)):
        event = rest(stand.issuer.token(scope="tools.read"), route=f"POST {path}")
        assert is_let_in(stand.answer(event), event) is is_enough


def test_no_other_kind_of_api_can_tell_tools_apart() -> None:
    stand = Stand(routes=API)
    token = stand.issuer.token(scope="tools.read tools.write")
    by_token = {"type": "TOKEN", "methodArn": f"{BASE}/POST/mcp", "authorizationToken": f"Bearer {token}"}
    http_1 = {**rest(token, call("list_items")), "version": "1.0"}
    for event in (by_token, http_1, http_2(token, "POST /mcp")):
        answer = stand.answer(event)
        assert not gateway.iam_allows(answer["policyDocument"], event.get("methodArn") or event["routeArn"])
        assert "an authorizer of type REQUEST" in str(stand.lines.reasons()[-1])


@pytest.mark.parametrize(
    ("routes", "told"),
    [
        ({"POST /a": {"tools": {"x": {"scopes": ["y"]}}}}, "names tools but no scopes"),
        ({"POST /a": {"scopes": [], "tools": {}}}, "tools that are not"),
        ({"POST /a": {"scopes": [], "tools": ["x"]}}, "tools that are not"),
        ({"POST /a": {"scopes": [], "tools": {"": {"scopes": ["y"]}}}}, "tools that are not"),
        ({"POST /a": {"scopes": [], "tools": {"x": {"scopes": []}}}}, "tools that are not"),
        ({"POST /a": {"scopes": [], "tools": {"x": {"scopes": "y"}}}}, "tools that are not"),
        ({"POST /a": {"scopes": [], "tools": {"x": {"scopes": ['y"']}}}}, "tools that are not"),
        ({"POST /a": {"scopes": [], "tools": {"x": {"scopes": ["y"], "roles": ["z"]}}}}, "tools that are not"),
        ({"$connect": {"scopes": [], "tools": {"x": {"scopes": ["y"]}}}}, "only a route of a REST API"),
        ({"Query.a": {"scopes": [], "tools": {"x": {"scopes": ["y"]}}}}, "only a route of a REST API"),
        ({"POST /a": {"scopes": [], "direct": False}}, "a direct that is not true"),
        ({"POST /a": {"direct": True}}, "names direct but no scopes"),
    ],
)
def test_what_tools_and_direct_may_be(routes: dict[str, Any], told: str) -> None:
    _, wrong = parse_routes(json.dumps(routes))
    assert len(wrong) == 1
    assert told in wrong[0]


def test_a_tool_that_is_named_twice_is_told() -> None:
    tools = '{"POST /a": {"scopes": [], "tools": {"x": {"scopes": ["y"]}, "x": {"scopes": ["z"]}}}}'
    assert parse_routes(tools)[1] == ["ROUTES repeats 'x'"]


def test_simple_answers_have_no_tools() -> None:
    with pytest.raises(ConfigurationError, match="ROUTES has tools, and RESPONSE is simple"):
        Stand(routes=API, RESPONSE="simple")


@pytest.mark.parametrize(("routes", "is_imported"), [(API, True), ({"POST /mcp": {"scopes": ["tools.read"]}}, False)])
def test_only_an_authorizer_with_tools_pays_for_them(routes: dict[str, Any], is_imported: bool) -> None:
    script = "import app, sys; print('valet.resource_server.api_gateway.tools' in sys.modules)"
    path = os.pathsep.join([str(APP.parent), str(LAYER)])
    env = {"PYTHONPATH": path, **environment(routes), "ISSUER": ISSUER}
    ran = subprocess.run([sys.executable, "-c", script], env=env, capture_output=True, text=True, check=True)
    assert ran.stdout.strip() == str(is_imported)


# -- tokens that came through another client ---------------------------------------------------------------------------

DIRECT: dict[str, Any] = {
    "POST /pay": {"scopes": ["pay"], "direct": True},
    "GET /items": {"scopes": ["items"]},
    "Query.pay": {"scopes": ["items"], "direct": True},
}
AGENT = {"sub": "agent_demo", "act": {"sub": "gateway"}}


def test_the_api_is_told_through_which_clients_a_token_came() -> None:
    stand = Stand(routes=DIRECT)
    context = stand.ask(stand.issuer.token(act=AGENT), "GET /items")["context"]
    assert context["actors"] == "agent_demo gateway"
    assert "actors" not in stand.ask(stand.issuer.token(), "GET /items")["context"]


@pytest.mark.parametrize("scope", ["items pay", "items"])
def test_a_direct_route_refuses_a_token_that_came_through_a_client_and_asks_for_no_other(scope: str) -> None:
    stand = Stand(routes=DIRECT)
    event = http_2(stand.issuer.token(scope=scope, act=AGENT), "POST /pay")
    answer = stand.answer(event)
    assert not gateway.iam_allows(answer["policyDocument"], event["routeArn"])
    assert "challenge" not in answer["context"]
    assert str(stand.lines.reasons()[0]).endswith("the token came through another client, and the route is direct")
    # The same rights without a client between: nothing that was remembered of the one answers for the other.
    own = http_2(stand.issuer.token(scope="items pay"), "POST /pay")
    assert gateway.iam_allows(stand.answer(own)["policyDocument"], own["routeArn"])
    again = http_2(stand.issuer.token(scope="items pay", act=AGENT), "POST /pay")
    assert not gateway.iam_allows(stand.answer(again)["policyDocument"], again["routeArn"])


def test_a_direct_field_is_null_for_a_token_that_came_through_a_client() -> None:
    stand = Stand(routes=DIRECT)
    for act, denied in ((AGENT, ["Query.pay"]), (None, [])):
        token = stand.issuer.token(act=act)
        event = {"authorizationToken": token, "requestContext": {"apiId": "x"}}
        assert stand.answer(event)["deniedFields"] == denied


@pytest.mark.parametrize(
    "act", [{}, [], "agent", True, {"sub": ""}, {"sub": 1}, {"sub": "a b"}, {"sub": "a", "act": {}}, {"act": AGENT}]
)
def test_a_token_that_does_not_say_who_its_actors_are_is_refused(act: object) -> None:
    stand = Stand(routes=DIRECT)
    with pytest.raises(Exception, match=r"^Unauthorized$"):
        stand.ask(stand.issuer.token(act=act), "GET /items")
    assert stand.lines.reasons() == ["act is not a chain of actors, each with a sub"]
