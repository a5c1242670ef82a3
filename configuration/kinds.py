"""The kinds of values in a configuration file: how each is read, written, and described to editors."""

import json
import re
from base64 import b64decode
from collections.abc import Callable, Mapping
from dataclasses import dataclass, fields
from typing import Any

import yaml
from valet.handles import base64url
from valet.models.accounts import Address
from valet.pages.logos import data_uri
from valet.registration.attributes import members_of as members_of_address
from valet.registration.attributes import parse_address
from valet.registration.client_keys import MOST_REGISTERED, UnusableSet, registered_jwks

from configuration import durations
from configuration.document import Node, Unreadable, members_of, plain_of, text_of
from configuration.secrets import Reference

_DIGEST = re.compile(r"[A-Za-z0-9_-]{43}")
_DATA = re.compile(r"data:image/(?:png|webp);base64,([A-Za-z0-9+/=]+)")
_DECIMAL = re.compile(r"0|[1-9][0-9]{0,8}")


@dataclass(frozen=True, slots=True)
class Kind:
    """A kind of value. `read` raises Unreadable; `write` is its inverse."""

    read: Callable[[Node], Any]
    write: Callable[[Any], Any]
    schema: Mapping[str, Any]


def _flag(node: Node) -> bool:
    value = plain_of(node)
    if value not in ("true", "false") or getattr(node, "style", None) is not None:
        raise Unreadable(f"must be true or false, not {value!r}")
    return value == "true"


def _texts(node: Node) -> tuple[str, ...]:
    return tuple(text_of(member) for member in members_of(node))


def _words(node: Node) -> frozenset[str]:
    """A list, or words separated by spaces, as `scope` is in RFC 7591."""
    if isinstance(node, yaml.ScalarNode):
        return frozenset(text_of(node).split())
    return frozenset(_texts(node))


def _address(node: Node) -> Address:
    """A text, or the members of OpenID Connect Core §5.1.1."""
    try:
        if not isinstance(node, yaml.MappingNode):
            return parse_address(text_of(node))
        return parse_address({text_of(name): text_of(value) for name, value in node.value})
    except ValueError as error:
        raise Unreadable(str(error)) from None


def _keys(node: Node) -> str:
    """A JWK Set, or one JWK."""
    try:
        return registered_jwks(_plain(node))
    except UnusableSet as unusable:
        raise Unreadable(str(unusable)) from None


def _plain(node: Node) -> Any:
    """A node as JSON has it; a text that some reader would take for something else is refused."""
    if isinstance(node, yaml.MappingNode):
        return {text_of(name): _plain(value) for name, value in node.value}
    if isinstance(node, yaml.SequenceNode):
        return [_plain(member) for member in node.value]
    if node.tag == "tag:yaml.org,2002:bool":  # `ext`, which browsers write and which is not kept
        return _flag(node)
    return text_of(node)


def _translations(node: Node) -> frozenset[str]:
    """A mapping from a member with its language, such as client_name#de, to the text."""
    if not isinstance(node, yaml.MappingNode):
        raise Unreadable("must have keys such as client_name#de")
    return frozenset(f"{text_of(name)}={text_of(value)}" for name, value in node.value)


def _logo(node: Node) -> bytes:
    found = _DATA.fullmatch(text_of(node))
    if found is None:
        raise Unreadable("must be an address such as data:image/png;base64,…")
    try:
        return b64decode(found[1], validate=True)
    except ValueError:
        raise Unreadable("its base64 is broken") from None


def _span(node: Node) -> int:
    value = plain_of(node)
    seconds = durations.seconds_of(value)
    # Some readers take 010 for eight.
    if seconds is None or not (_DECIMAL.fullmatch(value) or durations.has_unit(value)):
        raise Unreadable(f"{value!r} is not a duration such as 90, 15m, 8h or 30d")
    return seconds


def _count(node: Node) -> int:
    value = plain_of(node)
    if not _DECIMAL.fullmatch(value):
        raise Unreadable(f"{value!r} is not a whole number of at most nine digits")
    return int(value)


def _digests(node: Node) -> tuple[bytes, ...]:
    texts = _texts(node)
    # The message does not repeat the value: it may be the secret itself.
    if not 0 < len(texts) <= 2 or not all(_DIGEST.fullmatch(text) for text in texts):
        raise Unreadable("must be one or two digests as `valet export --with-credentials` writes them")
    return tuple(b64decode(text + "=", altchars=b"-_") for text in texts)


def _reference(node: Node) -> Reference:
    wrong = Unreadable(
        "must say where the secret is, such as {env: SHOP_SECRET} or {file: shop.secret}, not the secret"
    )
    if not isinstance(node, yaml.MappingNode) or len(node.value) != 1:
        raise wrong
    key, value = node.value[0]
    source = text_of(key)
    name = text_of(value)
    if source not in ("env", "file") or not name.isprintable():  # a message tells the name
        raise wrong
    return Reference("env" if source == "env" else "file", name)


_STRINGS = {"type": "array", "items": {"type": "string"}, "uniqueItems": True}

_KEY = {"type": "object", "properties": {"kty": {"type": "string"}}, "required": ["kty"]}

TEXT = Kind(text_of, str, {"type": "string"})
COUNT = Kind(_count, int, {"type": "integer", "minimum": 0})
FLAG = Kind(_flag, bool, {"type": "boolean"})
TEXTS = Kind(_texts, list, _STRINGS)
WORDS = Kind(_words, sorted, {"anyOf": [_STRINGS, {"type": "string"}]})
SPAN = Kind(
    _span,
    durations.written,
    {
        "anyOf": [
            {"type": "integer", "minimum": 0},
            {"type": "string", "pattern": "^[0-9]{1,9} ?(s|m|min|h|d)$"},
        ]
    },
)
COUNT = Kind(_count, int, {"type": "integer", "minimum": 0})
ADDRESS = Kind(
    _address,
    members_of_address,
    {
        "anyOf": [
            {"type": "string"},
            {
                "type": "object",
                "properties": {field.name: {"type": "string"} for field in fields(Address)},
                "additionalProperties": False,
            },
        ]
    },
)
KEYS = Kind(
    _keys,
    json.loads,
    {
        "anyOf": [
            {
                "type": "object",
                "properties": {"keys": {"type": "array", "items": _KEY, "minItems": 1, "maxItems": MOST_REGISTERED}},
                "required": ["keys"],
            },
            _KEY,
        ]
    },
)
TRANSLATIONS = Kind(
    _translations,
    lambda value: dict(each.split("=", 1) for each in sorted(value)),
    {
        "type": "object",
        "additionalProperties": {"type": "string"},
        "propertyNames": {"pattern": "^[a-z_]+#[A-Za-z0-9-]+$"},
    },
)
LOGO = Kind(_logo, data_uri, {"type": "string", "pattern": "^data:image/(png|webp);base64,"})
DIGESTS = Kind(_digests, lambda value: [base64url(each) for each in value], {**_STRINGS, "minItems": 1, "maxItems": 2})
REFERENCE = Kind(
    _reference,
    lambda value: {value.source: value.name},
    {
        "type": "object",
        "properties": {"env": {"type": "string"}, "file": {"type": "string"}},
        "minProperties": 1,
        "maxProperties": 1,
        "additionalProperties": False,
    },
)
