"""What the stack was seeded with, for the terminal: who can sign in, which clients there are, and their secrets."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from valet.models.clients import Client


@dataclass(frozen=True)
class Seeded:
    """The demo data, or the contents of a configuration file."""

    people: tuple[tuple[str, str, str], ...]  # username, password, roles
    clients: tuple[Client, ...]
    secrets: Mapping[str, str]  # by client_id: what was generated, or where it comes from
    file: Path | None = None  # the configuration file; None for the demo data
    kept_in: Path | None = None  # where generated secrets are kept
    notes: tuple[str, ...] = ()

    @property
    def is_demo(self) -> bool:
        return self.file is None
