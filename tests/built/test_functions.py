"""Every built function, with nothing on its path but what the build put there and what Lambda's Python brings along."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path
from typing import Any

import httpx
import pytest

from local.gateway import policy
from local.stack import LocalStack
from tests.built.emulator import Emulated, running
from tests.endpoints import logical_id
from tests.support import event_files

Run = Callable[..., AbstractContextManager[Emulated]]


@pytest.fixture
def run(build: Path, stack: LocalStack, tmp_path: Path) -> Run:
    """A built function in the running stack's environment, with the stack's emulated AWS behind a socket."""

    stack.reset()

    @contextmanager
    def run(logical_id: str, **changed: str) -> Iterator[Emulated]:
        declared = stack.system.functions[logical_id].environment
        environment = {**declared, "AWS_ENDPOINT_URL": stack.aws_url, **changed}
        with running(build, logical_id, environment, tmp_path / f"{logical_id}.log") as emulated:
            yield emulated

    return run


def _files(folder: Path) -> dict[Path, int]:
    return {path: path.stat().st_mtime_ns for path in folder.rglob("*") if path.is_file()}


@pytest.mark.parametrize("folder", sorted({name.partition("/")[0] for name in event_files.ANSWERS}))
def test_a_built_function_answers_its_events(folder: str, run: Run, stack: LocalStack, build: Path) -> None:
    before = _files(build)
    expected = {name: words for name, words in event_files.ANSWERS.items() if name.startswith(f"{folder}/")}
    with run(logical_id(folder)) as emulated:
        answered = {}
        for name in expected:
            stack.reset()
            answered[name] = emulated.invoke(event_files.filled(name, stack.issuer))
        log = emulated.log.read_text(encoding="utf-8")
    assert {name: _summary(answer, log) for name, answer in answered.items()} == expected
    # /opt and /var/task are read-only in Lambda: what Python compiled here, it would compile at every cold start.
    assert _files(build) == before


def _summary(answer: Any, log: str) -> str:
    assert "statusCode" in answer, f"{answer}\n{log}"
    return event_files.summary(answer)


def test_rotate_keys_finds_a_key_that_signs_and_one_that_stands_by(run: Run, stack: LocalStack) -> None:
    with run("RotateKeysFunction") as emulated:
        states = emulated.invoke(event_files.filled("rotate_keys/schedule", stack.issuer))
    assert len(states["signing"]) == len(states["announced"]) == 1


def test_the_authorizer_lets_a_good_token_through_and_says_who_calls(run: Run, stack: LocalStack) -> None:
    """It fetches keys and status list from the issuer."""
    event = event_files.filled("authorizer/http_2-good_token", stack.issuer)
    with run("AuthorizerFunction") as emulated:
        answer = emulated.invoke(event)
    assert policy.allows(answer["policyDocument"], event["routeArn"])
    assert not policy.allows(answer["policyDocument"], event["routeArn"].replace("profile", "admin"))
    assert answer["context"]["sub"] == "demo-john"
    assert answer["context"]["client_id"] == "web_app_123"


@pytest.mark.parametrize("case", ["no_token", "bad_token", "not_bearer", "two_tokens"])
def test_the_authorizer_raises_exactly_unauthorized(case: str, run: Run, stack: LocalStack) -> None:
    with run("AuthorizerFunction") as emulated:
        answer = emulated.invoke(event_files.filled(f"authorizer/http_2-{case}", stack.issuer))
    assert (answer["errorType"], answer["errorMessage"]) == ("Exception", "Unauthorized")


def test_without_an_issuer_url_the_issuer_is_the_apis_own_domain_name(run: Run, stack: LocalStack) -> None:
    with run("MetadataFunction", ISSUER_URL="") as emulated:
        answer = emulated.invoke(event_files.filled("metadata/openid_configuration", stack.issuer))
    assert json.loads(answer["body"])["issuer"] == "https://abcdef1234.execute-api.eu-west-1.amazonaws.com"


def test_a_token_that_a_built_function_issued_is_good_at_the_protected_api(run: Run, stack: LocalStack) -> None:
    with run("TokenFunction") as emulated:
        answer = emulated.invoke(event_files.filled("token/client_credentials", stack.issuer))
    token = json.loads(answer["body"])["access_token"]
    protected = httpx.get(f"{stack.url}/api/admin", headers={"Authorization": f"Bearer {token}"})
    assert protected.status_code == 200
    assert protected.json()["client_id"] == "api_service_789"
