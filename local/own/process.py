"""A worker as the local stack sees it: a process in the developer's environment, two pipes, and its standard output."""

from __future__ import annotations

import base64
import json
import os
import selectors
import signal
import subprocess
import threading
import time
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from local.aws.aws import REGION
from local.system import Function

_WORKER = Path(__file__).with_name("worker.py")
_PASSED_ON = ("HOME", "PATH", "TMPDIR")
_LONGEST_LINE = 64 * 1024


class WorkerGone(Exception):
    """The process has ended without an answer."""


class WorkerLate(Exception):
    """There was no answer in time."""


@dataclass(frozen=True)
class Code:
    """How a function is run: the interpreter, the folders on its path, and the variables that were given to it."""

    python: str
    folders: tuple[Path, ...]
    variables: Mapping[str, str]


def environment_of(function: Function, code: Code) -> dict[str, str]:
    """Lambda's variables, the template's, and API_ENV's. Nothing of the stack's own, and no credentials of any AWS."""
    return {
        **{name: os.environ[name] for name in _PASSED_ON if name in os.environ},
        "AWS_CONFIG_FILE": os.devnull,
        "AWS_EC2_METADATA_DISABLED": "true",
        "AWS_SHARED_CREDENTIALS_FILE": os.devnull,
        "AWS_XRAY_SDK_ENABLED": "false",
        "LANG": "en_US.UTF-8",
        "PYTHONNOUSERSITE": "1",
        "PYTHONUTF8": "1",
        "TZ": "UTC",
        **function.environment,
        **code.variables,
        "AWS_DEFAULT_REGION": code.variables.get("AWS_DEFAULT_REGION", REGION),
        "AWS_LAMBDA_FUNCTION_MEMORY_SIZE": str(function.memory),
        "AWS_LAMBDA_FUNCTION_NAME": function.name,
        "AWS_LAMBDA_FUNCTION_VERSION": "$LATEST",
        "AWS_LAMBDA_LOG_GROUP_NAME": function.log_group,
        "AWS_LAMBDA_LOG_STREAM_NAME": "local",
        "AWS_REGION": code.variables.get("AWS_REGION", REGION),
        "LAMBDA_TASK_ROOT": str(function.folder),
        "_HANDLER": function.handler,
    }


class Worker:
    """One execution environment: it has one event at a time, and is ended when it is late."""

    def __init__(self, function: Function, code: Code, on_line: Callable[[str], None]) -> None:
        theirs_in, self._events = os.pipe()
        self._answers, theirs_out = os.pipe()
        facts = {
            "handler": function.handler,
            "inline_code": function.inline_code,
            "path": [str(folder) for folder in code.folders],
        }
        told = base64.b64encode(json.dumps(facts).encode()).decode()
        try:
            self._process = subprocess.Popen(  # noqa: S603  the developer's own program
                [code.python, "-u", str(_WORKER), str(theirs_in), str(theirs_out), told],
                cwd=function.folder,
                env=environment_of(function, code),
                pass_fds=(theirs_in, theirs_out),
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=subprocess.STDOUT,
                start_new_session=True,  # so that what the function starts ends with it
            )
        except OSError:
            os.close(self._events)
            os.close(self._answers)
            raise
        finally:
            os.close(theirs_in)
            os.close(theirs_out)
        self._on_line = on_line
        self._log = threading.Thread(target=self._read_log, name=f"log-of-{function.logical_id}", daemon=True)
        self._log.start()

    def ready(self, seconds: float) -> dict[str, Any]:
        """`{"ready": True}` once the handler is imported, or the error that it raised meanwhile."""
        return self._answer(time.monotonic() + seconds)

    def call(self, invocation: Mapping[str, Any], seconds: float) -> dict[str, Any]:
        """`{"answer": …}` or `{"error": …}`. Raises WorkerGone or WorkerLate."""
        deadline = time.monotonic() + seconds
        left = memoryview(json.dumps(invocation).encode() + b"\n")
        try:
            while left:  # the worker waits for it and reads on, so this takes no longer than the copying
                left = left[os.write(self._events, left) :]
        except OSError:
            raise WorkerGone from None
        return self._answer(deadline)

    def stop(self) -> None:
        """Ends the process and everything that it started."""
        with suppress(ProcessLookupError, PermissionError):
            os.killpg(self._process.pid, signal.SIGKILL)
        self._process.wait()
        self._log.join(timeout=1)
        os.close(self._events)
        os.close(self._answers)

    def _answer(self, deadline: float) -> dict[str, Any]:
        with selectors.DefaultSelector() as selector:
            selector.register(self._answers, selectors.EVENT_READ)
            parts = []
            while True:
                left = deadline - time.monotonic()
                if left <= 0 or not selector.select(left):
                    raise WorkerLate
                part = os.read(self._answers, 1 << 16)
                if not part:
                    raise WorkerGone
                parts.append(part)
                if part.endswith(b"\n"):
                    message: dict[str, Any] = json.loads(b"".join(parts))
                    return message

    def _read_log(self) -> None:
        if self._process.stdout is not None:
            with self._process.stdout as lines:
                while line := lines.readline(_LONGEST_LINE):
                    self._on_line(line.decode(errors="replace").rstrip("\r\n"))
