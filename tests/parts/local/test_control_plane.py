"""The stack as CloudFormation, Lambda and API Gateway tell of it, for who operates it."""

from __future__ import annotations

import json
from typing import Any

import boto3
import pytest
from botocore.exceptions import ClientError

from local.stack import LocalStack


def client(stack: LocalStack, service: Any) -> Any:
    return boto3.client(service, endpoint_url=stack.aws_url)


def test_the_outputs_and_parameters_are_the_templates(stack: LocalStack) -> None:
    [told] = client(stack, "cloudformation").describe_stacks(StackName="valet-local")["Stacks"]
    outputs = {output["OutputKey"]: output["OutputValue"] for output in told["Outputs"]}
    assert outputs["Issuer"] == stack.issuer
    assert outputs["UsersTable"] == stack.tables["Users"]
    assert outputs["RotateKeysFunction"] == "valet-local-RotateKeysFunction"
    assert {"ParameterKey": "Demo", "ParameterValue": "on"} in told["Parameters"]


def test_only_what_lives_here_is_listed_as_a_resource(stack: LocalStack) -> None:
    pages = client(stack, "cloudformation").get_paginator("list_stack_resources").paginate(StackName="valet-local")
    living = [each for page in pages for each in page["StackResourceSummaries"]]
    assert {each["ResourceType"] for each in living} == {
        "AWS::ApiGatewayV2::Api",
        "AWS::DynamoDB::Table",
        "AWS::KMS::Key",
        "AWS::Lambda::Function",
        "AWS::Logs::LogGroup",
        "AWS::SQS::Queue",
    }
    groups = {each["PhysicalResourceId"] for each in living if each["ResourceType"] == "AWS::Logs::LogGroup"}
    assert {"/aws/lambda/valet-local-token", "/valet/valet-local/operator"} <= groups


def test_a_function_is_invoked_and_what_it_raises_is_its_error_not_the_calls(stack: LocalStack) -> None:
    function = {"FunctionName": "valet-local-RotateKeysFunction"}
    good = client(stack, "lambda").invoke(**function, Payload=b'{"rotate": "now"}')
    assert len(json.loads(good["Payload"].read())["signing"]) == 1
    bad = client(stack, "lambda").invoke(**function, Payload=b'{"rotate": "never"}')
    assert (bad["StatusCode"], bad["FunctionError"]) == (200, "Unhandled")
    assert json.loads(bad["Payload"].read())["errorType"] == "ValueError"
    configuration = client(stack, "lambda").get_function_configuration(**function)
    assert (configuration["Timeout"], configuration["Environment"]["Variables"]["SIGNER"]) == (110, "kms")


def test_the_authorizer_is_told_with_its_cache(stack: LocalStack) -> None:
    [authorizer] = client(stack, "apigatewayv2").get_authorizers(ApiId="local-demoapi")["Items"]
    assert (authorizer["Name"], authorizer["AuthorizerResultTtlInSeconds"]) == ("Valet", 0)
    assert client(stack, "apigatewayv2").get_authorizers(ApiId="local-api")["Items"] == []


@pytest.mark.parametrize(
    ("service", "operation", "arguments", "code"),
    [
        ("cloudformation", "describe_stacks", {"StackName": "nobodys"}, "ValidationError"),
        ("cloudformation", "describe_stack_events", {"StackName": "valet-local"}, "InvalidAction"),
        ("lambda", "invoke", {"FunctionName": "nobodys"}, "ResourceNotFoundException"),
        ("lambda", "get_function_configuration", {"FunctionName": "nobodys"}, "ResourceNotFoundException"),
        ("apigatewayv2", "get_authorizers", {"ApiId": "nobodys"}, "NotFoundException"),
    ],
)
def test_what_there_is_not_is_refused_as_aws_does(
    stack: LocalStack, service: str, operation: str, arguments: dict[str, str], code: str
) -> None:
    with pytest.raises(ClientError) as refusal:
        getattr(client(stack, service), operation)(**arguments)
    assert refusal.value.response["Error"]["Code"] == code
