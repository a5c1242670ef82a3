"""Run in a process of its own: a translated template on standard input, deployed to emulated CloudFormation.

Then it is updated, with other parameters, over tables that hold something. The last line printed is what stands
afterwards, as JSON. moto makes no HTTP APIs, alarms, subscriptions, saved queries, needs Docker for a custom resource,
cannot update a function that has a layer, reads a resource whose condition does not hold, and passes over a table's TTL
and recovery; the rest it makes as the template says.
"""

from __future__ import annotations

import ast
import io
import json
import os
import sys
import zipfile
from typing import Any

os.environ.update(AWS_ACCESS_KEY_ID="none", AWS_SECRET_ACCESS_KEY="none", AWS_DEFAULT_REGION="us-east-1")

import boto3  # the environment has to be there before it is looked at
from moto import mock_aws

STACK = "valet"
TABLES = ("Registry", "Users", "Grants")
# What an operator may change in a living stack, all at once.
CHANGED = {"Signer": "wrapped", "SigningAlgorithm": "ES256", "AccessTokenLifetime": "600", "RetryWindow": "30"}


def main() -> None:
    document: dict[str, Any] = json.load(sys.stdin)
    del document["Resources"]["FirstKey"]
    off = [name for name, resource in document["Resources"].items() if resource.get("Condition") == "HasVersions"]
    for name in off:
        del document["Resources"][name]
    for resource in document["Resources"].values():
        if resource["Type"] == "AWS::Lambda::Function":
            resource["Properties"].pop("Layers", None)
    with mock_aws(config={"lambda": {"use_docker": False}}):
        _package()
        cloudformation = boto3.client("cloudformation")
        given: Any = [{"ParameterKey": name, "ParameterValue": value} for name, value in _parameters().items()]
        arguments: Any = {"StackName": STACK, "Parameters": given, "Capabilities": ["CAPABILITY_IAM"]}
        cloudformation.create_stack(TemplateBody=json.dumps(document), **arguments)
        found = _found(cloudformation)
        _sign_in(found["resources"])
        arguments["Parameters"] = [
            {"ParameterKey": name, "ParameterValue": value} for name, value in {**_parameters(), **CHANGED}.items()
        ]
        cloudformation.update_stack(TemplateBody=json.dumps(document), **arguments)
        found["updated"] = {**_found(cloudformation), "kept": _kept(found["resources"])}
    print()  # moto says on standard output, too, what it does not make
    print(json.dumps(found, default=str))


def _sign_in(resources: dict[str, str]) -> None:
    """An item in each table: what an update must not lose."""
    for name in TABLES:
        item: Any = {"pk": {"S": f"of#{name}"}, "sk": {"S": "before"}}
        boto3.client("dynamodb").put_item(TableName=resources[name], Item=item)


def _kept(resources: dict[str, str]) -> list[str]:
    dynamodb = boto3.client("dynamodb")
    return [
        name
        for name in TABLES
        if "Item"
        in dynamodb.get_item(TableName=resources[name], Key={"pk": {"S": f"of#{name}"}, "sk": {"S": "before"}})
    ]


def _parameters() -> dict[str, str]:
    given = {
        "Demo": "on",
        "BackChannelLogout": "on",
        "MailFrom": "id@example.com",
        "Federation": "on",
        "DeviceAuthorization": "on",
        "ClientIdMetadata": "open",
        "ClientRegistration": "token",
    }
    return {**given, "AlarmEmail": "operator@example.com", "IssuerUrl": "https://id.example.com"}


def _package() -> None:
    """What `sam package` puts there."""
    archive = io.BytesIO()
    with zipfile.ZipFile(archive, "w") as files:
        files.writestr("app.py", "def handler(event, context):\n    return {}\n")
    s3 = boto3.client("s3")
    s3.create_bucket(Bucket="bucket")
    s3.put_object(Bucket="bucket", Key="key", Body=archive.getvalue())


def _found(cloudformation: Any) -> dict[str, Any]:
    stack = cloudformation.describe_stacks(StackName=STACK)["Stacks"][0]
    pages = cloudformation.get_paginator("list_stack_resources").paginate(StackName=STACK)
    resources = {each["LogicalResourceId"]: each for page in pages for each in page["StackResourceSummaries"]}
    physical = {name: each["PhysicalResourceId"] for name, each in resources.items()}
    dynamodb, functions = boto3.client("dynamodb"), boto3.client("lambda")
    return {
        "status": stack["StackStatus"],
        "resources": physical,
        "outputs": {output["OutputKey"]: output["OutputValue"] for output in stack["Outputs"]},
        "tables": {name: dynamodb.describe_table(TableName=physical[name])["Table"] for name in TABLES},
        "functions": {
            name: functions.get_function_configuration(FunctionName=each)
            for name, each in physical.items()
            if name.endswith("Function")
        },
        "policies": {name: _policies(each) for name, each in physical.items() if name.endswith("FunctionRole")},
        "retention": {
            group["logGroupName"]: group.get("retentionInDays")
            for group in boto3.client("logs").describe_log_groups()["logGroups"]
        },
    }


def _policies(role: str) -> list[Any]:
    iam = boto3.client("iam")
    names = iam.list_role_policies(RoleName=role)["PolicyNames"]
    # moto keeps them as Python would write them.
    found: list[Any] = [iam.get_role_policy(RoleName=role, PolicyName=name)["PolicyDocument"] for name in names]
    policies = [ast.literal_eval(each) if isinstance(each, str) else each for each in found]
    # A statement that AWS::NoValue takes away is null here.
    return [{**each, "Statement": [one for one in each["Statement"] if one is not None]} for each in policies]


if __name__ == "__main__":
    main()
