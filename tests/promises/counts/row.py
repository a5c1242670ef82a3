"""One kind of request, and the AWS calls that it makes."""

from collections.abc import Callable
from dataclasses import dataclass

from tests.promises.counts.requests import Request
from tests.support.world import World


@dataclass(frozen=True)
class Row:
    prepare: Callable[[World], Request]
    status: int
    warm: str
    cold: str

    @property
    def name(self) -> str:
        return self.prepare.__name__

    @property
    def warm_calls(self) -> list[str]:
        return self.warm.split(", ") if self.warm else []

    @property
    def cold_calls(self) -> list[str]:
        return self.cold.split(", ") if self.cold else []
