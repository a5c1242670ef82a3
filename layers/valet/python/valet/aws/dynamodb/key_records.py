"""The signing keys' records: one item of the Registry table, `keys` / `ring`.

They are one item because exactly one key signs: a single conditional write then replaces the signing key. With two
writes, a reader or a crash between them could find two signing keys or none.
"""

from collections.abc import Iterable

from valet.aws.dynamodb.table import ConditionFailed, Item, Table, item_from_model, model_from_item
from valet.models.keys import KeyRing, SigningKey
from valet.ports.runtime import Random

PK, SK = "keys", "ring"


def signing_keys_from_items(items: Iterable[Item]) -> tuple[SigningKey, ...]:
    """The records that the partition `keys` holds; none before the first key is made."""
    return ring_from_items(items).keys


def ring_from_items(items: Iterable[Item]) -> KeyRing:
    for item in items:
        if item["sk"] == SK:
            return KeyRing(tuple(model_from_item(SigningKey, key) for key in item["signing_keys"]), item["version"])
    return KeyRing()


def item_from_ring(ring: KeyRing, attempt: bytes) -> Item:
    return {
        "pk": PK,
        "sk": SK,
        "version": ring.version,
        "attempt": attempt,
        "signing_keys": [_record(key) for key in ring.keys],
    }


def _record(key: SigningKey) -> Item:
    record = item_from_model(key, PK, SK)
    return {name: value for name, value in record.items() if name not in ("pk", "sk")}


class DynamoKeyRecords:
    """KeyRecords."""

    def __init__(self, table: Table, random: Random) -> None:
        self._table = table
        self._random = random

    def key_ring(self) -> KeyRing:
        return ring_from_items(self._table.query(PK))

    def change_ring(self, before: KeyRing, keys: tuple[SigningKey, ...]) -> bool:
        attempt = self._random(16)
        item = item_from_ring(KeyRing(keys, before.version + 1), attempt)
        try:
            if before.version == 0:
                self._table.put(item, "attribute_not_exists(#pk)")
            else:
                self._table.put(item, "#version = :version", {":version": before.version})
        except ConditionFailed as failed:
            # A write whose answer was lost is sent again: the write that took effect may be the first try of this
            # attempt.
            return failed.found is not None and failed.found.get("attempt") == attempt
        return True
