"""The authorizer's own template, which other teams nest into theirs, and the examples around it."""

from __future__ import annotations

import json
import os
import subprocess
from pathlib import Path
from typing import Any

import pytest
from valet.resource_server.api_gateway.configuration import parse
from valet.resource_server.api_gateway.metadata import ResourceMetadata

from tests.parts.template.cloudformation import ROOT, SAM_PYTHON, lint, resources, statements, translated

AUTHORIZER = ROOT / "functions" / "authorizer" / "template.yaml"
REST, HTTP = (ROOT / "docs" / "examples" / f"{name}-api.yaml" for name in ("rest", "http"))
MCP = ROOT / "docs" / "examples" / "mcp-server.yaml"
TEMPLATES = [AUTHORIZER, REST, HTTP, MCP]
WELL_KNOWN = "/.well-known/oauth-protected-resource"

pytestmark = pytest.mark.xdist_group("authorizer template")  # each template is translated once
GIVEN = ("Issuer=https://id.example.com", "Audience=https://api.example.com")


@pytest.mark.slow
@pytest.mark.parametrize("template", TEMPLATES, ids=lambda path: path.stem)
def test_the_translated_template_has_no_error_and_no_circle(template: Path, tmp_path: Path) -> None:
    assert lint(translated(*GIVEN, template=template), tmp_path) == ""


@pytest.mark.slow
@pytest.mark.parametrize("template", TEMPLATES, ids=lambda path: path.stem)
def test_sam_finds_nothing_to_say(template: Path) -> None:
    if not SAM_PYTHON.exists():
        pytest.skip("aws-sam-cli has an environment of its own, which `make check` makes")
    run = subprocess.run(
        [SAM_PYTHON.with_name("sam"), "validate", "--lint", "--template", template],
        capture_output=True,
        text=True,
        check=False,
        env={**os.environ, "SAM_CLI_TELEMETRY": "0"},
    )
    assert run.returncode == 0, run.stdout + run.stderr


def test_its_roles_may_write_its_log_and_nothing_else() -> None:
    roles = resources(translated(*GIVEN, template=AUTHORIZER), "AWS::IAM::Role")
    assert sorted(roles) == ["AuthorizerFunctionRole", "ResourceMetadataFunctionRole"]
    for role in roles.values():
        (managed,) = role["Properties"]["ManagedPolicyArns"]
        assert managed.endswith("service-role/AWSLambdaBasicExecutionRole")
        assert list(statements(role)) == [
            {"Effect": "Deny", "Action": "logs:*", "NotResource": {"Fn::GetAtt": ["AuthorizerLogs", "Arn"]}},
            {"Effect": "Deny", "Action": "logs:CreateLogGroup", "Resource": "*"},
        ]


def variables_of(function: str) -> dict[str, Any]:
    functions = resources(translated(*GIVEN, template=AUTHORIZER), "AWS::Lambda::Function")
    variables: dict[str, Any] = functions[function]["Properties"]["Environment"]["Variables"]
    return variables


def defaults(variables: dict[str, Any]) -> dict[str, str]:
    """The environment as the parameters' defaults make it, and a configuration that needs nothing else."""
    parameters = translated(*GIVEN, template=AUTHORIZER)["Parameters"]
    values = {name: str(parameters[value["Ref"]].get("Default", "")) for name, value in variables.items()}
    return {**values, "ISSUER": "https://id.example.com", "AUDIENCE": "a", "ROUTES": '{"GET /": {}}'}


def test_its_environment_is_what_the_functions_read_and_each_parameter_is_in_it() -> None:
    authorizer, metadata = variables_of("AuthorizerFunction"), variables_of("ResourceMetadataFunction")
    named = {value["Ref"] for value in (*authorizer.values(), *metadata.values())}
    assert named == set(translated(*GIVEN, template=AUTHORIZER)["Parameters"]) - {"Architecture", "LogRetention"}
    found = parse(defaults(authorizer))
    assert (found.is_by_path, found.base_path, found.takes_protocol) == (False, "", False)
    assert (found.public_urls, found.proof_max_age, found.takes_bearer) == ((), 60, True)
    assert (found.is_simple, found.status_max_stale, found.is_status_optional, found.resource_metadata) == (
        False,
        300,
        False,
        "",
    )


def test_what_an_api_says_of_itself_is_what_its_authorizer_asks_for() -> None:
    """A variable that both functions read has one source, so that the two cannot differ."""
    authorizer, metadata = variables_of("AuthorizerFunction"), variables_of("ResourceMetadataFunction")
    assert {"ISSUER", "AUDIENCE", "ROUTES", "SENDER_CONSTRAINT"} == set(authorizer) & set(metadata)
    assert all(authorizer[name] == metadata[name] for name in set(authorizer) & set(metadata))
    ResourceMetadata(defaults(metadata))


@pytest.mark.parametrize("template", [REST, HTTP, MCP], ids=lambda path: path.stem)
def test_an_example_nests_it_with_parameters_that_there_are_and_a_rule_for_each_route(template: Path) -> None:
    document = translated(*GIVEN, template=template)
    given = document["Resources"]["Valet"]["Properties"]["Parameters"]
    assert set(given) <= set(translated(*GIVEN, template=AUTHORIZER)["Parameters"])
    rules = json.loads(given["Routes"])
    (api,) = (each for each in document["Resources"].values() if "Body" in each.get("Properties", {}))
    protected = {
        f"{method.upper()} {path}"
        for path, methods in api["Properties"]["Body"]["paths"].items()
        for method, operation in methods.items()
        if operation.get("security") == [{"Valet": []}]
    }
    assert set(rules) == {route.replace("X-AMAZON-APIGATEWAY-ANY-METHOD", "ANY") for route in protected}
    parse({"ISSUER": "https://id.example.com", "AUDIENCE": "a", "ROUTES": given["Routes"]})


@pytest.mark.parametrize("template", [REST, HTTP, MCP], ids=lambda path: path.stem)
def test_an_examples_metadata_is_read_without_a_token_at_both_places(template: Path) -> None:
    document = translated(*GIVEN, template=template)["Resources"]
    permission = document["MetadataPermission"]["Properties"]
    assert permission["FunctionName"] == {"Fn::GetAtt": ["Valet", "Outputs.MetadataFunctionArn"]}
    assert permission["SourceArn"]["Fn::Sub"].endswith("/.well-known/*")
    if template == HTTP:
        routes = resources({"Resources": document}, "AWS::ApiGatewayV2::Route").values()
        assert [each["Properties"]["RouteKey"] for each in routes] == [
            f"GET {WELL_KNOWN}",
            f"GET {WELL_KNOWN}/{{proxy+}}",
        ]
        assert not any("AuthorizationType" in each["Properties"] for each in routes)
        return
    paths = document["Api"]["Properties"]["Body"]["paths"]
    for path in (WELL_KNOWN, f"{WELL_KNOWN}/{{proxy+}}"):
        assert paths[path]["get"]["security"] == [{"NONE": []}]
        uri = paths[path]["get"]["x-amazon-apigateway-integration"]["uri"]["Fn::Sub"]
        assert uri.endswith("/functions/${Valet.Outputs.MetadataFunctionArn}/invocations")


def authorizer_of(body: dict[str, Any]) -> dict[str, Any]:
    schemes = body.get("securityDefinitions") or body["components"]["securitySchemes"]
    found: dict[str, Any] = schemes["Valet"]["x-amazon-apigateway-authorizer"]
    return found


def test_no_answer_is_kept_so_that_a_revocation_is_not_waited_for() -> None:
    rest = resources(translated(*GIVEN, template=REST), "AWS::ApiGateway::RestApi")["Api"]["Properties"]["Body"]
    assert authorizer_of(rest)["authorizerResultTtlInSeconds"] == 0
    http = resources(translated(*GIVEN, template=HTTP), "AWS::ApiGatewayV2::Api")["Api"]["Properties"]["Body"]
    assert authorizer_of(http)["authorizerResultTtlInSeconds"] == 0
    # The event does not say which kind of answer is wanted.
    response = translated(*GIVEN, template=HTTP)["Resources"]["Valet"]["Properties"]["Parameters"]["Response"]
    assert (authorizer_of(http)["enableSimpleResponses"], response) == (True, "simple")


def test_the_rest_examples_challenges_are_what_a_gateway_response_can_say() -> None:
    body = resources(translated(*GIVEN, template=REST), "AWS::ApiGateway::RestApi")["Api"]["Properties"]["Body"]
    responses = body["x-amazon-apigateway-gateway-responses"]
    assert {kind: response["statusCode"] for kind, response in responses.items()} == {
        "UNAUTHORIZED": "401",
        "ACCESS_DENIED": "403",
    }
    denied, unauthorized = (
        responses[kind]["responseParameters"]["gatewayresponse.header.WWW-Authenticate"]
        for kind in ("ACCESS_DENIED", "UNAUTHORIZED")
    )
    assert denied == "context.authorizer.challenge"
    algs = 'DPoP algs="PS256 ES256 EdDSA"'
    assert unauthorized["Fn::If"] == [
        "HasMetadataUrl",
        {"Fn::Sub": f"'Bearer resource_metadata=\"${{MetadataUrl}}\", {algs}'"},
        f"'Bearer, {algs}'",
    ]
    for response in responses.values():
        assert json.loads(response["responseTemplates"]["application/json"])["error"]


@pytest.mark.parametrize("is_behind", [False, True])
def test_Cors_of_SAM_answers_preflights_without_a_token(is_behind: bool, tmp_path: Path) -> None:
    text = REST.read_text(encoding="utf-8")
    if is_behind:  # what SAM does by itself
        text = text.replace("AddDefaultAuthorizerToCorsPreflight: false", "AddDefaultAuthorizerToCorsPreflight: true")
    (tmp_path / "rest.yaml").write_text(text, encoding="utf-8")
    document = translated(*GIVEN, template=tmp_path / "rest.yaml")
    paths = resources(document, "AWS::ApiGateway::RestApi")["Api"]["Properties"]["Body"]["paths"]
    preflights = [methods["options"] for methods in paths.values()]
    assert len(preflights) == 5
    found = {json.dumps(each.get("security", [])) for each in preflights}
    assert found == ({'[{"Valet": []}]'} if is_behind else {"[]"})
    allowed = preflights[0]["x-amazon-apigateway-integration"]["responses"]["default"]["responseParameters"]
    assert "DPoP" in allowed["method.response.header.Access-Control-Allow-Headers"]


def test_a_browser_may_send_a_proof_to_the_http_example_and_read_its_challenge() -> None:
    http = resources(translated(*GIVEN, template=HTTP), "AWS::ApiGatewayV2::Api")["Api"]["Properties"]["Body"]
    cors = http["x-amazon-apigateway-cors"]
    assert {"Authorization", "DPoP"} <= set(cors["allowHeaders"])
    assert cors["exposeHeaders"] == ["WWW-Authenticate"]


def test_the_mcp_examples_challenge_names_the_scopes_that_its_metadata_names() -> None:
    """A client takes the scopes of the challenge before those of the metadata."""
    document = translated(*GIVEN, template=MCP)["Resources"]
    responses = document["Api"]["Properties"]["Body"]["x-amazon-apigateway-gateway-responses"]
    header = responses["UNAUTHORIZED"]["responseParameters"]["gatewayresponse.header.WWW-Authenticate"]
    _, (asks_for_least, least, every), without = header["Fn::If"][0], header["Fn::If"][1]["Fn::If"], header["Fn::If"][2]
    assert (asks_for_least, without) == ("AsksForLeast", "'Bearer'")
    routes = document["Valet"]["Properties"]["Parameters"]["Routes"]
    for scopes, challenge in (("least", least), ("all", every)):
        env = {"ISSUER": "https://id.example.com", "AUDIENCE": "https://a/mcp", "ROUTES": routes, "SCOPES": scopes}
        answer = ResourceMetadata(env).answer({"path": WELL_KNOWN})
        named = " ".join(json.loads(str(answer["body"]))["scopes_supported"])
        assert challenge["Fn::Sub"] == f'\'Bearer resource_metadata="${{MetadataUrl}}", scope="{named}"\''


def test_a_browser_may_send_the_headers_of_mcp_to_its_example() -> None:
    paths = translated(*GIVEN, template=MCP)["Resources"]["Api"]["Properties"]["Body"]["paths"]
    for path in paths.values():
        answer = path["options"]["x-amazon-apigateway-integration"]["responses"]["default"]["responseParameters"]
        allowed = answer["method.response.header.Access-Control-Allow-Headers"]
        assert {"Mcp-Method", "Mcp-Name", "Mcp-Protocol-Version"} <= set(allowed.strip("'").split(", "))
        assert "security" not in path["options"]
