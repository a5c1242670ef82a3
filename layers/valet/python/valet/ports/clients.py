"""What operators registered."""

from typing import TYPE_CHECKING, Protocol

from valet.models.clients import Client, Scopes
from valet.models.keys import SigningKey

if TYPE_CHECKING:
    from valet.models.client_keys import ClientKeys
    from valet.models.policy import Policy
    from valet.models.unknown_clients import Hosts


class Registry(Protocol):
    """Clients, scopes, protected APIs and the policy, as operators set them. Answers may be up to ten seconds old."""

    def find_client(self, client_id: str) -> Client | None:
        """The client that an operator registered, or, where the deployment takes such, one that named itself."""

    def find_client_keys(self, client_id: str) -> "ClientKeys | None":
        """The keys that were fetched from the client's `jwks_uri`."""

    def scopes(self) -> Scopes: ...
    def origins(self) -> frozenset[str]:
        """The origins of all clients together. A preflight names no client, so it is answered for all of these."""

    def signing_keys(self) -> tuple[SigningKey, ...]: ...
    def hosts(self) -> "Hosts":
        """What operators say about the hosts of clients that they did not register."""

    def policy(self) -> "Policy":
        """The operator's policy for people; the defaults where none is stored."""


class HasRegistry(Protocol):
    @property
    def registry(self) -> Registry: ...
