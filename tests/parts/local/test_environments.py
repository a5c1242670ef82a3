"""The environments that make builds: with which Python, and from the lock file alone."""

from __future__ import annotations

import hashlib
import os
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[3]
SCRIPT = ROOT / "requirements" / "find_python.sh"
NO_VENV = "sys.modules['ensurepip'] = None"


@pytest.fixture
def bin_(tmp_path: Path) -> Path:
    """A PATH with a shell's tools and no Python."""
    folder = tmp_path / "bin"
    folder.mkdir()
    for tool in ("cat", "sh"):
        (folder / tool).symlink_to(f"/bin/{tool}")
    return folder


def python(folder: Path, name: str, version: tuple[int, int], but: str = "pass") -> None:
    """A program that answers as that version would."""
    setup = (
        f"import sys; sys.version_info = {(*version, 0)!r}; sys.executable = '/opt/{name}'; {but}; exec(sys.argv[1])"
    )
    file = folder / name
    file.write_text(f'#!/bin/sh\nexec "{sys.executable}" -c "{setup}" "$2"\n', encoding="utf-8")
    file.chmod(0o755)


def find(folder: Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run([SCRIPT], env={"PATH": str(folder)}, capture_output=True, text=True, check=False)


def test_python_3_13_comes_first_and_else_the_newest(bin_: Path) -> None:
    for name, version in (
        ("python3", (3, 11)),
        ("python3.12", (3, 12)),
        ("python3.14", (3, 14)),
        ("python3.13", (3, 13)),
    ):
        python(bin_, name, version)
        assert find(bin_).stdout == f"/opt/{name}\n"


@pytest.mark.parametrize("name", ["python3.11", "python3.12", "python3"])
def test_where_only_3_11_or_3_12_is_there_that_is_taken(bin_: Path, name: str) -> None:
    python(bin_, name, (3, 11))
    assert find(bin_).stdout == f"/opt/{name}\n"


def test_a_python_3_13_without_venv_does_not_stand_in_the_way_of_another(bin_: Path) -> None:
    python(bin_, "python3.13", (3, 13), but=NO_VENV)
    python(bin_, "python3.12", (3, 12))
    assert find(bin_).stdout == "/opt/python3.12\n"


def test_it_says_what_it_looked_for_what_is_wrong_with_what_it_found_and_what_to_install(bin_: Path) -> None:
    python(bin_, "python3.13", (3, 13), but=NO_VENV)
    python(bin_, "python3", (3, 9))
    found = find(bin_)
    assert (found.returncode, found.stdout) == (1, "")
    assert "python3.13, python3.14, python3.12, python3.11" in found.stderr
    assert f"{bin_}/python3.13 has no venv (on Debian or Ubuntu: apt install python3.13-venv)" in found.stderr
    assert f"{bin_}/python3 is 3.9, which is too old" in found.stderr
    assert "3.11 is enough for `make run`" in found.stderr


def test_with_no_python_at_all_nothing_is_listed(bin_: Path) -> None:
    found = find(bin_)
    assert found.returncode == 1
    assert "pyenv has no 3.13.\nInstall one" in found.stderr


def wheel(folder: Path, name: str) -> str:
    """A wheel of a package with one module; the line of a lock file that names it."""
    file, described = folder / f"{name}-1.0-py3-none-any.whl", f"{name}-1.0.dist-info"
    with zipfile.ZipFile(file, "w") as archive:
        archive.writestr(f"{name}.py", "")
        archive.writestr(f"{described}/METADATA", f"Metadata-Version: 2.1\nName: {name}\nVersion: 1.0\n")
        archive.writestr(f"{described}/WHEEL", "Wheel-Version: 1.0\nRoot-Is-Purelib: true\nTag: py3-none-any\n")
        archive.writestr(f"{described}/RECORD", "")
    return f"{name}==1.0 --hash=sha256:{hashlib.sha256(file.read_bytes()).hexdigest()}\n"


@pytest.mark.slow
@pytest.mark.parametrize("kind", ["variables", "configuration file"])
def test_my_settings_of_pip_name_the_mirror_and_bring_no_other_package(tmp_path: Path, kind: str) -> None:
    mirror, environment = tmp_path / "mirror", tmp_path / "environment"
    mirror.mkdir()
    lock, more, conf = tmp_path / "lock.txt", tmp_path / "more.txt", tmp_path / "pip.conf"
    lock.write_text(wheel(mirror, "locked"), encoding="utf-8")
    more.write_text(wheel(mirror, "unlocked"), encoding="utf-8")
    conf.write_text(f"[global]\nrequirement = {more}\n", encoding="utf-8")
    makefile, done = tmp_path / "Makefile", environment / ".done"
    makefile.write_text(
        f"include Makefile\nFIND_PYTHON = echo {sys.executable}\n{done}:\n\t$(call environment,{environment},{lock})\n",
        encoding="utf-8",
    )
    settings = {"PIP_NO_INDEX": "1", "PIP_FIND_LINKS": str(mirror)}
    if kind == "variables":
        settings |= {"PIP_REQUIREMENT": str(more), "PIP_TARGET": str(tmp_path / "elsewhere"), "PIP_DRY_RUN": "1"}
    else:
        settings |= {"PIP_CONFIG_FILE": str(conf)}
    ran = subprocess.run(
        ["make", "--file", makefile, done],
        cwd=ROOT,
        env={"PATH": os.environ["PATH"], "HOME": str(tmp_path), **settings},
        capture_output=True,
        text=True,
        check=False,
    )
    assert ran.returncode == 0, ran.stderr
    assert len(list(environment.rglob("site-packages/locked.py"))) == 1
    assert not list(environment.rglob("unlocked.py"))
    assert not (tmp_path / "elsewhere").exists()
