"""What an API says of itself (RFC 9728), made of the environment of its authorizer."""

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from valet.binding.proof import ALGORITHMS
from valet.resource_server.api_gateway.metadata import PROOF_ALGORITHMS, ResourceMetadata
from valet.resource_server.outcomes import ConfigurationError

from tests.parts.authorizer.issuer import ISSUER, environment
from tests.parts.authorizer.test_process import BANNED, LAYER, ROOT

EVENTS = ROOT / "events" / "resource_metadata"
AUDIENCE = "https://tools.example.com/mcp"
ROUTES: dict[str, Any] = {
    "ANY /mcp": {"scopes": ["tools.read"], "tools": {"delete_item": {"scopes": ["tools.write", "offline_access"]}}},
    "GET /a": {"scopes": ["offline_access", "a"]},
    "Query.b": {"scopes": ["b"]},
}


def metadata(**changed: str) -> ResourceMetadata:
    return ResourceMetadata(environment(ROUTES, **{"AUDIENCE": AUDIENCE, **changed}))


def asked(found: ResourceMetadata, name: str) -> dict[str, Any]:
    event = json.loads((EVENTS / f"{name}.json").read_text(encoding="utf-8"))
    return json.loads(json.dumps(found.answer(event)))  # type: ignore[no-any-return]  # as Lambda does it


def document(**changed: str) -> dict[str, Any]:
    return json.loads(asked(metadata(**changed), "rest-root")["body"])  # type: ignore[no-any-return]


def test_it_names_the_issuer_and_all_scopes_of_routes_fields_and_tools() -> None:
    assert document() == {
        "resource": AUDIENCE,
        "authorization_servers": [ISSUER],
        "scopes_supported": ["a", "b", "tools.read", "tools.write"],
        "bearer_methods_supported": ["header"],
        "dpop_signing_alg_values_supported": ["PS256", "ES256", "EdDSA"],
        "dpop_bound_access_tokens_required": False,
    }


def test_least_leaves_out_what_only_a_tool_asks_for() -> None:
    assert document(SCOPES="least")["scopes_supported"] == ["a", "b", "tools.read"]


def test_offline_access_is_the_servers_and_never_an_apis() -> None:
    routes = {"GET /a": {"scopes": ["offline_access"]}}
    answer = ResourceMetadata(environment(routes)).answer({"path": "/.well-known/oauth-protected-resource"})
    assert "scopes_supported" not in json.loads(str(answer["body"]))


def test_what_the_operator_says_is_in_it() -> None:
    found = document(RESOURCE_NAME="Büro", SENDER_CONSTRAINT="required")
    assert (found["resource_name"], found["dpop_bound_access_tokens_required"]) == ("Büro", True)


def test_the_algorithms_are_those_of_the_verifier() -> None:
    assert PROOF_ALGORITHMS == ALGORITHMS


def test_every_event_has_its_answer() -> None:
    answers = {path.stem: asked(metadata(), path.stem)["statusCode"] for path in EVENTS.glob("*.json")}
    assert answers == {"http_2-root": 200, "rest-root": 200, "rest-path": 200, "rest-other_path": 404}


@pytest.mark.parametrize("name", ["http_2-root", "rest-root", "rest-path"])
def test_every_client_may_read_it_at_the_root_and_at_the_apis_own_path(name: str) -> None:
    answer = asked(metadata(), name)
    assert answer["statusCode"] == 200
    assert answer["headers"] == {
        "Content-Type": "application/json",
        "Cache-Control": "public, max-age=300",
        "Access-Control-Allow-Origin": "*",
    }


@pytest.mark.parametrize(
    ("audience", "path", "status"),
    [
        (AUDIENCE, "/.well-known/oauth-protected-resource/mcp", 200),
        (AUDIENCE, "/base/.well-known/oauth-protected-resource/mcp", 200),  # below a base path mapping
        (AUDIENCE, "/.well-known/oauth-protected-resource/other", 404),
        (AUDIENCE, "/.well-known/oauth-protected-resource/mcp/", 404),
        (AUDIENCE, "/.well-known/oauth-protected-resource/MCP", 404),
        (AUDIENCE, "/.well-known/oauth-protected-resource/", 404),
        (AUDIENCE, "/.well-known/oauth-protected-resourcemcp", 404),
        (AUDIENCE, "/mcp", 404),
        ("https://api.example.com/v1/a?b", "/.well-known/oauth-protected-resource/v1/a", 200),
        ("https://api.example.com", "/.well-known/oauth-protected-resource/", 200),
        ("https://api.example.com", "/.well-known/oauth-protected-resource/a", 404),
        ("urn:example:api", "/.well-known/oauth-protected-resource", 200),
        ("urn:example:api", "/.well-known/oauth-protected-resource/a", 404),
    ],
)
def test_another_path_is_another_resources(audience: str, path: str, status: int) -> None:
    """A client would refuse the document of another resource (§3.3), and may take a 404 as a hint to look elsewhere."""
    answer = metadata(AUDIENCE=audience).answer({"rawPath": path})
    assert answer["statusCode"] == status


def test_all_that_is_wrong_stops_the_start() -> None:
    with pytest.raises(ConfigurationError, match="SCOPES is 'some'"):
        metadata(SCOPES="some")
    with pytest.raises(ConfigurationError, match="ISSUER is"):
        metadata(ISSUER="http://issuer.example")


def test_the_function_answers_and_its_process_has_neither_aws_nor_cryptography() -> None:
    script = "import app, json, sys; print(json.dumps([app.handler(json.load(sys.stdin), None), sorted(sys.modules)]))"
    path = os.pathsep.join([str(ROOT / "functions" / "resource_metadata"), str(LAYER)])
    event = Path(EVENTS / "rest-path.json").read_text(encoding="utf-8")
    env = {"PYTHONPATH": path, **environment(ROUTES, AUDIENCE=AUDIENCE)}
    ran = subprocess.run(
        [sys.executable, "-c", script], input=event, env=env, capture_output=True, text=True, check=True
    )
    answer, modules = json.loads(ran.stdout)
    assert json.loads(answer["body"])["resource"] == AUDIENCE
    assert not {name.partition(".")[0] for name in modules} & {*BANNED, "cryptography", "http", "ssl"}
