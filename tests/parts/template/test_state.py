"""Tables and keys: what is kept, what ends by itself, what outlives the stack."""

import pytest

from tests.parts.template.cloudformation import EVERYTHING, resources, translated


@pytest.mark.parametrize("table", ["Registry", "Users"])
def test_what_nobody_can_make_again_is_protected_and_outlives_the_stack(table: str) -> None:
    resource = resources(translated(), "AWS::DynamoDB::Table")[table]
    assert resource["DeletionPolicy"] == resource["UpdateReplacePolicy"] == "Retain"
    assert resource["Properties"]["DeletionProtectionEnabled"] is True
    assert resource["Properties"]["PointInTimeRecoverySpecification"] == {"PointInTimeRecoveryEnabled": True}


@pytest.mark.parametrize("table", ["Users", "Grants"])
def test_what_has_an_end_ends_by_itself(table: str) -> None:
    """In Users: addresses that were given up."""
    tables = resources(translated(), "AWS::DynamoDB::Table")
    assert tables[table]["Properties"]["TimeToLiveSpecification"] == {"AttributeName": "expires_at", "Enabled": True}
    assert "TimeToLiveSpecification" not in tables["Registry"]["Properties"]


@pytest.mark.parametrize("table", ["Registry", "Users", "Grants"])
def test_a_table_is_paid_by_the_request_and_has_no_index(table: str) -> None:
    """No decision is read through an index, which DynamoDB brings up to date a moment later."""
    properties = resources(translated(), "AWS::DynamoDB::Table")[table]["Properties"]
    assert properties["BillingMode"] == "PAY_PER_REQUEST"
    assert properties["KeySchema"] == [
        {"AttributeName": "pk", "KeyType": "HASH"},
        {"AttributeName": "sk", "KeyType": "RANGE"},
    ]
    assert not {"GlobalSecondaryIndexes", "LocalSecondaryIndexes"} & set(properties)


@pytest.mark.parametrize(("table", "parameter"), [("Registry", "RegistryTable"), ("Users", "UsersTable")])
def test_a_table_that_a_former_stack_kept_can_be_used_again(table: str, parameter: str) -> None:
    document = translated()
    assert resources(document, "AWS::DynamoDB::Table")[table]["Condition"] == f"Makes{table}"
    assert document["Conditions"][f"Makes{table}"] == {"Fn::Equals": [{"Ref": parameter}, ""]}
    variables = document["Resources"]["TokenFunction"]["Properties"]["Environment"]["Variables"]
    named = {"Fn::If": [f"Makes{table}", {"Ref": table}, {"Ref": parameter}]}
    assert variables[f"{table.upper()}_TABLE"] == document["Outputs"][parameter]["Value"] == named


def test_cloudformation_owns_no_key_that_rotation_deletes() -> None:
    """A signing key in a fixed slot would come back with the old material, and old tokens with it."""
    keys = resources(translated(*EVERYTHING), "AWS::KMS::Key")
    assert set(keys) == {"WrappingKey", "NonceKey", "PeopleKey"}
    assert keys["WrappingKey"]["Condition"] == "IsWrapped"
    assert keys["WrappingKey"]["DeletionPolicy"] == "Retain"
    assert "KeyUsage" not in keys["WrappingKey"]["Properties"]  # symmetric, to encrypt and decrypt


def test_the_key_of_second_factors_and_providers_secrets_outlives_the_stack_and_is_there_only_for_them() -> None:
    document = translated()
    key = resources(document, "AWS::KMS::Key")["PeopleKey"]
    assert key["Condition"] == document["Outputs"]["PeopleKey"]["Condition"] == "HasPeopleKey"
    needing = [{"Condition": "HasSecondFactor"}, {"Condition": "HasFederation"}]
    assert document["Conditions"]["HasPeopleKey"] == {"Fn::Or": needing}
    assert (key["DeletionPolicy"], key["UpdateReplacePolicy"]) == ("Retain", "Retain")
    assert key["Properties"]["MultiRegion"] is True
    for parameter in ("SecondFactor", "Federation"):
        assert document["Parameters"][parameter]["Default"] == "off"


def test_a_deployment_without_nonces_has_no_key_for_them() -> None:
    document = translated()
    key = resources(document, "AWS::KMS::Key")["NonceKey"]
    assert key["Condition"] == "HasNonces"
    assert document["Conditions"]["HasNonces"] == {"Fn::Not": [{"Fn::Equals": [{"Ref": "DpopNonces"}, "off"]}]}
    assert document["Parameters"]["DpopNonces"]["Default"] == "off"
    assert (key["Properties"]["KeySpec"], key["Properties"]["KeyUsage"]) == ("HMAC_256", "GENERATE_VERIFY_MAC")
    variables = document["Resources"]["TokenFunction"]["Properties"]["Environment"]["Variables"]
    assert variables["NONCE_KEY"] == {"Fn::If": ["HasNonces", {"Fn::GetAtt": ["NonceKey", "Arn"]}, ""]}


def test_who_has_no_second_factors_and_no_providers_pays_for_no_key() -> None:
    document = translated()
    key = resources(document, "AWS::KMS::Key")["PeopleKey"]
    assert key["Condition"] == "HasPeopleKey"
    used = [{"Fn::Equals": [{"Ref": name}, "on"]} for name in ("SecondFactor", "Federation")]
    assert [document["Conditions"][name] for name in ("HasSecondFactor", "HasFederation")] == used
    assert document["Conditions"]["HasPeopleKey"] == {
        "Fn::Or": [{"Condition": "HasSecondFactor"}, {"Condition": "HasFederation"}]
    }
    assert {document["Parameters"][name]["Default"] for name in ("SecondFactor", "Federation")} == {"off"}


def test_the_key_of_second_factors_outlives_the_stack_and_could_be_used_in_another_region() -> None:
    """Without it, every authenticator app is lost."""
    key = resources(translated(), "AWS::KMS::Key")["PeopleKey"]
    assert key["DeletionPolicy"] == key["UpdateReplacePolicy"] == "Retain"
    assert key["Properties"]["MultiRegion"] is True
    assert "KeySpec" not in key["Properties"]  # symmetric


def test_the_function_of_second_factors_is_there_with_passkeys_alone_and_has_no_key_then() -> None:
    """Who loses a passkey needs a recovery code."""
    document = translated()
    assert document["Conditions"]["HasRecovery"] == {
        "Fn::Or": [{"Condition": "HasPasskeys"}, {"Condition": "HasSecondFactor"}]
    }
    for function in ("SecondFunction", "CredentialsFunction"):
        variables = document["Resources"][function]["Properties"]["Environment"]["Variables"]
        assert variables["PEOPLE_KEY"] == {"Fn::If": ["HasSecondFactor", {"Fn::GetAtt": ["PeopleKey", "Arn"]}, ""]}
