"""What operators registered."""

from typing import Protocol

from valet.models.clients import Client, Scopes
from valet.models.keys import SigningKey


class Registry(Protocol):
    """Clients, scopes and protected APIs, as operators registered them. Answers may be up to ten seconds old."""

    def find_client(self, client_id: str) -> Client | None: ...
    def scopes(self) -> Scopes: ...
    def origins(self) -> frozenset[str]:
        """The origins of all clients together. A preflight names no client, so it is answered for all of these."""

    def signing_keys(self) -> tuple[SigningKey, ...]: ...


class HasRegistry(Protocol):
    @property
    def registry(self) -> Registry: ...
