"""What the authorizer's process is: no AWS, no framework, and no HTTP client before the first fetch."""

import json
import os
import socket
import subprocess
import sys
import time
from pathlib import Path

import pytest

from tests.parts.authorizer.issuer import ROUTES, FakeClock, FakeIssuer, environment, http_2

ROOT = Path(__file__).parents[3]
APP = ROOT / "functions" / "authorizer" / "app.py"
LAYER = ROOT / "layers" / "valet" / "python"
BANNED = ("boto3", "botocore", "jwt", "aws_lambda_powertools", "pydantic", "requests", "urllib3", "aws_xray_sdk")
ON_FIRST_FETCH = ("http.client", "ssl", "email")

SCRIPT = """
import json, sys
import app
def outcome(event):
    try:
        app.handler(event, None)
    except Exception as error:
        return f"{type(error).__name__}: {error}"
first, second = json.load(sys.stdin)
before = sorted(sys.modules)
print(json.dumps([outcome(first), sorted(sys.modules), outcome(second), sorted(sys.modules)]), file=sys.stderr)
"""


def run(env: dict[str, str], given: object = None) -> subprocess.CompletedProcess[str]:
    path = os.pathsep.join([str(APP.parent), str(LAYER)])
    return subprocess.run(
        [sys.executable, "-c", SCRIPT],
        input=json.dumps(given),
        env={"PYTHONPATH": path, **env},
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )


def test_no_aws_and_no_framework_in_its_process_and_no_http_client_before_the_first_fetch() -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        nobody = f"http://127.0.0.1:{taken.getsockname()[1]}"
    clock = FakeClock()
    clock.wall = float(int(time.time()))
    issuer = FakeIssuer(clock)
    good = http_2(issuer.sign(issuer.claims(iss=nobody)))
    ran = run({**environment(), "ISSUER": nobody}, [http_2("not.a.token"), good])
    assert ran.returncode == 0, ran.stderr
    refused, at_first, outage, later = json.loads(ran.stderr)
    assert refused == "Exception: Unauthorized"
    assert outage.startswith("IssuerUnavailable: no key set: ConnectionRefusedError")
    assert not [name for name in later if name.partition(".")[0] in BANNED]
    assert not [name for name in at_first if name in ON_FIRST_FETCH]
    assert "http.client" in later
    logged = [json.loads(line) for line in ran.stdout.splitlines()]
    assert [line["event"] for line in logged] == ["token.refused", "issuer.unavailable"]


def test_it_does_not_start_with_a_wrong_environment_and_says_all_that_is_wrong() -> None:
    ran = run({"ISSUER": "http://issuer.example", "AUDIENCE": "", "ROUTES": "[]"})
    assert ran.returncode != 0
    last = ran.stderr.strip().splitlines()[-1]
    for name in ("ConfigurationError", "ISSUER", "AUDIENCE", "ROUTES"):
        assert name in last


@pytest.mark.parametrize("name", ["os.environ", "os.getenv", "import boto3", "import jwt", "import random"])
def test_the_resource_server_reads_no_environment(name: str) -> None:
    valet = LAYER / "valet"
    folders = (valet / "resource_server", valet / "jose")
    sources = [path for folder in folders for path in folder.rglob("*.py")]
    for path in (*sources, valet / "fetch.py", valet / "clock.py"):
        assert name not in path.read_text(), path


def test_the_demo_routes_are_those_of_the_template() -> None:
    text = (ROOT / "template.yaml").read_text()
    for route, rule in ROUTES.items():
        assert f'"{route}": {json.dumps(rule)}' in text
