"""What an execution environment remembers of the registry, as objects: nothing is read, and nothing grows old."""

from dataclasses import dataclass, field

from valet.models.client_keys import ClientKeys
from valet.models.clients import Client, ProtectedApi, Scope, Scopes
from valet.models.keys import SigningKey
from valet.models.policy import Policy
from valet.models.unknown_clients import Hosts


@dataclass
class KnownRegistry:
    """The port Registry."""

    clients: dict[str, Client] = field(default_factory=dict)
    registered: dict[str, Scope] = field(default_factory=dict)
    apis: dict[str, ProtectedApi] = field(default_factory=dict)
    keys: tuple[SigningKey, ...] = ()
    people: Policy = field(default_factory=Policy)

    def find_client(self, client_id: str) -> Client | None:
        return self.clients.get(client_id)

    def find_client_keys(self, client_id: str) -> ClientKeys | None:
        return None

    def scopes(self) -> Scopes:
        return Scopes(self.registered, self.apis)

    def origins(self) -> frozenset[str]:
        return frozenset().union(*(client.origins for client in self.clients.values()))

    def signing_keys(self) -> tuple[SigningKey, ...]:
        return self.keys

    def policy(self) -> Policy:
        return self.people

    def hosts(self) -> Hosts:
        return Hosts()

    def put_client(self, client: Client) -> None:
        self.clients[client.client_id] = client

    def put_scope(self, scope: Scope) -> None:
        self.registered[scope.name] = scope

    def put_api(self, api: ProtectedApi) -> None:
        self.apis[api.audience] = api
