"""docs/apis/python.md: its three APIs, on the installed wheel, with tokens of the local stack."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from valet import __version__

from local.stack import LocalStack
from tests.support.application import DemoApplications
from tests.support.people_tokens import access_token
from tests.support.wire import over_http

pytestmark = pytest.mark.slow

HERE = Path(__file__).parent
PAGE = (HERE.parents[2] / "docs" / "apis" / "python.md").read_text(encoding="utf-8")
EXAMPLES = dict(re.findall(r"```python\n# (\w+)\.py\n(.*?)```", PAGE, re.DOTALL))
STATUSES = {"without token": 401, "bad": 401, "too little scope": 403, "no admin": 403, "good": 200, "admin": 204}


@pytest.fixture(scope="module")
def told(stack: LocalStack, installed: Path, tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    """What each of the page's APIs answered, by a driver that knows the wheel and no Valet."""
    stack.reset()
    folder = tmp_path_factory.mktemp("apis")
    for name, text in EXAMPLES.items():
        (folder / f"{name}.py").write_text(text, encoding="utf-8")
    demo = DemoApplications(over_http, stack.issuer)
    given = {
        "good": access_token(stack, demo.web_app, "john"),
        "admin": access_token(stack, demo.web_app, "jane"),
        "too little scope": demo.service.client_credentials(scope="api_access").json()["access_token"],
        "secret": [demo.web_app.client_id, demo.web_app.secret],
    }
    done = subprocess.run(
        [sys.executable, HERE / "python_page.py"],
        cwd=folder,
        env={
            "PATH": os.environ["PATH"],
            "PYTHONPATH": os.pathsep.join((str(folder), str(installed))),
            "ISSUER": stack.issuer,
            "AUDIENCE": stack.audience,
        },
        input=json.dumps(given),
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )
    assert done.returncode == 0, done.stderr
    *log, last = done.stdout.splitlines()
    assert '{"event": "refused", "reason": "revoked"}' in log
    assert "eyJ" not in "".join(log) + done.stderr, "a token was logged"
    answers: dict[str, Any] = json.loads(last)
    return answers


def test_the_page_has_an_api_for_each_framework() -> None:
    assert set(EXAMPLES) == {"fastapi_api", "flask_api", "lambda_api", "step_up_api"}  # the last: test_step_up
    assert f"valet_resource_server-{__version__}-py3-none-any.whl" in PAGE


@pytest.mark.parametrize("api", ["fastapi_api", "flask_api", "lambda_api"])
def test_my_api_outside_api_gateway_refuses_what_the_authorizer_would(told: dict[str, Any], api: str) -> None:
    answers = told[api]
    assert {name: answer["status"] for name, answer in answers.items() if name != "revoked"} == STATUSES
    assert json.loads(answers["good"]["body"]) == {"owner": told["sub"]}
    challenges = {name: answer["challenge"] for name, answer in answers.items()}
    realm = f'Bearer realm="{told["audience"]}"'
    assert challenges == {
        "without token": f'{realm}, scope="items"',
        "bad": f'{realm}, error="invalid_token", scope="items"',
        "too little scope": f'{realm}, error="insufficient_scope", scope="items"',
        "no admin": None,
        "good": None,
        "admin": None,
        "revoked": f'{realm}, error="invalid_token", scope="items"',
    }


@pytest.mark.parametrize("api", ["fastapi_api", "flask_api", "lambda_api"])
def test_my_api_outside_api_gateway_refuses_a_revoked_token_within_five_seconds(told: dict[str, Any], api: str) -> None:
    assert told[api]["revoked"]["status"] == 401
    assert told[api]["revoked"]["after"] < 5
    assert told["modules_of_valet"] == []
