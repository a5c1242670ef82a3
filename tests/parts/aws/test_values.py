"""Ten thousand values: DynamoDB's form of each is boto3's, and boto3's refusals are ours."""

import json
from collections.abc import Callable
from decimal import Decimal
from enum import Enum, StrEnum
from typing import Any

import pytest
from valet.aws.dynamodb.wire import attribute, plain

from tests.parts.aws import oracle
from tests.parts.aws.values import Values

COUNT = 5_000


class Kind(StrEnum):
    A = "a"


class Level(int, Enum):
    ONE = 1


class Name(str):
    """A text of another type."""


def test_a_value_is_written_as_boto3_writes_it() -> None:
    values = Values(1)
    for _ in range(COUNT):
        value = values.value()
        assert attribute(value) == oracle.attribute(value)


def test_a_value_is_read_as_boto3_reads_it_with_int_and_bytes() -> None:
    values = Values(2)
    for _ in range(COUNT):
        stored = json.loads(json.dumps(values.stored()))
        assert same(plain(stored), oracle.plain(oracle.answer_of_item({"value": stored})["value"]))


def same(one: Any, other: Any) -> bool:
    """Equal, and of the same types: True is no 1."""
    if type(one) is not type(other):
        return False
    if isinstance(one, dict):
        return one.keys() == other.keys() and all(same(one[name], other[name]) for name in one)
    if isinstance(one, list):
        return len(one) == len(other) and all(map(same, one, other))
    return bool(one == other)


def test_the_comparison_tells_types_apart() -> None:
    assert not same({"a": [True]}, {"a": [1]})
    assert not same({"a": b""}, {"a": ""})
    assert not same([1, 2], [1])


@pytest.mark.parametrize(
    "value", [Kind.A, Level.ONE, Name("n"), True, -(10**38) + 1, "", b"", bytearray(b"b")], ids=repr
)
def test_values_at_the_edges_are_written_as_boto3_writes_them(value: Any) -> None:
    assert attribute(value) == oracle.attribute(value)


REFUSED: dict[str, Any] = {
    "a float": 0.5,
    "a float that is whole": 1.0,
    "NaN": float("nan"),
    "infinity": float("inf"),
    "39 digits": 10**38,
    "39 digits and a minus": -(10**38),
    "more digits than Python writes": 10**5000,
    "texts and numbers in one set": {"a", 1},
    "texts and bytes in one set": {"a", b"a"},
    "a float in a set": {1, 0.5},
    "39 digits in a set": {10**38},
    "None in a set": {None},
    "tuples in a set": {("a",)},
    "an object": object(),
    "a type": str,
    "a complex number": 1j,
    "a generator": (letter for letter in "a"),
    "a memoryview": memoryview(b"a"),
}
INSIDE: dict[str, Callable[[Any], Any]] = {
    "alone": lambda value: value,
    "in a list": lambda value: [1, value],
    "in a map": lambda value: {"a": {"b": value}},
}


@pytest.mark.parametrize("inside", INSIDE)
@pytest.mark.parametrize("kind", REFUSED)
def test_what_boto3_refuses_is_refused(kind: str, inside: str) -> None:
    value = INSIDE[inside](REFUSED[kind])
    with pytest.raises((TypeError, ArithmeticError)):
        oracle.attribute(value)
    with pytest.raises(TypeError):
        attribute(value)


STRICTER: dict[str, Any] = {
    "an empty set, which DynamoDB refuses": set(),
    "a map whose names are numbers, which botocore refuses later": {1: "a"},
    "a fraction, which no model has": Decimal("0.5"),
    "a set of bools, which boto3 writes as numbers": {True, False},
}


@pytest.mark.parametrize("kind", STRICTER)
def test_boto3_writes_what_is_refused_here(kind: str) -> None:
    oracle.attribute(STRICTER[kind])
    with pytest.raises(TypeError):
        attribute(STRICTER[kind])
