"""Functions are cloned from snapshots (P8): a start draws no randomness, keeps no time and calls nobody."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

from tests.endpoints import FUNCTIONS
from tests.parts.authorizer.issuer import ROUTES

ROOT = Path(__file__).resolve().parents[2]

# The standard library's logging, which the demo API imports, reads the clock once, for a field that no line has.
_START = """
import json, os, sys, time

done = []

def watched(module, name):
    real = getattr(module, name)
    def watching(*given, **named):
        caller = sys._getframe(1).f_globals["__name__"]
        if caller != "logging":
            done.append(f"{caller} calls {name}")
        return real(*given, **named)
    setattr(module, name, watching)

for name in ("urandom", "getrandom"):
    watched(os, name)
for name in ("time", "time_ns", "monotonic", "monotonic_ns"):
    watched(time, name)
sys.addaudithook(lambda event, given: event.startswith("socket.") and done.append(event))
sys.path[:0] = json.loads(sys.argv[1])
import app

# `random` seeds one generator for the process when a library imports it. Nothing of ours may draw from it, ever.
shared = sys.modules.get("random")
for name, module in list(sys.modules.items()):
    if name.partition(".")[0] in ("app", "valet") and shared is not None and shared in vars(module).values():
        done.append(f"{name} has random")
print(json.dumps(done))
"""


def _started(*path: Path) -> list[str]:
    environment = {
        "AWS_REGION": "us-east-1",
        "ISSUER": "https://id.example.com",
        "AUDIENCE": "https://id.example.com/api",
        "ROUTES": json.dumps(ROUTES),
    }
    folders = json.dumps([str(each) for each in (*path, ROOT / "layers" / "valet" / "python")])
    run = subprocess.run(
        [sys.executable, "-s", "-c", _START, folders], capture_output=True, text=True, check=True, env=environment
    )
    found: list[str] = json.loads(run.stdout.splitlines()[-1])
    return found


@pytest.mark.parametrize("name", FUNCTIONS.values())
def test_a_start_draws_nothing_keeps_no_time_and_calls_nobody(name: str) -> None:
    assert _started(ROOT / "functions" / name) == []


@pytest.mark.parametrize(
    ("deed", "seen"),
    [
        ("import os; NONCE = os.urandom(16)", "app calls urandom"),
        ("import secrets; NONCE = secrets.token_bytes(16)", "random calls urandom"),
        ("import time; STARTED_AT = time.time()", "app calls time"),
        ("import socket; socket.getaddrinfo('127.0.0.1', 443)", "socket.getaddrinfo"),
        ("import random", "app has random"),
    ],
)
def test_a_start_that_does_so_is_seen(tmp_path: Path, deed: str, seen: str) -> None:
    (tmp_path / "app.py").write_text(deed, encoding="utf-8")
    assert seen in _started(tmp_path)
