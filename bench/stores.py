"""Grants, accounts and status lists as objects in dictionaries, for the benchmark that compares Valet with Authlib.

Authlib's tables are dictionaries of objects, so here Valet's are too. The stores that turn DynamoDB's items into
objects take 120 to 150 µs more a request; tests use those (tests/support/memory_stores.py). The stores here have only
the operations that the token and introspection endpoints call, and check the conditions that the real ones check.
"""

from dataclasses import dataclass, field, replace
from typing import cast

from valet.models.accounts import Account
from valet.models.grants import Grant, GrantPointer, LiveToken
from valet.models.once import OneTimeValue
from valet.models.status_lists import Lease
from valet.ports.accounts import Accounts
from valet.ports.grants import Done, Grants, Redemption, Refused, Rotation
from valet.ports.status_lists import StatusLists
from valet.server import Server

from tests.support.known_registry import KnownRegistry
from tests.support.signing import MemorySigners


@dataclass
class BenchAccounts:
    """The part of the port Accounts that the two endpoints call."""

    accounts: dict[str, Account] = field(default_factory=dict)

    def find_account(self, sub: str) -> Account | None:
        return self.accounts.get(sub)


@dataclass
class BenchGrants:
    """The part of the port Grants that the two endpoints call."""

    grants: dict[str, Grant] = field(default_factory=dict)
    found_by: dict[tuple[str, str, str], GrantPointer] = field(default_factory=dict)  # sub, sid, grant id

    def find(self, grant_id: str) -> Grant | None:
        return self.grants.get(grant_id)

    def point_to(self, pointer: GrantPointer) -> None:
        key = (pointer.sub, pointer.sid, pointer.grant_id)
        found = self.found_by.get(key)
        if pointer.redeemed_at or found is None or not found.redeemed_at:
            self.found_by[key] = pointer

    def issue(self, grant: Grant) -> None:
        self.grants[grant.grant_id] = grant

    def redeem(self, grant: Grant, redemption: Redemption, now: float) -> Done | Refused:
        found = self.grants.get(grant.grant_id)
        if (
            found is None
            or found.code_digest != grant.code_digest
            or found.redeemed_at_ms
            or found.revoked_at
            or not found.code_expires_at > int(now)
        ):
            return Refused(found)
        redeemed = replace(
            found,
            redemption=redemption.attempt,
            redeemed_at_ms=redemption.redeemed_at_ms,
            nonce=None,
            code_expires_at=0,
            retry_key=b"",
            generation=1,
            live=redemption.live,
            expires_at=redemption.expires_at,
        )
        if redemption.family_digest:
            redeemed = replace(
                redeemed,
                family_digest=redemption.family_digest,
                refresh_digest=redemption.refresh_digest,
                idle_expires_at=redemption.idle_expires_at,
            )
        self.grants[grant.grant_id] = redeemed
        return Done()

    def rotate(self, grant: Grant, rotation: Rotation, now: float) -> Done | Refused:
        found = self.grants.get(grant.grant_id)
        if (
            found is None
            or found.refresh_digest != rotation.presented_digest
            or found.revoked_at
            or not min(found.idle_expires_at, found.absolute_expires_at) > int(now)
        ):
            return Refused(found)
        self.grants[grant.grant_id] = replace(
            found,
            refresh_digest=rotation.refresh_digest,
            previous_digest=rotation.presented_digest,
            retry_key=rotation.retry_key,
            rotated_at_ms=rotation.rotated_at_ms,
            paced_until=rotation.paced_until,
            live=rotation.live,
            idle_expires_at=rotation.idle_expires_at,
            expires_at=rotation.expires_at,
            generation=found.generation + 1,
        )
        return Done()


@dataclass
class BenchStatusLists:
    """The part of the port StatusLists that the two endpoints call. Its tokens are never revoked."""

    leased: dict[str, int] = field(default_factory=dict)

    def lease(self, client_id: str, list_id: str, length: int, expires_at: int, client_epoch: int = 0) -> Lease:
        start = self.leased.get(list_id, 0)
        self.leased[list_id] = start + length
        return Lease(client_id, list_id, start, length, expires_at, client_epoch)

    def is_set(self, token: LiveToken) -> bool:
        return False

    def is_in_range(self, token: LiveToken, block: int) -> bool:
        return False


@dataclass
class BenchOnce:
    """The port Once."""

    spent: dict[OneTimeValue, bytes] = field(default_factory=dict)

    def spend(self, value: OneTimeValue, attempt: bytes, /) -> bool:
        return self.spent.setdefault(value, attempt) == attempt


@dataclass
class BenchStores:
    """All ports that the two endpoints use, except clock, randomness and log."""

    registry: KnownRegistry = field(default_factory=KnownRegistry)
    accounts: BenchAccounts = field(default_factory=BenchAccounts)
    grants: BenchGrants = field(default_factory=BenchGrants)
    status_lists: BenchStatusLists = field(default_factory=BenchStatusLists)
    signers: MemorySigners = field(default_factory=MemorySigners)
    once: BenchOnce = field(default_factory=BenchOnce)

    def stand_behind(self, server: Server) -> None:
        """Replace the server's ports by these stores."""
        server.registry = self.registry
        server.accounts = cast(Accounts, self.accounts)
        server.grants = cast(Grants, self.grants)
        server.status_lists = cast(StatusLists, self.status_lists)
        server.signers = self.signers
        server.once = self.once
