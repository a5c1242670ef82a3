"""Build the Python package of docs/apis/python.md: `make wheel`. It needs no network.

The package holds a copy of every module of Valet that it imports, as valet_resource_server._valet, so that it can stand
next to the layer's own package `valet`, of whatever version (docs/decisions/python-package.md).
"""

import ast
import os
import re
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

from deployment.finish import version

ROOT = Path(__file__).parents[1]
LAYER = ROOT / "layers" / "valet" / "python"
PACKAGE = "valet_resource_server"
COPIED = f"{PACKAGE}._valet"
_IMPORT = re.compile(r"^( *from )valet(?=[. ])", re.MULTILINE)
_EPOCH = "1577836800"  # the time of every file in the wheel: one source, one wheel


def build(to: Path) -> Path:
    """Build the wheel into the folder `to`, and return its path."""
    with tempfile.TemporaryDirectory() as folder:
        staging = Path(folder)
        stage(staging)
        subprocess.run(
            [sys.executable, "-m", "flit_core.wheel", staging, "--outdir", to.resolve()],
            env={**os.environ, "SOURCE_DATE_EPOCH": _EPOCH},
            stdout=subprocess.DEVNULL,
            check=True,
        )
    said = version(LAYER / "valet")
    return to / f"{PACKAGE}-{said}-py3-none-any.whl"


def stage(folder: Path) -> None:
    """Write into `folder` everything that the build backend reads."""
    package = folder / PACKAGE
    package.mkdir()
    for source in sorted((ROOT / PACKAGE).glob("*.py")):
        (package / source.name).write_text(_renamed(source), encoding="utf-8")
    shutil.copy(ROOT / PACKAGE / "py.typed", package)
    shutil.copy(ROOT / PACKAGE / "README.md", folder)
    project = (ROOT / PACKAGE / "pyproject.toml").read_text(encoding="utf-8")
    said = version(LAYER / "valet")
    (folder / "pyproject.toml").write_text(project.replace('dynamic = ["version"]', f'version = "{said}"'), "utf-8")
    for source in sorted(_needed()):
        copy = package / "_valet" / source.relative_to(LAYER / "valet")
        copy.parent.mkdir(parents=True, exist_ok=True)
        copy.write_text(_renamed(source), encoding="utf-8")
    # Not Valet's own: it changes the garbage collector's threshold, which is the host's to choose.
    (package / "_valet" / "__init__.py").write_text(f'"""Modules of Valet {said}: use {PACKAGE} instead."""\n', "utf-8")


def _needed() -> set[Path]:
    """The modules of Valet that the package imports, and those that these import."""
    found: set[Path] = set()
    waiting = list((ROOT / PACKAGE).glob("*.py"))
    while waiting:
        new = {path for name in _imported(waiting.pop()) for path in _files(name)} - found
        found |= new
        waiting += new
    return found


def _imported(source: Path) -> Iterator[str]:
    for node in ast.walk(ast.parse(source.read_text(encoding="utf-8"))):
        if isinstance(node, ast.ImportFrom) and node.module and node.module.partition(".")[0] == "valet":
            yield node.module
            yield from (f"{node.module}.{alias.name}" for alias in node.names)


def _files(name: str) -> Iterator[Path]:
    """The files of the module `name` and of the packages around it; none if `name` is no module."""
    path = LAYER.joinpath(*name.split("."))
    file = path / "__init__.py" if path.is_dir() else path.with_suffix(".py")
    if file.is_file():
        yield from (parent / "__init__.py" for parent in file.parents if LAYER / "valet" in parent.parents)
        yield file


def _renamed(source: Path) -> str:
    """The text of `source`, which imports the copy in the package's own folder instead of Valet."""
    return _IMPORT.sub(rf"\g<1>{COPIED}", source.read_text(encoding="utf-8"))


if __name__ == "__main__":
    print(build(Path(sys.argv[1])))
