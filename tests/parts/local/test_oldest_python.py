"""The local stack runs on the oldest Python that the README names, with nothing but its own lock file installed."""

import json
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

pytestmark = pytest.mark.slow

ROOT = Path(__file__).parents[3]
PYTHON = ROOT / ".venv-oldest" / "bin" / "python"
NONE = "make found no python3.11 with venv on PATH, at pyenv or in /usr/bin: install it and run make test again"


@pytest.fixture(scope="module")
def url(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    if not PYTHON.exists():
        pytest.skip(NONE)
    ready = tmp_path_factory.mktemp("stack") / "ready.json"
    command = [str(PYTHON), "-m", "local", "--quiet", "--ready-file", str(ready)]
    environment = {"PATH": "/usr/bin:/bin", "PORT": "0", "PYTHONDONTWRITEBYTECODE": "1"}
    with subprocess.Popen(command, cwd=ROOT, env=environment, stdout=subprocess.DEVNULL) as process:
        try:
            began = time.monotonic()
            while not ready.exists() and process.poll() is None and time.monotonic() - began < 60:
                time.sleep(0.1)
            yield json.loads(ready.read_text())["url"]
        finally:
            process.terminate()
            process.wait(10)
    assert process.returncode == 0


def test_it_is_python_3_11() -> None:
    if not PYTHON.exists():
        pytest.skip(NONE)
    version = subprocess.run([PYTHON, "--version"], capture_output=True, text=True, check=True)
    assert version.stdout.startswith("Python 3.11.")


def test_a_token_opens_the_protected_route(url: str) -> None:
    form = {"grant_type": "client_credentials", "scope": "admin"}
    token = httpx.post(f"{url}/token", data=form, auth=("api_service_789", "api_secret_abc")).json()["access_token"]
    answer = httpx.get(f"{url}/api/admin", headers={"Authorization": f"Bearer {token}"})
    assert answer.status_code == 200


def test_the_pages_are_there(url: str) -> None:
    assert "Valet" in httpx.get(f"{url}/demo/").text
    assert httpx.get(f"{url}/.well-known/openid-configuration").json()["issuer"] == url
