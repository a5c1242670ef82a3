"""Whether code or a template has changed since it was last read: by the names, times and sizes of its files."""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator
from pathlib import Path

_NOT_CODE = frozenset({"__pycache__", "node_modules", "venv"})  # and hidden folders, such as .venv and .git

Fingerprint = frozenset[tuple[str, int, int]]


def fingerprint(paths: Iterable[Path]) -> Fingerprint:
    """Of these files, and of all files below these folders. It differs if any of them changed."""
    return frozenset(each for path in paths for each in _of(path))


def _of(path: Path) -> Iterator[tuple[str, int, int]]:
    if not path.is_dir():
        try:
            facts = path.stat()
        except OSError:
            yield (str(path), 0, -1)  # not there yet, or no more
            return
        yield (str(path), facts.st_mtime_ns, facts.st_size)
        return
    for folder, folders, files in os.walk(path):
        folders[:] = [name for name in folders if name not in _NOT_CODE and not name.startswith(".")]
        for name in files:
            if not name.endswith(".pyc"):
                yield from _of_file(os.path.join(folder, name))


def _of_file(name: str) -> Iterator[tuple[str, int, int]]:
    try:
        facts = os.stat(name)
    except OSError:  # gone since its folder was listed: an editor's temporary file
        return
    yield (name, facts.st_mtime_ns, facts.st_size)
