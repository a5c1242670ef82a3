"""A built function under the Lambda runtime interface emulator that aws-sam-cli bundles: no Docker, no AWS.

On its path are the function, the layer and what Lambda's Python brings along except the AWS SDK; in its
environment what the template says. Nothing else: `-S` keeps the interpreter's own site-packages out.
"""

from __future__ import annotations

import contextlib
import os
import platform
import signal
import socket
import subprocess
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx

from tests.parts.template.cloudformation import ROOT
from tests.support.ports import free_port

PYTHON = ROOT / ".venv-sam" / "bin" / "python3.13"
RUNTIME = ROOT / ".lambda-runtime"
ARCHITECTURE = {"x86_64": "x86_64", "aarch64": "arm64", "arm64": "arm64"}[platform.machine()]
OTHER = {"x86_64": "arm64", "arm64": "x86_64"}[ARCHITECTURE]

_EMULATOR = f"lib/python3.13/site-packages/samcli/local/rapid/aws-lambda-rie-{ARCHITECTURE}"
_PATIENCE = 30.0  # seconds until the first answer, on a machine with much else to do


@dataclass(frozen=True)
class Emulated:
    """A function that runs."""

    url: str
    log: Path
    http: httpx.Client

    def invoke(self, event: Mapping[str, Any]) -> Any:
        """The function's answer; where it raised, Lambda's description of the exception."""
        address = f"{self.url}/2015-03-31/functions/function/invocations"
        return self.http.post(address, json=event).json()


@contextlib.contextmanager
def running(
    build: Path, logical_id: str, environment: Mapping[str, str], log: Path, runtime: Path = RUNTIME
) -> Iterator[Emulated]:
    """The built function until the block ends. Its own process starts when its first event comes."""
    task = build / logical_id
    front, api = free_port(), free_port()
    command: list[str | Path] = [
        PYTHON.parent.parent / _EMULATOR,
        "--runtime-interface-emulator-address",
        f"127.0.0.1:{front}",
        "--runtime-api-address",
        f"127.0.0.1:{api}",
        PYTHON,
        "-S",
        "-m",
        "awslambdaric",
        "app.handler",
    ]
    with log.open("wb") as output:
        process = subprocess.Popen(
            command,
            cwd=task,
            env=_environment(task, build / "ValetLayer" / "python", runtime) | dict(environment),
            stdout=output,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
    try:
        _wait_for(front, process, log)
        with httpx.Client(timeout=_PATIENCE) as http:
            yield Emulated(f"http://127.0.0.1:{front}", log, http)
    finally:
        # It shrugs off SIGTERM, and its child outlives it.
        with contextlib.suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
        process.wait()


def _environment(task: Path, layer: Path, runtime: Path) -> dict[str, str]:
    """What Lambda itself sets. The credentials stand for the developer's own: functions sign with the stack's."""
    return {
        "PYTHONPATH": f"{task}:{layer}:{runtime}",
        "LAMBDA_TASK_ROOT": str(task),
        "AWS_REGION": "us-east-1",
        "AWS_DEFAULT_REGION": "us-east-1",
        "AWS_ACCESS_KEY_ID": "emulated",
        "AWS_SECRET_ACCESS_KEY": "emulated",
        "LANG": "en_US.UTF-8",
        "TZ": ":UTC",
    }


def _wait_for(port: int, process: subprocess.Popen[bytes], log: Path) -> None:
    deadline = time.monotonic() + _PATIENCE
    while time.monotonic() < deadline and process.poll() is None:
        with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", port), timeout=1):
            return
        time.sleep(0.02)
    raise AssertionError(f"the emulator does not listen: {log.read_text(encoding='utf-8', errors='replace')}")
