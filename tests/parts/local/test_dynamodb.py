"""The emulated DynamoDB answers with each kind of value as it was written."""

from __future__ import annotations

import uuid
from typing import Any

import boto3

from local.aws.aws import emulated
from tests.support.tables import create_table

KEY = {"pk": {"S": "kinds"}, "sk": {"S": "of value"}}
KINDS: dict[str, Any] = {
    "S": "",
    "N": "1.50",
    "B": b"\x00\xff",
    "BOOL": False,
    "NULL": True,
    "SS": ["a", "b"],
    "NS": ["1", "2"],
    "BS": [b"a", b"\xff"],
    "L": [{"S": "a"}, {"L": []}, {"B": b"\xfe"}],
    "M": {"a": {"M": {"b": {"B": b"\xfd"}}}, "c": {"N": "0"}},
}


def test_each_kind_of_value_is_read_as_it_was_written() -> None:
    emulated()
    dynamodb = boto3.client("dynamodb")
    table = create_table(dynamodb, f"table-{uuid.uuid4().hex}")
    item = {**KEY, **{f"a-{kind}": {kind: value} for kind, value in KINDS.items()}}
    dynamodb.put_item(TableName=table, Item=item)
    assert dynamodb.get_item(TableName=table, Key=KEY)["Item"] == item
    assert dynamodb.scan(TableName=table)["Items"] == [item]
    assert dynamodb.delete_item(TableName=table, Key=KEY, ReturnValues="ALL_OLD")["Attributes"] == item
