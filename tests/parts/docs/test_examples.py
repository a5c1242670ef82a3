"""The examples, and the README's own, do what is said of them."""

from __future__ import annotations

import json
import os
import re
import shlex
import subprocess
import sys
import tomllib
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any
from urllib.parse import quote, urlsplit

import boto3
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

pytestmark = pytest.mark.slow

ROOT = Path(__file__).resolve().parents[3]
EXAMPLES = ROOT / "docs" / "examples"
README = (ROOT / "README.md").read_text(encoding="utf-8")
BOTH = {"CAPABILITY_IAM", "CAPABILITY_AUTO_EXPAND"}
AROUND_THE_AUTHORIZER = ("http-api.yaml", "rest-api.yaml", "mcp-server.yaml")
CONFIGURATION = "valet.yaml"  # tried by tests/parts/admin/test_configuration.py
AGAINST_FLOODS = ("budget.yaml", "cloudfront.yaml")
FOR_FAPI = "fapi.yaml"  # tried by test_fapi_example.py too


def deploys() -> dict[str, list[str]]:
    """Each `sam deploy` that somebody is told to copy for a stack of their own, by where it stands."""
    texts = {name: (EXAMPLES / name).read_text(encoding="utf-8") for name in AROUND_THE_AUTHORIZER}
    texts["authorizer.md"] = (ROOT / "docs" / "authorizer.md").read_text(encoding="utf-8")
    found = {name: re.findall(r"^(?:# )?(sam deploy .*)$", text, re.MULTILINE) for name, text in texts.items()}
    return {name: shlex.split(line) for name, (line,) in found.items()}


@pytest.mark.parametrize("where", [*AROUND_THE_AUTHORIZER, "authorizer.md"])
def test_a_stack_of_ones_own_is_never_valets_and_may_expand_the_nested_template(where: str) -> None:
    words = deploys()[where]
    ours = tomllib.loads((ROOT / "samconfig.toml").read_text(encoding="utf-8"))
    name = words[words.index("--stack-name") + 1]
    assert name != ours["default"]["global"]["parameters"]["stack_name"]
    given = words[words.index("--capabilities") + 1 :]
    assert set(given) == BOTH


@pytest.mark.parametrize("name", AROUND_THE_AUTHORIZER)
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
    examples = {*AROUND_THE_AUTHORIZER, *AGAINST_FLOODS, FOR_FAPI, CONFIGURATION}
    assert {path.name for path in EXAMPLES.glob("*.yaml")} == examples
    for name in AROUND_THE_AUTHORIZER:
        assert "AuthorizerFunction" in system_from_file(EXAMPLES / name, parameters).functions


# -- against floods of requests ----------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", [*AGAINST_FLOODS, FOR_FAPI])
def test_a_template_of_us_east_1_has_no_error_there(name: str) -> None:
    run = subprocess.run(
        [Path(sys.executable).with_name("cfn-lint"), "--regions", "us-east-1", "--", EXAMPLES / name],
        capture_output=True,
        text=True,
        check=False,
    )
    assert run.returncode == 0, run.stdout + run.stderr


@pytest.mark.parametrize("name", AGAINST_FLOODS)
def test_its_line_of_deployment_gives_every_parameter_that_has_no_default_and_a_value_that_it_takes(name: str) -> None:
    text = (EXAMPLES / name).read_text(encoding="utf-8")
    (line,) = re.findall(r"^# (aws cloudformation deploy .*)$", text, re.MULTILINE)
    words = shlex.split(line)
    options = dict(zip(words[3::2], words[4::2], strict=False))
    assert options["--region"] == "us-east-1"
    assert ROOT / options["--template-file"] == EXAMPLES / name
    given = dict(word.split("=", 1) for word in words[words.index("--parameter-overrides") + 1 :])
    parameters = load(EXAMPLES / name)["Parameters"]
    assert set(given) == {each for each, parameter in parameters.items() if "Default" not in parameter}
    for each, value in given.items():
        assert re.fullmatch(parameters[each].get("AllowedPattern", ".*"), value)


def test_the_firewall_blocks_by_address_and_sign_in_pages_sooner_than_the_rest() -> None:
    document = load(EXAMPLES / "cloudfront.yaml")
    firewall = document["Resources"]["Firewall"]["Properties"]
    assert (firewall["Scope"], firewall["DefaultAction"]) == ("CLOUDFRONT", {"Allow": {}})
    forms, requests = (rule["Statement"]["RateBasedStatement"] for rule in firewall["Rules"])
    assert all(rule["Action"] == {"Block": {}} for rule in firewall["Rules"])
    assert forms["AggregateKeyType"] == requests["AggregateKeyType"] == "IP"
    assert "ScopeDownStatement" not in requests
    limits = [document["Parameters"][rule["Limit"]["Ref"]]["Default"] for rule in (forms, requests)]
    assert limits == sorted(limits)
    scope = forms["ScopeDownStatement"]["RegexMatchStatement"]
    assert scope["FieldToMatch"] == {"UriPath": {}}
    # A slash at the end is the same route to API Gateway.
    assert all(re.search(scope["RegexString"], path) for path in ("/authorize", "/authorize/", "/login", "/consent"))
    assert not any(
        re.search(scope["RegexString"], path) for path in ("/token", "/userinfo", "/authorize/x", "/x/login")
    )


def test_cloudfront_forwards_everything_keeps_nothing_and_is_never_spoken_to_in_the_clear() -> None:
    distribution = load(EXAMPLES / "cloudfront.yaml")["Resources"]["Distribution"]["Properties"]["DistributionConfig"]
    assert distribution["WebACLId"] == {"Fn::GetAtt": "Firewall.Arn"}
    assert not distribution["IPV6Enabled"]  # a sender would have an address for every request
    behavior = distribution["DefaultCacheBehavior"]
    assert behavior["ViewerProtocolPolicy"] == "https-only"
    assert {"GET", "HEAD", "OPTIONS", "POST"} <= set(behavior["AllowedMethods"])
    # CloudFront's managed policies CachingDisabled and AllViewerExceptHostHeader, by the ids that AWS documents.
    assert behavior["CachePolicyId"] == "4135ea2d-6df8-44a3-9df3-4b5a84be39ad"
    assert behavior["OriginRequestPolicyId"] == "b689b0a8-53d0-40ab-baf2-68738e2966ac"
    (origin,) = distribution["Origins"]
    assert origin["CustomOriginConfig"]["OriginProtocolPolicy"] == "https-only"
    assert "CacheBehaviors" not in distribution


def test_the_budget_tells_before_and_when_it_is_passed() -> None:
    properties = load(EXAMPLES / "budget.yaml")["Resources"]["Budget"]["Properties"]
    told = {
        (each["Notification"]["NotificationType"], each["Notification"]["Threshold"])
        for each in properties["NotificationsWithSubscribers"]
        if each["Subscribers"] == [{"SubscriptionType": "EMAIL", "Address": {"Ref": "Email"}}]
    }
    assert told == {("ACTUAL", 50), ("ACTUAL", 100), ("FORECASTED", 100)}
    assert {"Amazon DynamoDB", "AWS Lambda"} <= set(properties["Budget"]["CostFilters"]["Service"])


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
    assert "3 users would be added" in run(fresh_stack, f"{line} --dry-run").output
    assert "Added 3 users" in run(fresh_stack, line).output


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

    from tests.support.application import DemoApplications

    app = DemoApplications(over_http, stack.issuer).web_app
    asked = app.ask(scope=scope, prompt="login")
    answer = browser.decide(browser.sign_in(browser.open(asked.url)))
    token = app.redeem(answer.answered["code"], asked.code_verifier).json()["access_token"]
    claims: dict[str, Any] = jwt.decode(token, options={"verify_signature": False})
    return claims


def native_app(stack: LocalStack, come_back: Callable[[Browser, str], None]) -> tuple[int, str, str]:
    """The native app's exit status and what it says, if its browser opens the address and comes back so."""
    (line,) = (line for line in operator_lines() if "--type native" in line)
    assert run(stack, line).exit_code == 0
    app = subprocess.Popen(
        [sys.executable, EXAMPLES / "native_app.py", stack.issuer, "my_cli"],
        env={"PATH": os.environ["PATH"], "BROWSER": "true"},  # the browser is ours
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    try:
        assert app.stdout is not None
        address = app.stdout.readline().removeprefix("Sign in at ").strip()
        come_back(Browser(over_http, stack.issuer), address)
        out, err = app.communicate(timeout=20)
    finally:
        app.kill()
        app.wait()
    said = [
        line for line in err.splitlines() if "AuthlibDeprecationWarning" not in line and "import httpx2" not in line
    ]
    return app.returncode, out, "\n".join(said)


def allowed(browser: Browser, address: str) -> str:
    return browser.decide(browser.sign_in(browser.open(address))).location


def test_the_native_app_signs_somebody_in(fresh_stack: LocalStack) -> None:
    def come_back(browser: Browser, address: str) -> None:
        answer = allowed(browser, address)
        forged, _, _ = answer.partition("?")
        # Any page can send the browser to the app's port. The app goes on waiting for its own answer.
        assert httpx.get(f"{forged}?error=access_denied&state=guessed").status_code == 200
        assert httpx.get(forged.replace("/callback", "/favicon.ico")).status_code == 404
        assert httpx.get(answer).status_code == 200

    assert native_app(fresh_stack, come_back) == (0, "Signed in as john\n", "")


def test_the_native_app_says_in_a_sentence_that_the_person_pressed_deny(fresh_stack: LocalStack) -> None:
    def come_back(browser: Browser, address: str) -> None:
        httpx.get(browser.decide(browser.sign_in(browser.open(address)), "deny").location)

    assert native_app(fresh_stack, come_back) == (1, "", "Not signed in: The end-user denied the request.")


def test_the_native_app_sends_no_code_that_another_server_gave(fresh_stack: LocalStack) -> None:
    def come_back(browser: Browser, address: str) -> None:
        answer = allowed(browser, address)
        httpx.get(answer.replace(quote(fresh_stack.issuer, safe=""), quote("https://evil.example", safe="")))

    status, out, err = native_app(fresh_stack, come_back)
    assert (status, out) == (1, "")
    assert err == f"Not signed in: the answer is from https://evil.example and not from {fresh_stack.issuer}."
    grants = boto3.client("dynamodb").scan(TableName=fresh_stack.tables["Grants"])["Items"]
    assert [grant["redeemed_at_ms"]["N"] for grant in grants if "redeemed_at_ms" in grant] in ([], ["0"])


def test_the_native_app_says_in_a_sentence_that_its_code_is_no_longer_good(fresh_stack: LocalStack) -> None:
    def come_back(browser: Browser, address: str) -> None:
        answer = allowed(browser, address)
        httpx.get(answer.replace("code=", "code=x"))

    status, out, err = native_app(fresh_stack, come_back)
    assert (status, out) == (1, "")
    assert err.startswith("Not signed in: ")
    assert "Traceback" not in err
