"""Every store that Valet has a port for, in memory: the same conditions as in DynamoDB, each deed atomic under threads.

For tests that want ten thousand steps, and for the benchmark that measures what Valet itself costs. The contract suite
holds it to the behaviour of the DynamoDB stores.
"""

from dataclasses import dataclass, field, replace
from threading import Lock
from typing import TYPE_CHECKING

from valet.models.accounts import Account, Consent, Credential
from valet.models.clients import Client, ProtectedApi, Scope, Scopes
from valet.models.keys import KeyRing, SigningKey
from valet.models.saved_requests import SavedRequest
from valet.models.sessions import Session

from tests.stores.grants import MemoryGrants, MemoryStatusLists
from tests.stores.signing import MemorySigners

if TYPE_CHECKING:
    from valet.server import Server


@dataclass
class MemoryRegistry:
    """The port Registry, and the verbs of an operator's Registrar. Never stale."""

    clients: dict[str, Client] = field(default_factory=dict)
    registered: dict[str, Scope] = field(default_factory=dict)
    apis: dict[str, ProtectedApi] = field(default_factory=dict)
    keys: tuple[SigningKey, ...] = ()

    def put_client(self, client: Client) -> None:
        self.clients[client.client_id] = client

    def put_scope(self, scope: Scope) -> None:
        self.registered[scope.name] = scope

    def put_api(self, api: ProtectedApi) -> None:
        self.apis[api.audience] = api

    def find_client(self, client_id: str) -> Client | None:
        return self.clients.get(client_id)

    def scopes(self) -> Scopes:
        return Scopes(self.registered, self.apis)

    def origins(self) -> frozenset[str]:
        return frozenset().union(*(client.origins for client in self.clients.values()))

    def signing_keys(self) -> tuple[SigningKey, ...]:
        return self.keys


@dataclass
class MemoryUsers:
    """The ports Accounts, Credentials and Consents."""

    accounts: dict[str, Account] = field(default_factory=dict)
    credentials: dict[str, Credential] = field(default_factory=dict)
    consents: dict[tuple[str, str], Consent] = field(default_factory=dict)
    _lock: Lock = field(default_factory=Lock)

    def put_account(self, account: Account) -> None:
        self.accounts[account.sub] = account

    def add_user(self, account: Account, credential: Credential) -> bool:
        with self._lock:
            if credential.username in self.credentials:
                return False
            self.accounts[account.sub] = account
            self.credentials[credential.username] = credential
            return True

    def find_account(self, sub: str) -> Account | None:
        return self.accounts.get(sub)

    def find_credentials(self, username: str) -> tuple[Credential, ...]:
        found = self.credentials.get(username)
        return (found,) if found else ()

    def find_consent(self, sub: str, client_id: str) -> Consent | None:
        return self.consents.get((sub, client_id))

    def remember_consent(self, consent: Consent) -> None:
        with self._lock:
            key = (consent.sub, consent.client_id)
            before = self.consents.get(key)
            scope = consent.scope | before.scope if before else consent.scope
            self.consents[key] = replace(consent, scope=scope)


@dataclass
class MemorySavedRequests:
    """The port SavedRequests."""

    requests: dict[bytes, SavedRequest] = field(default_factory=dict)

    def save(self, request: SavedRequest) -> None:
        self.requests[request.digest] = request

    def find_saved(self, digest: bytes) -> SavedRequest | None:
        return self.requests.get(digest)


@dataclass
class MemorySessions:
    """The port Sessions."""

    sessions: dict[bytes, Session] = field(default_factory=dict)
    _lock: Lock = field(default_factory=Lock)

    def open(self, session: Session) -> None:
        self.sessions.setdefault(session.digest, session)

    def find_session(self, digest: bytes) -> Session | None:
        return self.sessions.get(digest)

    def prolong(self, digest: bytes, idle_expires_at: int) -> None:
        with self._lock:
            found = self.sessions.get(digest)
            if found is not None and not found.ended_at and found.idle_expires_at < idle_expires_at:
                self.sessions[digest] = replace(found, idle_expires_at=idle_expires_at)

    def end(self, digest: bytes, attempt: bytes, now: float) -> Session | None:
        with self._lock:
            found = self.sessions.get(digest)
            if found is not None and not found.ended_at:
                found = self.sessions[digest] = replace(found, ended_at=int(now), ending=attempt)
            return found


@dataclass
class MemoryThrottles:
    """The port Throttles."""

    attempts: dict[str, int] = field(default_factory=dict)
    shares: dict[str, dict[str, int]] = field(default_factory=dict)
    browsers: dict[tuple[bytes, str], int] = field(default_factory=dict)
    _lock: Lock = field(default_factory=Lock)

    def count(self, what: str, expires_at: int) -> int:
        with self._lock:
            self.attempts[what] = self.attempts.get(what, 0) + 1
            return self.attempts[what]

    def count_share(self, what: str, share: str, most_of_share: int, most: int, expires_at: int) -> bool:
        with self._lock:
            shares = self.shares.setdefault(what, {})
            if self.attempts.get(what, 0) >= most or shares.get(share, 0) >= most_of_share:
                return False
            self.attempts[what] = self.attempts.get(what, 0) + 1
            shares[share] = shares.get(share, 0) + 1
            return True

    def forget_share(self, what: str, share: str) -> None:
        self.take_back(what)
        with self._lock:
            self.shares.get(what, {}).pop(share, None)

    def take_back(self, what: str) -> None:
        with self._lock:
            if self.attempts.get(what, 0) > 0:
                self.attempts[what] -= 1

    def forget(self, what: str) -> None:
        self.attempts.pop(what, None)

    def remember_browser(self, browser_digest: bytes, sub: str, expires_at: int) -> None:
        self.browsers[browser_digest, sub] = expires_at

    def knows_browser(self, browser_digest: bytes, sub: str, now: float) -> bool:
        return self.browsers.get((browser_digest, sub), 0) > now


@dataclass
class MemoryKeyRecords:
    """The port KeyRecords."""

    ring: KeyRing = field(default_factory=KeyRing)
    _lock: Lock = field(default_factory=Lock)

    def key_ring(self) -> KeyRing:
        return self.ring

    def change_ring(self, before: KeyRing, keys: tuple[SigningKey, ...]) -> bool:
        with self._lock:
            if self.ring.version != before.version:
                return False
            self.ring = KeyRing(keys, before.version + 1)
            return True


@dataclass
class MemoryStores:
    """All that a server needs of the outside world, but for its clock, its randomness and its log."""

    registry: MemoryRegistry = field(default_factory=MemoryRegistry)
    users: MemoryUsers = field(default_factory=MemoryUsers)
    grants: MemoryGrants = field(default_factory=MemoryGrants)
    status_lists: MemoryStatusLists = field(default_factory=MemoryStatusLists)
    saved_requests: MemorySavedRequests = field(default_factory=MemorySavedRequests)
    sessions: MemorySessions = field(default_factory=MemorySessions)
    throttles: MemoryThrottles = field(default_factory=MemoryThrottles)
    signers: MemorySigners = field(default_factory=MemorySigners)

    def stand_behind(self, server: "Server") -> None:
        """The server's ports are these from now on."""
        server.registry = self.registry
        server.accounts = server.credentials = server.consents = self.users
        server.grants = self.grants
        server.status_lists = self.status_lists
        server.saved_requests = self.saved_requests
        server.sessions = self.sessions
        server.throttles = self.throttles
        server.signers = self.signers
        for built_on_them in ("status_indices", "status_list_publisher"):
            vars(server).pop(built_on_them, None)
