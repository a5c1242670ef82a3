"""rotate_keys as deployed, on emulated AWS, with a clock to turn."""

import uuid
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from types import SimpleNamespace
from typing import Any, cast

import boto3
import pytest
from valet.aws.calls import OUTSIDE
from valet.aws.dynamodb.key_records import DynamoKeyRecords
from valet.aws.dynamodb.table import Table
from valet.models.keys import KeyRing
from valet.server import Server
from valet.settings import Settings

from local.aws.aws import EmulatedAws, emulated
from local.aws.calls import Call, refusal
from tests.parts.keys.fakes import SETTINGS, MemoryAudit
from tests.support.functions import load
from tests.support.tables import create_table

CONTEXT = SimpleNamespace(aws_request_id="0b1d")
SCHEDULE = {"source": "aws.events", "detail-type": "Scheduled Event"}


class RotateKeys:
    """The function with an environment, a clock and a record of what it logged."""

    def __init__(self, aws: EmulatedAws, settings: Settings) -> None:
        self.aws = aws
        self.now = 1_800_000_000.0
        self.audit = MemoryAudit()
        self.server = Server()
        self.set(settings)
        self._app = cast(Any, load("rotate_keys"))
        self._app.SERVER = self.server
        self._app.sleep = self._sleep

    def set(self, settings: Settings) -> None:
        self.server.settings = settings
        self.server.clock = lambda: self.now
        self.server.audit = self.audit

    def invoke(self, event: dict[str, Any]) -> dict[str, Any]:
        answer: dict[str, Any] = self._app.handler(event, CONTEXT)
        return answer

    @property
    def ring(self) -> KeyRing:
        return DynamoKeyRecords(self.table, self.server.random).key_ring()

    @property
    def table(self) -> Table:
        return Table(self.server.dynamodb, self.server.settings.registry_table)

    def key_states(self) -> dict[str, str]:
        kms = boto3.client("kms")
        return {
            key.kid: kms.describe_key(KeyId=key.key_id)["KeyMetadata"]["KeyState"]
            for key in self.ring.keys
            if key.key_id
        }

    @contextmanager
    def refused(self, service: str, action: str, code: str, *, until: float = float("inf")) -> Iterator[None]:
        """AWS refuses an action with `code`, up to a time of the clock."""

        def refuse(call: Call, forward: Any) -> Any:
            if (call.service, call.action) == (service, action) and self.now < until:
                return refusal(code)
            return forward()

        with self.aws.intercept(refuse):
            yield

    def _sleep(self, seconds: float) -> None:
        self.now += seconds


def make_registry(dynamodb: Any) -> str:
    return create_table(dynamodb, f"Registry-{uuid.uuid4().hex}")


@pytest.fixture
def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    """A call is repeated at once."""
    emulated()
    monkeypatch.setattr(OUTSIDE, "wait", lambda seconds: None)


@pytest.fixture
def deploy(impatient: None) -> Callable[[], RotateKeys]:
    """Makes a deployment with nothing in it."""

    def fresh() -> RotateKeys:
        aws = emulated()
        # ES256 because the emulator makes such a key at once, and an RSA key in a tenth of a second.
        settings = replace(SETTINGS, signing_algs=("ES256",), registry_table=make_registry(boto3.client("dynamodb")))
        return RotateKeys(aws, settings)

    return fresh


@pytest.fixture
def rotate_keys(deploy: Callable[[], RotateKeys]) -> RotateKeys:
    return deploy()
