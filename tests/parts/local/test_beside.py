"""The examples that the running stack plays: a REST API and an MCP server of other teams behind the authorizer."""

from __future__ import annotations

import json
import time
from pathlib import Path

import httpx
import pytest

from local.beside import EXAMPLE, McpServer, system_from_file
from local.functions import Functions
from local.gateway.http_events import HttpRequest, HttpResponse
from local.gateway.rest_gateway import RestGateway
from local.stack import ROOT, LocalStack
from tests.support.application import Application
from tests.support.browser import Browser
from tests.support.wire import over_http

pytestmark = pytest.mark.slow

SERVICE = ("api_service_789", "api_secret_abc")


def token_of(stack: LocalStack, scope: str = "admin") -> str:
    form = {"grant_type": "client_credentials", "scope": scope}
    answer = httpx.post(f"{stack.url}/token", data=form, auth=SERVICE, timeout=10)
    token: str = answer.json()["access_token"]
    return token


def get(stack: LocalStack, path: str, token: str | None = None) -> httpx.Response:
    headers = {"authorization": f"Bearer {token}"} if token is not None else {}
    return httpx.get(f"{stack.url}/v1{path}", headers=headers, timeout=10)


def metadata_of(stack: LocalStack) -> str:
    return f"{stack.url}/v1/.well-known/oauth-protected-resource"


def test_a_good_token_reaches_the_api_which_sees_who_calls(stack: LocalStack) -> None:
    answer = get(stack, "/reports", token_of(stack))
    assert answer.json() == {"route": "GET /reports", "sub": "api_service_789", "scope": "admin api_access"}


def test_the_authorizers_know_where_their_apis_are_called_so_that_they_can_judge_proofs(stack: LocalStack) -> None:
    beside = stack.beside[0]
    assert isinstance(beside, RestGateway)
    assert isinstance(beside._functions, Functions)
    for functions, address in ((stack.functions, stack.url), (beside._functions, f"{stack.url}/v1")):
        assert functions.module("AuthorizerFunction").CONFIGURATION.public_urls == (address,)


@pytest.mark.parametrize("token", [None, "x", "x.y.z"])
def test_a_missing_or_bad_token_is_told_where_the_apis_metadata_is(stack: LocalStack, token: str | None) -> None:
    answer = get(stack, "/reports", token)
    assert answer.status_code == 401
    algs = 'DPoP algs="PS256 ES256 EdDSA"'
    assert answer.headers["www-authenticate"] == f'Bearer resource_metadata="{metadata_of(stack)}", {algs}'
    assert answer.headers["access-control-expose-headers"] == "WWW-Authenticate"
    assert answer.json()["error"] == "invalid_token"


def test_the_metadata_names_the_issuer_that_the_token_comes_from(stack: LocalStack) -> None:
    """From a 401 to a token, as a client does that knows nothing but the API's address (RFC 9728 §5)."""
    challenge = get(stack, "/reports").headers["www-authenticate"]
    address = challenge.partition('resource_metadata="')[2].partition('"')[0]
    document = httpx.get(address, timeout=10).json()
    assert document["resource"] == stack.audience
    assert document["bearer_methods_supported"] == ["header"]
    (issuer,) = document["authorization_servers"]
    endpoint = httpx.get(f"{issuer}/.well-known/oauth-authorization-server", timeout=10).json()["token_endpoint"]
    assert endpoint == f"{stack.issuer}/token"
    assert set(document["scopes_supported"]) <= {"profile", "items", "api_access", "admin"}


def test_a_good_token_with_too_little_is_told_the_scope_that_the_route_asks_for(stack: LocalStack) -> None:
    answer = get(stack, "/items", token_of(stack))
    assert answer.status_code == 403
    assert answer.headers["www-authenticate"] == (
        f'Bearer error="insufficient_scope", scope="items", resource_metadata="{metadata_of(stack)}"'
    )
    assert answer.json()["error"] == "access_denied"


def test_a_path_that_is_no_route_is_a_403_of_the_gateways(stack: LocalStack) -> None:
    answer = get(stack, "/none", token_of(stack))
    assert (answer.status_code, answer.json()) == (403, {"message": "Missing Authentication Token"})


def test_a_revoked_token_is_refused_within_five_seconds(stack: LocalStack) -> None:
    token = token_of(stack)
    assert get(stack, "/reports", token).status_code == 200
    httpx.post(f"{stack.url}/revoke", data={"token": token}, auth=SERVICE, timeout=10)
    revoked_at = time.monotonic()
    while get(stack, "/reports", token).status_code == 200:
        assert time.monotonic() - revoked_at < 5
        time.sleep(0.1)
    assert get(stack, "/reports", token).status_code == 401


@pytest.mark.parametrize("ttl", ["0", "300"])
@pytest.mark.parametrize("kind", ["REQUEST", "TOKEN"])
def test_both_kinds_of_authorizer_decide_alike_with_and_without_the_cache(
    stack: LocalStack, kind: str, ttl: str, tmp_path: Path
) -> None:
    text = (ROOT / EXAMPLE).read_text(encoding="utf-8")
    nested = "../../functions/authorizer/template.yaml"
    text = text.replace(nested, f"{ROOT}/functions/authorizer/template.yaml")
    text = text.replace("ReauthorizeEvery: 0", f"ReauthorizeEvery: {ttl}")
    if kind == "TOKEN":
        text = text.replace("FunctionPayloadType: REQUEST", "FunctionPayloadType: TOKEN")
        text = text.replace("Headers: [Authorization] #", "Header: Authorization #")
    (tmp_path / "rest-api.yaml").write_text(text, encoding="utf-8")
    system = system_from_file(tmp_path / "rest-api.yaml", {"Issuer": stack.url, "Audience": stack.audience})
    gateway = RestGateway(system.rest_apis, Functions(system.functions, package=f"beside_{kind}_{ttl}"))
    token = token_of(stack)

    def status(method: str, path: str, bearer: str = token) -> int:
        request = HttpRequest(method, f"/v1{path}", {"authorization": f"Bearer {bearer}"}, b"", "203.0.113.7")
        found = gateway.answer(request)
        assert found is not None
        return found[0].status

    # Whatever was asked first, and is remembered now, is right for all.
    for _ in range(2):
        assert status("GET", "/items") == 403
        assert status("GET", "/reports") == 200
        assert status("GET", "/items/1") == 403
        assert status("DELETE", "/items/1") == 403
        assert status("GET", "/reports", "x.y.z") == 401


def test_the_authorizers_environment_is_its_own_and_not_the_stacks(stack: LocalStack) -> None:
    variables = {function.logical_id: function.environment for function in stack.system.functions.values()}
    rest = stack.beside[0]
    assert isinstance(rest, RestGateway)
    (api,) = rest._apis
    authorizer = api.routes[0].authorizer
    assert authorizer is not None
    own = json.loads(authorizer.function.environment["ROUTES"])
    assert "GET /reports" in own
    assert json.loads(variables["AuthorizerFunction"]["ROUTES"]) != own


# -- the MCP server ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("method", ["POST", "GET", "DELETE"])
def test_without_a_token_the_mcp_server_says_where_to_sign_in_and_what_to_ask_for(
    stack: LocalStack, method: str
) -> None:
    answer = httpx.request(method, f"{stack.url}/tools/mcp", timeout=10)
    metadata = f"{stack.url}/tools/.well-known/oauth-protected-resource"
    assert answer.status_code == 401
    assert (
        answer.headers["www-authenticate"] == f'Bearer resource_metadata="{metadata}", scope="tools.read tools.write"'
    )
    # The last is where clients look that pass over the challenge (RFC 9728 §3.1).
    at_the_root = f"{stack.url}/.well-known/oauth-protected-resource/tools/mcp"
    for address in (metadata, f"{metadata}/tools/mcp", at_the_root):
        document = httpx.get(address, timeout=10).json()
        assert document["resource"] == f"{stack.url}/tools/mcp"
        assert document["authorization_servers"] == [stack.issuer]
        assert document["scopes_supported"] == ["tools.read", "tools.write"]
        assert document["resource_name"] == "Items"
    for address in (f"{metadata}/mcp", f"{at_the_root}/more", at_the_root.removesuffix("/tools/mcp")):
        assert httpx.get(address, timeout=10).status_code == 404


def test_a_browser_may_ask_the_mcp_server_before_it_has_a_token(stack: LocalStack) -> None:
    asked = {"origin": "https://a.example", "access-control-request-method": "POST"}
    answer = httpx.options(f"{stack.url}/tools/mcp", headers=asked, timeout=10)
    assert answer.status_code == 200
    assert "Mcp-Name" in answer.headers["access-control-allow-headers"]


def test_a_page_finds_the_metadata_without_the_challenge_as_mcp_inspector_1_looks_for_it(stack: LocalStack) -> None:
    """Its second look asks with a header of its own, and passes over what the challenge said."""
    address = f"{stack.url}/.well-known/oauth-protected-resource/tools/mcp"
    asked = {"origin": "https://a.example", "access-control-request-method": "GET"}
    asked["access-control-request-headers"] = "mcp-protocol-version"
    allowed = httpx.options(address, headers=asked, timeout=10)
    assert allowed.status_code == 200
    assert "mcp-protocol-version" in allowed.headers["access-control-allow-headers"].lower()
    answer = httpx.get(address, headers={"origin": "https://a.example"}, timeout=10)
    assert (answer.status_code, answer.headers["access-control-allow-origin"]) == (200, "*")


def test_a_token_for_another_api_is_none_for_the_mcp_server(stack: LocalStack) -> None:
    headers = {"authorization": f"Bearer {token_of(stack)}"}
    answer = httpx.post(f"{stack.url}/tools/mcp", headers=headers, json={}, timeout=10)
    assert (answer.status_code, answer.json()["error"]) == (401, "invalid_token")


def person_token(stack: LocalStack, scope: str) -> str:
    """Of John, who signed in with the demo's client for MCP."""
    application = Application(
        over_http, stack.url, "mcp_demo", redirect_uri="http://127.0.0.1:33418/callback", scope=scope
    )
    asked, browser = application.ask(resource=f"{stack.url}/tools/mcp"), Browser(over_http, stack.url)
    answer = browser.decide(browser.sign_in(browser.open(asked.url), "john"))
    token: str = json.loads(application.redeem(answer.answered["code"], asked.code_verifier).body)["access_token"]
    return token


def test_the_scope_of_a_tool_is_asked_for_before_the_mcp_server_is(
    fresh_stack: LocalStack, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("local.beside.MCP_PACKAGE", "no_such_package")
    played = McpServer(ROOT, fresh_stack.url, lambda crash: None)
    token = person_token(fresh_stack, "tools.read")

    def call(tool: str) -> HttpResponse:
        headers = {"authorization": f"Bearer {token}", "mcp-method": "tools/call", "mcp-name": tool}
        found = played.answer(HttpRequest("POST", "/tools/mcp", headers, b"{}", "203.0.113.7"))
        assert found is not None
        return found[0]

    refused = call("delete_item")
    assert refused.status == 403
    assert dict(refused.headers)["www-authenticate"] == (
        'Bearer error="insufficient_scope", scope="tools.read tools.write", '
        f'resource_metadata="{fresh_stack.url}/tools/.well-known/oauth-protected-resource"'
    )
    reached = call("list_items")
    assert (reached.status, json.loads(reached.body)["message"]) == (
        503,
        "the Python package no_such_package is not installed: `make run` installs it",
    )
    played.stop()
