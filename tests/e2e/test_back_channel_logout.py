"""docs/clients/back-channel-logout.md, to the letter: a server of Node.js, with jose, is told of a logout."""

from __future__ import annotations

import re
import shutil
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path

import httpx
import jwt
import pytest
from cryptography.hazmat.primitives.asymmetric import rsa
from valet.tokens import logout_token

from local.stack import LocalStack
from tests.e2e.recipes import HERE, PAGES
from tests.support.application import DemoApplications
from tests.support.browser import Browser
from tests.support.missing import is_missing
from tests.support.wire import over_http

QUEUE = "arn:aws:sqs:us-east-1:123456789012:valet-local-LogoutTokens"
pytestmark = pytest.mark.xdist_group("browser")


@pytest.fixture
def program(fresh_stack: LocalStack, tmp_path: Path) -> Iterator[tuple[str, subprocess.Popen[str]]]:
    """The page's program for the web app, on a free port, and the address at which it is told."""
    if not (HERE / "node_modules/jose").exists() or not shutil.which("node"):
        is_missing("jose or node is not there: (cd tests/e2e && npm ci)")
    text = (PAGES / "back-channel-logout.md").read_text(encoding="utf-8")
    (code,) = re.findall(r"```js\n(.*?)```", text, re.DOTALL)
    code = code.replace("https://auth.example.com", fresh_stack.issuer).replace("my_portal", "web_app_123")
    code = code.replace(".listen(8000)", '.listen(0, "127.0.0.1", function () { console.log(this.address().port); })')
    (tmp_path / "told.mjs").write_text(code, encoding="utf-8")
    (tmp_path / "node_modules").symlink_to(HERE / "node_modules")
    run = subprocess.Popen(["node", "told.mjs"], cwd=tmp_path, stdout=subprocess.PIPE, text=True)
    assert run.stdout is not None
    port = run.stdout.readline().strip()
    yield f"http://127.0.0.1:{port}/logged-out", run
    run.terminate()
    run.wait(5)
    run.stdout.close()


def test_the_program_of_the_page_ends_the_session_and_refuses_what_is_no_logout_token(
    fresh_stack: LocalStack, program: tuple[str, subprocess.Popen[str]]
) -> None:
    from valet.aws.dynamodb.registrar import Registrar
    from valet.aws.dynamodb.registry import DynamoRegistry
    from valet.aws.dynamodb.table import Table
    from valet.frozen import replace
    from valet.server import SERVER

    address, run = program
    registry = Table(SERVER.dynamodb, SERVER.settings.registry_table)
    client = DynamoRegistry(registry, SERVER.clock).find_client("web_app_123")
    assert client is not None
    Registrar(registry).put_client(replace(client, backchannel_logout_uri=address))
    app = DemoApplications(over_http, fresh_stack.issuer).web_app
    browser, asked = Browser(over_http, fresh_stack.issuer), app.ask(scope="openid items")
    code = browser.decide(browser.sign_in(browser.open(asked.url))).answered["code"]
    tokens = app.redeem(code, asked.code_verifier).json()
    # Of this issuer and audience, and no logout tokens; and one that says all that a logout token does, by another key.
    for forged in (tokens["id_token"], tokens["access_token"], "x", _forged(tokens["id_token"], fresh_stack.issuer)):
        assert httpx.post(address, data={"logout_token": forged}).status_code == 400
    browser.get(f"/logout?id_token_hint={tokens['id_token']}")
    fresh_stack.delivery.deliver()
    assert run.stdout is not None
    assert run.stdout.readline() == f"ended {_sid(tokens['id_token'])}\n"
    assert not fresh_stack.aws.queues.named(QUEUE).messages


def _forged(id_token: str, issuer: str) -> str:
    now = int(time.time())
    claims = {
        "iss": issuer,
        "aud": "web_app_123",
        "iat": now,
        "exp": now + 120,
        "jti": "a",
        "sub": "demo-john",
        "sid": _sid(id_token),
        "events": {logout_token.EVENT: {}},
    }
    key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    headers = {"typ": logout_token.TYPE, "kid": jwt.get_unverified_header(id_token)["kid"]}
    return jwt.encode(claims, key, "RS256", headers)


def _sid(id_token: str) -> str:
    sid: str = jwt.decode(id_token, options={"verify_signature": False})["sid"]
    return sid
