"""The layer as `make build` leaves it: its size, zipped and with bytecode, and a place to start functions from (B8).

pip does here what it does in layers/valet/Makefile, for this machine instead of Lambda, and deployment/finish.py is the
rest of `make build`. What the lock file names is kept installed in bench/.layer; each build is a copy, in a folder of
its own.
"""

import io
import shutil
import subprocess
import sys
import tempfile
import zipfile
from pathlib import Path

from bench.measure import LAYER, ROOT
from deployment.finish import compile_all, prune

_KEPT = ROOT / "bench" / ".layer"


def build(folder: Path) -> Path:
    """`folder`, with what Lambda would have in /opt, and the functions beside it."""
    python, functions = folder / "python", folder / "functions"
    shutil.copytree(_installed(), python)
    ignored = shutil.ignore_patterns("__pycache__")
    shutil.copytree(LAYER / "valet", python / "valet", ignore=ignored)
    prune(python)
    shutil.copytree(ROOT / "functions", functions, ignore=ignored)
    compile_all(python, "/opt/python")
    compile_all(functions, "/var/task")
    return folder


def _installed() -> Path:
    lock = (LAYER / "requirements.txt").read_text(encoding="utf-8")
    kept, stamp = _KEPT / f"python3.{sys.version_info.minor}", "requirements.txt"
    if (kept / stamp).is_file() and (kept / stamp).read_text(encoding="utf-8") == lock:
        return kept
    _KEPT.mkdir(exist_ok=True)
    fresh = Path(tempfile.mkdtemp(dir=_KEPT))
    command = [sys.executable, "-m", "pip", "install", "--quiet", "--no-compile", "--no-deps"]
    command += ["--require-hashes", "--only-binary=:all:"]
    subprocess.run([*command, "--target", str(fresh), "--requirement", str(LAYER / "requirements.txt")], check=True)
    (fresh / stamp).write_text(lock, encoding="utf-8")  # `prune` removes it from the copies
    shutil.rmtree(kept, ignore_errors=True)
    return fresh.rename(kept)


def zipped_bytes(folder: Path) -> int:
    """What is uploaded, and counts against Lambda's limits."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
        for path in sorted((folder / "python").rglob("*")):
            if path.is_file():
                archive.write(path, path.relative_to(folder))
    return buffer.tell()


def unzipped_bytes(folder: Path) -> int:
    return sum(path.stat().st_size for path in (folder / "python").rglob("*") if path.is_file())
