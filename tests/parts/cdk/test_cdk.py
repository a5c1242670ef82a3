"""`cdk synth` over the app of docs/apis/cdk.md: what an API on AWS CDK gets of Valet's authorizer."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
from valet.resource_server.api_gateway.configuration import parse

from local.template import load
from tests.support.missing import is_missing

pytestmark = pytest.mark.xdist_group("cdk")  # the app is synthesized once

HERE = Path(__file__).parent
ROOT = HERE.parents[2]
PAGE = ROOT / "docs" / "apis" / "cdk.md"
TEMPLATE = ROOT / "functions" / "authorizer" / "template.yaml"
TRANSPILE = """
const ts = require("typescript"), fs = require("fs");
const options = { compilerOptions: { module: "commonjs", target: "es2022" } };
fs.writeFileSync("app.js", ts.transpileModule(fs.readFileSync("app.ts", "utf8"), options).outputText);
"""
QUIET = {"CDK_DISABLE_CLI_TELEMETRY": "true", "AWS_EC2_METADATA_DISABLED": "true", "AWS_REGION": "eu-west-1"}

Resources = Mapping[str, Mapping[str, Any]]


@pytest.fixture(scope="module")
def stacks(tmp_path_factory: pytest.TempPathFactory) -> Mapping[str, Resources]:
    """The resources of each stack that the page's app makes."""
    if not (HERE / "node_modules/aws-cdk-lib/package.json").exists() or shutil.which("node") is None:
        is_missing("AWS CDK is not there, or no node to run it: (cd tests/parts/cdk && npm ci)")
    folder = tmp_path_factory.mktemp("cdk")
    (folder / "node_modules").symlink_to(HERE / "node_modules")
    (example,) = re.findall(r"```ts\n(.*?)```", PAGE.read_text(encoding="utf-8"), re.DOTALL)
    (folder / "app.ts").write_text(example, encoding="utf-8")
    # `sam package` writes short tags out as well, and addresses in S3 for the two folders.
    (folder / "authorizer.yaml").write_text(json.dumps(load(TEMPLATE)), encoding="utf-8")
    run(folder, ["node", "-e", TRANSPILE])
    cdk = folder / "node_modules/.bin/cdk"
    run(folder, [cdk, "synth", "--app", "node app.js", "--output", "out", "--no-notices", "--quiet"])
    found = {
        path.name.removesuffix(".template.json"): json.loads(path.read_text())
        for path in folder.glob("out/*.template.json")
    }
    assert all(document["Transform"] == "AWS::Serverless-2016-10-31" for document in found.values())
    return {name: document["Resources"] for name, document in found.items()}


def run(folder: Path, command: list[Any]) -> None:
    env = {"PATH": os.environ["PATH"], "HOME": str(folder), **QUIET}
    ran = subprocess.run(command, cwd=folder, env=env, capture_output=True, text=True, check=False, timeout=120)
    assert ran.returncode == 0, ran.stdout + ran.stderr


def of(resources: Resources, kind: str) -> list[Mapping[str, Any]]:
    return [each["Properties"] for each in resources.values() if each["Type"] == kind]


@pytest.mark.parametrize(("name", "response"), [("my-http-api", "simple"), ("my-rest-api", "policy")])
def test_the_authorizer_is_whole_and_knows_its_routes(
    stacks: Mapping[str, Resources], name: str, response: str
) -> None:
    function = stacks[name]["AuthorizerFunction"]["Properties"]
    variables = {key: value for key, value in function["Environment"]["Variables"].items() if isinstance(value, str)}
    configuration = parse(variables)
    assert set(configuration.routes.rules) == {"GET /items", "DELETE /items/{id}"}
    assert variables["RESPONSE"] == response
    written = load(TEMPLATE)["Resources"]["AuthorizerFunction"]["Properties"]
    for kept in ("Handler", "Layers", "LoggingConfig", "MemorySize", "Policies", "Timeout"):
        given = [written[kept]] if kept == "Policies" and isinstance(written[kept], dict) else written[kept]
        assert function[kept] == given


@pytest.mark.parametrize("name", ["my-http-api", "my-rest-api"])
def test_api_gateway_may_invoke_it_for_this_api_alone(stacks: Mapping[str, Resources], name: str) -> None:
    arn = {"Fn::GetAtt": ["AuthorizerFunction", "Arn"]}
    (permission,) = (each for each in of(stacks[name], "AWS::Lambda::Permission") if each["FunctionName"] == arn)
    assert (permission["Action"], permission["Principal"]) == ("lambda:InvokeFunction", "apigateway.amazonaws.com")
    assert "/authorizers/" in json.dumps(permission["SourceArn"])
    assert "*" not in json.dumps(permission["SourceArn"])


def test_the_http_apis_routes_stand_behind_it_without_a_cache(stacks: Mapping[str, Resources]) -> None:
    (authorizer,) = of(stacks["my-http-api"], "AWS::ApiGatewayV2::Authorizer")
    assert authorizer["AuthorizerPayloadFormatVersion"] == "2.0"
    assert authorizer["AuthorizerResultTtlInSeconds"] == 0
    assert authorizer["EnableSimpleResponses"] is True
    assert authorizer["IdentitySource"] == ["$request.header.Authorization"]
    routes = of(stacks["my-http-api"], "AWS::ApiGatewayV2::Route")
    assert {each["RouteKey"] for each in routes} == {"GET /items", "DELETE /items/{id}"}
    assert {each["AuthorizationType"] for each in routes} == {"CUSTOM"}


def test_the_rest_apis_methods_stand_behind_it_without_a_cache_and_preflights_do_not(
    stacks: Mapping[str, Resources],
) -> None:
    (authorizer,) = of(stacks["my-rest-api"], "AWS::ApiGateway::Authorizer")
    assert (authorizer["Type"], authorizer["AuthorizerResultTtlInSeconds"]) == ("REQUEST", 0)
    assert authorizer["IdentitySource"] == "method.request.header.Authorization"
    found = {
        (each["HttpMethod"], each["AuthorizationType"]) for each in of(stacks["my-rest-api"], "AWS::ApiGateway::Method")
    }
    assert found == {("GET", "CUSTOM"), ("DELETE", "CUSTOM"), ("OPTIONS", "NONE")}
