"""Frozen: the base of the facts, as a frozen dataclass would be, without what a dataclass costs a cold start.

`dataclasses` imports inspect, ast and tokenize, and compiles the methods of each class
(docs/decisions/cold-starts.md).
"""

from collections.abc import Mapping
from functools import cache
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, ClassVar, NoReturn, dataclass_transform

if TYPE_CHECKING:
    from dataclasses import replace as replace  # mypy compares the changes with the fields of the class
else:

    def replace(fact, /, **changes):
        """A copy with other values for some fields."""
        return type(fact)(**{**vars(fact), **changes})


NO_ENTRIES: Mapping[str, Any] = MappingProxyType({})  # the default of a field that is a mapping

_set = object.__setattr__


class _DataclassFields:
    """What `dataclasses` looks for: tests and tools may use its fields, replace and asdict."""

    def __get__(self, fact: object, kind: Any) -> Mapping[str, Any]:
        return _dataclass_fields(kind)


@cache
def _dataclass_fields(kind: Any) -> Mapping[str, Any]:
    from dataclasses import make_dataclass

    found: dict[str, Any] = vars(make_dataclass(kind.__name__, kind.FIELDS.items()))["__dataclass_fields__"]
    for name, default in kind.DEFAULTS.items():
        found[name].default = default
    return found


@dataclass_transform(frozen_default=True)
class Frozen:
    """A subclass names its fields with their types, and a default, which must be immutable, where there is one.

    Two are equal if they are of one class and have equal values.
    """

    FIELDS: ClassVar[Mapping[str, Any]] = {}  # each field's type
    DEFAULTS: ClassVar[Mapping[str, Any]] = {}
    _EMPTY: ClassVar[dict[str, Any]] = {}  # all fields in their order, with the defaults
    _REQUIRED: ClassVar[frozenset[str]] = frozenset()
    __dataclass_fields__ = _DataclassFields()

    def __init_subclass__(cls) -> None:
        cls.FIELDS = dict(cls.__annotations__)
        cls.DEFAULTS = {name: vars(cls)[name] for name in cls.FIELDS if name in vars(cls)}
        cls._EMPTY = dict.fromkeys(cls.FIELDS) | cls.DEFAULTS
        cls._REQUIRED = frozenset(cls.FIELDS.keys() - cls.DEFAULTS.keys())
        cls.__match_args__ = tuple(cls.FIELDS)  # type: ignore[misc, attr-defined]  # mypy has made it itself

    def __init__(self, *values: Any, **named: Any) -> None:
        empty = self._EMPTY
        if values:
            if len(values) == len(empty) and not named:  # every field in its place: nothing is missing or unknown
                # `strict` would take as long as all the rest.
                self.__dict__.update(zip(empty, values))  # noqa: B905
                return
            placed = dict(zip(empty, values, strict=False))
            if len(placed) < len(values) or not placed.keys().isdisjoint(named):
                raise TypeError(f"{type(self).__name__} has too many values, or one of them twice")
            named = placed | named
        filled = empty | named
        if len(filled) > len(empty) or not named.keys() >= self._REQUIRED:
            wrong = sorted((named.keys() - self.FIELDS.keys()) | (self._REQUIRED - named.keys()))
            raise TypeError(f"{type(self).__name__} has fields that are unknown or missing: {wrong}")
        _set(self, "__dict__", filled)

    def __setattr__(self, name: str, value: object) -> NoReturn:
        raise AttributeError(f"{type(self).__name__} is frozen: its {name} cannot change")

    def __delattr__(self, name: str) -> NoReturn:
        raise AttributeError(f"{type(self).__name__} is frozen: its {name} cannot change")

    def __eq__(self, other: object) -> bool:
        return vars(self) == vars(other) if type(self) is type(other) else NotImplemented

    def __hash__(self) -> int:
        return hash((type(self), *vars(self).values()))

    def __repr__(self) -> str:
        return f"{type(self).__name__}({', '.join(f'{name}={value!r}' for name, value in vars(self).items())})"
