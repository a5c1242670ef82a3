"""Status lists, read and verified by libraries that nobody here wrote (draft-ietf-oauth-status-list §8.3)."""

from __future__ import annotations

import json
import shutil
import subprocess
import time
from pathlib import Path
from typing import Any

import httpx
import pytest

from local.stack import LocalStack
from tests.support.missing import is_missing

pytestmark = pytest.mark.xdist_group("browser")

HERE = Path(__file__).parent
LIBRARY = HERE / "node_modules/@sd-jwt/jwt-status-list/package.json"
SERVICE = ("api_service_789", "api_secret_abc")


@pytest.fixture(scope="module", autouse=True)
def _libraries() -> None:
    if LIBRARY.exists() and shutil.which("node"):
        return
    is_missing("@sd-jwt/jwt-status-list is not there, or no node to run it: (cd tests/e2e && npm ci)")


def access_token(stack: LocalStack) -> str:
    form = {"grant_type": "client_credentials", "scope": "api_access"}
    answer = httpx.post(f"{stack.url}/token", data=form, auth=SERVICE, timeout=10)
    token: str = answer.json()["access_token"]
    return token


def found(stack: LocalStack, token: str) -> dict[str, Any]:
    run = subprocess.run(
        ["node", HERE / "token_status.mjs", stack.issuer, stack.audience],
        input=token,
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )
    assert run.returncode == 0, run.stderr
    status: dict[str, Any] = json.loads(run.stdout)
    return status


def test_another_librarys_verdict_changes_with_the_revocation_and_for_no_other_token(stack: LocalStack) -> None:
    revoked, other = access_token(stack), access_token(stack)
    before = found(stack, revoked)
    assert before["status"] == 0
    assert before["length"] == 2**20
    assert before["bits"] == 1
    assert before["contentType"] == "application/statuslist+jwt"
    assert before["contentEncoding"] == "gzip"
    assert before["isAnnounced"]
    assert before["alg"] == "RS256"
    assert (before["lifetime"], before["ttl"]) == (600, 2)

    answer = httpx.post(f"{stack.url}/revoke", data={"token": revoked}, auth=SERVICE, timeout=10)
    assert answer.status_code == 200
    time.sleep(1.1)  # the server's own copy; node's fetch keeps none
    after = found(stack, revoked)
    assert after["status"] == 1
    assert after["set"] == before["set"] + 1
    assert found(stack, other)["status"] == 0
