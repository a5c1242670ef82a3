"""What `make run API=` is told, and templates that change, or that cannot be played at all."""

from __future__ import annotations

import json
import shutil
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path

import pytest

from local.own.choices import ChoiceError, Choices, choices_from_environment
from local.own.plan import Plan, plan
from local.stack import ROOT, LocalStack
from local.template import TemplateError
from tests.parts.local.own_stacks import SHOP, Shop, service_token, shop

ISSUER = "http://127.0.0.1:3000"

BARE = """\
Transform: AWS::Serverless-2016-10-31
Parameters: {}
Resources:
  F:
    Type: AWS::Serverless::Function
    Properties:
      Runtime: python3.13
      Handler: index.handler
      Timeout: 1
      InlineCode: 'def handler(event, context): return {}'
      Events: {E: {Type: HttpApi, Properties: {Method: GET, Path: /e}}}
"""


def planned(folder: Path, template: str, **choices: object) -> Plan:
    path = folder / "template.yaml"
    path.write_text(template, encoding="utf-8")
    return plan(path, Choices((path,), **choices), ROOT, ISSUER)  # type: ignore[arg-type]


def named(found: Plan) -> str:
    return "\n".join(map(str, found.notices))


# -- choices -----------------------------------------------------------------------------------------------------------


def test_several_templates_are_separated_by_spaces_or_commas(tmp_path: Path) -> None:
    paths = [tmp_path / name for name in ("a.yaml", "b.yaml", "c.yaml")]
    for path in paths:
        path.touch()
    found = choices_from_environment({"API": f"{paths[0]}, {paths[1]} {paths[2]}"})
    assert found.templates == tuple(paths)
    assert choices_from_environment({}).templates == ()


@pytest.mark.parametrize(
    ("environ", "message"),
    [
        ({"API": "/nowhere/template.yaml"}, "API: there is no file /nowhere/template.yaml"),
        ({"API_STAGE": "a/b"}, "API_STAGE is 'a/b'"),
        ({"API_PARAMETERS": "Issuer"}, "API_PARAMETERS: 'Issuer' is not NAME=VALUE"),
        ({"API_PYTHON": "/nowhere/python"}, "API_PYTHON: there is no file /nowhere/python"),
        ({"API_ENV": "/nowhere/env.json"}, "API_ENV: /nowhere/env.json cannot be read as JSON"),
        ({"API_ENV": str(SHOP / "http.yaml")}, "cannot be read as JSON"),
    ],
)
def test_a_wrong_choice_is_refused_in_a_sentence_that_names_it(environ: Mapping[str, str], message: str) -> None:
    with pytest.raises(ChoiceError, match=message):
        choices_from_environment(environ)


def test_the_same_template_twice_is_refused(tmp_path: Path) -> None:
    (tmp_path / "t.yaml").touch()
    with pytest.raises(ChoiceError, match="twice"):
        choices_from_environment({"API": f"{tmp_path}/t.yaml {tmp_path}/../{tmp_path.name}/t.yaml"})


def test_parameters_come_from_api_parameters_before_samconfig_before_defaults(tmp_path: Path) -> None:
    (tmp_path / "samconfig.toml").write_text(
        '[default.global.parameters]\nparameter_overrides = ["A=global", "B=global", "Z=unknown"]\n'
        "[default.deploy.parameters]\nparameter_overrides = 'B=deploy C=\"two words\"'\n"
    )
    declared = "Parameters: {" + ", ".join(f"{name}: {{Type: String, Default: d}}" for name in "ABCDE") + "}"
    variables = "Environment: {Variables: {" + ", ".join(f"{name}: !Ref {name}" for name in "ABCDE") + "}}"
    template = BARE.replace("Parameters: {}", declared).replace("Handler:", f"{variables}\n      Handler:")
    found = choices_from_environment({"API_PARAMETERS": "C=mine ParameterKey=D,ParameterValue=sams Other=x"})
    function = planned(tmp_path, template, parameters=found.parameters).system.functions["F"]
    assert function.environment == {"A": "global", "B": "deploy", "C": "mine", "D": "sams", "E": "d"}


# -- templates that cannot be played -----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ("Transform: AWS::Serverless-2016-10-31", "Description: x", "it is no SAM template"),
        ("Parameters: {}", "Parameters: {A: {Type: String}, B: {Type: String}}", 'Write API_PARAMETERS="A=… B=…"'),
        ("Parameters: {}", "Parameters: {A: {Type: String, Default: c, AllowedValues: [a, b]}}", "use one of a, b"),
        ("Resources:", "Nothing:", "it has no Resources"),
        ("Resources:", "Resources: [", "it cannot be read"),
        ("Events: {E: ", "Events: [a, {E: ", "it cannot be read"),
        ("Properties: {Method: GET, Path: /e}", "Properties: [a]", "it is not as AWS SAM has it"),
        ("Timeout: 1", "Timeout: soon", "it is not as AWS SAM has it"),
    ],
)
def test_a_template_that_cannot_be_played_is_refused_with_a_way_on(
    old: str, new: str, message: str, tmp_path: Path
) -> None:
    with pytest.raises(TemplateError, match=message):
        planned(tmp_path, BARE.replace(old, new))


@pytest.mark.parametrize(
    ("old", "new", "notice"),
    [
        ("Runtime: python3.13", "PackageType: Image", "F: it is a container image: its routes answer 503"),
        ("Runtime: python3.13", "Runtime: go1.x", "F: its Runtime is go1.x, and only Python is played: its routes"),
        (
            "      InlineCode: 'def handler(event, context): return {}'\n",
            "      CodeUri: s3://b/k\n",
            "no folder on this",
        ),
        ("Events: {E: ", "Events: {S: {Type: Schedule}, E: ", "F, event S (Schedule): not played: nothing invokes"),
        ("Path: /e}", "Path: /e, ApiId: x}", "F, event E: its API is not in this template: not served"),
        ("Handler:", "FunctionUrlConfig: {AuthType: NONE}\n      Handler:", "F: FunctionUrlConfig: not played"),
        ("Resources:", "Resources:\n  'Fn::ForEach::X': [a, [b], {}]", "Fn::ForEach::X among the Resources: macros"),
        ("Resources:", "Globals: {HttpApi: {Domain: {}}}\nResources:", "ServerlessHttpApi: Domain: call the address"),
        (
            "Resources:",
            "Resources:\n  N: {Type: AWS::Serverless::Application, Properties: {Location: {ApplicationId: a}}}",
            "N (nested stack): only Valet's authorizer is played nested",
        ),
    ],
)
def test_what_is_not_played_is_named(old: str, new: str, notice: str, tmp_path: Path) -> None:
    assert old in BARE
    assert notice in named(planned(tmp_path, BARE.replace(old, new)))


@pytest.mark.parametrize(
    "barrier",
    [
        "DefinitionBody: {openapi: 3.0.1}",
        "DefinitionUri: api.yaml",
        "Auth: {DefaultAuthorizer: !ImportValue X}",
        "Auth: !ImportValue X",
        "Auth: {ResourcePolicy: {IpRangeWhitelist: [10.0.0.0/8]}}",
        "Auth: {ApiKeyRequired: true}",
    ],
)
def test_an_api_with_a_guard_that_cannot_be_played_serves_no_route(barrier: str, tmp_path: Path) -> None:
    found = planned(tmp_path, BARE.replace("Resources:", f"Globals: {{HttpApi: {{{barrier}}}}}\nResources:"))
    (api,) = found.system.apis
    (route,) = api.routes
    assert route.function.logical_id in found.refused
    assert "all its routes answer 503" in named(found)


EXAMPLES = ROOT / "docs" / "examples"
METADATA = "/.well-known/oauth-protected-resource"
PARAMETERS = {"Issuer": "x", "Audience": "https://api.example.com/mcp"}


@pytest.mark.parametrize("example", ["rest-api.yaml", "http-api.yaml", "mcp-server.yaml"])
def test_an_apis_metadata_is_played_and_is_public(example: str) -> None:
    path = EXAMPLES / example
    found = plan(path, Choices((path,), parameters=PARAMETERS), ROOT, ISSUER)
    (routes,) = found.routes.values()
    for route in (f"GET {METADATA}", f"GET {METADATA}/{{proxy+}}"):
        assert dict(routes)[route] == "public"
    assert "503" not in named(found)
    assert found.valets["Valet"].metadata in found.system.functions.values()


def test_a_route_with_tools_says_what_each_asks() -> None:
    path = EXAMPLES / "mcp-server.yaml"
    found = plan(path, Choices((path,), parameters=PARAMETERS), ROOT, ISSUER)
    (routes,) = found.routes.values()
    assert dict(routes)["ANY /mcp"] == "scope tools.read, delete_item: scope tools.write"
    assert found.valets["Valet"].scopes == {"tools.read", "tools.write"}


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("security: [{NONE: []}]", "security: [{Valet: []}]"),
        ("security: [{NONE: []}]", "security: [{NONE: []}, {Key: []}]"),
        ("Valet.Outputs.MetadataFunctionArn}/inv", "ServerFunction.Arn}/inv"),
        ("type: aws_proxy", "type: http_proxy"),
        ("swagger: '2.0'", "x-amazon-apigateway-policy: {}"),
        ("MergeDefinitions: true", "MergeDefinitions: false"),
    ],
)
def test_a_definition_that_may_hold_a_guard_is_not_played(old: str, new: str, tmp_path: Path) -> None:
    text = (EXAMPLES / "mcp-server.yaml").read_text(encoding="utf-8")
    assert old in text
    text = text.replace("../../functions", str(ROOT / "functions")).replace(old, new)
    found = planned(tmp_path, text, parameters=PARAMETERS)
    assert "DefinitionBody is not played; all its routes answer 503" in named(found)
    (api,) = found.system.rest_apis
    assert {route.function.logical_id for route in api.routes if route.function} <= set(found.refused)


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("RouteKey: GET", "AuthorizationType: AWS_IAM\n      RouteKey: GET"),
        ("RouteKey: GET", "ApiKeyRequired: true\n      RouteKey: GET"),
        ("IntegrationUri: !GetAtt Valet.Outputs.MetadataFunctionArn", "IntegrationUri: !GetAtt ItemsFunction.Arn"),
        ("IntegrationType: AWS_PROXY", "IntegrationType: HTTP_PROXY"),
    ],
)
def test_a_route_that_is_a_resource_is_served_only_where_it_leads_to_metadata(
    old: str, new: str, tmp_path: Path
) -> None:
    text = (EXAMPLES / "http-api.yaml").read_text(encoding="utf-8")
    assert old in text
    text = text.replace("../../functions", str(ROOT / "functions")).replace(old, new)
    found = planned(tmp_path, text, parameters=PARAMETERS)
    assert "not served" in named(found)
    (api,) = found.system.apis
    assert not [route for route in api.routes if METADATA in route.path]


def test_an_authorizer_whose_routes_are_wrong_guards_by_refusing(tmp_path: Path) -> None:
    text = (
        (SHOP / "http.yaml").read_text(encoding="utf-8").replace('"GET /orders": {"scopes"', '"GET /orders": {"scope"')
    )
    shutil.copytree(SHOP, tmp_path / "shop")
    found = planned(tmp_path / "shop", text)
    assert "Valet: the authorizer does not start:" in named(found)
    (api,) = found.system.apis
    guarded = next(route for route in api.routes if route.key == "GET /orders")
    assert guarded.function.logical_id in found.refused


def test_the_authorizers_folder_as_a_function_of_mine_is_the_real_authorizer_too(tmp_path: Path) -> None:
    (tmp_path / "valet" / "functions" / "authorizer").mkdir(parents=True)
    template = BARE.replace(
        "  F:",
        """\
  A:
    Type: AWS::Serverless::Function
    Properties:
      Runtime: python3.13
      Handler: app.handler
      CodeUri: valet/functions/authorizer/
      Environment:
        Variables: {ISSUER: https://auth.example.com, AUDIENCE: urn:mine, ROUTES: '{"GET /e": {"scopes": ["e"]}}'}
  F:""",
    )
    valet = planned(tmp_path, template).valets["A"]
    assert (valet.audience, valet.scopes) == ("urn:mine", frozenset({"e"}))
    assert valet.functions.module("A").CONFIGURATION.issuer == ISSUER


def test_the_terminal_says_of_each_route_what_it_asks(tmp_path: Path) -> None:
    """Was: the routes alone. A route that Routes does not name looked like every other one."""
    shutil.copytree(SHOP, tmp_path / "shop")
    text = (SHOP / "http.yaml").read_text(encoding="utf-8")
    event = "Type: HttpApi, Properties: {ApiId: !Ref Api"
    rules = """\
            "GET /old-orders": {"scopes": []},
            "ANY /any": {"scopes": ["b", "a"], "roles": ["y", "x"]},
            "ANY /some": {"scopes": []}, "GET /some": {"scopes": ["a"]},
"""
    text = text.replace('            "GET /old-orders": {"scopes": ["orders"]},\n', rules)
    more = "".join(
        f"        {name}: {{{event}, Method: {method}, Path: {path}}}}}\n"
        for name, method, path in (("A", "'*'", "/any"), ("B", "any", "/some"), ("C", "PUT", "/orders"))
    )
    text = text.replace("        Welcome:", f"{more}        Welcome:", 1)
    (shown,) = planned(tmp_path / "shop", text).routes.values()
    asked = dict(shown)
    assert asked["GET /"] == "public"
    assert asked["GET /orders"] == "scope orders"
    assert asked["DELETE /orders/{id}"] == "scope orders, role admin"
    assert asked["GET /old-orders"] == "any token for this API"
    assert asked["GET /own"] == "authorizer Own"
    assert asked["ANY /any"] == "scope a and b, role x or y"
    assert asked["ANY /some"] == "as Routes says for each method"
    assert asked["PUT /orders"] == "answers 403: Routes does not name it"
    assert asked["GET /iam"] == "answers 503: the authorizer AWS_IAM is not played"


def test_an_authorizer_that_matches_the_path_is_said_to(tmp_path: Path) -> None:
    shutil.copytree(SHOP, tmp_path / "shop")
    text = (SHOP / "http.yaml").read_text(encoding="utf-8")
    text = text.replace("        Response: simple\n", "        Response: simple\n        Match: path\n")
    (shown,) = planned(tmp_path / "shop", text).routes.values()
    assert dict(shown)["GET /orders"] == "as Routes says for each path"


# -- change ------------------------------------------------------------------------------------------------------------


@pytest.fixture
def mine(fresh_stack: LocalStack, tmp_path: Path) -> Iterator[tuple[Shop, Path]]:
    """A copy to change."""
    shutil.copytree(SHOP, tmp_path / "shop")
    found = shop(fresh_stack, tmp_path / "shop" / "http.yaml")
    found.register()
    yield found, tmp_path / "shop"
    found.stacks.stop()


def test_changed_code_answers_the_next_request(mine: tuple[Shop, Path]) -> None:
    running, folder = mine
    assert running.call("GET", "/").json()["layer"] == "of the layer"
    (folder / "layer" / "python" / "shop_shared.py").write_text('NAME = "changed"\n')
    assert running.call("GET", "/").json()["layer"] == "changed"
    assert ("OrdersFunction", "its code has changed: loaded again") in running.lines
    before = (folder / "orders" / "app.py").read_text(encoding="utf-8")
    (folder / "orders" / "app.py").write_text("def handler(\n")
    assert running.call("GET", "/").status_code == 500
    assert any("SyntaxError" in line for _, line in running.lines)
    (folder / "orders" / "app.py").write_text(before)
    assert running.call("GET", "/").status_code == 200


def test_a_changed_template_is_read_before_the_next_request(mine: tuple[Shop, Path]) -> None:
    running, folder = mine
    token = service_token(running.issuer, "orders")
    assert running.call("GET", "/orders", token).status_code == 200
    template = folder / "http.yaml"
    text = template.read_text(encoding="utf-8")
    template.write_text(text.replace('"GET /orders": {"scopes": ["orders"]}', '"GET /orders": {"scopes": ["more"]}'))
    assert running.call("GET", "/orders", token).status_code == 403
    assert len(running.read) == 1
    template.write_text(text.replace("Default: hello", "Default: hi"))
    assert running.call("GET", "/").json()["variables"]["GREETING"] == "hi"
    assert running.call("GET", "/orders", token).status_code == 200


def test_while_a_changed_template_is_wrong_the_one_before_goes_on_and_guards(mine: tuple[Shop, Path]) -> None:
    running, folder = mine
    template = folder / "http.yaml"
    text = template.read_text(encoding="utf-8")
    for wrong in ("Resources: [", "Resources: {}\n", text.replace("Default: hello", "")):
        template.write_text(wrong)
        assert running.call("GET", "/orders").status_code == 401
        assert running.call("GET", "/").json()["variables"]["GREETING"] == "hello"
    assert len(running.wrong) == 3
    template.unlink()
    assert running.call("GET", "/orders").status_code == 401


# -- the interpreter ---------------------------------------------------------------------------------------------------


def test_functions_run_with_the_environment_next_to_the_template(tmp_path: Path) -> None:
    (tmp_path / ".venv" / "bin").mkdir(parents=True)
    (tmp_path / ".venv" / "bin" / "python").symlink_to(sys.executable)
    found = planned(tmp_path, BARE)
    assert found.code["F"].python == str(tmp_path / ".venv" / "bin" / "python")
    assert "no .venv" not in named(found)
    assert planned(tmp_path, BARE, python="/other/python").code["F"].python == "/other/python"


def test_api_env_is_read_again_with_the_template(tmp_path: Path) -> None:
    variables = tmp_path / "env.json"
    for value in ("1", "2"):
        variables.write_text(json.dumps({"F": {"GIVEN": value}}))
        assert planned(tmp_path, BARE, variables=variables).code["F"].variables == {"GIVEN": value}
