"""The findings of a run: as JSON, and as tables in Markdown."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

from bench.measure import Sample


@dataclass(frozen=True)
class Line:
    """One budget: both sides of its ratio, and whether it holds."""

    budget: str
    measure: str
    ours: str
    theirs: str
    figure: float
    limit: float
    spread: float  # of the noisier side
    strictly: bool = False

    @property
    def holds(self) -> bool:
        return self.figure < self.limit if self.strictly else self.figure <= self.limit

    @property
    def cells(self) -> Sequence[str]:
        sign = "<" if self.strictly else "≤"
        spread = f"±{self.spread:.0%}" if self.spread else "counted"
        holds = "yes" if self.holds else "**no**"
        return (
            self.budget,
            self.measure,
            self.ours,
            self.theirs,
            number(self.figure),
            f"{sign} {number(self.limit)}",
            spread,
            holds,
        )

    def as_json(self) -> dict[str, Any]:
        return {**asdict(self), "holds": self.holds}


HEAD = ("#", "measure", "Valet", "compared with", "figure", "budget", "spread", "holds")


def number(value: float) -> str:
    return f"{value:,.0f}" if abs(value) >= 100 else f"{value:.3g}"


def ratio(budget: str, measure: str, ours: Sample, theirs: Sample, limit: float, unit: str = "µs") -> Line:
    """The budget of a ratio, Valet's time over the other's."""
    spread = max(ours.spread, theirs.spread)
    ours_words, theirs_words = (f"{number(each.median)} {unit}" for each in (ours, theirs))
    return Line(budget, measure, ours_words, theirs_words, ours.over(theirs), limit, spread)


def table(head: Sequence[str], rows: Iterable[Sequence[str]]) -> list[str]:
    """Markdown."""
    lines = ["| " + " | ".join(head) + " |", "|" + " --- |" * len(head)]
    return [*lines, *("| " + " | ".join(row) + " |" for row in rows)]


def plain(value: Any) -> Any:
    """The value with samples and dataclasses turned into values that JSON can hold."""
    if isinstance(value, Sample):
        return {"median": round(value.median, 3), "spread": round(value.spread, 3), "count": value.count}
    if isinstance(value, Mapping):
        return {str(name): plain(each) for name, each in value.items()}
    if isinstance(value, list | tuple):
        return [plain(each) for each in value]
    return value
