"""Grants: each step is one conditional write, which answers its outcome."""

from typing import Protocol

from valet.frozen import Frozen
from valet.models.grants import Grant, GrantOutline, GrantPointer, LiveToken


class Redemption(Frozen):
    """The write that redeems a code; `attempt` marks it as this invocation's own."""

    attempt: bytes
    redeemed_at_ms: int
    live: tuple[LiveToken, ...]
    family_digest: bytes  # empty: no refresh token is issued
    refresh_digest: bytes
    idle_expires_at: int
    expires_at: int
    jkt: str = ""  # the key that every refresh has to prove; empty: none


class Rotation(Frozen):
    """The write that rotates a refresh token; its `retry_key` is the attempt's mark."""

    presented_digest: bytes
    refresh_digest: bytes
    retry_key: bytes
    rotated_at_ms: int
    live: tuple[LiveToken, ...]
    idle_expires_at: int
    expires_at: int
    paced_until: int = 0


class Renewal(Frozen):
    """The write of a refresh that keeps its refresh token. It needs no mark of its own: if a second try finds that the
    first one took effect, the answer is the same as to any other request that was faster.
    """

    presented_digest: bytes
    live: tuple[LiveToken, ...]
    idle_expires_at: int
    expires_at: int
    paced_until: int = 0


class Revocation(Frozen):
    """The write that revokes a grant; `attempt` marks it as this invocation's own."""

    attempt: bytes
    revoked_at: int
    revoked_for: str


class Done(Frozen):
    """The write took effect now."""


class Refused(Frozen):
    """The condition did not hold; `found` is the item as it was (ALL_OLD), None if there is none."""

    found: Grant | None


class Revoked(Frozen):
    """The grant is revoked, by this write or by one before it."""

    grant: Grant  # as it was; its `live` is what to refuse from now on
    is_ours: bool  # this write did it, also where its answer was lost and it was sent again


class Grants(Protocol):
    """Grants, their pointers, and the status bits of their access tokens."""

    def find(self, grant_id: str) -> Grant | None:
        """Strongly consistent."""

    def exists(self, grant_id: str) -> bool:
        """Whether there is a grant with this id, or the tombstone of one that ended before it was issued. Strongly
        consistent.
        """

    def outline(self, grant_id: str) -> GrantOutline | None:
        """What the grant's end-user is told of it; None if there is none, or only a tombstone. Strongly consistent."""

    def point_to(self, pointer: GrantPointer) -> None:
        """Store the pointer to a grant, before the grant is issued and again before it is redeemed, so that the grant
        can always be found. If the first write arrives late, it does not change the pointer of a redeemed grant.
        """

    def issue(self, grant: Grant) -> Done | Refused:
        """Issue the grant, if there is none with its id."""

    def deny(self, grant_id: str, sub: str, revocation: Revocation) -> Done | Refused:
        """Leave a tombstone of that end-user in the grant's place, if there is no grant with its id."""

    def redeem(self, grant: Grant, redemption: Redemption, now: float) -> Done | Refused:
        """Redeem the code, if it is the grant's, not redeemed and not expired, and the grant is not revoked."""

    def rotate(self, grant: Grant, rotation: Rotation, now: float) -> Done | Refused:
        """Rotate the refresh token, if the presented one is current and not expired, and the grant is not revoked and
        still of the generation that `grant` has.
        """

    def renew(self, grant: Grant, renewal: Renewal, now: float) -> Done | Refused:
        """Count a refresh that keeps the refresh token, on the same conditions as `rotate`."""

    def revoke(self, grant_id: str, revocation: Revocation) -> Revoked | None:
        """Revoke the grant, whatever its state; this is final. Returns None if there is no such grant, and creates
        nothing.
        """

    def bury(self, grant_id: str, sub: str, revocation: Revocation) -> Revoked | None:
        """Revoke the grant. If it does not exist yet, leave a tombstone, so that a consent in progress cannot create
        it, and return None. Another end-user's grant stays as it is, whatever a pointer says: None."""

    def pointers(self, sub: str, sid: str | None = None) -> tuple[GrantPointer, ...]:
        """The pointers to all grants of a person, or to those of one session. Strongly consistent."""

    def forget(self, pointer: GrantPointer) -> None:
        """Delete the pointer of a grant that has ended, and whose status bits are set."""


class HasGrants(Protocol):
    @property
    def grants(self) -> Grants: ...
