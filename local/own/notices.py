"""What a stack has that is not played, each with what happens instead: nothing is passed over in silence."""

from __future__ import annotations

from dataclasses import dataclass, field


@dataclass(frozen=True)
class Notice:
    """One line of the list at the start."""

    what: str
    instead: str

    def __str__(self) -> str:
        return f"{self.what}: {self.instead}"


@dataclass
class Notices:
    """Collects them in the template's order, each once."""

    found: list[Notice] = field(default_factory=list)

    def add(self, what: str, instead: str) -> None:
        notice = Notice(what, instead)
        if notice not in self.found:
            self.found.append(notice)
