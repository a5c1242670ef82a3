"""The keys that clients publish, as fetch_client_keys keeps them."""

from collections.abc import Mapping
from typing import Protocol

from valet.models.client_keys import ClientKeys


class PublishedKeys(Protocol):
    """Where clients publish their keys, and what was fetched from there."""

    def jwks_uris(self) -> Mapping[str, str]:
        """The `jwks_uri` of each client that has one, by client_id."""

    def find(self, client_id: str, /) -> ClientKeys | None: ...

    def save(self, keys: ClientKeys, /) -> bool:
        """Save the keys; False if a fetch that began at the same time or later has saved its own."""
