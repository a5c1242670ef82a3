"""The system under test: the real handlers and stores, on tables, keys, clock and randomness that a test holds."""

import hashlib
import hmac
import json
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, replace
from functools import cache
from types import SimpleNamespace
from typing import Any

from valet import log
from valet import server as server_module
from valet.aws.dynamodb.accounts import DynamoUsers
from valet.aws.dynamodb.device_codes import DynamoDeviceCodes
from valet.aws.dynamodb.enrolment import DynamoEnrolment
from valet.aws.dynamodb.factors import DynamoDevices, DynamoFactors
from valet.aws.dynamodb.grants import DynamoGrants
from valet.aws.dynamodb.links import DynamoLinks
from valet.aws.dynamodb.mails import DynamoMails
from valet.aws.dynamodb.newcomers import DynamoNewcomers
from valet.aws.dynamodb.once import DynamoOnce
from valet.aws.dynamodb.own_sign_in import DynamoOwnSignIn
from valet.aws.dynamodb.passkeys import DynamoPasskeys
from valet.aws.dynamodb.proofs import DynamoProofs
from valet.aws.dynamodb.pushed_requests import DynamoPushedRequests
from valet.aws.dynamodb.reference_tokens import DynamoReferenceTokens
from valet.aws.dynamodb.saved_requests import DynamoSavedRequests
from valet.aws.dynamodb.sessions import DynamoSessions
from valet.aws.dynamodb.status_lists import DynamoStatusLists
from valet.aws.dynamodb.table import ConditionFailed, Item, item_from_model, model_from_item
from valet.aws.dynamodb.throttles import DynamoThrottles
from valet.frozen import Frozen
from valet.handles import digest
from valet.models.accounts import Account, Credential
from valet.models.clients import Client, ProtectedApi, Scope
from valet.models.keys import SigningKey
from valet.models.policy import Policy
from valet.models.providers import Provider
from valet.protocol.nonces import Nonces
from valet.protocol.supported import DEVICE_CODE
from valet.server import Server
from valet.settings import Settings
from valet.tokens.status_index import BLOCK

from tests.promises.model.acts import APIS, CLIENT_SECRET, ISSUER, REDIRECT_URI, SECOND, Act
from tests.promises.model.alike import alike
from tests.promises.model.operators import Operator, installed_commands
from tests.promises.model.processes import UNAVAILABLE, Answer, Asked, Fate, Handler, Invocation, Process, Told
from tests.promises.model.script import Cue, Line, Script
from tests.support.functions import load
from tests.support.known_registry import KnownRegistry
from tests.support.memory_table import Call, Key, MemoryTable
from tests.support.signing import MemorySigners

START = 1_800_000_000.0
_PERSONAL = frozenset({"openid", "profile", "email", "items", "offline_access"})
_SIGNERS = MemorySigners()
_KEY = _SIGNERS.new_key("ES256")
PROVIDER = Provider("other", "The other one", issuer="https://other.example")
_signatures: dict[bytes, bytes] = {}  # what is replayed is signed once
Author = Process | None
Watcher = Callable[[Author, Call, Item | None, Item | None], None]


@cache
def handler(name: str) -> Handler:
    """The handler of functions/<name>/app.py."""
    module = load(name)
    found: Handler = _by_messages(module) if name == "finish" else module.handler
    return found


def _by_messages(module: Any) -> Handler:
    """A function that queues bring messages, as if it answered requests."""

    def answer(event: Mapping[str, Any], _context: Any) -> Answer:
        module.SERVER = server_module.SERVER  # of the world that is installed now
        failed = module.handler(event, SimpleNamespace(aws_request_id="request-1"))["batchItemFailures"]
        return {"statusCode": 503 if failed else 200, "body": "", "headers": {}}

    return answer


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


@dataclass(frozen=True)
class _Queue:
    """A queue whose messages lie among the items, each of them once; sending one may fail."""

    world: "World"
    name: str

    def send(self, message: Frozen, /, delay: int = 0) -> None:
        defaults = message.DEFAULTS
        body = json.dumps({name: value for name, value in vars(message).items() if defaults.get(name) != value})
        pk = f"{self.name}#{hashlib.sha256(body.encode()).hexdigest()}"
        call = Call("send", pk, self.name, False)
        self.world.wire(call, lambda: self.world.keep_message(call, body))


class _Providers:
    """The port Providers: there is one, and nobody asks it anything here."""

    def providers(self) -> tuple[Provider, ...]:
        return (PROVIDER,)

    def find_provider(self, provider_id: str, /) -> Provider | None:
        return PROVIDER if provider_id == PROVIDER.provider_id else None


class _Sealing:
    """Seals nothing: what KMS does may fail as any read does."""

    def seal(self, use: str, about: str, secret: bytes) -> bytes:
        return secret

    def open(self, use: str, about: str, sealed: bytes) -> bytes:
        return sealed


class _NonceKey:
    """An HMAC key in memory."""

    def mac(self, message: bytes, /) -> bytes:
        return hmac.digest(b"the key of the nonces", message, "sha256")


@dataclass(frozen=True)
class State:
    """What a world is at a moment, but for its functions' memory."""

    now: float
    registry: KnownRegistry
    stale: dict[int, KnownRegistry]
    items: tuple[dict[Key, Item], ...]
    pending: tuple[tuple[Process, Call, Callable[[], Any]], ...]
    lines: dict[int, Line]

    def again(self) -> "State":
        """The same, to be used up as well."""
        items = tuple(dict(each) for each in self.items)
        return alike(self, stale=dict(self.stale), items=items, lines=dict(self.lines))


class World:
    """One deployment. `servers` are the sandboxes that Lambda keeps warm: each runs one request at a time.

    Its functions run, unless there is a `script`: then they do what is in it.
    """

    def __init__(self, watch: Watcher, seed: str = "") -> None:
        self.now = START
        self.seed = seed
        self.current: Invocation | None = None
        self.processes = 0
        self.pending: list[tuple[Process, Call, Callable[[], Any]]] = []
        self.logs: list[str] = []
        self.has_nonces = False
        self.has_mail = False  # people are sent mails, and may use other providers
        self.nonces = Nonces(_NonceKey())
        self.watch = watch
        self._author: Process | None = None
        self._drawn = 0
        self.grants = MemoryTable(self.wire, self._watched)
        self.users = MemoryTable(self.wire, self._watched)
        self.clients = MemoryTable(self.wire, self._watched_client)  # as operators change them
        self.clients.items.update(_client_items())
        self.registry = registry()  # as functions read them; replaced, never changed
        self.stale: dict[int, KnownRegistry] = {}  # ... and as the sandboxes do that have not noticed a change
        self.began: Callable[[Process], None] = lambda _: None
        self.servers: dict[int, Server] = {}
        self.script: Script | None = None
        self._lines: dict[int, Line] = {}  # where in the script each sandbox is
        self._invocations: dict[int, Invocation] = {}  # of the processes that run, by number
        for account in _account_items():
            self.users.put(account)

    # What the functions see of it.

    def server(self, sandbox: int) -> Server:
        """The sandbox's memory: nothing in it may be the truth, so it may be dropped at any time."""
        if sandbox not in self.servers:
            self.servers[sandbox] = self._made_server()
        return self.servers[sandbox]

    def _made_server(self) -> Server:
        made = Server()
        is_on = "on" if self.has_mail else "off"
        made.settings = Settings(
            issuer_url=ISSUER,
            dpop_nonces="public" if self.has_nonces else "off",
            second_factor="on",
            mail=is_on,
            federation=is_on,
            device_authorization="on",
        )
        made.nonces = self.nonces if self.has_nonces else None
        made.clock = lambda: self.now
        made.random = self.draw
        made.registry = self.registry
        made.accounts = made.credentials = made.consents = made.identifiers = DynamoUsers(self.users)
        made.grants = DynamoGrants(self.grants)
        made.status_lists = DynamoStatusLists(self.grants)
        made.saved_requests = DynamoSavedRequests(self.grants)
        made.pushed_requests = DynamoPushedRequests(self.grants)
        made.device_codes = DynamoDeviceCodes(self.grants)
        made.once = DynamoOnce(self.grants)
        made.reference_tokens = DynamoReferenceTokens(self.grants)
        made.sessions = DynamoSessions(self.grants)
        made.proofs = DynamoProofs(self.grants)
        made.passkeys = DynamoPasskeys(self.users)
        made.factors = made.own_factors = DynamoFactors(self.users)
        made.devices = DynamoDevices(self.grants)
        made.sealing = _Sealing()
        made.enrolment = DynamoEnrolment(self.users, self.users)  # the registry is known here, and holds no items
        made.throttles = DynamoThrottles(self.grants)
        made.signers = self
        made.audit = self
        if self.has_mail:
            self._add_mail(made)
        return made

    def _add_mail(self, made: Server) -> None:
        made.letters, made.sign_outs, made.logout_notices = _Queue(self, "letter"), _Queue(self, "message"), None
        made.mails = DynamoMails(self.grants)
        made.own_sign_in = DynamoOwnSignIn(self.users)
        made.newcomers = DynamoNewcomers(self.users)
        made.links = DynamoLinks(self.users)
        made.providers = _Providers()

    def thaw(self, sandbox: int, frozen: Server) -> None:
        """Go on with what another sandbox had in memory: Lambda clones them as it likes."""
        self.server(sandbox).status_indices._blocks.update(frozen.status_indices._blocks)

    def go_stale(self, sandbox: int) -> None:
        """From now on the sandbox goes by clients as they are at this moment, until `freshen`."""
        self.stale[sandbox] = self.registry

    def freshen(self) -> None:
        self.stale = {}

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
        return run() if self.current is None else self.current.ask(Asked(call, run))

    def _watched(self, call: Call, old: Item | None, new: Item | None) -> None:
        self.watch(self._author, call, old, new)

    def _watched_client(self, call: Call, old: Item | None, new: Item | None) -> None:
        if new is not None:
            self.registry = _with_client(self.registry, model_from_item(Client, new))
        self._watched(call, old, new)

    # What a test does with it.

    def begin(self, act: Act, sandbox: int = 0, number: int = 0) -> Process:
        """Send a request; it stops before its first call."""
        self.processes += 1
        dead = frozenset(_bits(self.grants.items))
        made = Process(number or self.processes, act, sandbox, self.now, dead)
        made.is_stale = sandbox in self.stale
        self.began(made)
        self._go_on(made, None)
        return made

    def resume(self, process: Process, fate: Fate) -> None:
        """Let its call meet its fate, and the function go on to its next call, or to its answer."""
        process.faults += fate is not Fate.RUN
        call, run = process.waiting, process.run
        assert call is not None
        assert run is not None
        if fate is Fate.KILLED:
            self.kill(process)
            return
        if fate in (Fate.DELAYED, Fate.LATE):
            self.pending.append((process, call, run))
        if fate in (Fate.RESENT, Fate.UNKNOWN):
            self._result(process, call, run)
        if fate in (Fate.FAILED, Fate.UNKNOWN, Fate.LATE):
            self._go_on(process, UNAVAILABLE)
        elif fate in (Fate.RESENT, Fate.DELAYED):
            process.waiting = replace(call, is_again=True)  # it waits a little; whatever else happens happens now
        else:
            self._go_on(process, self._result(process, call, run))

    def _result(self, author: Process, call: Call, run: Callable[[], Any]) -> Told:
        before, self._author = self._author, author
        try:
            return Told(call.operation, run())
        except ConditionFailed as failed:
            return Told("failed", failed.found)
        finally:
            self._author = before

    def _go_on(self, process: Process, told: Told | None) -> None:
        if told is not None and isinstance(told.what, dict):
            process.met(told.what)
        sandbox, begins = process.sandbox, None if told is not None else (process.number, process.act)
        cue = Cue(self.now, self.stale.get(sandbox, self.registry), told, begins)
        if self.script is None:
            if begins is not None:
                self._invocations[process.number] = self.invocation(self.server(sandbox), cue)
            came = self.play(self._invocations[process.number], cue)
        else:
            # The time as well: what the function does next may draw it.
            process.observed = hash((process.observed, told and told.words(), self.now))
            line = self._lines.get(sandbox) or self.script.root(sandbox)
            line = self._lines[sandbox] = self.script.after(line, cue)
            came = line.came
        process.came(came, self.now)
        if process.is_done:
            self._invocations.pop(process.number, None)

    def invocation(self, server: Server, cue: Cue) -> Invocation:
        assert cue.begins is not None
        number, act = cue.begins
        does = Operator(self, act) if act.function == "operator" else handler(act.function)
        return Invocation(number, act, server, does, cue.now)

    def play(self, invocation: Invocation, cue: Cue) -> Asked | Answer:
        """The function runs to its next call, or to its answer, at the time of the cue."""
        now, self.now = self.now, cue.now
        self.current, invocation.server.registry = invocation, cue.registry
        try:
            return invocation.go_on(cue.told)
        finally:
            self.current, self.now = None, now

    def kill(self, process: Process) -> None:
        if (invocation := self._invocations.pop(process.number, None)) is not None:
            invocation.kill()
        process.killed()

    def land(self, which: int) -> None:
        """A write that stayed in the network takes effect, if its condition still holds."""
        self._result(*self.pending.pop(which))

    @contextmanager
    def scripted(self) -> Iterator[None]:
        """Until the end of the block functions do what they did before when they were told the same. Each sandbox
        begins with the blocks of status indices that it holds now.
        """
        blocks = {sandbox: dict(server.status_indices._blocks) for sandbox, server in self.servers.items()}

        def made(sandbox: int) -> Server:
            server = self._made_server()
            server.status_indices._blocks.update(blocks.get(sandbox, {}))
            return server

        self.script = Script(made, self.invocation, self.play)
        try:
            yield
        finally:
            self.script.close()
            self.script = None

    def state(self) -> State:
        items = tuple(dict(table.items) for table in (self.grants, self.users, self.clients))
        return State(self.now, self.registry, dict(self.stale), items, tuple(self.pending), dict(self._lines))

    def return_to(self, state: State) -> None:
        """Be as the world was then. The state is used up."""
        self.now, self.registry, self.stale = state.now, state.registry, state.stale
        self.grants.items, self.users.items, self.clients.items = state.items
        self.pending, self._lines = list(state.pending), state.lines

    def keep_message(self, call: Call, body: str) -> None:
        self.grants.items[call.pk, call.sk] = item = {"pk": call.pk, "sk": call.sk, "body": body}
        self._watched(call, None, item)

    def messages(self) -> list[str]:
        """What waits for the function finish."""
        return [item["body"] for (_, sk), item in sorted(self.grants.items.items()) if sk == "message"]

    def put_account(self, account: Account) -> None:
        self.users.put(_account_item(account))

    def put_credential(self, credential: Credential) -> None:
        self.users.put(item_from_model(credential, f"credential#{credential.username}", "credential"))

    def put_client(self, client_id: str, **changes: Any) -> None:
        changed = replace(self.registry.clients[client_id], **changes)
        self.clients.put(item_from_model(changed, f"client#{client_id}", "client"))


_registries: dict[tuple[int, str], tuple[KnownRegistry, KnownRegistry]] = {}


def _with_client(before: KnownRegistry, client: Client) -> KnownRegistry:
    """The registry with the client instead of the one of that name; the same for the same."""
    key = (id(before), repr(client))
    if key not in _registries:
        _registries[key] = (before, replace(before, clients={**before.clients, client.client_id: client}))
    return _registries[key][1]


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
def registry_of_people() -> KnownRegistry:
    """The same, where people may join."""
    return replace(registry(), people=Policy(registration="on"))


@cache
def registry() -> KnownRegistry:
    """Six clients that people use, each another kind, and one that acts for itself."""
    made = KnownRegistry(keys=(_KEY,))
    for name, includes in (
        *((name, ()) for name in sorted({*_PERSONAL, "orders"})),
        ("api_access", ()),
        ("admin", ("api_access",)),
    ):
        made.put_scope(Scope(name, f"The words for {name}", frozenset(includes)))
    for audience, scopes in APIS.items():
        form = "reference" if audience == SECOND else "jwt"
        made.put_api(ProtectedApi(audience, "API", scopes, frozenset({"user", "admin"}), access_token_format=form))
    code_flow = frozenset({"authorization_code", "refresh_token"})
    for client_id in ("web", "strict", "spa", "app", "keeps"):
        made.put_client(
            Client(
                client_id,
                client_id.capitalize(),
                owner="Example Inc.",
                application_type={"spa": "browser", "app": "native"}.get(client_id, "web"),
                token_endpoint_auth_method="client_secret_basic" if client_id in CLIENT_SECRET else "none",
                secret_digests=(digest(CLIENT_SECRET[client_id]),) if client_id in CLIENT_SECRET else (),
                grant_types=code_flow,
                redirect_uris=(REDIRECT_URI[client_id],),
                scope=_PERSONAL | {"orders"},
                first_party=client_id != "spa",
                # strict: each refresh token works once and never again, whatever was lost.
                retry_window=0 if client_id == "strict" else None,
                id_token_on_refresh=client_id == "strict",
                refresh_token_rotation=client_id != "keeps",
            )
        )
    made.put_client(
        Client(
            "tv",
            "Tv",
            application_type="native",
            token_endpoint_auth_method="none",
            grant_types=frozenset({DEVICE_CODE, "refresh_token"}),
            scope=_PERSONAL,
            default_scope=frozenset({"openid"}),
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
