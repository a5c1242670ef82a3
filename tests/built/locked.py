"""The wheels of the lock file, and what an attacker makes of them."""

from __future__ import annotations

import os
import shutil
import subprocess
import zipfile
from collections.abc import Mapping
from pathlib import Path

from tests.built.emulator import PYTHON
from tests.parts.template.cloudformation import ROOT

LAYER = ROOT / "layers" / "valet"
PLATFORMS = {
    processor: (LAYER / processor / "platforms.txt").read_text(encoding="utf-8").split()
    for processor in ("arm64", "x86_64")
}
MACHINES = {"arm64": "aarch64", "x86_64": "x86_64"}
_LOCK = LAYER / "python" / "requirements.txt"


def download(folder: Path) -> None:
    """The wheels of the lock file, for both processors."""
    for platforms in PLATFORMS.values():
        command: list[str | Path] = [
            PYTHON,
            "-m",
            "pip",
            "download",
            "--quiet",
            "--require-hashes",
            "--only-binary=:all:",
        ]
        command += ["--python-version", "3.13", "--implementation", "cp"]
        for platform in platforms:
            command += ["--platform", platform]
        subprocess.run([*command, "--dest", folder, "--requirement", _LOCK], check=True)


def only(folder: Path) -> Mapping[str, str]:
    """A developer's settings of pip by which there is no index, and this folder instead."""
    return {"PIP_NO_INDEX": "1", "PIP_FIND_LINKS": str(folder)}


def linked(wheels: Path, folder: Path) -> Path:
    """A folder with the same wheels."""
    shutil.copytree(wheels, folder, copy_function=os.link)
    return folder


def tampered(wheels: Path, folder: Path, package: str, processor: str) -> Path:
    """The same wheels, except that the attacker has added a module to one."""
    linked(wheels, folder)
    (wheel,) = folder.glob(f"{package}-*{MACHINES[processor]}.whl")
    content = wheel.read_bytes()
    wheel.unlink()  # the link: the wheel itself stays as it is
    wheel.write_bytes(content)
    with zipfile.ZipFile(wheel, "a") as archive:
        archive.writestr("tampered_with.py", "raise SystemExit('tampered with')")
    return folder
