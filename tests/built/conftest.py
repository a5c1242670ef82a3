"""What `make build` makes, once for all tests of it."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.built.emulator import ARCHITECTURE, OTHER, PYTHON, RUNTIME
from tests.built.locked import download, only, tampered
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
def wheels(environments: None, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with the wheels of the lock file, for both processors."""
    folder = tmp_path_factory.mktemp("wheels")
    download(folder)
    return folder


@pytest.fixture(scope="session")
def build(attempt_build: AttemptBuild) -> Path:
    """The build for this machine's processor."""
    return _built(attempt_build(ARCHITECTURE, {}))


@pytest.fixture(scope="session")
def other_build(attempt_build: AttemptBuild, wheels: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The build for the other processor, where somebody has tampered with a wheel for this one."""
    folder = tmp_path_factory.mktemp("other") / "wheels"
    return _built(attempt_build(OTHER, only(tampered(wheels, folder, "cryptography", ARCHITECTURE))))


def _built(attempt: Attempt) -> Path:
    assert attempt.status == 0, attempt.output
    return attempt.folder
