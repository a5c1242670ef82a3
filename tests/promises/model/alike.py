"""Copies of the model's values, with other values for some of their attributes: a walk makes a million of them."""

from typing import Any, TypeVar

Thing = TypeVar("Thing")


def alike(thing: Thing, **changes: Any) -> Thing:
    """As dataclasses.replace, which takes ten times as long: it reads and sets each field by itself."""
    made = object.__new__(type(thing))
    vars(made).update(vars(thing), **changes)
    return made
