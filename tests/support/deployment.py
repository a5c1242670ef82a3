"""Valet as deployed, in this process: the real handlers on emulated AWS, called with API Gateway's events.

Tables and the signing key are made once; each test begins with the same items and with nothing remembered, and moves
the clock by itself.
"""

from __future__ import annotations

import copy
import json
import os
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import replace
from functools import cache
from pathlib import Path
from typing import Any, TypeVar

import boto3
import valet.server
from valet.aws.dynamodb.accounts import DynamoUsers
from valet.aws.dynamodb.key_records import DynamoKeyRecords
from valet.aws.dynamodb.registrar import Registrar
from valet.aws.dynamodb.table import Table
from valet.jose.public import jwk_from_public_key
from valet.models.clients import Client
from valet.models.keys import SigningKey
from valet.server import Server
from valet.settings import Settings

from local import demo_data
from local.aws import ses
from local.aws.aws import ACCOUNT, REGION, EmulatedAws, emulated
from local.aws.calls import Call
from local.aws.sqs import Queue
from local.gateway.http_events import HttpRequest, event_of, response_of
from local.system import Function, Route
from tests.endpoints import ENDPOINTS, endpoint_at
from tests.support.functions import load
from tests.support.memory_dynamodb import MemoryDynamoDb
from tests.support.tables import MotoTables, Tables
from tests.support.wire import Answer

State = TypeVar("State")

ROOT = Path(__file__).resolve().parents[2]
ISSUER = "https://id.example.com"
API_ID = "abc123def4"
TABLES = {"Registry": "integration-registry", "Users": "integration-users", "Grants": "integration-grants"}

ACCOUNT_ID = "123456789012"
# The queues that the template has, by the words of their URLs and ARNs.
QUEUES = {"SignOuts": 10, "LogoutTokens": 30, "Mail": 3, "DeadLetters": 0}  # and the most receives
NOTIFIER = f"arn:aws:iam::{ACCOUNT_ID}:role/notify"  # the role that signs logout tokens


def queue_url(name: str) -> str:
    return f"https://sqs.us-east-1.amazonaws.com/{ACCOUNT_ID}/integration-{name}"


def queue_arn(name: str) -> str:
    return f"arn:aws:sqs:us-east-1:{ACCOUNT_ID}:integration-{name}"


# The settings of a deployment that sends mails (tests/support/post.py).
SENDS_MAIL = {"mail": "on", "mail_from": "valet@example.com", "mail_queue": queue_url("Mail")}

_SETTINGS: dict[str, Any] = {
    "issuer_url": ISSUER,
    "registry_table": TABLES["Registry"],
    "users_table": TABLES["Users"],
    "grants_table": TABLES["Grants"],
    "sign_outs_queue": queue_url("SignOuts"),
    "logout_tokens_queue": queue_url("LogoutTokens"),
    "dead_letters_queue": queue_url("DeadLetters"),
    "own_role_arn": NOTIFIER,
    "second_factor": "on",
    "device_authorization": "on",
}
_READS = frozenset({"GetItem", "Query", "Sign", "GenerateMac", "Encrypt", "Decrypt"})
# 2027-01-15T08:00:00Z: a full hour, so that every window of a throttle begins with the test.
BEGINNING = 1_800_000_000.0
_SOURCE_IP = "192.0.2.1"  # of who sends requests, unless a test says otherwise


class Clock:
    """The functions' clock, which stands still unless a test moves it."""

    def __init__(self) -> None:
        self.now = BEGINNING

    def __call__(self) -> float:
        return self.now

    def advance(self, seconds: float) -> None:
        self.now += seconds


class Audit:
    """The port Audit, kept for the test to read."""

    def __init__(self) -> None:
        self.events: list[tuple[str, dict[str, str | int | float | bool | None]]] = []

    def record(self, event: str, /, **fields: str | int | float | bool | None) -> None:
        self.events.append((event, fields))

    @property
    def names(self) -> list[str]:
        return [event for event, _ in self.events]


class Deployment:
    """The functions, and the AWS that they stand on."""

    def __init__(self, on_moto: bool = False) -> None:
        """Its tables are moto's, or those that answer quicker."""
        self.aws: EmulatedAws = emulated()
        self._tables: Tables = MotoTables(self.aws, TABLES.values()) if on_moto else MemoryDynamoDb(TABLES.values())
        self.aws.dynamodb = self._tables.answer
        self.settings = Settings(**_SETTINGS)
        self._people_key = ""  # seals second factors
        self.clock = Clock()
        self.audit = Audit()
        self.server = Server()
        self.source_ip = _SOURCE_IP
        self.own_settings: dict[str, Any] = {}  # of the test, beyond each restart
        ses.verify(SENDS_MAIL["mail_from"], ACCOUNT, REGION)
        self._functions = {name: load(name) for name in sorted({each.function for each in ENDPOINTS})}
        self._moments: dict[str, tuple[Any, float, Any]] = {}
        self._provide()
        self._beginning = self._tables.snapshot()

    @property
    def issuer(self) -> str:
        return self.settings.issuer_url

    def begin(self) -> None:
        """Back to what was registered, with nothing in memory."""
        self.aws.dynamodb = self._tables.answer
        self._tables.restore(self._beginning)
        self.aws.queues.clear()
        self.aws.queues.copies = 1
        self.aws.mailbox.clear()
        self.clock.now = BEGINNING
        self.own_settings, self.source_ip = {}, _SOURCE_IP
        self.restart()

    def restart(self, **settings: Any) -> None:
        """New execution environments: what functions remember is gone, what tables hold is there."""
        self.settings = Settings(**{**_SETTINGS, "people_key": self._people_key, **self.own_settings, **settings})
        server = Server()
        server.settings = self.settings
        server.clock = self.clock
        server.audit = self.audit = Audit()
        self.server = valet.server.SERVER = server

    def prepared(self, name: str, prepare: Callable[[], State]) -> State:
        """What `prepare` answers, and the tables as it left them: done once, and returned to afterwards."""
        if name not in self._moments:
            state = prepare()
            self._moments[name] = (self._tables.snapshot(), self.clock.now, state)
        items, now, state = self._moments[name]
        self._tables.restore(items)
        self.aws.queues.clear()
        self.clock.now = now
        self.restart()
        return copy.deepcopy(state)

    # -- requests ------------------------------------------------------------------------------------------------------

    def send(self, method: str, url: str, headers: Mapping[str, str] | None = None, body: bytes = b"") -> Answer:
        """The port Send. No answer of ours to any input is a 5xx."""
        answer = self.invoke(self.event(method, url, headers, body))
        assert answer.status < 500, (method, url, answer)
        return answer

    def event(
        self, method: str, url: str, headers: Mapping[str, str] | None = None, body: bytes = b""
    ) -> dict[str, Any]:
        """The event that API Gateway makes of the request; a form's body arrives in base64."""
        target = url.removeprefix(self.issuer)
        request = HttpRequest(
            method=method,
            target=target,
            headers={"host": "id.example.com", **{name.lower(): value for name, value in (headers or {}).items()}},
            body=body,
            source_ip=self.source_ip,
        )
        return event_of(request, _route(request.path), API_ID, {})

    def invoke(self, event: Mapping[str, Any]) -> Answer:
        """The answer to an event, as API Gateway takes it; both travel as JSON."""
        handler = self._functions[endpoint_at(event["rawPath"]).function].handler
        response = response_of(json.loads(json.dumps(handler(json.loads(json.dumps(event)), None))))
        return Answer(
            response.status,
            {name: value for name, value in response.headers if name != "set-cookie"},
            response.body.decode(),
            tuple(value for name, value in response.headers if name == "set-cookie"),
        )

    # -- state ---------------------------------------------------------------------------------------------------------

    @property
    def registrar(self) -> Registrar:
        """For what an operator registers; functions that remember the former take it up after ten seconds."""
        return Registrar(self.table("Registry"))

    def client(self, client_id: str) -> Client:
        """As it is registered."""
        found = self.server.registry.find_client(client_id)
        assert found is not None
        return found

    def change_client(self, client_id: str, **changes: Any) -> None:
        """As an operator does; and so long ago that every function goes by it."""
        self.registrar.put_client(replace(self.client(client_id), **changes))
        self.clock.advance(11)

    def raise_epoch(self, sub: str) -> None:
        """As an operator does who ends all that an end-user holds."""
        self.table("Users").update(f"account#{sub}", "account", "ADD #epoch :one", {":one": 1}, "attribute_exists(#pk)")

    def table(self, name: str) -> Table:
        return Table(self.server.dynamodb, TABLES[name])

    @contextmanager
    def nothing_spent(self, but: tuple[str | None, ...] = ()) -> Iterator[None]:
        """The block changes nothing: no write takes effect except those that are harmless, and those to the partitions
        that `but` names.
        """
        spent: list[Call] = []

        def watch(call: Call, forward: Callable[[], Any]) -> Any:
            answer = forward()
            is_harmless = call.action in _READS or _is_harmless(call) or call.partition_prefix in but
            if not is_harmless and answer.status == 200:
                spent.append(call)
            return answer

        with self.aws.intercept(watch):
            yield
        assert not spent, [(call.action, call.parameters) for call in spent]

    def everything(self) -> list[Mapping[str, Any]]:
        """All items of all tables."""
        dynamodb = boto3.client("dynamodb")
        return [
            item for table in TABLES.values() for item in dynamodb.scan(TableName=table, ConsistentRead=True)["Items"]
        ]

    def _provide(self) -> None:
        for scope in load("rotate_keys").STANDARD_SCOPES:
            self.registrar.put_scope(scope)
        demo_data.seed(ISSUER, TABLES)
        kms = boto3.client("kms")
        self._people_key = kms.create_key()["KeyMetadata"]["Arn"]
        key_id = kms.create_key(KeySpec="RSA_2048", KeyUsage="SIGN_VERIFY")["KeyMetadata"]["Arn"]
        jwk = jwk_from_public_key(kms.get_public_key(KeyId=key_id)["PublicKey"], "RS256")
        records = DynamoKeyRecords(self.table("Registry"), os.urandom)
        for queue, most_receives in QUEUES.items():
            dead = queue_arn("DeadLetters") if most_receives else ""
            self.aws.queues.add(Queue(queue_url(queue), queue_arn(queue), 60, most_receives, dead))
        roles = frozenset({NOTIFIER})
        key = SigningKey(jwk["kid"], "RS256", "signing", jwk, key_id=key_id, signing_roles=roles)
        assert records.change_ring(records.key_ring(), (key,))

    def users(self) -> DynamoUsers:
        return DynamoUsers(self.table("Users"))


def _is_harmless(call: Call) -> bool:
    """A login counter, or a lease of status indices."""
    key = call.parameters.get("Key", call.parameters.get("Item", {}))
    prefix = call.partition_prefix
    return prefix in ("throttle#", "lease#") or (prefix == "status#" and key["sk"] == {"S": "leased"})


@cache
def in_this_process(on_moto: bool = False) -> Deployment:
    """The one that tests share."""
    return Deployment(on_moto)


@contextmanager
def afresh(on_moto: bool = False) -> Iterator[Deployment]:
    """The deployment with the demo data, in which no end-user is signed in. The functions of this process use its
    server.
    """
    lambdas_own = valet.server.SERVER
    deployment = in_this_process(on_moto)
    deployment.begin()
    try:
        yield deployment
    finally:
        valet.server.SERVER = lambdas_own


def _route(path: str) -> Route:
    function = Function("", "", "", Path(), "app.handler", {}, 10.0, 512)
    return Route("ANY", path, function, 10.0, None)
