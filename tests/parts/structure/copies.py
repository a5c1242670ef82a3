"""A copy of the repository to break, and commands that run in it."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[3]
VALET = "layers/valet/python/valet"
_LEFT_OUT = shutil.ignore_patterns("__pycache__", "node_modules", ".*")


def copy_of_the_repository(to: Path) -> Path:
    """Everything but environments, caches and what was built."""
    return Path(shutil.copytree(ROOT, to, ignore=_LEFT_OUT, dirs_exist_ok=True))


def python(copy: Path, *arguments: str, given: str | None = None) -> subprocess.CompletedProcess[str]:
    """Python with the copy's modules alone, and lines long enough not to be broken."""
    path = os.pathsep.join((str(copy), str((copy / VALET).parent)))
    return subprocess.run(
        [sys.executable, *arguments],
        cwd=copy,
        input=given,
        env={**os.environ, "PYTHONPATH": path, "PYTHONDONTWRITEBYTECODE": "1", "COLUMNS": "500"},
        capture_output=True,
        text=True,
    )
