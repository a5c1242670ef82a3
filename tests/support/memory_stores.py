"""The stores of DynamoDB on tables in memory: what they write and on which conditions is what production sends.

For what is done ten thousand times, or without AWS; the contract suite holds them to what moto and ministack do.
"""

import os
from dataclasses import dataclass, field
from functools import cached_property

from valet.aws.dynamodb.accounts import DynamoUsers
from valet.aws.dynamodb.device_codes import DynamoDeviceCodes
from valet.aws.dynamodb.grants import DynamoGrants
from valet.aws.dynamodb.key_records import DynamoKeyRecords
from valet.aws.dynamodb.mails import DynamoMails
from valet.aws.dynamodb.once import DynamoOnce
from valet.aws.dynamodb.proofs import DynamoProofs
from valet.aws.dynamodb.pushed_requests import DynamoPushedRequests
from valet.aws.dynamodb.reference_tokens import DynamoReferenceTokens
from valet.aws.dynamodb.registrar import Registrar
from valet.aws.dynamodb.registry import DynamoRegistry
from valet.aws.dynamodb.saved_requests import DynamoSavedRequests
from valet.aws.dynamodb.sessions import DynamoSessions
from valet.aws.dynamodb.status_lists import DynamoStatusLists
from valet.aws.dynamodb.table import item_from_model
from valet.aws.dynamodb.throttles import DynamoThrottles
from valet.models.accounts import Account
from valet.server import Server

from tests.support.memory_table import MemoryTable
from tests.support.signing import MemorySigners


def new_table() -> MemoryTable:
    """An empty table, which answers each call at once and records nothing."""
    return MemoryTable(lambda _, run: run(), lambda *_: None)


@dataclass(frozen=True)
class MemoryStores:
    """Three tables, and signing keys in memory."""

    registry: MemoryTable = field(default_factory=new_table)
    accounts: MemoryTable = field(default_factory=new_table)
    items: MemoryTable = field(default_factory=new_table)
    signers: MemorySigners = field(default_factory=MemorySigners)

    @cached_property
    def registrar(self) -> Registrar:
        return Registrar(self.registry)

    @cached_property
    def grants(self) -> DynamoGrants:
        return DynamoGrants(self.items)

    @cached_property
    def status_lists(self) -> DynamoStatusLists:
        return DynamoStatusLists(self.items)

    def put_account(self, account: Account) -> None:
        self.accounts.put(item_from_model(account, f"account#{account.sub}", "account"))

    def put_signing_key(self, alg: str) -> None:
        """A new key, which signs from now on."""
        records = DynamoKeyRecords(self.registry, os.urandom)
        ring = records.key_ring()
        assert records.change_ring(ring, (*ring.keys, self.signers.new_key(alg)))

    def stand_behind(self, server: Server) -> None:
        """The server's ports are these from now on. What it reads of the registry it remembers, as always."""
        server.registry = DynamoRegistry(self.registry, server.clock)
        server.accounts = server.credentials = server.consents = DynamoUsers(self.accounts)
        server.grants = self.grants
        server.status_lists = self.status_lists
        server.saved_requests = DynamoSavedRequests(self.items)
        server.pushed_requests = DynamoPushedRequests(self.items)
        server.device_codes = DynamoDeviceCodes(self.items)
        server.proofs = DynamoProofs(self.items)
        server.once = DynamoOnce(self.items)
        server.reference_tokens = DynamoReferenceTokens(self.items)
        server.sessions = DynamoSessions(self.items)
        server.throttles = DynamoThrottles(self.items)
        server.mails = DynamoMails(self.items)
        server.signers = self.signers
