"""Tables of DynamoDB with the keys that Valet's three have, and what a deployment keeps its items in."""

from __future__ import annotations

from collections.abc import Collection
from typing import TYPE_CHECKING, Any, Protocol

import boto3
from valet.aws.reply import Reply

from local.aws.aws import EmulatedAws
from local.aws.calls import Call

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient


class Tables(Protocol):
    """The tables of a deployment."""

    def snapshot(self) -> Any: ...

    def restore(self, snapshot: Any, /) -> None: ...

    def answer(self, call: Call, /) -> Reply | None:
        """None leaves the call to moto."""


class MotoTables:
    """Those of moto."""

    def __init__(self, aws: EmulatedAws, names: Collection[str]) -> None:
        self._aws, self._names = aws, names
        aws.dynamodb = self.answer  # so that it is moto that makes them
        dynamodb = boto3.client("dynamodb")
        for name in names:
            create_table(dynamodb, name)

    def snapshot(self) -> Any:
        return self._aws.snapshot(self._names)

    def restore(self, snapshot: Any) -> None:
        self._aws.restore(snapshot)

    def answer(self, call: Call) -> Reply | None:
        return None


def create_table(dynamodb: DynamoDBClient, name: str) -> str:
    """Create it, and answer its name."""
    dynamodb.create_table(
        TableName=name,
        BillingMode="PAY_PER_REQUEST",
        AttributeDefinitions=[
            {"AttributeName": "pk", "AttributeType": "S"},
            {"AttributeName": "sk", "AttributeType": "S"},
        ],
        KeySchema=[{"AttributeName": "pk", "KeyType": "HASH"}, {"AttributeName": "sk", "KeyType": "RANGE"}],
    )
    return name
