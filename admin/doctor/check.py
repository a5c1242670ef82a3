"""A check of an audit: its name, and the function that looks at the evidence."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING

from admin.doctor.findings import Finding

if TYPE_CHECKING:
    from admin.doctor.evidence import Evidence


@dataclass(frozen=True, slots=True)
class Check:
    """A check with a stable name. `look` returns what it finds."""

    name: str
    look: Callable[["Evidence"], Iterable[Finding]]
