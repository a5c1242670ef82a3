"""Clients that no operator registered."""

from enum import Enum
from typing import Protocol

from valet.models.unknown_clients import Document, DynamicClient, Invite


class Outcome(Enum):
    """What became of a fetch. The words go from the function fetch to its callers."""

    FETCHED = "fetched"
    GONE = "gone"  # the host says that there is no such client
    REFUSED = "refused"  # the document breaks a rule
    UNREACHABLE = "unreachable"
    BUSY = "busy"  # another invocation fetches it, or did a moment ago
    BOUNDED = "bounded"  # too many fetches
    UNAVAILABLE = "unavailable"  # AWS is out of reach


class Documents(Protocol):
    """The documents that clients name themselves by."""

    def find(self, url: str) -> Document | None:
        """The stored one, as it was at most ten seconds ago."""

    def refresh(self, url: str, source_ip: str, *, is_trusted: bool) -> Outcome:
        """Have it fetched; `find` answers the new one from then on. Raises TemporarilyUnavailable."""


class DocumentStore(Protocol):
    """The documents, as the one function that fetches them keeps them."""

    def find(self, url: str) -> Document | None: ...
    def claim(self, url: str, attempt: bytes, now: float) -> bool:
        """Whether this attempt may fetch: no other one began within five seconds."""

    def keep(self, document: Document, attempt: bytes) -> bool:
        """Keep what was fetched, or, with an empty body, that the client is gone. False: a later attempt has begun."""


class DynamicClients(Protocol):
    """The clients that registered themselves."""

    def add(self, client: DynamicClient) -> bool:
        """False if another client has the client_id."""

    def prolong(self, client_id: str, until: int, now: float) -> None:
        """Let the client live until then, if it lives still and would not live so long."""


class Invites(Protocol):
    """The initial access tokens."""

    def find_invite(self, invite_id: str) -> Invite | None: ...
    def spend_invite(self, invite: Invite, client_id: str, now: float) -> bool:
        """Spend one use, for that client; sent twice it counts once. False: none is left, or the invite is over."""


class HasDocuments(Protocol):
    @property
    def documents(self) -> Documents: ...


class HasDynamicClients(Protocol):
    @property
    def dynamic_clients(self) -> DynamicClients: ...


class HasInvites(Protocol):
    @property
    def invites(self) -> Invites: ...
