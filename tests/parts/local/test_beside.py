"""docs/examples/rest-api.yaml in the running stack: a REST API of another team's behind the authorizer."""

from __future__ import annotations

import json
import time
from pathlib import Path

import httpx
import pytest

from local.beside import EXAMPLE, system_from_file
from local.functions import Functions
from local.gateway.http_events import HttpRequest
from local.gateway.rest_gateway import RestGateway
from local.stack import ROOT, LocalStack

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
