"""What `make build` makes, once for all tests of it."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.built.emulator import ARCHITECTURE, PYTHON, RUNTIME
from tests.parts.template.cloudformation import ROOT


@dataclass(frozen=True)
class Attempt:
    """One run of `make build`: where it builds, how it ended, and all that it printed."""

    folder: Path
    status: int
    output: str


AttemptBuild = Callable[[str, Mapping[str, str]], Attempt]


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """One worker has them all: a build takes as long as all tests of it together."""
    here = f"{Path(__file__).parent}{os.sep}"
    for item in items:
        if str(item.path).startswith(here):
            item.add_marker(pytest.mark.xdist_group("built"))


@pytest.fixture(scope="session")
def environments() -> None:
    """Skip the test where there is no environment to build in."""
    if not (PYTHON.exists() and RUNTIME.exists()):
        pytest.skip("`sam build` needs Python 3.13, and `make test` makes the environments that these tests need")


@pytest.fixture(scope="session")
def attempt_build(environments: None, tmp_path_factory: pytest.TempPathFactory) -> AttemptBuild:
    """`make build` for one processor, into a folder of its own, with more in its environment; it may fail."""

    def attempt(architecture: str, environment: Mapping[str, str]) -> Attempt:
        folder = tmp_path_factory.mktemp("build") / architecture
        kept = {name: value for name, value in os.environ.items() if not name.startswith(("MAKE", "MFLAGS", "AWS_"))}
        run = subprocess.run(
            ["make", "build", f"BUILD={folder}", f"ARCHITECTURE={architecture}"],
            cwd=ROOT,
            env={**kept, **environment},
            capture_output=True,
            text=True,
            check=False,
        )
        return Attempt(folder, run.returncode, run.stdout + run.stderr)

    return attempt


@pytest.fixture(scope="session")
def make_build(attempt_build: AttemptBuild) -> Callable[[str], Path]:
    """`make build` for one processor, into a folder of its own."""

    def make(architecture: str) -> Path:
        attempt = attempt_build(architecture, {})
        assert attempt.status == 0, attempt.output
        return attempt.folder

    return make


@pytest.fixture(scope="session")
def build(make_build: Callable[[str], Path]) -> Path:
    """The build for this machine's processor."""
    return make_build(ARCHITECTURE)
