"""Every function as it is deployed: its code, its runtime, its role, its log group."""

import re
from typing import Any

import pytest

from local.template import load
from tests.endpoints import FUNCTIONS, NESTED_FUNCTIONS
from tests.parts.template.cloudformation import EVERYTHING, ROOT, WHERE_TOLD, resources, translated

QUEUES = ("BackChannelLogout=on", "MailFrom=id@example.com")


def _functions() -> dict[str, Any]:
    return resources(translated(*EVERYTHING), "AWS::Lambda::Function")


def test_each_folder_in_functions_is_a_function_and_each_function_a_folder() -> None:
    assert sorted(_functions()) == sorted(FUNCTIONS)
    folders = {path.parent.name for path in (ROOT / "functions").glob("*/app.py")}
    assert folders == {*FUNCTIONS.values(), *NESTED_FUNCTIONS}


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


def test_what_may_be_switched_off_is_deployed_on_request() -> None:
    conditional = {name: each["Condition"] for name, each in _functions().items() if "Condition" in each}
    assert conditional == {
        "AuthorizerFunction": "HasDemo",
        "DemoApiFunction": "HasDemo",
        "DeviceAuthorizationFunction": "HasDevices",
        "DeviceFunction": "HasDevices",
        "FederateFunction": "HasFederation",
        "FetchFunction": "TakesDocuments",
        "RegisterFunction": "RegistersClients",
        "PasskeyFunction": "HasPasskeys",
        "NotifyClientsFunction": "TellsLogouts",
        "SecondFunction": "HasRecovery",
        "AskFunction": "SendsMail",
        "ConfirmFunction": "SendsMail",
        "MailerFunction": "SendsMail",
    }


def test_what_hashes_passwords_has_a_whole_core_and_nothing_else_pays_for_one() -> None:
    memory = {name: each["Properties"]["MemorySize"] for name, each in _functions().items()}
    for name in ("LoginFunction", "CredentialsFunction", "ConfirmFunction"):
        assert memory.pop(name) == 1769
    assert memory.pop("FetchFunction") == 256  # it waits for others
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
        *({"Fn::GetAtt": [f"{name}Role", "Arn"]} for name in ("TokenFunction", "StatusListFunction")),
        WHERE_TOLD,
    ]


def test_what_a_queue_brings_is_hidden_six_times_as_long_as_its_reader_may_run() -> None:
    """As Lambda asks ("Using Lambda with Amazon SQS"): else a message comes again while it is still read."""
    document = translated(*QUEUES)["Resources"]
    mappings = [each["Properties"] for each in document.values() if each["Type"] == "AWS::Lambda::EventSourceMapping"]
    assert len(mappings) == 3
    for mapping in mappings:
        queue = document[mapping["EventSourceArn"]["Fn::GetAtt"][0]]["Properties"]
        function = document[mapping["FunctionName"]["Ref"]]["Properties"]
        assert queue["VisibilityTimeout"] == 6 * function["Timeout"]
        assert mapping["BatchSize"] == 1
        assert mapping["FunctionResponseTypes"] == ["ReportBatchItemFailures"]


def test_a_flood_of_messages_leaves_the_concurrency_of_the_account_to_the_endpoints() -> None:
    """Lambda would run a thousand readers of a full queue at once, each as long as a slow client takes."""
    document = translated(*QUEUES)["Resources"]
    mappings = [each["Properties"] for each in document.values() if each["Type"] == "AWS::Lambda::EventSourceMapping"]
    bounds = {mapping["FunctionName"]["Ref"]: mapping["ScalingConfig"]["MaximumConcurrency"] for mapping in mappings}
    assert bounds == {"FinishFunction": 10, "NotifyClientsFunction": 10, "MailerFunction": 2}


def test_messages_are_kept_four_days_and_dead_letters_fourteen_and_an_alarm_counts_these() -> None:
    document = translated(*QUEUES)["Resources"]
    queues = {name: each["Properties"] for name, each in document.items() if each["Type"] == "AWS::SQS::Queue"}
    days = {name: each["MessageRetentionPeriod"] / 86_400 for name, each in queues.items()}
    assert days == {"SignOuts": 4, "LogoutTokens": 4, "Mail": 4, "DeadLetters": 14}
    receives = {name: each["RedrivePolicy"]["maxReceiveCount"] for name, each in queues.items() if len(each) > 2}
    assert receives == {"SignOuts": 10, "LogoutTokens": 30, "Mail": 3}
    assert all(each["SqsManagedSseEnabled"] for each in queues.values())
    alarm = document["DeadLettersAlarm"]["Properties"]
    assert alarm["Dimensions"] == [{"Name": "QueueName", "Value": {"Fn::GetAtt": ["DeadLetters", "QueueName"]}}]
    assert (alarm["Threshold"], alarm["ComparisonOperator"]) == (1, "GreaterThanOrEqualToThreshold")


def test_who_tells_no_client_pays_for_no_queue_of_logout_tokens() -> None:
    document = translated()["Resources"]
    conditional = {name for name, each in document.items() if each.get("Condition") == "TellsLogouts"}
    assert {"LogoutTokens", "NotifyClientsFunction", "NotifyClientsMessages", "NotifyClientsLogs"} <= conditional
    assert not conditional & {"SignOuts", "DeadLetters", "FinishFunction", "FinishMessages"}


def test_who_sends_no_mail_pays_for_no_queue_of_mails() -> None:
    document = translated()["Resources"]
    conditional = {name for name, each in document.items() if each.get("Condition") == "SendsMail"}
    assert {"Mail", "MailerFunction", "MailerFunctionRole", "MailerMessages", "MailerLogs"} <= conditional


@pytest.mark.parametrize("template", ["template.yaml", "functions/authorizer/template.yaml"])
def test_the_layer_is_built_by_its_own_makefile_for_the_parameters_processor(template: str) -> None:
    """sam's Python builder would fetch wheels without their hashes. The Makefile knows the processor by its folder."""
    path = ROOT / template
    document = load(path)
    ((name, layer),) = resources(document, "AWS::Serverless::LayerVersion").items()
    makefile = (ROOT / "layers" / "valet" / "Makefile").read_text(encoding="utf-8")
    assert layer["Metadata"]["BuildMethod"] == "makefile"
    assert re.search(rf"^(build-\w+ )*build-{name}( build-\w+)*:$", makefile, re.MULTILINE)
    assert layer["Metadata"]["BuildArchitecture"] == {"Ref": "Architecture"}
    is_ours = template == "template.yaml"
    named = layer["Metadata"]["WorkingDirectory"] if is_ours else layer["Properties"]["ContentUri"]
    # sam takes a WorkingDirectory from the folder of the stack that it builds, which may nest this template.
    assert is_ours or "WorkingDirectory" not in layer["Metadata"]
    for processor in document["Parameters"]["Architecture"]["AllowedValues"]:
        where = path.parent / named["Fn::Sub"].replace("${Architecture}", processor)
        assert where.resolve() == ROOT / "layers" / "valet" / processor
        assert (where / "platforms.txt").is_file()
        assert (where / "Makefile").read_text(encoding="utf-8") == makefile
        assert (where / "python" / "requirements.txt").is_file()


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
