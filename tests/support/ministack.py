"""ministack, the second emulated AWS: a server in an environment of its own, because it pins its own botocore.

It is right where moto is not: digests, PSS, Ed25519, data key pairs, and writes that are atomic under threads.
"""

import fcntl
import os
import signal
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from urllib.error import URLError
from urllib.request import urlopen

from tests.support.ports import free_port

_PROJECT = Path(__file__).parent.parent.parent
_ENVIRONMENT = _PROJECT / ".venv-ministack"
_START_TIMEOUT = 30  # seconds


@contextmanager
def ministack() -> Iterator[str]:
    """A fresh server on a free port of this machine; the address for `endpoint_url`."""
    program = _program()
    port = free_port()
    url = f"http://127.0.0.1:{port}"
    files = TemporaryDirectory(prefix="ministack-")
    environment = {
        "PATH": os.environ["PATH"],
        "BIND_HOST": "127.0.0.1",
        "GATEWAY_PORT": str(port),
        "SERVICES": "kms,dynamodb",
        "LOG_LEVEL": "WARNING",
        "SFTP_ENABLED": "0",
        "IOT_MTLS_ENABLED": "0",  # these two would listen on every interface
        "TMPDIR": files.name,
        "DOCKER_HOST": "unix:///nonexistent",  # it looks for containers to tidy up, and there are none of its own
    }
    process = subprocess.Popen(
        [program], env=environment, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, start_new_session=True
    )
    try:
        _wait(process, url)
        yield url
    finally:
        os.killpg(process.pid, signal.SIGKILL)
        process.communicate()
        files.cleanup()


def _program() -> Path:
    """Where it is installed; installs it first where it is not."""
    program = _ENVIRONMENT / "bin" / "ministack"
    with (_PROJECT / ".gitignore").open() as lock:  # test processes side by side: one installs, the others wait
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not program.exists():
            subprocess.run(["make", ".venv-ministack/.installed"], cwd=_PROJECT, check=True, stdout=subprocess.DEVNULL)
    return program


def _wait(process: "subprocess.Popen[bytes]", url: str) -> None:
    deadline = time.monotonic() + _START_TIMEOUT
    while time.monotonic() < deadline:
        if process.poll() is not None:
            assert process.stderr is not None
            raise RuntimeError(f"ministack ended at once: {process.stderr.read().decode()[-2000:]}")
        try:
            with urlopen(f"{url}/_ministack/health", timeout=1):  # noqa: S310 - our own server
                return
        except (URLError, TimeoutError, ConnectionError):
            time.sleep(0.1)
    raise RuntimeError("ministack did not answer in time")
