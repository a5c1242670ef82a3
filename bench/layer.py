"""The layer as `make build` leaves it: its size, zipped and with bytecode, and a place to start functions from (B8).

`sam build` does what pip does here, and deployment/finish.py is the rest of `make build`. Installed again only when the
lock file changes.
"""

import io
import shutil
import subprocess
import sys
import zipfile
from pathlib import Path

from bench.measure import LAYER, ROOT
from deployment.finish import compile_all, prune

FOLDER = ROOT / "bench" / ".layer"
PYTHON = FOLDER / "python"


def build() -> Path:
    """The folder that Lambda would have in /opt, with the functions beside it."""
    lock = (LAYER / "requirements.txt").read_text(encoding="utf-8")
    stamp, installed = FOLDER / f"lock-{sys.version_info.minor}", FOLDER / "installed"
    if not stamp.is_file() or stamp.read_text(encoding="utf-8") != lock:
        shutil.rmtree(FOLDER, ignore_errors=True)
        command = [sys.executable, "-m", "pip", "install", "--quiet", "--no-compile", "--no-deps", "--require-hashes"]
        requirements = ["--target", str(installed), "--requirement", str(LAYER / "requirements.txt")]
        subprocess.run([*command, *requirements], check=True)
        stamp.write_text(lock, encoding="utf-8")
    shutil.rmtree(PYTHON, ignore_errors=True)
    shutil.copytree(installed, PYTHON)
    ignored = shutil.ignore_patterns("__pycache__")
    shutil.copytree(LAYER / "valet", PYTHON / "valet", ignore=ignored)
    prune(PYTHON)
    shutil.rmtree(FOLDER / "functions", ignore_errors=True)
    shutil.copytree(ROOT / "functions", FOLDER / "functions", ignore=ignored)
    compile_all(PYTHON, "/opt/python")
    compile_all(FOLDER / "functions", "/var/task")
    return FOLDER


def zipped_bytes() -> int:
    """What is uploaded, and counts against Lambda's limits."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
        for path in sorted(PYTHON.rglob("*")):
            if path.is_file():
                archive.write(path, path.relative_to(FOLDER))
    return buffer.tell()


def unzipped_bytes() -> int:
    return sum(path.stat().st_size for path in PYTHON.rglob("*") if path.is_file())
