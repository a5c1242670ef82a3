"""Writes and reads items with the layer that it is run with: `python other_release.py`, pickles on its streams.

It uses only what both releases have, so that the layer of the release before can run it.
"""

import pickle
import sys
from collections.abc import Mapping
from importlib import import_module
from typing import Any, get_args, get_origin

KINDS = {
    "accounts": ("Account", "Consent", "Credential"),
    "clients": ("Client", "ProtectedApi", "Scope"),
    "client_keys": ("ClientKeys",),
    "grants": ("Grant", "GrantPointer"),
    "keys": ("SigningKey",),
    "proofs": ("Proof",),
    "device_codes": ("DeviceCode",),
    "pushed_requests": ("PushedRequest",),
    "reference_tokens": ("ReferenceToken",),
    "saved_requests": ("SavedRequest",),
    "sessions": ("Session",),
    "status_lists": ("Lease",),
}
_SOME = {str: "some", int: 7, bytes: b"some", bool: True}


class _Kept:
    """A table that holds the last item."""

    def __init__(self, item: "dict[str, Any] | None" = None) -> None:
        self.item = item

    def put(self, item: "dict[str, Any]", *_: Any) -> None:
        self.item = item

    def get(self, *_: Any) -> "dict[str, Any] | None":
        return self.item


def kinds() -> "dict[str, Any]":
    """The facts that this release keeps, by name."""
    found = {}
    for module, names in KINDS.items():
        try:
            members = vars(import_module(f"valet.models.{module}"))
        except ModuleNotFoundError:  # of a later release
            continue
        found.update({name: members[name] for name in names if name in members})
    return found


def defaults(kind: Any) -> "dict[str, Any]":
    return {name: plain(each.default) for name, each in kind.__dataclass_fields__.items() if _has_default(each)}


def write() -> "dict[str, tuple[dict[str, Any], dict[str, Any]]]":
    """Of each fact the item that this release makes of one with a value in every field, and these values."""
    return {name: (_item(made), plain(made)) for name, made in ((name, some(kind)) for name, kind in kinds().items())}


def read(items: "dict[str, dict[str, Any]]") -> "dict[str, dict[str, Any]]":
    """What this release reads in the items, of the facts that it has."""
    return {name: plain(_fact(name, kind, items[name])) for name, kind in kinds().items() if name in items}


def rings(items: "list[dict[str, Any]]") -> "list[tuple[str, str, list[str]]]":
    """Of each key ring the key that signs without a choice, its algorithm, and what is published."""
    from valet.aws.dynamodb.key_records import signing_keys_from_items
    from valet.keys.ring import published_keys, signing_key

    found = []
    for item in items:
        keys = signing_keys_from_items([item])
        signing = signing_key(keys)
        found.append((signing.kid, signing.alg, [key.kid for key in published_keys(keys)]))
    return found


def spent() -> "tuple[str, str] | None":
    """The key of the item by which this release remembers a one-time value; None if it has none."""
    try:
        from valet.aws.dynamodb.once import DynamoOnce
        from valet.models.once import OneTimeValue
    except ModuleNotFoundError:
        return None
    table: Any = _Kept()
    DynamoOnce(table).spend(OneTimeValue("proof", "sender", "jti", 7), b"attempt")
    return table.item["pk"], table.item["sk"]


def some(kind: Any) -> Any:
    """A fact, or a field's value, of that type."""
    if hasattr(kind, "__dataclass_fields__"):
        return kind(**{name: some(each.type) for name, each in kind.__dataclass_fields__.items()})
    if hasattr(kind, "_fields"):
        return kind(*(some(each) for each in kind.__annotations__.values()))
    origin, arguments = get_origin(kind), get_args(kind)
    if origin in (tuple, frozenset):
        return origin([some(arguments[0])])
    if origin is Mapping:
        return {"kty": "RSA"}
    return _SOME[arguments[0] if arguments else kind]  # of X | None, X


def plain(value: Any) -> Any:
    """A fact as a dict, which both releases can compare."""
    if hasattr(value, "__dataclass_fields__"):
        return {name: plain(getattr(value, name)) for name in value.__dataclass_fields__}
    return tuple(value) if hasattr(value, "_fields") else _members(value)


def _members(value: Any) -> Any:
    return type(value)(plain(each) for each in value) if isinstance(value, tuple) else value


def _has_default(field: Any) -> bool:
    from dataclasses import MISSING

    return field.default is not MISSING


def _item(fact: Any) -> "dict[str, Any]":
    from valet.aws.dynamodb.grants import item_from_grant
    from valet.aws.dynamodb.saved_requests import DynamoSavedRequests
    from valet.aws.dynamodb.table import item_from_model

    name = type(fact).__name__
    if name == "Grant":
        return dict(item_from_grant(fact))
    if name == "SavedRequest":
        table: Any = _Kept()
        DynamoSavedRequests(table).save(fact)
        assert table.item is not None
        return dict(table.item)
    return item_from_model(fact, "pk", "sk")


def _fact(name: str, kind: Any, item: "dict[str, Any]") -> Any:
    from valet.aws.dynamodb.grants import grant_from_item
    from valet.aws.dynamodb.saved_requests import DynamoSavedRequests
    from valet.aws.dynamodb.table import model_from_item

    if name == "Grant":
        return grant_from_item(item)
    if name == "SavedRequest":
        table: Any = _Kept(item)
        return DynamoSavedRequests(table).find_saved(b"some")
    return model_from_item(kind, item)


if __name__ == "__main__":
    deed, asked = pickle.load(sys.stdin.buffer)  # noqa: S301  the test's own
    answers: dict[str, Any] = {
        "write": write,
        "spent": spent,
        "read": lambda: read(asked),
        "rings": lambda: rings(asked),
    }
    sys.stdout.buffer.write(pickle.dumps(answers[deed]()))
