"""What each function may do (P7), read from the roles that SAM makes and from the policies of keys."""

from collections.abc import Mapping
from typing import Any

import pytest
from valet.models.grants import GrantOutline

from tests.endpoints import FUNCTIONS
from tests.parts.template.cloudformation import EVERYTHING, WHERE_TOLD, listed, resources, statements, translated

BASIC = "service-role/AWSLambdaBasicExecutionRole"
NO_DATA = {"AuthorizerFunction", "DemoApiFunction"}
# What reads or writes without naming one partition, or many items at once.
BROAD = {"Scan", "PartiQL", "Batch", "Transact", "*"}


def _role(function: str, *parameters: str) -> dict[str, Any]:
    return resources(translated(*(parameters or ("Demo=on",))), "AWS::IAM::Role")[f"{function}Role"]


def _all(function: str) -> list[dict[str, Any]]:
    """Every statement of the role that allows something, with KMS signing and with a wrapped key alike."""
    return [each for each in statements(_role(function)) if each["Effect"] == "Allow"]


def _allowed(function: str) -> set[tuple[str, str]]:
    """(action, partition) pairs of DynamoDB, whatever the table."""
    return {
        (action.removeprefix("dynamodb:"), key)
        for statement in _all(function)
        for action in listed(statement["Action"])
        if action.startswith("dynamodb:")
        for key in listed(statement["Condition"]["ForAllValues:StringLike"]["dynamodb:LeadingKeys"])
    }


@pytest.mark.parametrize("function", FUNCTIONS)
def test_a_role_has_one_managed_policy_of_which_it_may_use_its_own_log(function: str) -> None:
    (managed,) = _role(function)["Properties"]["ManagedPolicyArns"]
    assert managed.endswith(BASIC)
    group = {"Fn::GetAtt": [function.replace("Function", "Logs"), "Arn"]}
    assert [each for each in statements(_role(function)) if each["Effect"] != "Allow"] == [
        {"Effect": "Deny", "Action": "logs:*", "NotResource": group},
        {"Effect": "Deny", "Action": "logs:CreateLogGroup", "Resource": "*"},
    ]


def test_tracing_on_request_adds_the_right_to_send_traces_and_no_other() -> None:
    managed = _role("TokenFunction", *EVERYTHING)["Properties"]["ManagedPolicyArns"]
    assert [each.rpartition("/")[2] for each in managed] == ["AWSLambdaBasicExecutionRole", "AWSXrayWriteOnlyAccess"]


@pytest.mark.parametrize("function", FUNCTIONS)
def test_a_role_names_its_resources_and_its_actions(function: str) -> None:
    for statement in _all(function):
        for action in listed(statement["Action"]):
            assert not any(word in action for word in BROAD), action
        if listed(statement["Action"]) != ["kms:CreateKey"]:
            assert listed(statement["Resource"]) != ["*"]


@pytest.mark.parametrize("function", FUNCTIONS)
def test_every_statement_about_a_table_is_limited_to_named_partitions(function: str) -> None:
    for statement in _all(function):
        if not listed(statement["Action"])[0].startswith("dynamodb:"):
            continue
        condition = statement["Condition"]
        # ForAllValues is true of a request that names no partition at all.
        assert condition["Null"]["dynamodb:LeadingKeys"] == "false"
        for key in listed(condition["ForAllValues:StringLike"]["dynamodb:LeadingKeys"]):
            assert key.rstrip("*").rstrip("#"), "a pattern for every partition"
            assert "*" not in key or key.endswith("#*")


def _partitions(statement: Mapping[str, Any]) -> list[str]:
    return listed(statement.get("Condition", {}).get("ForAllValues:StringLike", {}).get("dynamodb:LeadingKeys", []))


@pytest.mark.parametrize("function", FUNCTIONS)
def test_every_update_is_limited_to_named_attributes(function: str) -> None:
    """UpdateItem creates an item that is not there: without a list of attributes it could write a whole one."""
    for statement in _all(function):
        actions, condition = listed(statement["Action"]), statement.get("Condition", {})
        names = condition.get("ForAllValues:StringEquals", {}).get("dynamodb:Attributes", [])
        partitions = _partitions(statement)
        makes_counters = (function, partitions) in (
            ("LoginFunction", ["throttle#*"]),
            ("AskFunction", ["throttle#mail#*"]),
            ("CredentialsFunction", ["throttle#mail#*"]),
        )
        if "dynamodb:UpdateItem" in actions and not makes_counters:
            assert {"pk", "sk"} < set(names)
            assert not any("*" in name for name in names)
            # ForAllValues is true of a request that names no attribute at all.
            assert condition["Null"]["dynamodb:Attributes"] == "false"
        if actions == ["dynamodb:PutItem"]:
            assert not names or condition["Null"]["dynamodb:Attributes"] == "false"
        elif names and actions != ["dynamodb:UpdateItem"]:
            # GetItem without a projection, and Query, return attributes that they do not name.
            assert actions == ["dynamodb:GetItem"]
            assert condition["StringEqualsIfExists"] == {"dynamodb:Select": "SPECIFIC_ATTRIBUTES"}
            is_outline = function == "AccountFunction" and _partitions(statement) == ["grant#*"]
            assert set(names) == {"pk", "sk"} | (set(GrantOutline.FIELDS) if is_outline else set())
            assert condition["Null"]["dynamodb:Attributes"] == "false"


@pytest.mark.parametrize("function", sorted(NO_DATA))
def test_what_protects_an_api_may_do_nothing_but_write_logs(function: str) -> None:
    assert _all(function) == []


def test_only_login_can_read_a_credential_and_nobody_can_write_one() -> None:
    readers = {name for name in FUNCTIONS for _, key in _allowed(name) if key.startswith("credential")}
    assert readers == {"LoginFunction"}
    assert {action for action, key in _allowed("LoginFunction") if key == "credential#*"} == {"Query"}


def test_only_the_two_functions_without_a_route_write_to_the_registry() -> None:
    registry = {"client#*", "client_keys#*", "cors", "scopes", "apis", "keys", "jwks_uris"}
    writers = {
        (name, key)
        for name in FUNCTIONS
        for action, key in _allowed(name)
        if key in registry and action not in ("GetItem", "Query")
    }
    assert writers == {
        ("RotateKeysFunction", "keys"),
        ("RotateKeysFunction", "scopes"),
        ("FetchClientKeysFunction", "client_keys#*"),
    }


def test_no_role_names_a_key_or_may_sign_by_its_own_policy() -> None:
    kms = {
        (name, action)
        for name in FUNCTIONS
        for statement in _all(name)
        for action in listed(statement["Action"])
        if action.startswith("kms:")
    }
    assert kms == {("RotateKeysFunction", "kms:CreateKey")}


def test_rotate_keys_can_create_nothing_but_keys_that_sign() -> None:
    (create,) = (each for each in _all("RotateKeysFunction") if listed(each["Action"]) == ["kms:CreateKey"])
    condition = create["Condition"]
    assert condition["StringEquals"]["kms:KeyUsage"] == "SIGN_VERIFY"
    assert condition["StringEquals"]["kms:KeyOrigin"] == "AWS_KMS"
    assert condition["StringEquals"]["kms:KeySpec"] == ["RSA_2048", "ECC_NIST_P256"]
    assert condition["Bool"] == {"kms:MultiRegion": "false", "kms:BypassPolicyLockoutSafetyCheck": "false"}


def test_the_wrapping_key_unwraps_for_those_who_sign_and_wraps_for_rotate_keys() -> None:
    key = resources(translated(*EVERYTHING), "AWS::KMS::Key")["WrappingKey"]
    administer, make, unwrap = key["Properties"]["KeyPolicy"]["Statement"]
    for action in administer["Action"]:
        assert action.partition(":")[2] not in ("Decrypt", "Encrypt", "Sign", "CreateGrant", "*")
        assert not action.startswith("kms:GenerateDataKey")
    assert make["Principal"] == {"AWS": {"Fn::GetAtt": ["RotateKeysFunctionRole", "Arn"]}}
    assert make["Action"] == "kms:GenerateDataKeyPairWithoutPlaintext"
    signers = [{"Fn::GetAtt": [f"{name}Role", "Arn"]} for name in ("TokenFunction", "StatusListFunction")]
    assert unwrap["Principal"] == {"AWS": [*signers, WHERE_TOLD]}
    assert unwrap["Action"] == "kms:Decrypt"
    for statement in (make, unwrap):
        assert statement["Condition"] == {"StringEquals": {"kms:EncryptionContext:valet:use": "signing-key"}}


def test_the_nonce_key_makes_macs_for_the_functions_that_ask_for_nonces_alone() -> None:
    key = resources(translated(*EVERYTHING), "AWS::KMS::Key")["NonceKey"]
    administer, make = key["Properties"]["KeyPolicy"]["Statement"]
    for action in administer["Action"]:
        assert "Mac" not in action
        assert action.partition(":")[2] not in ("CreateGrant", "*")
    able = [{"Fn::GetAtt": [f"{name}FunctionRole", "Arn"]} for name in ("Par", "Token")]
    assert make["Principal"] == {"AWS": able}
    assert make["Action"] == "kms:GenerateMac"
    assert make["Condition"] == {"StringEquals": {"kms:MacAlgorithm": "HMAC_SHA_256"}}


def test_operators_seal_providers_secrets_and_open_none() -> None:
    key = resources(translated(*EVERYTHING), "AWS::KMS::Key")["PeopleKey"]
    administer, seal, *_ = key["Properties"]["KeyPolicy"]["Statement"]
    for action in administer["Action"]:
        assert action.partition(":")[2] not in ("Decrypt", "Encrypt", "CreateGrant", "*")
        assert not action.startswith(("kms:GenerateDataKey", "kms:ReEncrypt"))
    assert seal["Principal"] == administer["Principal"]  # the account: its own policies say which operators
    assert seal["Action"] == "kms:Encrypt"
    assert seal["Condition"] == {"StringEquals": {"kms:EncryptionContext:valet:use": "provider-secret"}}


def test_rotate_keys_is_told_the_roles_that_sign_and_no_others() -> None:
    function = translated()["Resources"]["RotateKeysFunction"]
    variables = function["Properties"]["Environment"]["Variables"]
    assert variables["SIGNING_ROLE_ARNS"] == {"Fn::Sub": "${TokenFunctionRole.Arn},${StatusListFunctionRole.Arn}"}
    assert variables["ROTATE_ROLE_ARN"] == {"Fn::GetAtt": ["RotateKeysFunctionRole", "Arn"]}
    assert variables["ACCOUNT_ROOT_ARN"] == {"Fn::Sub": "arn:${AWS::Partition}:iam::${AWS::AccountId}:root"}


def test_what_meets_unknown_clients_is_told_so_and_may_read_them_and_nothing_else_does() -> None:
    """Par and whatever serves registered clients alone are told nothing, and find none."""
    functions = resources(translated("Demo=on"), "AWS::Lambda::Function")
    variables = {
        name: each["Properties"].get("Environment", {}).get("Variables", {}) for name, each in functions.items()
    }
    told = {name for name, each in variables.items() if "CLIENT_ID_METADATA" in each}
    readers = {name for name in FUNCTIONS if {("GetItem", "document#*"), ("GetItem", "dynamic#*")} <= _allowed(name)}
    assert told - {"MetadataFunction"} == readers
    assert readers == {name for name in FUNCTIONS if {("GetItem", "hosts")} <= _allowed(name)} - {"RegisterFunction"}
    assert not {"ParFunction", "FinishFunction", "MailerFunction", "NotifyClientsFunction"} & readers
    # On the way to such a client, a person may sign in by every means. Confirm takes a client's name for a word alone.
    asks_for_whom = {
        name for name in FUNCTIONS if {("GetItem", "request#*"), ("GetItem", "client#*")} <= _allowed(name)
    }
    assert asks_for_whom - readers == {"ConfirmFunction"}
