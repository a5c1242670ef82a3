"""The keys that clients publish, in the Registry table.

A partition of its own holds each client's fetched keys, because IAM does not see sort keys: the function that fetches
may write this partition and nothing else.
"""

from collections.abc import Mapping

from valet.aws.dynamodb.table import ConditionFailed, Table, item_from_model, model_from_item
from valet.frozen import Frozen
from valet.models.client_keys import ClientKeys
from valet.models.clients import Client

_JWKS_URIS = "jwks_uris"


class DynamoPublishedKeys(Frozen):
    """The port PublishedKeys."""

    table: Table

    def jwks_uris(self) -> Mapping[str, str]:
        return {item["sk"]: item["jwks_uri"] for item in self.table.query(_JWKS_URIS)}

    def find(self, client_id: str, /) -> ClientKeys | None:
        item = self.table.get(f"client_keys#{client_id}", "keys")
        return model_from_item(ClientKeys, item) if item else None

    def save(self, keys: ClientKeys, /) -> bool:
        item = item_from_model(keys, f"client_keys#{keys.client_id}", "keys")
        try:
            self.table.put(
                item, "attribute_not_exists(#pk) OR #fetched_at < :fetched_at", {":fetched_at": keys.fetched_at}
            )
        except ConditionFailed as failed:
            # A put that gets no answer is sent again, and the first may have been done.
            return failed.found is not None and model_from_item(ClientKeys, failed.found) == keys
        return True


def announce(table: Table, client: Client) -> None:
    """Let the keys be fetched from the client's `jwks_uri`. Write this before the client's record: keys that no record
    asks for do no harm.
    """
    table.put({"pk": _JWKS_URIS, "sk": client.client_id, "jwks_uri": client.jwks_uri})


def forget(table: Table, client_id: str) -> None:
    """Let nothing more be fetched for the client. Write this after the client's record."""
    table.delete(_JWKS_URIS, client_id)
