"""The stores that every contract is held against: on the model's table in memory, on the tables in memory that
integration tests stand on, on moto, and on ministack."""

from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from itertools import count
from typing import TYPE_CHECKING

import boto3
import pytest
from botocore.config import Config
from valet.aws.dynamodb.accounts import DynamoUsers
from valet.aws.dynamodb.device_codes import DynamoDeviceCodes
from valet.aws.dynamodb.documents import DynamoDocumentStore
from valet.aws.dynamodb.dynamic_clients import DynamoDynamicClients, DynamoInvites
from valet.aws.dynamodb.enrolment import DynamoEnrolment
from valet.aws.dynamodb.factors import DynamoDevices, DynamoFactors
from valet.aws.dynamodb.grants import DynamoGrants
from valet.aws.dynamodb.key_records import DynamoKeyRecords
from valet.aws.dynamodb.links import DynamoLinks
from valet.aws.dynamodb.mails import DynamoMails
from valet.aws.dynamodb.newcomers import DynamoNewcomers
from valet.aws.dynamodb.once import DynamoOnce
from valet.aws.dynamodb.own_sign_in import DynamoOwnSignIn
from valet.aws.dynamodb.passkeys import DynamoPasskeys
from valet.aws.dynamodb.proofs import DynamoProofs
from valet.aws.dynamodb.pushed_requests import DynamoPushedRequests
from valet.aws.dynamodb.reference_tokens import DynamoReferenceTokens
from valet.aws.dynamodb.registrar import Registrar
from valet.aws.dynamodb.registry import DynamoRegistry
from valet.aws.dynamodb.saved_requests import DynamoSavedRequests
from valet.aws.dynamodb.sessions import DynamoSessions
from valet.aws.dynamodb.status_lists import DynamoStatusLists
from valet.aws.dynamodb.table import Table
from valet.aws.dynamodb.throttles import DynamoThrottles
from valet.ports.accounts import Accounts, Consents, Credentials
from valet.ports.clients import Registry
from valet.ports.device_codes import DeviceCodes
from valet.ports.factors import Devices
from valet.ports.grants import Grants
from valet.ports.keys import KeyRecords
from valet.ports.mails import Mails
from valet.ports.once import Once
from valet.ports.proofs import Proofs
from valet.ports.pushed_requests import PushedRequests
from valet.ports.reference_tokens import ReferenceTokens
from valet.ports.saved_requests import SavedRequests
from valet.ports.sessions import Sessions
from valet.ports.status_lists import StatusLists
from valet.ports.throttles import Throttles

from local.aws.aws import emulated
from tests.contract.facts import NOW, random
from tests.support.calls import calls
from tests.support.memory_dynamodb import MemoryDynamoDb
from tests.support.memory_stores import new_table
from tests.support.tables import create_table

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient

BEHIND_CALLS = "memory behind calls"  # on which integration tests stand
MINISTACK = pytest.param("ministack", marks=pytest.mark.xdist_group("ministack"))

# 64 threads at once on an emulator of one process: what is measured is who wins, not how soon.
_PATIENT = Config(connect_timeout=20, read_timeout=60, max_pool_connections=64, retries={"total_max_attempts": 2})
_numbers = count(1)


@dataclass(frozen=True)
class Stores:
    """Every port, on a table with nothing in it."""

    registry: Registry
    registrar: Registrar
    accounts: Accounts
    credentials: Credentials
    consents: Consents
    users: DynamoUsers
    grants: Grants
    status_lists: StatusLists
    saved_requests: SavedRequests
    sessions: Sessions
    throttles: Throttles
    key_records: KeyRecords
    once: Once
    reference_tokens: ReferenceTokens
    pushed_requests: PushedRequests
    device_codes: DeviceCodes
    proofs: Proofs
    passkeys: DynamoPasskeys
    enrolment: DynamoEnrolment
    links: DynamoLinks
    newcomers: DynamoNewcomers
    own_sign_in: DynamoOwnSignIn
    mails: Mails
    factors: DynamoFactors
    devices: Devices
    documents: DynamoDocumentStore
    dynamic_clients: DynamoDynamicClients
    invites: DynamoInvites


@pytest.fixture
def memory_stores() -> Stores:
    """For what every order of calls is tried on."""
    return _on(new_table())


@pytest.fixture(params=["memory", BEHIND_CALLS, "moto", MINISTACK])
def stores(request: pytest.FixtureRequest) -> Iterator[Stores]:
    if request.param == "memory":
        yield _on(new_table())
        return
    with _called(request) as table:
        yield _on(table)


@pytest.fixture(params=[BEHIND_CALLS, "moto", MINISTACK])
def table(request: pytest.FixtureRequest) -> Iterator[Table]:
    """One that is called, with nothing in it."""
    with _called(request) as table:
        yield table


def endpoint_of(request: pytest.FixtureRequest) -> str | None:
    """Where boto3 finds the implementation that the fixture's parameter names."""
    emulated()
    return request.getfixturevalue("ministack_url") if request.param == "ministack" else None


def _called(request: pytest.FixtureRequest) -> AbstractContextManager[Table]:
    """The table of the implementation that the fixture's parameter names."""
    return _behind_calls() if request.param == BEHIND_CALLS else _table(endpoint_of(request))


@contextmanager
def _behind_calls() -> Iterator[Table]:
    aws = emulated()
    before, aws.dynamodb = aws.dynamodb, MemoryDynamoDb(["contract"]).answer
    try:
        yield Table(calls("dynamodb"), "contract")
    finally:
        aws.dynamodb = before


@contextmanager
def _table(endpoint_url: str | None) -> Iterator[Table]:
    client: DynamoDBClient = boto3.client("dynamodb", endpoint_url=endpoint_url, config=_PATIENT)
    name = f"contract-{next(_numbers)}"
    create_table(client, name)
    try:
        yield Table(calls("dynamodb", endpoint_url or ""), name)
    finally:
        client.delete_table(TableName=name)
        client.close()


def _on(table: Table) -> Stores:
    users = DynamoUsers(table)
    return Stores(
        DynamoRegistry(table, lambda: NOW),
        Registrar(table),
        users,
        users,
        users,
        users,
        DynamoGrants(table),
        DynamoStatusLists(table),
        DynamoSavedRequests(table),
        DynamoSessions(table),
        DynamoThrottles(table),
        DynamoKeyRecords(table, random),
        DynamoOnce(table),
        DynamoReferenceTokens(table),
        DynamoPushedRequests(table),
        DynamoDeviceCodes(table),
        DynamoProofs(table),
        DynamoPasskeys(table),
        DynamoEnrolment(table, table),
        DynamoLinks(table),
        DynamoNewcomers(table),
        DynamoOwnSignIn(table),
        DynamoMails(table),
        DynamoFactors(table),
        DynamoDevices(table),
        DynamoDocumentStore(table),
        DynamoDynamicClients(table, lambda: NOW),
        DynamoInvites(table),
    )
