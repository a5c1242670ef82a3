"""Every function as it is deployed: its code, its runtime, its role, its log group."""

import re
from typing import Any

import pytest

from local.template import load
from tests.endpoints import FUNCTIONS
from tests.parts.template.cloudformation import EVERYTHING, ROOT, resources, translated


def _functions() -> dict[str, Any]:
    return resources(translated(*EVERYTHING), "AWS::Lambda::Function")


def test_each_folder_in_functions_is_a_function_and_each_function_a_folder() -> None:
    assert sorted(_functions()) == sorted(FUNCTIONS)
    folders = {path.parent.name for path in (ROOT / "functions").glob("*/app.py")}
    assert folders == set(FUNCTIONS.values())


@pytest.mark.parametrize("function", FUNCTIONS)
def test_a_function_runs_on_python_3_13_on_the_processor_that_the_parameter_names(function: str) -> None:
    properties = _functions()[function]["Properties"]
    assert properties["Runtime"] == "python3.13"
    assert properties["Architectures"] == [{"Ref": "Architecture"}]
    assert properties["Handler"] == "app.handler"


@pytest.mark.parametrize("function", FUNCTIONS)
def test_a_function_logs_json_to_a_group_of_its_own_that_forgets(function: str) -> None:
    logging = _functions()[function]["Properties"]["LoggingConfig"]
    assert logging["LogFormat"] == "JSON"
    assert logging["SystemLogLevel"] == "WARN"
    groups = resources(translated(*EVERYTHING), "AWS::Logs::LogGroup")
    assert logging["LogGroup"]["Ref"] == function.replace("Function", "Logs")
    group = groups[logging["LogGroup"]["Ref"]]["Properties"]
    assert group["RetentionInDays"] == {"Ref": "LogRetention"}
    name = FUNCTIONS[function].replace("_", "-")
    assert group["LogGroupName"] == {"Fn::Sub": f"/aws/lambda/${{AWS::StackName}}-{name}"}


@pytest.mark.parametrize("function", FUNCTIONS)
def test_a_function_has_a_role_of_its_own(function: str) -> None:
    role = _functions()[function]["Properties"]["Role"]
    assert role == {"Fn::GetAtt": [f"{function}Role", "Arn"]}


def test_only_the_demo_and_passkeys_are_deployed_on_request() -> None:
    conditional = {name: each["Condition"] for name, each in _functions().items() if "Condition" in each}
    assert conditional == {
        "AuthorizerFunction": "HasDemo",
        "DemoApiFunction": "HasDemo",
        "PasskeyFunction": "HasPasskeys",
        "CredentialsFunction": "HasPasskeys",
    }


def test_login_has_a_whole_core_and_nothing_else_pays_for_one() -> None:
    memory = {name: each["Properties"]["MemorySize"] for name, each in _functions().items()}
    assert memory.pop("LoginFunction") == 1769
    assert set(memory.values()) == {512}


def test_the_token_function_cannot_run_longer_than_the_least_retry_window() -> None:
    """Else its own late rotation could fall outside the window in which a retry is forgiven."""
    assert _functions()["TokenFunction"]["Properties"]["Timeout"] < 11


def test_the_first_key_waits_longer_than_the_function_that_makes_it_may_run() -> None:
    first_key = translated()["Resources"]["FirstKey"]["Properties"]
    timeout = _functions()["RotateKeysFunction"]["Properties"]["Timeout"]
    assert timeout < first_key["ServiceTimeout"] == 120
    assert first_key["ServiceToken"] == {"Fn::GetAtt": ["RotateKeysFunction", "Arn"]}


def test_a_new_role_of_a_signing_function_brings_rotate_keys_to_look_at_the_keys_at_once() -> None:
    first_key = translated()["Resources"]["FirstKey"]["Properties"]
    assert first_key["SigningRoles"] == [
        {"Fn::GetAtt": [f"{name}Role", "Arn"]} for name in ("TokenFunction", "StatusListFunction")
    ]


@pytest.mark.parametrize("template", ["template.yaml", "functions/authorizer/template.yaml"])
def test_the_layer_is_built_by_its_own_makefile_for_the_parameters_processor(template: str) -> None:
    """sam's Python builder would fetch wheels without their hashes. The Makefile knows the processor by its folder."""
    path = ROOT / template
    document = load(path)
    ((name, layer),) = resources(document, "AWS::Serverless::LayerVersion").items()
    folder = path.parent / layer["Properties"]["ContentUri"]
    makefile = (folder / "Makefile").read_text(encoding="utf-8")
    assert layer["Metadata"]["BuildMethod"] == "makefile"
    assert re.search(rf"^(build-\w+ )*build-{name}( build-\w+)*:$", makefile, re.MULTILINE)
    assert layer["Metadata"]["BuildArchitecture"] == {"Ref": "Architecture"}
    for processor in document["Parameters"]["Architecture"]["AllowedValues"]:
        where = path.parent / layer["Metadata"]["WorkingDirectory"]["Fn::Sub"].replace("${Architecture}", processor)
        assert where.resolve() == folder.resolve() / processor
        assert (where / "platforms.txt").is_file()


def test_no_function_brings_packages_of_its_own() -> None:
    """sam's Python builder, which builds the functions, would fetch them without their hashes."""
    assert {path.name for path in (ROOT / "functions").rglob("*") if path.is_file() and path.suffix != ".pyc"} == {
        "app.py",
        "template.yaml",
    }


def test_the_layer_says_which_processor_it_is_for() -> None:
    (layer,) = resources(translated(), "AWS::Lambda::LayerVersion").values()
    assert layer["Properties"]["CompatibleArchitectures"] == [{"Ref": "Architecture"}]


def test_every_variable_that_sam_local_may_set_is_declared() -> None:
    for function in _functions().values():
        variables = function["Properties"]["Environment"]["Variables"]
        assert variables["AWS_ENDPOINT_URL"] == ""
        assert "ISSUER_URL" in variables


def test_a_proxy_is_believed_only_where_the_operator_says_that_there_is_one() -> None:
    """With a wildcard domain's IssuerUrl, say, clients connect to the API itself: X-Forwarded-For is their own word."""
    for function in _functions().values():
        variables = function["Properties"]["Environment"]["Variables"]
        assert variables["BEHIND_PROXY"] == {"Fn::If": ["IsBehindProxy", "true", ""]}
    assert translated()["Conditions"]["IsBehindProxy"] == {"Fn::Equals": [{"Ref": "BehindProxy"}, "on"]}
    assert translated()["Parameters"]["BehindProxy"]["Default"] == "off"


def test_the_protected_api_knows_the_issuer_and_not_the_tables_of_its_roles() -> None:
    variables = _functions()["AuthorizerFunction"]["Properties"]["Environment"]["Variables"]
    assert {"ISSUER", "AUDIENCE", "ROUTES", "RESPONSE"} <= set(variables)
    assert variables["RESPONSE"] == "policy"
