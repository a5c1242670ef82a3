"""The Registry table as the functions read it: clients, scopes, protected APIs, signing keys and the policy for
people."""

from collections.abc import Callable
from threading import Lock
from typing import TYPE_CHECKING, Any, TypeVar

from valet.aws.dynamodb.key_records import signing_keys_from_items
from valet.aws.dynamodb.table import Table, model_from_item
from valet.frozen import replace
from valet.models.clients import Client, ProtectedApi, Scope, Scopes
from valet.models.keys import SigningKey
from valet.ports.runtime import Clock

if TYPE_CHECKING:
    from valet.aws.dynamodb.unknown_clients import UnknownClients
    from valet.models.client_keys import ClientKeys
    from valet.models.policy import Policy
    from valet.models.unknown_clients import Hosts

_MAXIMUM_AGE = 10  # seconds, after which an operator's change is in force everywhere
_MAXIMUM_CLIENTS = 1000  # remembered at a time
_MAXIMUM_CLIENT_ID = 255

Answer = TypeVar("Answer")


class Remembered:
    """Answers of the table, each remembered for ten seconds; `None` is not remembered, so strangers fill no memory."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._remembered: dict[str, tuple[float, Any]] = {}
        self._lock = Lock()

    def __call__(self, name: str, read: Callable[[], Answer]) -> Answer:
        now = self._clock()
        found = self._remembered.get(name)
        # If the clock went backwards, the answer counts as old.
        if found is not None and 0 <= now - found[0] < _MAXIMUM_AGE:
            answer: Answer = found[1]
            return answer
        answer = read()
        if answer is not None:
            with self._lock:
                while len(self._remembered) >= _MAXIMUM_CLIENTS:
                    del self._remembered[next(iter(self._remembered))]
                self._remembered[name] = (now, answer)
        return answer

    def forget(self, name: str) -> None:
        self._remembered.pop(name, None)


class DynamoRegistry:
    """Registry, with each answer remembered for ten seconds."""

    def __init__(
        self, table: Table, clock: Clock, profile: str = "plain", unknown: "UnknownClients | None" = None
    ) -> None:
        """`profile`: the deployment's. Unless it is plain, every client has it, whatever is registered. `unknown`:
        clients that no operator registered; None: the deployment takes none.
        """
        self._unknown = unknown
        self._table = table
        self._profile = profile
        self._remember = Remembered(clock)

    def find_client(self, client_id: str) -> Client | None:
        if not 0 < len(client_id) <= _MAXIMUM_CLIENT_ID or not client_id.isprintable():
            return None
        if client_id.startswith("https://"):  # no id that an operator may register
            return self._find_unknown(client_id)
        found = self._remember(f"client#{client_id}", lambda: self._read_client(client_id))
        return self._find_unknown(client_id) if found is None else found

    def _find_unknown(self, client_id: str) -> Client | None:
        if self._unknown is None:
            return None
        found = self._unknown.find(client_id, self.hosts)
        return found if found is None or self._profile == "plain" else replace(found, profile=self._profile)

    def hosts(self) -> "Hosts":
        return self._remember("hosts", self._read_hosts)

    def find_client_keys(self, client_id: str) -> "ClientKeys | None":
        from valet.aws.dynamodb.client_keys import DynamoPublishedKeys  # only clients with a jwks_uri need it

        return self._remember(f"client_keys#{client_id}", lambda: DynamoPublishedKeys(self._table).find(client_id))

    def scopes(self) -> Scopes:
        return self._remember("scopes", self._read_scopes)

    def origins(self) -> frozenset[str]:
        return self._remember("cors", self._read_origins)

    def signing_keys(self) -> tuple[SigningKey, ...]:
        return self._remember("keys", lambda: signing_keys_from_items(self._table.query("keys")))

    def policy(self) -> "Policy":
        return self._remember("policy", self._read_policy)

    def _read_policy(self) -> "Policy":
        from valet.models.policy import ITEM, Policy  # only the functions that people meet need it

        item = self._table.get(*ITEM)
        return model_from_item(Policy, item) if item else Policy()

    def _read_hosts(self) -> "Hosts":
        from valet.models.unknown_clients import Hosts  # only a deployment that takes unknown clients needs it

        item = self._table.get("hosts", "hosts")
        return model_from_item(Hosts, item) if item else Hosts()

    def _read_client(self, client_id: str) -> Client | None:
        item = self._table.get(f"client#{client_id}", "client")
        if not item:
            return None
        client = model_from_item(Client, item)
        return client if self._profile == "plain" else replace(client, profile=self._profile)

    def _read_scopes(self) -> Scopes:
        scopes = (model_from_item(Scope, item) for item in self._table.query("scopes"))
        apis = (model_from_item(ProtectedApi, item) for item in self._table.query("apis"))
        return Scopes({scope.name: scope for scope in scopes}, {api.audience: api for api in apis})

    def _read_origins(self) -> frozenset[str]:
        item = self._table.get("cors", "origins")
        return frozenset(item.get("origins", ())) if item else frozenset()
