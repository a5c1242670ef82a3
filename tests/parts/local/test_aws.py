"""The emulated AWS is one state behind two doors, atomic under threads, and never the real one."""

from __future__ import annotations

import os
import uuid
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from threading import Barrier
from typing import Any

import boto3
import pytest
from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError
from valet.aws.connection import NoAnswer

from local.aws.aws import FUNCTION, EmulatedAws, emulated
from local.aws.calls import Call, refusal
from local.aws.door import Door
from local.aws.isolation import RealAwsError, isolate
from local.server import Server, listen
from tests.support.tables import create_table


@pytest.fixture(scope="module")
def aws() -> EmulatedAws:
    return emulated()


@pytest.fixture(scope="module")
def door(aws: EmulatedAws) -> Iterator[str]:
    listener = listen(0)
    port = listener.getsockname()[1]
    server = Server(listener, Door(port, aws.services()), threads=80)
    server.start()
    yield f"http://127.0.0.1:{port}"
    server.stop()


@pytest.fixture
def table(aws: EmulatedAws) -> str:
    return create_table(boto3.client("dynamodb"), f"table-{uuid.uuid4().hex}")


def _tables(client: Any) -> list[str]:
    """All of them: other tests' tables may fill the first page."""
    return [name for page in client.get_paginator("list_tables").paginate() for name in page["TableNames"]]


# -- two doors ---------------------------------------------------------------------------------------------------------


def test_what_one_door_writes_the_other_reads(table: str, door: str) -> None:
    inside, outside = boto3.client("dynamodb"), boto3.client("dynamodb", endpoint_url=door)
    inside.put_item(TableName=table, Item={"pk": {"S": "a"}, "sk": {"S": "a"}})
    assert outside.get_item(TableName=table, Key={"pk": {"S": "a"}, "sk": {"S": "a"}})["Item"]["pk"] == {"S": "a"}
    outside.put_item(TableName=table, Item={"pk": {"S": "b"}, "sk": {"S": "b"}})
    assert inside.get_item(TableName=table, Key={"pk": {"S": "b"}, "sk": {"S": "b"}})["Item"]["pk"] == {"S": "b"}


def test_the_door_is_one_region_whichever_the_caller_names(table: str, door: str) -> None:
    elsewhere = boto3.client("dynamodb", endpoint_url=door, region_name="eu-central-1")
    assert table in _tables(elsewhere)


def test_the_door_serves_kms(door: str) -> None:
    outside = boto3.client("kms", endpoint_url=door)
    key = outside.create_key(KeySpec="ECC_NIST_P256", KeyUsage="SIGN_VERIFY")["KeyMetadata"]["KeyId"]
    assert boto3.client("kms").describe_key(KeyId=key)["KeyMetadata"]["KeyId"] == key


@pytest.mark.parametrize("doors", ["in process", "over HTTP", "both"])
def test_of_64_conditional_writes_at_once_one_wins(doors: str, table: str, door: str) -> None:
    config = Config(max_pool_connections=64, retries={"total_max_attempts": 1, "mode": "standard"})
    inside = boto3.client("dynamodb", config=config)
    outside = boto3.client("dynamodb", config=config, endpoint_url=door)
    clients = {"in process": [inside], "over HTTP": [outside], "both": [inside, outside]}[doors]
    barrier = Barrier(64)

    def attempt(number: int) -> bool:
        barrier.wait()
        try:
            clients[number % len(clients)].put_item(
                TableName=table,
                Item={"pk": {"S": "grant#1"}, "sk": {"S": "grant"}, "winner": {"N": str(number)}},
                ConditionExpression="attribute_not_exists(pk)",
            )
        except clients[number % len(clients)].exceptions.ConditionalCheckFailedException:
            return False
        return True

    with ThreadPoolExecutor(64) as threads:
        outcomes = list(threads.map(attempt, range(64)))
    assert outcomes.count(True) == 1
    item = inside.get_item(TableName=table, Key={"pk": {"S": "grant#1"}, "sk": {"S": "grant"}})["Item"]
    assert item["winner"]["N"] == str(outcomes.index(True))


# -- never the real one ------------------------------------------------------------------------------------------------


def test_what_moto_does_not_answer_is_refused_and_not_sent(aws: EmulatedAws) -> None:
    for endpoint in ("https://example.com", "https://dynamodb.vpce-0123.example.net"):
        client = boto3.client("dynamodb", endpoint_url=endpoint, config=Config(retries={"total_max_attempts": 1}))
        with pytest.raises(RealAwsError, match="does not emulate it"):
            client.list_tables()


def test_a_custom_endpoint_of_the_real_aws_stops_the_start() -> None:
    environ = {"AWS_ENDPOINT_URL_DYNAMODB": "https://dynamodb.eu-west-1.amazonaws.com"}
    with pytest.raises(RealAwsError, match="Unset AWS_ENDPOINT_URL_DYNAMODB"):
        isolate(environ)


def test_the_environment_names_no_real_account_afterwards() -> None:
    environ = {
        "AWS_PROFILE": "production",
        "AWS_ACCESS_KEY_ID": "AKIAREAL",
        "AWS_SECRET_ACCESS_KEY": "real",
        "AWS_SESSION_TOKEN": "real",
        "AWS_ROLE_ARN": "arn:aws:iam::1:role/x",
        "AWS_WEB_IDENTITY_TOKEN_FILE": "/token",
        "AWS_CONTAINER_CREDENTIALS_FULL_URI": "http://169.254.170.2/",
        "AWS_ENDPOINT_URL": "http://127.0.0.1:3001",
        "AWS_CONFIG_FILE": "/home/somebody/.aws/config",
        "AWS_REGION": "eu-west-1",
        "MOTO_CALL_RESET_API": "true",
        "TEST_SERVER_MODE": "true",
        "PATH": "/bin",
    }
    isolate(environ)
    assert environ == {
        "AWS_ACCESS_KEY_ID": "local",
        "AWS_SECRET_ACCESS_KEY": "local",
        "AWS_REGION": "us-east-1",
        "AWS_DEFAULT_REGION": "us-east-1",
        "AWS_CONFIG_FILE": os.devnull,
        "AWS_SHARED_CREDENTIALS_FILE": os.devnull,
        "AWS_EC2_METADATA_DISABLED": "true",
        "PATH": "/bin",
    }


# -- recording and faults ----------------------------------------------------------------------------------------------


def test_a_call_is_recorded_with_function_action_table_and_partition(aws: EmulatedAws, table: str) -> None:
    client = boto3.client("dynamodb")
    reset = FUNCTION.set("token")
    with aws.recorded() as calls:
        client.get_item(TableName=table, Key={"pk": {"S": "grant#1"}, "sk": {"S": "grant"}})
        client.put_item(TableName=table, Item={"pk": {"S": "keys"}, "sk": {"S": "k1"}})
        client.query(
            TableName=table,
            KeyConditionExpression="#p = :pk AND begins_with(sk, :sid)",
            ExpressionAttributeNames={"#p": "pk"},
            ExpressionAttributeValues={":pk": {"S": "sub#john"}, ":sid": {"S": "s"}},
        )
        client.scan(TableName=table)
        boto3.client("kms").list_keys()
    FUNCTION.reset(reset)
    client.list_tables()
    seen = [(call.function, call.iam_action, call.table, call.partition_prefix) for call in calls]
    assert seen == [
        ("token", "dynamodb:GetItem", table, "grant#"),
        ("token", "dynamodb:PutItem", table, "keys"),
        ("token", "dynamodb:Query", table, "sub#"),
        ("token", "dynamodb:Scan", table, None),
        ("token", "kms:ListKeys", None, None),
    ]


def test_a_fault_can_be_put_before_or_after_the_effect(aws: EmulatedAws, table: str) -> None:
    client = boto3.client("dynamodb", config=Config(retries={"total_max_attempts": 2, "mode": "standard"}))
    item = {"pk": {"S": "grant#1"}, "sk": {"S": "grant"}}
    answers: list[str] = ["lost"]

    def lose_the_answer(call: Call, forward: Callable[[], Any]) -> Any:
        response = forward()
        if answers:
            answers.pop()
            raise NoAnswer("ReadTimeout")
        return response

    # botocore sends the write again by itself: it took effect, and it fails.
    with aws.intercept(lose_the_answer), aws.recorded() as calls:
        with pytest.raises(client.exceptions.ConditionalCheckFailedException):
            client.put_item(TableName=table, Item=item, ConditionExpression="attribute_not_exists(pk)")
    assert len(calls) == 2

    def throttle(call: Call, forward: Callable[[], Any]) -> Any:
        return refusal("ThrottlingException")

    with aws.intercept(throttle), pytest.raises(ClientError, match="ThrottlingException"):
        client.get_item(TableName=table, Key=item)
    assert "Item" in client.get_item(TableName=table, Key=item)


def test_an_unreachable_service_is_botocores_own_error(aws: EmulatedAws, table: str) -> None:
    client = boto3.client("dynamodb", config=Config(retries={"total_max_attempts": 1, "mode": "standard"}))

    def unreachable(call: Call, forward: Callable[[], Any]) -> Any:
        raise NoAnswer("ReadTimeout")

    with aws.intercept(unreachable), pytest.raises(BotoCoreError):
        client.get_item(TableName=table, Key={"pk": {"S": "a"}, "sk": {"S": "a"}})


def test_a_snapshot_is_returned_to(aws: EmulatedAws, table: str) -> None:
    client = boto3.client("dynamodb")
    client.put_item(TableName=table, Item={"pk": {"S": "a"}, "sk": {"S": "a"}})
    snapshot = aws.snapshot()
    for _ in range(2):
        client.put_item(TableName=table, Item={"pk": {"S": "b"}, "sk": {"S": "b"}})
        client.delete_item(TableName=table, Key={"pk": {"S": "a"}, "sk": {"S": "a"}})
        aws.restore(snapshot)
        assert [item["pk"]["S"] for item in client.scan(TableName=table)["Items"]] == ["a"]


def test_there_is_one_emulated_aws_in_a_process(table: str) -> None:
    assert emulated() is emulated()
    assert table in _tables(boto3.client("dynamodb"))
