"""`python -m local` as a program of its own, in an environment like a developer's."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[2]


@contextmanager
def program(*arguments: str, **environment: str) -> Iterator[subprocess.Popen[str]]:
    """The program, ended with the block whatever happens."""
    process = subprocess.Popen(
        [sys.executable, "-m", "local", *arguments],
        cwd=ROOT,
        env={"PATH": os.environ["PATH"], "HOME": os.environ.get("HOME", "/"), "PORT": "0", **environment},
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
    )
    try:
        yield process
    finally:
        process.kill()
        process.communicate()


def ready(path: Path, process: subprocess.Popen[str], patience: float = 60) -> Any:
    """What the program writes to its ready file."""
    deadline = time.monotonic() + patience
    while not path.exists():
        assert process.poll() is None, process.communicate()
        assert time.monotonic() < deadline, "not ready in time"
        time.sleep(0.02)
    return json.loads(path.read_text(encoding="utf-8"))


def operate(aws_url: str, *arguments: str, typed: str = "") -> Any:
    """What `valet … --json` answers the operator of a program that runs."""
    command = (sys.executable, "-m", "admin", *arguments, "--json", "--local", "--aws-port", aws_url.rpartition(":")[2])
    environment = {**os.environ, "PYTHONPATH": str(ROOT / "layers" / "valet" / "python")}
    ran = subprocess.run(command, cwd=ROOT, env=environment, input=typed, capture_output=True, text=True, check=False)
    assert ran.returncode == 0, ran.stderr
    return json.loads(ran.stdout)
