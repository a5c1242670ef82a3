"""Frozen does what a frozen dataclass does: a dataclass with the same fields is the oracle."""

import copy
import dataclasses
from collections.abc import Callable
from typing import Any

import pytest
from valet.frozen import NO_ENTRIES, Frozen, replace


class Umbrella(Frozen):
    """A fact with every kind of field."""

    owner: str
    number: int
    is_wet: bool = False
    colours: tuple[str, ...] = ()

    @property
    def label(self) -> str:
        return f"{self.owner}-{self.number}"


class Key(Frozen):
    """Another class with the same fields and values."""

    owner: str
    number: int
    is_wet: bool = False
    colours: tuple[str, ...] = ()


ORACLE = dataclasses.make_dataclass(
    "Umbrella",
    [
        ("owner", str),
        ("number", int),
        ("is_wet", bool, dataclasses.field(default=False)),
        ("colours", tuple[str, ...], dataclasses.field(default=())),
    ],
    frozen=True,
)

MADE: list[Callable[[Any], Any]] = [
    lambda kind: kind("john", 1),
    lambda kind: kind("john", number=2),
    lambda kind: kind(number=3, owner="john"),
    lambda kind: kind(is_wet=True, owner="john", number=4),
    lambda kind: kind("john", 5, True, ("red", "blue")),
]

REFUSED: list[Callable[[Any], Any]] = [
    lambda kind: kind(),
    lambda kind: kind("john"),
    lambda kind: kind(owner="john", is_wet=True),
    lambda kind: kind("john", 1, True, (), "more"),
    lambda kind: kind("john", 1, owner="mary"),
    lambda kind: kind("john", 1, weight=2),
    lambda kind: kind("john", weight=2),  # as many values as there are required fields
    lambda kind: replace(kind("john", 1), weight=2),
]


@pytest.mark.parametrize("make", MADE)
def test_a_fact_has_the_values_of_a_dataclass_that_is_made_in_the_same_way(make: Callable[[Any], Any]) -> None:
    fact, oracle = make(Umbrella), make(ORACLE)
    assert vars(fact) == dataclasses.asdict(oracle)
    assert list(vars(fact)) == list(dataclasses.asdict(oracle))
    assert repr(fact) == repr(oracle)


@pytest.mark.parametrize("make", REFUSED)
def test_a_fact_refuses_the_values_that_a_dataclass_refuses(make: Callable[[Any], Any]) -> None:
    with pytest.raises(TypeError):
        make(ORACLE)
    with pytest.raises(TypeError):
        make(Umbrella)


def test_an_error_names_the_fields_that_are_unknown_or_missing() -> None:
    made: Any = Umbrella
    with pytest.raises(TypeError, match=r"Umbrella has fields that are unknown or missing: \['number', 'weight'\]"):
        made("john", weight=2)


def test_a_fact_cannot_change() -> None:
    fact: Any = Umbrella("john", 1)
    for name in ("number", "weight"):
        with pytest.raises(AttributeError, match=f"its {name} cannot change"):
            setattr(fact, name, 2)
    with pytest.raises(AttributeError, match="its number cannot change"):
        del fact.number
    assert fact == Umbrella("john", 1)


def test_facts_are_equal_if_class_and_values_are() -> None:
    fact = Umbrella("john", 1)
    assert fact == Umbrella(number=1, owner="john", is_wet=False)
    assert hash(fact) == hash(Umbrella(number=1, owner="john", is_wet=False))
    assert fact != Umbrella("john", 2)
    others: tuple[object, ...] = (Key("john", 1), ("john", 1, False, ()), vars(fact))
    assert fact not in others


def test_replace_changes_a_copy() -> None:
    fact = Umbrella("john", 1, is_wet=True)
    assert replace(fact, number=2) == Umbrella("john", 2, is_wet=True)
    assert fact == Umbrella("john", 1, is_wet=True)


def test_tools_may_treat_a_fact_as_a_dataclass() -> None:
    fact = Umbrella("john", 1, colours=("red",))
    assert dataclasses.is_dataclass(fact)
    for ours, its in zip(dataclasses.fields(Umbrella), dataclasses.fields(ORACLE), strict=True):
        assert (ours.name, ours.type, ours.default) == (its.name, its.type, its.default)
    assert dataclasses.replace(fact, number=2) == Umbrella("john", 2, colours=("red",))
    assert dataclasses.asdict(fact) == vars(fact)


@pytest.mark.parametrize("copied", [copy.copy, copy.deepcopy])
def test_a_fact_can_be_copied(copied: Callable[[Umbrella], Umbrella]) -> None:
    fact = Umbrella("john", 1, colours=("red",))
    assert copied(fact) == fact
    assert copied(fact).label == "john-1"


def test_a_pattern_matches_a_fact_by_position_and_by_name() -> None:
    match Umbrella("john", 1):
        case Umbrella(owner, number, is_wet=False):
            assert (owner, number) == ("john", 1)
        case _:
            raise AssertionError("no pattern matched")


def test_the_default_of_a_mapping_cannot_change() -> None:
    anything: Any = NO_ENTRIES
    with pytest.raises(TypeError):
        anything["name"] = "value"
    assert NO_ENTRIES == {}
