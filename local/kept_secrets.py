"""Secrets that the local stack generates for a configuration file, kept for the next start.

They are in a folder `.valet` next to the file, which git ignores and only the developer can read. They are good for the
local stack alone: no deployment is ever given one.
"""

from __future__ import annotations

import json
import os
import stat
from contextlib import suppress
from pathlib import Path
from typing import Any

from valet.handles import new_handle, new_id
from valet.ports.runtime import Random

_KINDS = ("secrets", "passwords", "subs")


class NotKept(Exception):
    """The file with kept secrets cannot be used; the message says why."""


class KeptSecrets:
    """Values by kind and name; each is generated once, and kept by `save`."""

    def __init__(self, configuration: Path, random: Random) -> None:
        self.path = configuration.parent / ".valet" / f"{configuration.name}.json"
        self._random = random
        self._kept = _read(self.path)
        self._is_changed = False

    def secret(self, client_id: str) -> str:
        return self._value("secrets", client_id)

    def password(self, username: str) -> str:
        return self._value("passwords", username)

    def sub(self, username: str) -> str:
        return self._value("subs", username)

    def _value(self, kind: str, name: str) -> str:
        if name not in self._kept[kind]:
            self._kept[kind][name] = new_id(self._random) if kind == "subs" else new_handle(self._random)
            self._is_changed = True
        return self._kept[kind][name]

    def save(self) -> None:
        """Write what was generated. Raises NotKept."""
        if not self._is_changed:
            return
        unfinished = self.path.with_suffix(".unfinished")
        try:
            self.path.parent.mkdir(mode=0o700, exist_ok=True)
            with suppress(FileExistsError):
                _create(self.path.parent / ".gitignore", "*\n")
            unfinished.unlink(missing_ok=True)
            _create(unfinished, json.dumps(self._kept, indent=2))
            unfinished.replace(self.path)
        except OSError as error:
            raise NotKept(f"Secrets cannot be kept in {self.path}: {error.strerror}.") from None
        self._is_changed = False


def _create(path: Path, text: str) -> None:
    """Write a new file that only its owner can read. A link under that name is never followed: a cloned repository may
    have one, to a file of the developer's."""
    handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with open(handle, "w", encoding="utf-8") as file:
        file.write(text)


def _read(path: Path) -> dict[str, dict[str, str]]:
    if path.parent.is_symlink():
        raise NotKept(f"{path.parent} is a link: replace it by a folder, or remove it.")
    try:
        mode = path.lstat().st_mode
        text = path.read_text(encoding="utf-8")
    except FileNotFoundError:
        return {kind: {} for kind in _KINDS}
    except (OSError, ValueError) as error:
        raise NotKept(f"{path} cannot be read: {error}") from None
    if not stat.S_ISREG(mode) or mode & 0o077:
        raise NotKept(f"{path} has secrets that others can read or write: chmod 600 {path}")
    try:
        return {kind: _texts(json.loads(text)[kind]) for kind in _KINDS}
    except (ValueError, TypeError, KeyError, AttributeError):
        raise NotKept(f"{path} is not as the local stack wrote it. Remove it, and new secrets are generated.") from None


def _texts(found: Any) -> dict[str, str]:
    if not all(isinstance(value, str) for value in found.values()):
        raise TypeError
    return dict(found)
