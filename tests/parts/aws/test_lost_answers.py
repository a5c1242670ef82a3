"""A write that takes effect, and whose answer is lost: it ends as with boto3, so that its author can recognise it."""

import os
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any

import boto3
import pytest
from botocore.config import Config
from botocore.exceptions import ClientError
from botocore.retries.standard import ExponentialBackoff
from valet.aws import connection
from valet.aws.calls import OUTSIDE, Attempt, AwsCalls, CallFailed
from valet.aws.connection import Address
from valet.aws.dynamodb.table import ConditionFailed, Table
from valet.aws.transport import Transport

from local.aws.aws import REGION, emulated
from tests.parts.aws.scripted import Peer, Server, answer, server
from tests.support.tables import create_table

WITHIN = 0.5  # seconds
NAME = f"lost-answers-{os.getpid()}"
KEY = {"pk": {"S": "a"}, "sk": {"S": "b"}}
IS_NEW: Mapping[str, Any] = {
    "ConditionExpression": "attribute_not_exists(pk)",
    "ReturnValuesOnConditionCheckFailure": "ALL_OLD",
}
WRITES: dict[str, tuple[str, Mapping[str, Any]]] = {
    "put": ("PutItem", {"Item": {**KEY, "mark": {"S": "mine"}}, **IS_NEW}),
    "count": (
        "UpdateItem",
        {
            "Key": KEY,
            "UpdateExpression": "ADD times :one",
            "ExpressionAttributeValues": {":one": {"N": "1"}},
            "ReturnValues": "ALL_NEW",
        },
    ),
    "delete": ("DeleteItem", {"Key": KEY, **IS_NEW, "ConditionExpression": "attribute_exists(pk)"}),
}
LOST: dict[str, Callable[[Peer], None]] = {
    "closed": lambda peer: None,
    "reset": Peer.reset,
    "never sent": Peer.wait,
    "cut short": lambda peer: peer.send(answer(b"{}")[:-1]),
}
# boto3 takes an answer that is cut short for one without members.
BOTO3S = [(write, kind) for write in WRITES for kind in ("closed", "reset")] + [("put", "never sent")]


@pytest.fixture(autouse=True)
def table(monkeypatch: pytest.MonkeyPatch) -> None:
    """The table, with nothing in it. Neither client pauses before its second attempt."""
    monkeypatch.setattr(ExponentialBackoff, "delay_amount", lambda self, context: 0)
    monkeypatch.setattr(OUTSIDE, "wait", lambda seconds: None)
    monkeypatch.setattr(connection, "ANSWER_WITHIN", WITHIN)
    emulated()
    dynamodb = boto3.client("dynamodb", region_name=REGION)
    if NAME not in dynamodb.list_tables()["TableNames"]:
        create_table(dynamodb, NAME)
    dynamodb.delete_item(TableName=NAME, Key=KEY)


@contextmanager
def dynamodb_that_loses(kind: str) -> Iterator[Server]:
    """The emulated DynamoDB. On the first connection the second answer is lost."""
    there = Transport(Address(f"dynamodb.{REGION}.amazonaws.com", 443, is_tls=True))

    def behave(peer: Peer) -> None:
        for number in range(10):
            headers, body = peer.request()
            operation = headers["x-amz-target"].partition(".")[2]
            reply = OUTSIDE.send(Attempt("dynamodb", operation, there, list(headers.items()), body))
            if (peer.number, number) == (0, 1):
                return LOST[kind](peer)
            peer.send(answer(reply.body, status=reply.status))
        return None

    with server(behave) as running:
        yield running


def calls_to(running: Server) -> AwsCalls:
    return AwsCalls("dynamodb", {"AWS_REGION": REGION, "AWS_ENDPOINT_URL": running.url})


def ours(running: Server, operation: str, parameters: Mapping[str, Any]) -> Any:
    calls = calls_to(running)
    try:
        calls("GetItem", {"TableName": NAME, "Key": KEY})
        return calls(operation, {"TableName": NAME, **parameters})
    except CallFailed as failed:
        return failed.code, failed.item
    finally:
        calls.close()


def boto3s(running: Server, operation: str, parameters: Mapping[str, Any]) -> Any:
    config = Config(read_timeout=WITHIN, retries={"total_max_attempts": 2, "mode": "standard"})
    client: Any = boto3.client("dynamodb", region_name=REGION, endpoint_url=running.url, config=config)
    try:
        client.get_item(TableName=NAME, Key=KEY)
        answered = client._make_api_call(operation, {"TableName": NAME, **parameters})
    except ClientError as error:
        return error.response["Error"]["Code"], error.response.get("Item")
    finally:
        client.close()
    del answered["ResponseMetadata"]
    return answered


@pytest.mark.parametrize(("write", "kind"), BOTO3S)
def test_a_write_whose_answer_is_lost_is_sent_once_more_and_ends_as_with_boto3(write: str, kind: str) -> None:
    ends = []
    for client in (ours, boto3s):
        dynamodb = boto3.client("dynamodb", region_name=REGION)
        dynamodb.delete_item(TableName=NAME, Key=KEY)
        if write == "delete":
            dynamodb.put_item(TableName=NAME, Item=KEY)
        with dynamodb_that_loses(kind) as running:
            outcome = client(running, *WRITES[write])
        left = dynamodb.get_item(TableName=NAME, Key=KEY).get("Item")
        ends.append((outcome, left, len(running.requests), running.connections))
    assert ends[0] == ends[1]
    assert ends[0][2:] == (3, 2), "read, written, written again over a new connection"


@pytest.mark.parametrize("kind", LOST)
def test_the_author_of_a_write_recognises_it_in_the_item_that_a_failed_condition_found(kind: str) -> None:
    item = {"pk": "a", "sk": "b", "mark": "mine"}
    with dynamodb_that_loses(kind) as running:
        calls = calls_to(running)
        table = Table(calls, NAME)
        assert table.get("a", "b") is None
        with pytest.raises(ConditionFailed) as failed:
            table.put(item, "attribute_not_exists(#pk)")
        assert failed.value.found == item
        assert table.get("a", "b") == item
        calls.close()
