"""Grants and status lists in memory, on the conditions that DynamoDB writes them on (ports Grants, StatusLists)."""

from collections.abc import Iterable
from dataclasses import MISSING, dataclass, field, fields, replace
from threading import Lock
from typing import Any

from valet.models.grants import Grant, GrantPointer, LiveToken
from valet.models.status_lists import Lease, StatusListContent
from valet.ports.grants import Done, Redemption, Refused, Revocation, Revoked, Rotation

_KEPT_AFTER_END = 86_400


@dataclass
class MemoryGrants:
    """The port Grants."""

    grants: dict[str, Grant] = field(default_factory=dict)
    found_by: dict[tuple[str, str, str], GrantPointer] = field(default_factory=dict)  # sub, sid, grant id
    _lock: Lock = field(default_factory=Lock)

    def find(self, grant_id: str) -> Grant | None:
        return self.grants.get(grant_id)

    def point_to(self, pointer: GrantPointer) -> None:
        with self._lock:
            found = self.found_by.get((pointer.sub, pointer.sid, pointer.grant_id))
            if pointer.redeemed_at or found is None or not found.redeemed_at:
                self.found_by[pointer.sub, pointer.sid, pointer.grant_id] = pointer

    def issue(self, grant: Grant) -> Done | Refused:
        with self._lock:
            found = self.grants.get(grant.grant_id)
            if found is not None:
                return Refused(found)
            self.grants[grant.grant_id] = grant
            return Done()

    def redeem(self, grant: Grant, redemption: Redemption, now: float) -> Done | Refused:
        with self._lock:
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
        with self._lock:
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

    def revoke(self, grant_id: str, revocation: Revocation) -> Revoked | None:
        with self._lock:
            return self._revoke(self.grants.get(grant_id), revocation)

    def bury(self, grant_id: str, sub: str, revocation: Revocation) -> Revoked | None:
        with self._lock:
            found = self.grants.get(grant_id)
            if found is not None and found.sub not in (None, sub):
                return None
            if found is None:
                self.grants[grant_id] = _tombstone(grant_id, revocation)
            return self._revoke(found, revocation)

    def pointers(self, sub: str, sid: str | None = None) -> tuple[GrantPointer, ...]:
        with self._lock:
            return tuple(self.found_by[key] for key in sorted(self.found_by) if key[0] == sub and sid in (None, key[1]))

    def forget(self, pointer: GrantPointer) -> None:
        with self._lock:
            self.found_by.pop((pointer.sub, pointer.sid, pointer.grant_id), None)

    def _revoke(self, found: Grant | None, revocation: Revocation) -> Revoked | None:
        """Under the lock."""
        if found is None or not found.client_id:
            return None
        if not found.revoked_at:
            self.grants[found.grant_id] = replace(found, **_marks(revocation), retry_key=b"", previous_digest=b"")
        return Revoked(found, is_ours=not found.revoked_at or found.revocation == revocation.attempt)


def _marks(revocation: Revocation) -> dict[str, Any]:
    return {
        "revoked_at": revocation.revoked_at,
        "revoked_for": revocation.revoked_for,
        "revocation": revocation.attempt,
    }


def _tombstone(grant_id: str, revocation: Revocation) -> Grant:
    """What DynamoDB makes of an update to an item that is not there: nothing but the revocation."""
    absent: dict[str, Any] = {each.name: None for each in fields(Grant) if each.default is MISSING}
    known = {"grant_id": grant_id, "expires_at": revocation.revoked_at + _KEPT_AFTER_END}
    return Grant(**{**absent, **known, **_marks(revocation)})


@dataclass
class MemoryStatusLists:
    """The port StatusLists."""

    leased: dict[str, int] = field(default_factory=dict)
    leases_made: list[Lease] = field(default_factory=list)
    bits: set[tuple[str, int]] = field(default_factory=set)
    ranges: set[tuple[str, range]] = field(default_factory=set)
    _lock: Lock = field(default_factory=Lock)

    def lease(self, client_id: str, list_id: str, length: int, expires_at: int, client_epoch: int = 0) -> Lease:
        with self._lock:
            start = self.leased.get(list_id, 0)
            self.leased[list_id] = start + length
            lease = Lease(client_id, list_id, start, length, expires_at, client_epoch)
            self.leases_made.append(lease)
            return lease

    def leases(self, client_id: str) -> tuple[Lease, ...]:
        with self._lock:
            return tuple(lease for lease in self.leases_made if lease.client_id == client_id)

    def put_ranges(self, leases: Iterable[Lease]) -> None:
        self.ranges.update((lease.list_id, range(lease.start, lease.start + lease.length)) for lease in leases)

    def put_bits(self, tokens: Iterable[LiveToken]) -> None:
        self.bits.update((token.list_id, token.idx) for token in tokens)

    def find_list(self, list_id: str) -> StatusListContent:
        revoked = frozenset(idx for of, idx in tuple(self.bits) if of == list_id)
        ranges = (indices for of, indices in tuple(self.ranges) if of == list_id)
        return StatusListContent(self.leased.get(list_id, 0), revoked.union(*ranges))

    def is_set(self, token: LiveToken) -> bool:
        return (token.list_id, token.idx) in self.bits

    def is_in_range(self, token: LiveToken, block: int) -> bool:
        start = token.idx - token.idx % block
        return any(of == token.list_id and indices.start == start for of, indices in tuple(self.ranges))
