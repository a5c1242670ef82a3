"""Passwords that were stolen somewhere."""

from typing import Protocol


class Breaches(Protocol):
    def has(self, password: str) -> bool:
        """Whether the password is known to have been stolen; False if nobody can say at the moment."""


class HasBreaches(Protocol):
    @property
    def breaches(self) -> Breaches: ...
