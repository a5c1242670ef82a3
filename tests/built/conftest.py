"""What `make build` makes, once for all tests of it."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.built.emulator import ARCHITECTURE, PYTHON, RUNTIME, WITHOUT_SDK
from tests.template.cloudformation import ROOT


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """One worker has them all: a build takes as long as all tests of it together."""
    for item in items:
        if Path(__file__).parent in item.path.parents:
            item.add_marker(pytest.mark.xdist_group("built"))


@pytest.fixture(scope="session")
def make_build(tmp_path_factory: pytest.TempPathFactory) -> Callable[[str], Path]:
    """`make build` for one processor, into a folder of its own."""
    if not (PYTHON.exists() and RUNTIME.exists()):
        pytest.skip("`sam build` needs Python 3.13, and `make test` makes the environments that these tests need")

    def make(architecture: str) -> Path:
        folder = tmp_path_factory.mktemp("build") / architecture
        run = subprocess.run(
            ["make", "build", f"BUILD={folder}", f"ARCHITECTURE={architecture}"],
            cwd=ROOT,
            env={name: value for name, value in os.environ.items() if not name.startswith(("MAKE", "MFLAGS", "AWS_"))},
            capture_output=True,
            text=True,
            check=False,
        )
        assert run.returncode == 0, run.stdout + run.stderr
        return folder

    return make


@pytest.fixture(scope="session")
def build(make_build: Callable[[str], Path]) -> Path:
    """The build for this machine's processor."""
    return make_build(ARCHITECTURE)


@pytest.fixture(scope="session")
def runtime_without_sdk(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Lambda's Python as if it came without boto3."""
    folder = tmp_path_factory.mktemp("runtime")
    for pattern in WITHOUT_SDK:
        for path in RUNTIME.glob(pattern):
            (folder / path.name).symlink_to(path)
    return folder
