"""The Python package, built and installed as its users have it."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from deployment.wheel import build


@pytest.fixture(scope="session")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return build(tmp_path_factory.mktemp("dist"))


@pytest.fixture(scope="session")
def installed(wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with nothing in it but the installed wheel."""
    folder = tmp_path_factory.mktemp("installed")
    options = ["--quiet", "--no-index", "--no-deps", "--no-compile", f"--target={folder}"]
    subprocess.run([sys.executable, "-m", "pip", "install", *options, wheel], check=True, timeout=60)
    return folder
