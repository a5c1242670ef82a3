"""The layer as `make build` makes it: its size, zipped and with bytecode, and a folder to start functions from (B8).

pip installs as in layers/valet/Makefile, but for this machine instead of Lambda. deployment/finish.py does the rest, as
in `make build`. The packages of the lock file stay installed in bench/.layer, and each build is a copy in a folder of
its own.
"""

import io
import os
import shutil
import subprocess
import sys
import tempfile
import zipfile
from pathlib import Path

from bench.measure import LAYER, ROOT
from deployment.finish import compile_all, prune

MOST_ZIPPED_BYTES = 8_500_000  # of the build for x86_64; cryptography's library is more than half of it
_KEPT = ROOT / "bench" / ".layer"


def build(folder: Path) -> Path:
    """Build into `folder` and return it: the files of Lambda's /opt, and the functions next to them."""
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
    pip = [sys.executable, "-m", "pip"]
    locked = ["--quiet", "--no-deps", "--require-hashes", "--only-binary=:all:"]
    locked += ["--requirement", str(LAYER / "requirements.txt")]
    with tempfile.TemporaryDirectory() as wheels:
        subprocess.run([*pip, "download", *locked, "--dest", wheels], check=True)
        # The developer's settings may name the index. Here they are ignored: they could add another lock file.
        offline = ["--isolated", "install", *locked, "--no-compile", "--no-index", "--find-links", wheels]
        subprocess.run([*pip, *offline, "--target", str(fresh)], check=True, env=_without_settings())
    (fresh / stamp).write_text(lock, encoding="utf-8")  # `prune` removes it from the copies
    shutil.rmtree(kept, ignore_errors=True)
    return fresh.rename(kept)


def _without_settings() -> dict[str, str]:
    return {**os.environ, "PIP_CONFIG_FILE": os.devnull}


def zipped_bytes(folder: Path) -> int:
    """The size of the zip file for upload, which counts against Lambda's limits."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
        for path in sorted((folder / "python").rglob("*")):
            if path.is_file():
                archive.write(path, path.relative_to(folder))
    return buffer.tell()


def unzipped_bytes(folder: Path) -> int:
    return sum(path.stat().st_size for path in (folder / "python").rglob("*") if path.is_file())
