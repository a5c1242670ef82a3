"""DynamoDB's own form of a value: `{"S": "text"}`, `{"N": "1"}`, `{"B": …}`, sets, lists and maps."""

from collections.abc import Callable, Mapping
from typing import Any

from valet.aws.calls import binary

Attribute = Mapping[str, Any]

_MOST_DIGITS = 38
_TOO_LARGE = 10**_MOST_DIGITS


def attribute(value: Any) -> Attribute:
    """The value in DynamoDB's form, binaries as bytes. Raises TypeError for what it does not hold, a float among it."""
    write = _WRITERS.get(type(value))
    if write is not None:
        return write(value)
    for kind, write in _WRITERS.items():  # an instance of a subclass
        if isinstance(value, kind):
            return write(value)
    if isinstance(value, Mapping):
        return _map(value)
    raise TypeError(f"DynamoDB holds no {type(value).__name__}")


def plain(value: Attribute) -> Any:
    """The value in plain Python: DynamoDB's numbers are int (no item holds another kind), its binaries bytes."""
    ((kind, held),) = value.items()
    return _READERS[kind](held)


def _number(value: int) -> str:
    if not -_TOO_LARGE < value < _TOO_LARGE:
        raise TypeError(f"DynamoDB holds no number of more than {_MOST_DIGITS} digits")
    return str(int(value))


def _set(members: Any) -> Attribute:
    kinds = {type(member) for member in members}
    if kinds == {str}:
        return {"SS": list(members)}
    if kinds == {int}:
        return {"NS": [_number(member) for member in members]}
    if kinds == {bytes}:
        return {"BS": list(members)}
    raise TypeError("a set of DynamoDB has members, all texts, all integers, or all bytes")


def _map(value: Mapping[str, Any]) -> Attribute:
    if not all(isinstance(name, str) for name in value):
        raise TypeError("the names of a map are texts")
    return {"M": {name: attribute(member) for name, member in value.items()}}


def _integer(text: str) -> int:
    try:
        return int(text)
    except ValueError:
        from decimal import Decimal  # DynamoDB writes 1E+30 for a number with many zeros

        return int(Decimal(text))


# bool stands before int, whose subclass it is.
_WRITERS: dict[type, Callable[[Any], Attribute]] = {
    str: lambda value: {"S": value},
    bool: lambda value: {"BOOL": value},
    int: lambda value: {"N": _number(value)},
    bytes: lambda value: {"B": value},
    bytearray: lambda value: {"B": bytes(value)},
    type(None): lambda value: {"NULL": True},
    list: lambda value: {"L": [attribute(member) for member in value]},
    tuple: lambda value: {"L": [attribute(member) for member in value]},
    set: _set,
    frozenset: _set,
    dict: _map,
}

_READERS: dict[str, Callable[[Any], Any]] = {
    "S": lambda held: held,
    "N": _integer,
    "B": binary,
    "BOOL": lambda held: held,
    "NULL": lambda held: None,
    "L": lambda held: [plain(member) for member in held],
    "M": lambda held: {name: plain(member) for name, member in held.items()},
    "SS": set,
    "NS": lambda held: {_integer(member) for member in held},
    "BS": lambda held: {binary(member) for member in held},
}
