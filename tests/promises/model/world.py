"""The system under test: the real handlers and stores, on tables, keys, clock and randomness that a test holds."""

import hashlib
import json
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass, replace
from functools import cache
from typing import Any

from valet import log
from valet import server as server_module
from valet.aws.dynamodb.accounts import DynamoUsers
from valet.aws.dynamodb.grants import DynamoGrants
from valet.aws.dynamodb.once import DynamoOnce
from valet.aws.dynamodb.saved_requests import DynamoSavedRequests
from valet.aws.dynamodb.sessions import DynamoSessions
from valet.aws.dynamodb.status_lists import DynamoStatusLists
from valet.aws.dynamodb.table import ConditionFailed, Item, item_from_model, model_from_item
from valet.aws.dynamodb.throttles import DynamoThrottles
from valet.errors import TemporarilyUnavailable
from valet.handles import digest
from valet.models.accounts import Account, Credential
from valet.models.clients import Client, ProtectedApi, Scope
from valet.models.keys import SigningKey
from valet.server import Server
from valet.settings import Settings
from valet.tokens.status_index import BLOCK

from tests.promises.model.acts import CLIENT_SECRET, ISSUER, REDIRECT_URI, Act
from tests.promises.model.memory_table import Call, Key, MemoryTable
from tests.promises.model.operators import Operator, installed_commands
from tests.promises.model.processes import Answer, Fate, Process, perform
from tests.support.functions import load
from tests.support.known_registry import KnownRegistry
from tests.support.signing import MemorySigners

START = 1_800_000_000.0
_PERSONAL = frozenset({"openid", "profile", "email", "items", "offline_access"})
_SIGNERS = MemorySigners()
_KEY = _SIGNERS.new_key("ES256")
_signatures: dict[bytes, bytes] = {}  # what is replayed is signed once
Author = Process | None
Watcher = Callable[[Author, Call, Item | None, Item | None], None]


@cache
def handler(name: str) -> Callable[[Mapping[str, Any], Any], Answer]:
    """The handler of functions/<name>/app.py."""
    found: Callable[[Mapping[str, Any], Any], Answer] = load(name).handler
    return found


@dataclass(frozen=True)
class _Signer:
    """A signing key in memory, behind a call that may fail as KMS's does."""

    world: "World"
    alg: str
    kid: str

    def sign(self, message: bytes, /) -> bytes:
        def run() -> bytes:
            if message not in _signatures:
                _signatures[message] = _SIGNERS.signer(_KEY).sign(message)
            return _signatures[message]

        signed: bytes = self.world.wire(Call("sign", "kms#key", "", False), run)
        return signed


class World:
    """One deployment. `servers` are the sandboxes that Lambda keeps warm: each runs one request at a time."""

    def __init__(self, watch: Watcher, seed: str = "") -> None:
        self.now = START
        self.seed = seed
        self.current: Process | None = None
        self.processes = 0
        self.pending: list[tuple[Process, Call, Callable[[], Any]]] = []
        self.logs: list[str] = []
        self.failures: list[BaseException] = []
        self.is_observing = False
        self._watch = watch
        self._author: Process | None = None
        self._drawn = 0
        self.grants = MemoryTable(self.wire, self._watched)
        self.users = MemoryTable(self.wire, self._watched)
        self.clients = MemoryTable(self.wire, self._watched_client)  # as operators change them
        self.clients.items.update(_client_items())
        base = registry()
        self.registry = replace(base, clients=dict(base.clients))  # as functions read them
        self.began: Callable[[Process], None] = lambda _: None
        self.servers: dict[int, Server] = {}
        for account in _account_items():
            self.users.put(account)

    # What the functions see of it.

    def server(self, sandbox: int) -> Server:
        """The sandbox's memory: nothing in it may be the truth, so it may be dropped at any time."""
        if sandbox not in self.servers:
            made = Server()
            made.settings = Settings(issuer_url=ISSUER)
            made.clock = lambda: self.now
            made.random = self.draw
            made.registry = self.registry
            made.accounts = made.credentials = made.consents = DynamoUsers(self.users)
            made.grants = DynamoGrants(self.grants)
            made.status_lists = DynamoStatusLists(self.grants)
            made.saved_requests = DynamoSavedRequests(self.grants)
            made.once = DynamoOnce(self.grants)
            made.sessions = DynamoSessions(self.grants)
            made.throttles = DynamoThrottles(self.grants)
            made.signers = self
            made.audit = self
            self.servers[sandbox] = made
        return self.servers[sandbox]

    def thaw(self, sandbox: int, frozen: Server) -> None:
        """Go on with what another sandbox had in memory: Lambda clones them as it likes."""
        self.server(sandbox).status_indices._blocks.update(frozen.status_indices._blocks)

    def go_stale(self, sandbox: int) -> None:
        """From now on the sandbox goes by clients as they are at this moment, until `freshen`."""
        self.server(sandbox).registry = replace(self.registry, clients=dict(self.registry.clients))

    def freshen(self) -> None:
        for server in self.servers.values():
            server.registry = self.registry

    def typed(self) -> str:
        """The password that the operator who is at work types."""
        return self.current.act.password if self.current else ""

    def signer(self, key: SigningKey, /) -> _Signer:
        return _Signer(self, key.alg, key.kid)

    def record(self, event: str, /, **fields: str | int | float | bool | None) -> None:
        self.logs.append(json.dumps({"event": event, **fields}))

    def draw(self, length: int, /) -> bytes:
        """Random to everybody but us: the same again for the same process, in whatever order processes run."""
        if self.current is None:
            self._drawn += 1
            mark = f"{self.seed}/-/{self._drawn}"
        else:
            self.current.drawn += 1
            mark = f"{self.seed}/{self.current.number}/{self.current.drawn}"
        return hashlib.sha256(mark.encode()).digest()[:length]

    def wire(self, call: Call, run: Callable[[], Any]) -> Any:
        process = self.current
        if process is None:
            return run()
        process.waiting_since = self.now

        def attributed() -> Any:
            return self._run_as(process, run)

        try:
            result = perform(process, call, attributed, lambda: self.pending.append((process, call, attributed)))
        except ConditionFailed as failed:
            self._observe(process, failed.found, "failed")
            raise
        except TemporarilyUnavailable:
            self._observe(process, None, "unavailable")
            raise
        self._observe(process, result, call.operation)
        return result

    def _observe(self, process: Process, result: Any, how: str) -> None:
        if isinstance(result, dict) and "revoked_at" in result:
            process.has_met_revoked = True
        if isinstance(result, dict) and "redeemed_at_ms" in result:
            process.has_met_redeemed = True
        if self.is_observing:
            # The time as well: what the function does next may draw it.
            process.observed.append(hash((how, repr(result), self.now)))

    def _run_as(self, author: Process, run: Callable[[], Any]) -> Any:
        before, self._author = self._author, author
        try:
            return run()
        finally:
            self._author = before

    def _watched(self, call: Call, old: Item | None, new: Item | None) -> None:
        self._watch(self._author, call, old, new)

    def _watched_client(self, call: Call, old: Item | None, new: Item | None) -> None:
        if new is not None:
            self.registry.put_client(model_from_item(Client, new))
        self._watched(call, old, new)

    # What a test does with it.

    def begin(self, act: Act, sandbox: int = 0, number: int = 0) -> Process:
        """Send a request; it stops before its first call."""
        self.processes += 1
        does = Operator(self, act) if act.function == "operator" else handler(act.function)
        dead = frozenset(_bits(self.grants.items))
        made = Process(number or self.processes, act, self.server(sandbox), does, self.now, dead)
        made.is_stale = made.server.registry is not self.registry
        self.began(made)
        self.resume(made, Fate.RUN)
        return made

    def resume(self, process: Process, fate: Fate) -> None:
        self.current = process
        try:
            process.resume(fate)
        finally:
            self.current = None

    def land(self, which: int) -> None:
        """A write that stayed in the network takes effect, if its condition still holds."""
        _, _, run = self.pending.pop(which)
        with suppress(ConditionFailed):
            run()

    def put_account(self, account: Account) -> None:
        self.users.put(_account_item(account))

    def put_credential(self, credential: Credential) -> None:
        self.users.put(item_from_model(credential, f"credential#{credential.username}", "credential"))

    def put_client(self, client_id: str, **changes: Any) -> None:
        changed = replace(self.registry.clients[client_id], **changes)
        self.clients.put(item_from_model(changed, f"client#{client_id}", "client"))


@cache
def _client_items() -> Mapping[Key, Item]:
    items = (item_from_model(each, f"client#{each.client_id}", "client") for each in registry().clients.values())
    return {(item["pk"], item["sk"]): item for item in items}


@cache
def _account_items() -> tuple[Item, ...]:
    accounts = (Account(f"sub-{name}", name, name.capitalize(), roles=frozenset({"user"})) for name in ("john", "jane"))
    return tuple(_account_item(account) for account in accounts)


def _account_item(account: Account) -> Item:
    return item_from_model(account, f"account#{account.sub}", "account")


def _bits(items: Mapping[Key, Item]) -> Iterator[tuple[str, int]]:
    """The status bits that an exact read finds."""
    for (pk, sk), item in items.items():
        if sk == "block":
            _, list_id, block = pk.split("#")
            yield from ((list_id, int(block) * BLOCK + place) for place in item["indices"])


@cache
def registry() -> KnownRegistry:
    """Three clients that people use, each another kind, and one that acts for itself."""
    made = KnownRegistry(keys=(_KEY,))
    for name, includes in (*((name, ()) for name in sorted(_PERSONAL)), ("api_access", ()), ("admin", ("api_access",))):
        made.put_scope(Scope(name, f"The words for {name}", frozenset(includes)))
    api = frozenset({"profile", "items", "api_access", "admin"})
    made.put_api(ProtectedApi(f"{ISSUER}/api", "API", api, frozenset({"user", "admin"})))
    code_flow = frozenset({"authorization_code", "refresh_token"})
    for client_id in ("web", "strict", "spa"):
        made.put_client(
            Client(
                client_id,
                client_id.capitalize(),
                owner="Example Inc.",
                application_type="browser" if client_id == "spa" else "web",
                token_endpoint_auth_method="none" if client_id == "spa" else "client_secret_basic",
                secret_digests=(digest(CLIENT_SECRET[client_id]),) if client_id in CLIENT_SECRET else (),
                grant_types=code_flow,
                redirect_uris=(REDIRECT_URI[client_id],),
                scope=_PERSONAL,
                first_party=client_id != "spa",
                # strict: each refresh token works once and never again, whatever was lost.
                retry_window=0 if client_id == "strict" else None,
                id_token_on_refresh=client_id == "strict",
            )
        )
    made.put_client(
        Client(
            "service",
            "Service",
            secret_digests=(digest(CLIENT_SECRET["service"]),),
            grant_types=frozenset({"client_credentials"}),
            scope=frozenset({"admin", "api_access"}),
            introspects=frozenset({f"{ISSUER}/api"}),
        )
    )
    return made


class _Current:
    """Stands where `SERVER` does: the server of whichever request is running."""

    def __init__(self, world: World) -> None:
        self.world = world

    def __getattr__(self, name: str) -> Any:
        current = self.world.current
        return getattr(current.server if current else self.world.server(0), name)


@contextmanager
def installed(world: World) -> Iterator[World]:
    """The handlers answer from this world until the end of the block."""
    before = server_module.SERVER, log.write
    server_module.SERVER = _Current(world)  # type: ignore[assignment]
    log.write = world.logs.append  # type: ignore[assignment]
    try:
        with installed_commands(world):
            yield world
    finally:
        server_module.SERVER, log.write = before
