"""The examples, and the README's own, do what is said of them."""

from __future__ import annotations

import json
import os
import re
import shlex
import subprocess
import sys
import tomllib
from collections.abc import Mapping
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import httpx
import pytest
import yaml
from click.testing import CliRunner, Result

from admin.cli import valet as command
from local.beside import system_from_file
from local.stack import LocalStack
from local.template import load
from tests.parts.docs.sam import sam
from tests.support.browser import Browser
from tests.support.wire import over_http

ROOT = Path(__file__).resolve().parents[3]
EXAMPLES = ROOT / "docs" / "examples"
README = (ROOT / "README.md").read_text(encoding="utf-8")
BOTH = {"CAPABILITY_IAM", "CAPABILITY_AUTO_EXPAND"}


def deploys() -> dict[str, list[str]]:
    """Each `sam deploy` that somebody is told to copy for a stack of their own, by where it stands."""
    texts = {path.name: path.read_text(encoding="utf-8") for path in EXAMPLES.glob("*.yaml")}
    texts["authorizer.md"] = (ROOT / "docs" / "authorizer.md").read_text(encoding="utf-8")
    found = {name: re.findall(r"^(?:# )?(sam deploy .*)$", text, re.MULTILINE) for name, text in texts.items()}
    return {name: shlex.split(line) for name, (line,) in found.items()}


@pytest.mark.parametrize("where", ["http-api.yaml", "rest-api.yaml", "authorizer.md"])
def test_a_stack_of_ones_own_is_never_valets_and_may_expand_the_nested_template(where: str) -> None:
    words = deploys()[where]
    ours = tomllib.loads((ROOT / "samconfig.toml").read_text(encoding="utf-8"))
    name = words[words.index("--stack-name") + 1]
    assert name != ours["default"]["global"]["parameters"]["stack_name"]
    given = words[words.index("--capabilities") + 1 :]
    assert set(given) == BOTH


@pytest.mark.parametrize("name", ["http-api.yaml", "rest-api.yaml"])
def test_an_example_is_built_and_deployed_where_no_configuration_of_valets_is_in_force(name: str) -> None:
    text = (EXAMPLES / name).read_text(encoding="utf-8")
    assert re.findall(r"^# (cd .*|sam build .*)$", text, re.MULTILINE) == [
        "cd docs/examples",
        f"sam build --template {name}",
    ]
    assert not (EXAMPLES / "samconfig.toml").exists()
    # What sam itself makes of it; without credentials it ends before it asks for anything.
    words = [word for word in deploys()[name][1:] if word != "--guided"]
    done = sam(*words, "--template-file", name, "--s3-bucket", "none", "--debug", folder=EXAMPLES)
    assert f"Config file '{EXAMPLES}/samconfig.toml' does not exist" in done.stderr
    (expanded,) = re.findall(r"^.*--template_file=.*$", done.stderr, re.MULTILINE)
    assert f"--stack_name=my-{name.removesuffix('.yaml')}" in expanded
    assert all(capability in expanded for capability in BOTH)


def test_the_readmes_authorizer_is_the_nested_template_and_its_scopes_are_registered() -> None:
    (text,) = re.findall(r"```yaml\n(.*?)```", README, re.DOTALL)
    document = yaml.safe_load(text.replace("!GetAtt ", ""))
    nested = document["Resources"]["Valet"]["Properties"]
    location = ROOT / nested["Location"].removeprefix("valet/")
    assert set(nested["Parameters"]) <= set(load(location)["Parameters"])
    example = load(EXAMPLES / "http-api.yaml")["Resources"]["Api"]["Properties"]["Auth"]["Authorizers"]["Valet"]
    given = document["Resources"]["Api"]["Properties"]["Auth"]["Authorizers"]["Valet"]
    assert {**given, "FunctionArn": None} == {**example, "FunctionArn": None}
    routes = json.loads(nested["Parameters"]["Routes"])
    added = [shlex.split(line) for line in operator_lines() if line.startswith("apis add ")]
    assert [words[2] for words in added] == [nested["Parameters"]["Audience"]]
    for rule in routes.values():
        assert set(rule["scopes"]) <= set(added[0])
        assert set(rule.get("roles", ())) <= set(added[0])


def test_the_examples_nest_what_there_is() -> None:
    parameters = {"Issuer": "https://id.example.com", "Audience": "https://api.example.com"}
    for path in sorted(EXAMPLES.glob("*.yaml")):
        assert "AuthorizerFunction" in system_from_file(path, parameters).functions


def operator_lines() -> list[str]:
    return re.findall(r"^admin/valet (.*)$", README, re.MULTILINE)


def run(stack: LocalStack, arguments: str) -> Result:
    environment = {"AWS_PORT": str(urlsplit(stack.aws_url).port), "COLUMNS": "200"}
    return CliRunner().invoke(command, shlex.split(arguments.replace("docs/", f"{ROOT}/docs/")), env=environment)


def test_what_the_readme_tells_an_operator_works_from_the_first_line_to_the_last(fresh_stack: LocalStack) -> None:
    for line in operator_lines():
        assert line.endswith("--local")
        result = run(fresh_stack, line)
        assert result.exit_code in ((0, 1) if line.startswith("doctor") else (0,)), f"{line}: {result.output}"


def test_the_people_of_the_example_can_be_imported(fresh_stack: LocalStack) -> None:
    line = "users import docs/examples/people.csv --local"
    assert "3 people would be added" in run(fresh_stack, f"{line} --dry-run").output
    assert "Added 3 people" in run(fresh_stack, line).output


def test_a_token_for_ones_own_api_says_its_audience_among_others_where_openid_is_asked_for(
    fresh_stack: LocalStack,
) -> None:
    """As the README says of `aud`."""
    from local.demo_data import CLIENTS

    assert all("items" in client.scope for client in CLIENTS if "openid" in client.scope)
    browser, tokens = Browser(over_http, fresh_stack.issuer), {}
    for scope in ("items", "openid items"):
        tokens[scope] = _claims(fresh_stack, browser, scope)["aud"]
    assert tokens == {"items": fresh_stack.audience, "openid items": [fresh_stack.audience, fresh_stack.issuer]}


def _claims(stack: LocalStack, browser: Browser, scope: str) -> Mapping[str, Any]:
    import jwt

    from tests.support.application import Application

    app = Application(over_http, stack.issuer, "web_app_123", "web_secret_456", "https://webapp.example.com/callback")
    asked = app.ask(scope=scope, prompt="login")
    answer = browser.decide(browser.sign_in(browser.open(asked.url)))
    token = app.redeem(answer.answered["code"], asked.code_verifier).json()["access_token"]
    claims: dict[str, Any] = jwt.decode(token, options={"verify_signature": False})
    return claims


def test_the_native_app_signs_somebody_in(fresh_stack: LocalStack) -> None:
    (line,) = (line for line in operator_lines() if "--type native" in line)
    assert run(fresh_stack, line).exit_code == 0
    app = subprocess.Popen(
        [sys.executable, EXAMPLES / "native_app.py", fresh_stack.issuer, "my_cli"],
        env={"PATH": os.environ["PATH"], "BROWSER": "true"},  # the browser is ours
        stdout=subprocess.PIPE,
        text=True,
    )
    try:
        assert app.stdout is not None
        address = app.stdout.readline().removeprefix("Sign in at ").strip()
        browser = Browser(over_http, fresh_stack.issuer)
        answer = browser.decide(browser.sign_in(browser.open(address)))
        assert httpx.get(answer.location).status_code == 200
        out, _ = app.communicate(timeout=20)
    finally:
        app.kill()
        app.wait()
    assert out == "Signed in as john\n"
