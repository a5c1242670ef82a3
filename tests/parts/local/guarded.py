"""The running stack, with what an attacker would read of it or change in it."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any

import boto3

from local.aws.aws import ACCOUNT, REGION
from local.stack import LocalStack
from tests.parts.local.wire import Received, Sent, call, send


@dataclass(frozen=True)
class Guarded:
    """The running stack, and what of it an attacker would read or change."""

    stack: LocalStack

    @property
    def port(self) -> int:
        """AWS's."""
        return int(self.stack.aws_url.rpartition(":")[2])

    def state(self) -> dict[str, Any]:
        from moto.backends import get_backend

        # Other tests leave tables and keys in this emulator by the hundred: of those only what there is counts.
        return {
            "items": self.stack.aws.snapshot(self.stack.tables.values()),
            "tables": sorted(get_backend("dynamodb")[ACCOUNT][REGION].tables),
            "keys": {key.id: key.key_state for key in get_backend("kms")[ACCOUNT][REGION].keys.values()},
            "stacks": dict(get_backend("cloudformation")[ACCOUNT][REGION].stacks),
            "functions": get_backend("lambda")[ACCOUNT][REGION].list_functions(),
            "buckets": list(get_backend("s3")[ACCOUNT]["aws"].buckets),
        }

    @property
    def hash(self) -> str:
        """A password hash, as a scan of the accounts would show it."""
        items = boto3.client("dynamodb").scan(TableName=self.stack.tables["Users"])["Items"]
        return next(item["password_hash"]["S"] for item in items if "password_hash" in item)

    def scan(self, **more: str) -> Sent:
        body = json.dumps({"TableName": self.stack.tables["Users"]}).encode()
        return call(self.port, "dynamodb", "Scan", body, **more)

    def refuses(self, sent: Sent) -> Received:
        before = self.state()
        answer = send(self.port, sent)
        assert answer.status >= 400, answer
        assert self.hash.encode() not in answer.body
        assert "access-control-" not in answer.head.lower()
        assert self.state() == before
        return answer
