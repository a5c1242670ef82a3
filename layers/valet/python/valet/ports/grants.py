"""What Valet asks of the outside world, as verbs of the protocol that answer whether the deed was done.

No port lets a caller read, decide and then write unconditionally. Every method may raise TemporarilyUnavailable, when
the outcome stayed unknown after the same write was sent twice or the service is throttled; nothing else leaves a port.
"""

from dataclasses import dataclass
from typing import Protocol

from valet.audit import EventName
from valet.models import (
    Account,
    Client,
    Consent,
    Credential,
    Grant,
    GrantPointer,
    KeyRing,
    Lease,
    LiveToken,
    SavedRequest,
    Scopes,
    Session,
    SigningKey,
    StatusListContent,
)


class Clock(Protocol):
    def __call__(self) -> float:
        """Epoch seconds."""


class Random(Protocol):
    def __call__(self, length: int, /) -> bytes:
        """`length` bytes nobody can guess."""


class Registry(Protocol):
    """What operators registered. Answers may be up to ten seconds old."""

    def find_client(self, client_id: str) -> Client | None: ...
    def scopes(self) -> Scopes: ...
    def origins(self) -> frozenset[str]:
        """The origins of all clients together, for preflights, which name no client."""

    def signing_keys(self) -> tuple[SigningKey, ...]: ...


class Accounts(Protocol):
    def find_account(self, sub: str) -> Account | None: ...


class Credentials(Protocol):
    def find_credentials(self, username: str) -> tuple[Credential, ...]:
        """What is kept under that username: the credential, and others while a password is changed. The account says
        which one is in force. Strongly consistent."""


class Consents(Protocol):
    def find_consent(self, sub: str, client_id: str) -> Consent | None: ...
    def remember_consent(self, consent: Consent) -> None:
        """Keep it; what was allowed before stays allowed."""


@dataclass(frozen=True, slots=True)
class Redemption:
    """The write that redeems a code; `attempt` marks it as this invocation's own."""

    attempt: bytes
    redeemed_at_ms: int
    live: tuple[LiveToken, ...]
    family_digest: bytes  # empty: no refresh token is issued
    refresh_digest: bytes
    idle_expires_at: int
    expires_at: int


@dataclass(frozen=True, slots=True)
class Rotation:
    """The write that rotates a refresh token; its `retry_key` is the attempt's mark."""

    presented_digest: bytes
    refresh_digest: bytes
    retry_key: bytes
    rotated_at_ms: int
    live: tuple[LiveToken, ...]
    idle_expires_at: int
    expires_at: int
    paced_until: int = 0


@dataclass(frozen=True, slots=True)
class Revocation:
    """The write that revokes a grant; `attempt` marks it as this invocation's own."""

    attempt: bytes
    revoked_at: int
    revoked_for: str


@dataclass(frozen=True, slots=True)
class Done:
    """The write took effect now."""


@dataclass(frozen=True, slots=True)
class Refused:
    """The condition did not hold; `found` is the item as it was (ALL_OLD), None if there is none."""

    found: Grant | None


@dataclass(frozen=True, slots=True)
class Revoked:
    """The grant is revoked, by this write or by one before it."""

    grant: Grant  # as it was; its `live` is what to refuse from now on
    is_ours: bool  # this write did it, also where its answer was lost and it was sent again


class Grants(Protocol):
    """Grants, their pointers, and the status bits of their access tokens."""

    def find(self, grant_id: str) -> Grant | None:
        """Strongly consistent."""

    def point_to(self, pointer: GrantPointer) -> None:
        """Keep where a grant is, before it is issued and again before it is redeemed: it can always be found. The
        pointer of a redeemed grant stays as it is, if the first one comes late."""

    def issue(self, grant: Grant) -> Done | Refused:
        """If there is none by its id."""

    def redeem(self, grant: Grant, redemption: Redemption, now: float) -> Done | Refused:
        """If the code is the grant's, not redeemed, not expired, and the grant is not revoked."""

    def rotate(self, grant: Grant, rotation: Rotation, now: float) -> Done | Refused:
        """If the presented token is the current one, not expired, and the grant is not revoked."""

    def revoke(self, grant_id: str, revocation: Revocation) -> Revoked | None:
        """Final, whatever its state. A grant that does not exist stays absent: None."""

    def revoke_by_refresh_token(
        self, grant_id: str, client_id: str, family_digest: bytes, revocation: Revocation
    ) -> Revoked | None:
        """The same, if the client and the family secret are the grant's; else None and nothing changes."""

    def bury(self, grant_id: str, sub: str, revocation: Revocation) -> Revoked | None:
        """The same; where there is no grant stays a tombstone, so that one under way cannot be issued: None. Another
        end-user's grant stays as it is, whatever a pointer says: None."""

    def pointers(self, sub: str, sid: str | None = None) -> tuple[GrantPointer, ...]:
        """All of a person's, or those of one session. Strongly consistent."""

    def forget(self, pointer: GrantPointer) -> None:
        """The pointer, of a grant that is ended and finished: nobody has to find it again."""


class StatusLists(Protocol):
    """Which status index belongs to whom, and which are set."""

    def lease(self, client_id: str, list_id: str, length: int, expires_at: int, client_epoch: int = 0) -> Lease:
        """The next `length` indices of that list, recorded as the client's."""

    def leases(self, client_id: str) -> tuple[Lease, ...]:
        """All blocks that are recorded as the client's. Strongly consistent."""

    def put_ranges(self, leases: tuple[Lease, ...]) -> None:
        """Set every index of those blocks. Idempotent."""

    def put_bits(self, tokens: tuple[LiveToken, ...]) -> None:
        """Idempotent."""

    def is_set(self, token: LiveToken) -> bool:
        """Whether the token's own bit is set. Strongly consistent."""

    def is_in_range(self, token: LiveToken, block: int) -> bool:
        """Whether the token's block, of `block` indices, is set as a range. Strongly consistent."""

    def find_list(self, list_id: str) -> StatusListContent:
        """Which of a list's indices are set, and how many are leased. Strongly consistent."""


class SavedRequests(Protocol):
    def save(self, request: SavedRequest) -> None: ...
    def find_saved(self, digest: bytes) -> SavedRequest | None: ...


class Sessions(Protocol):
    def open(self, session: Session) -> None:
        """Once: what has ended since is not opened again by the same write coming late."""

    def find_session(self, digest: bytes) -> Session | None: ...
    def prolong(self, digest: bytes, idle_expires_at: int) -> None:
        """Unless it has ended; never back in time."""

    def end(self, digest: bytes, attempt: bytes, now: float) -> Session | None:
        """Final. The session, also when it had ended before: whoever ends it again can finish what an earlier one left
        undone. Its `ending` says which attempt ended it. None if there is none."""


class Throttles(Protocol):
    """Counters of attempts, counted before the attempt is made."""

    def count(self, what: str, expires_at: int) -> int:
        """How many attempts there are, this one included."""

    def count_share(self, what: str, share: str, most_of_share: int, most: int, expires_at: int) -> bool:
        """Count the attempt, of this share and of all shares, in one write. False: a bound is reached, nothing counted.

        `share` is a word of letters, digits and underscores.
        """

    def forget_share(self, what: str, share: str) -> None:
        """Forget the share's attempts, and take one attempt, if any is counted, off the count of all shares."""

    def take_back(self, what: str) -> None:
        """One attempt less, if any is counted."""

    def forget(self, what: str) -> None: ...
    def remember_browser(self, browser_digest: bytes, account: str, expires_at: int) -> None: ...
    def knows_browser(self, browser_digest: bytes, account: str, now: float) -> bool: ...


class Signer(Protocol):
    """A signing key in use. `sign` answers a JWS signature value (RFC 7518 §3), never DER."""

    @property
    def alg(self) -> str: ...
    @property
    def kid(self) -> str: ...
    def sign(self, message: bytes, /) -> bytes: ...


class Signers(Protocol):
    def signer(self, key: SigningKey, /) -> Signer:
        """The signer behind a key record."""


class Audit(Protocol):
    """What matters is logged once, under a stable event name, with no secret in it."""

    def record(self, event: EventName, /, **fields: str | int | float | bool | None) -> None: ...


class KeyMaker(Protocol):
    """Makes and ends signing keys; only rotate_keys has one."""

    def make_key(self, alg: str, now: float) -> SigningKey:
        """A new key, in the state announced, that nobody knows of until it is put into the ring."""

    def is_usable(self, key: SigningKey) -> bool:
        """False where it is certain that nobody can sign with it: disabled, or about to be deleted."""

    def end_key(self, key: SigningKey) -> bool:
        """Nobody can sign with it any more. Idempotent; False if it is not ours to end."""


class KeyRecords(Protocol):
    """The signing keys' records, changed all together by one conditional write at a time."""

    def key_ring(self) -> KeyRing:
        """Strongly consistent."""

    def change_ring(self, before: KeyRing, keys: tuple[SigningKey, ...]) -> bool:
        """If the ring is still `before`."""
