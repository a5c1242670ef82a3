"""The template deployed to emulated CloudFormation, as far as that goes (the rest: docs/operations.md)."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from tests.endpoints import FUNCTIONS
from tests.parts.template.cloudformation import translated

# One group: what is deployed for the one test is deployed for all.
pytestmark = [pytest.mark.slow, pytest.mark.xdist_group("deployment")]

# What moto does not make; the local stack plays the APIs, and cfn-lint reads the rest.
UNMADE = frozenset(
    {
        "AWS::ApiGatewayV2::Api",
        "AWS::ApiGatewayV2::Stage",
        "AWS::CloudWatch::Alarm",
        "AWS::Logs::QueryDefinition",
        "AWS::SNS::Subscription",
        "AWS::Lambda::Permission",
        "Custom::SigningKey",
    }
)


@pytest.fixture(scope="module")
def created() -> dict[str, Any]:
    run = subprocess.run(
        [sys.executable, Path(__file__).with_name("deploy.py")],
        input=json.dumps(translated("Demo=on", "BackChannelLogout=on", "MailFrom=id@example.com")),
        capture_output=True,
        text=True,
        check=False,
        timeout=120,
    )
    assert run.returncode == 0, run.stderr[-800:]
    found: dict[str, Any] = json.loads(run.stdout.splitlines()[-1])
    return found


def test_everything_is_made_that_the_emulator_knows(created: dict[str, Any]) -> None:
    document = translated("Demo=on", "BackChannelLogout=on", "MailFrom=id@example.com")
    unconditional = {"HasDemo", "HasPasskeys", "TellsLogouts", "HasAlarmEmail", "MakesRegistry", "MakesUsers"}
    wanted = {
        name
        for name, resource in document["Resources"].items()
        if resource["Type"] not in UNMADE and resource.get("Condition", "HasDemo") in unconditional
    }
    assert created["status"] == "CREATE_COMPLETE"
    assert wanted - set(created["resources"]) == set()


def test_the_tables_are_as_they_should_be(created: dict[str, Any]) -> None:
    tables = created["tables"]
    for name in ("Registry", "Users"):
        assert tables[name]["DeletionProtectionEnabled"] is True
    assert tables["Grants"]["DeletionProtectionEnabled"] is False


def test_every_function_is_told_its_tables_and_its_stack(created: dict[str, Any]) -> None:
    assert len(created["functions"]) == len(FUNCTIONS)
    for function in created["functions"].values():
        variables = function["Environment"]["Variables"]
        assert variables["POWERTOOLS_SERVICE_NAME"] == "valet"
        for table in ("Registry", "Users", "Grants"):
            assert variables[f"{table.upper()}_TABLE"] == created["resources"][table]


def test_a_roles_policy_names_the_tables_that_were_made(created: dict[str, Any]) -> None:
    text = json.dumps(created["policies"])
    assert "Fn::" not in text
    assert "${" not in text
    arns = {table["TableArn"] for table in created["tables"].values()}
    for policies in created["policies"].values():
        for policy in policies:
            for statement in policy["Statement"]:
                is_of_others = any(service in str(statement["Action"]) for service in ("sqs:", "ses:", "lambda:"))
                if statement["Effect"] == "Allow" and "kms:CreateKey" not in statement["Action"] and not is_of_others:
                    assert statement["Resource"] in arns


def test_a_role_is_left_the_log_group_that_was_made_for_its_function(created: dict[str, Any]) -> None:
    for name, policies in created["policies"].items():
        kept = [each["NotResource"] for policy in policies for each in policy["Statement"] if "NotResource" in each]
        group = created["resources"][name.replace("FunctionRole", "Logs")]
        assert [arn.removesuffix(":*").partition(":log-group:")[2] for arn in kept] == [group]


def test_rotate_keys_knows_the_roles_that_sign_by_their_real_names(created: dict[str, Any]) -> None:
    variables = created["functions"]["RotateKeysFunction"]["Environment"]["Variables"]
    roles = {created["functions"][name]["Role"] for name in ("TokenFunction", "StatusListFunction")}
    assert set(variables["SIGNING_ROLE_ARNS"].split(",")) == roles
    assert variables["WAITING_ROLE_ARNS"] == created["functions"]["NotifyClientsFunction"]["Role"]
    assert variables["ROTATE_ROLE_ARN"] == created["functions"]["RotateKeysFunction"]["Role"]


def test_the_functions_of_the_queues_know_them_by_their_addresses(created: dict[str, Any]) -> None:
    def variables(function: str) -> dict[str, str]:
        found: dict[str, str] = created["functions"][f"{function}Function"]["Environment"]["Variables"]
        return {name: found[name] for name in sorted(found) if name.endswith("_QUEUE")}

    queues = {name: created["resources"][name] for name in ("SignOuts", "LogoutTokens", "Mail", "DeadLetters")}
    assert variables("Logout") == {"SIGN_OUTS_QUEUE": queues["SignOuts"]}
    assert variables("Authorize") == {"SIGN_OUTS_QUEUE": queues["SignOuts"]}
    assert variables("Login") == variables("Second") == {"MAIL_QUEUE": queues["Mail"]}
    assert variables("Finish") == {
        "SIGN_OUTS_QUEUE": queues["SignOuts"],
        "LOGOUT_TOKENS_QUEUE": queues["LogoutTokens"],
    }
    assert variables("NotifyClients") == {
        "LOGOUT_TOKENS_QUEUE": queues["LogoutTokens"],
        "DEAD_LETTERS_QUEUE": queues["DeadLetters"],
    }
    assert variables("Mailer") == {"MAIL_QUEUE": queues["Mail"]}
    told = created["functions"]["NotifyClientsFunction"]
    assert told["Environment"]["Variables"]["OWN_ROLE_ARN"] == told["Role"]


def test_the_mailer_may_send_from_one_address_of_one_identity_and_nothing_else(created: dict[str, Any]) -> None:
    policies = created["policies"]["MailerFunctionRole"]
    (allowed,) = [each for policy in policies for each in policy["Statement"] if "ses:" in str(each["Action"])]
    assert allowed["Action"] == "ses:SendEmail"
    assert allowed["Resource"].endswith(":identity/example.com")
    assert allowed["Condition"] == {"StringEquals": {"ses:FromAddress": "id@example.com"}}
    others = [policy for name, found in created["policies"].items() if name != "MailerFunctionRole" for policy in found]
    assert "ses:" not in json.dumps(others)


def test_every_log_group_forgets(created: dict[str, Any]) -> None:
    ours = {name: days for name, days in created["retention"].items() if "valet" in name}
    assert len(ours) == len(FUNCTIONS) + 2  # the operators' log, and the access log
    assert set(ours.values()) <= {90, "90"}


def test_an_update_keeps_every_table_and_what_is_in_it(created: dict[str, Any]) -> None:
    updated = created["updated"]
    assert updated["status"] == "UPDATE_COMPLETE"
    assert updated["kept"] == ["Registry", "Users", "Grants"]
    for name, before in created["resources"].items():
        assert updated["resources"][name] == before, f"{name} was replaced"
    assert set(updated["resources"]) - set(created["resources"]) == {"WrappingKey"}


def test_an_update_tells_every_function_what_has_changed(created: dict[str, Any]) -> None:
    for name in ("TokenFunction", "StatusListFunction", "RotateKeysFunction"):
        variables = created["updated"]["functions"][name]["Environment"]["Variables"]
        told = {
            each: str(variables[each]) for each in ("SIGNER", "SIGNING_ALG", "ACCESS_TOKEN_LIFETIME", "RETRY_WINDOW")
        }
        assert told == {
            "SIGNER": "wrapped",
            "SIGNING_ALG": "ES256",
            "ACCESS_TOKEN_LIFETIME": "600",
            "RETRY_WINDOW": "30",
        }


@pytest.mark.parametrize("name", ["Registry", "Users", "Grants"])
def test_no_parameter_can_make_cloudformation_replace_a_table(name: str) -> None:
    """Another key schema or name makes another table, and an empty one. So does another logical id: these stay."""
    table = translated()["Resources"][name]
    assert table["Type"] == "AWS::DynamoDB::Table"
    text = json.dumps(table["Properties"])
    assert not [word for word in ("Ref", "Fn::", "TableName") if word in text]
    assert table.get("Condition") == {"Registry": "MakesRegistry", "Users": "MakesUsers"}.get(name)
