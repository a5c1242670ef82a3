"""Secrets of clients, which a configuration file names by reference only: an environment variable or another file."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

# Only a digest without a salt is stored, so a secret must be too long to guess (RFC 6749 §10.10).
_SECRET = re.compile(r"[\x21-\x7e]{32,256}")


class Unresolved(Exception):
    """The reference leads to no usable secret; the message says why, without the secret."""


class Missing(Unresolved):
    """There is nothing where the reference leads."""


@dataclass(frozen=True, slots=True)
class Reference:
    """Where a secret is. A path is relative to the configuration file's folder."""

    source: Literal["env", "file"]
    name: str

    def __str__(self) -> str:
        return f"the environment variable {self.name}" if self.source == "env" else f"the file {self.name}"

    def resolve(self, environment: Mapping[str, str], folder: Path) -> str:
        """The secret. Raises Unresolved."""
        secret = environment.get(self.name) if self.source == "env" else self._from_file(folder)
        if not secret:
            raise Missing(f"{self} is {'not set' if secret is None else 'empty'}")
        if not _SECRET.fullmatch(secret):
            raise Unresolved(
                f"the secret in {self} must have 32 to 256 visible ASCII characters, so that nobody can guess it"
            )
        return secret

    def _from_file(self, folder: Path) -> str | None:
        try:
            return (folder / self.name).read_text(encoding="utf-8").removesuffix("\n").removesuffix("\r")
        except FileNotFoundError:
            raise Missing(f"{self} does not exist") from None
        except (OSError, ValueError) as error:
            raise Unresolved(f"{self} cannot be read: {type(error).__name__}") from None
