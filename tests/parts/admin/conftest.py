"""The command line as an operator's shell runs it, on the emulated AWS of the local stack."""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from functools import cache
from typing import Any
from urllib.parse import urlsplit

import boto3
import botocore.loaders
import botocore.session
import pytest
from click.testing import CliRunner
from valet import log

from admin.cli import valet as command
from admin.desk import Desk
from admin.doctor.evidence import Evidence
from admin.records.deployment import Deployment
from admin.terminal.spelling import Where
from local.stack import LocalStack
from tests.conftest import MovableClock
from tests.parts.admin.account_apis import BEARER, BOUND, ISSUER, SCOPES, Gateway, Lambda
from tests.parts.admin.audited import Asked, Logged, asked_of_aws


@pytest.fixture(scope="session", autouse=True)
def _botocore_reads_its_descriptions_once() -> Iterator[None]:
    """Each command has a session of its own, as in an operator's shell, where it reads some megabytes of JSON. Here all
    commands run in one process.
    """
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(botocore.session, "create_loader", cache(botocore.loaders.create_loader))
        yield


@pytest.fixture(scope="session", autouse=True)
def _boto3_makes_a_client_of_each_service_once() -> Iterator[None]:
    """A command makes three, which costs more than all that it asks. Those of one local stack are all alike."""
    make, made = Deployment.client, dict[tuple[Any, str | None], Any]()

    def client(deployment: Deployment, service: Any) -> Any:
        if not deployment.where.is_local:
            return make(deployment, service)
        which = service, deployment.where.aws_url
        if which not in made:
            made[which] = make(deployment, service)
        return made[which]

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Deployment, "client", client)
        yield


@pytest.fixture(autouse=True)
def _functions_log_where_their_process_does(monkeypatch: pytest.MonkeyPatch) -> None:
    """A command that invokes a function of the local stack runs it in this process, and must not answer its lines."""
    monkeypatch.setattr(log, "write", lambda line: print(line, file=sys.__stdout__))


@dataclass(frozen=True)
class Ran:
    """What a command answered."""

    status: int
    out: str
    err: str

    def json(self) -> Any:
        return json.loads(self.out)


@dataclass
class Operator:
    """Runs `valet … --local`, on a clock that sleeping moves."""

    stack: LocalStack
    clock: Callable[[], float]
    advance: Callable[[float], None]
    slept: list[float] = field(default_factory=list)
    said: list[str] = field(default_factory=list)
    while_asleep: Callable[[], None] = lambda: None

    def __call__(self, *arguments: str, typed: str = "", status: int = 0, where: str = "--local") -> Ran:
        port = urlsplit(self.stack.aws_url).port
        desk = Desk(clock=self.clock, sleep=self._sleep)
        result = CliRunner().invoke(
            command,
            [*arguments, *([where] if where else [])],
            input=typed,
            obj=desk,
            env={"AWS_PORT": str(port), "COLUMNS": "200"},
            prog_name="valet",
        )
        self.said.append(result.stdout + result.stderr)
        if result.exception is not None and not isinstance(result.exception, SystemExit):
            raise result.exception
        assert result.exit_code == status, f"{result.exit_code}: {result.stdout}{result.stderr}"
        assert "Traceback" not in result.stderr
        return Ran(result.exit_code, result.stdout, result.stderr)

    def json(self, *arguments: str, typed: str = "", status: int = 0) -> Any:
        return self(*arguments, "--json", typed=typed, status=status).json()

    def _sleep(self, seconds: float) -> None:
        self.slept.append(seconds)
        self.while_asleep()
        self.advance(seconds)


@pytest.fixture
def refused(fresh_stack: LocalStack) -> Operator:
    """For what changes nothing, on the clock of the wall."""
    return Operator(fresh_stack, time.time, lambda seconds: None)


@pytest.fixture
def keys_come_back(valet: Operator) -> Iterator[None]:
    """The stack's tables are restored after a test, its KMS keys are not: a test that ends a key uses this fixture."""
    kms = boto3.client("kms", endpoint_url=valet.stack.aws_url)
    yield
    for key in kms.list_keys()["Keys"]:
        state = kms.describe_key(KeyId=key["KeyId"])["KeyMetadata"]["KeyState"]
        if state == "PendingDeletion":
            kms.cancel_key_deletion(KeyId=key["KeyId"])
        if state in ("PendingDeletion", "Disabled"):
            kms.enable_key(KeyId=key["KeyId"])


@pytest.fixture
def valet(fresh_stack: LocalStack, clock: MovableClock) -> Operator:
    return Operator(fresh_stack, clock, clock.advance)


@pytest.fixture
def logged(fresh_stack: LocalStack) -> Logged:
    """The operators' log from now on."""
    return Logged()


@pytest.fixture
def asked() -> Iterator[Asked]:
    """What commands ask of AWS from now on."""
    with asked_of_aws() as listening:
        yield listening


# -- the account of a deployment, for `valet doctor` -------------------------------------------------------------------


@pytest.fixture
def http_apis() -> Gateway:
    return Gateway("apigatewayv2")


@pytest.fixture
def rest_apis() -> Gateway:
    return Gateway("apigateway")


@pytest.fixture
def evidence(http_apis: Gateway, rest_apis: Gateway, monkeypatch: pytest.MonkeyPatch) -> Evidence:
    clients = {"lambda": Lambda(), "apigateway": rest_apis.client, "apigatewayv2": http_apis.client}
    deployment = Deployment(Where(stack="valet", region="us-east-1"), bytes, lambda: 0.0)
    deployment.__dict__["outputs"] = {"Issuer": ISSUER}
    monkeypatch.setattr(deployment, "client", clients.__getitem__)
    monkeypatch.setattr(Evidence, "environment", lambda self, function: {})
    found = Evidence(deployment, 0)
    found.__dict__.update(clients=(BOUND, BEARER), scopes=SCOPES)
    return found
