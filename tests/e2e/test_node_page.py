"""docs/apis/node.md: its API, with tokens of the local stack."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from itertools import count
from pathlib import Path

import httpx
import pytest

from local.stack import LocalStack
from tests.e2e.loopback_issuer import IssuerOnLoopback
from tests.parts.authorizer.issuer import AUDIENCE
from tests.support.application import DemoApplications
from tests.support.missing import is_missing
from tests.support.people_tokens import access_token
from tests.support.wire import over_http

pytestmark = [pytest.mark.slow, pytest.mark.xdist_group("browser")]

HERE = Path(__file__).parent
PAGE = HERE.parents[1] / "docs" / "apis" / "node.md"
MODULES = HERE / "node_modules"
INVALID = (401, 'Bearer error="invalid_token"')

Serve = Callable[..., AbstractContextManager[httpx.Client]]
_numbers = count()


@pytest.fixture(scope="module")
def serve(tmp_path_factory: pytest.TempPathFactory) -> Serve:
    """Runs the page's API on a free port, for this issuer and this audience."""
    if not (MODULES / "@sd-jwt/jwt-status-list/package.json").exists() or shutil.which("node") is None:
        is_missing("@sd-jwt/jwt-status-list is not there, or no node to run it: (cd tests/e2e && npm ci)")
    folder, with_library = tmp_path_factory.mktemp("node"), tmp_path_factory.mktemp("library")
    blocks = re.findall(r"```js\n// (\w+\.mjs)\n(.*?)```", PAGE.read_text(encoding="utf-8"), re.DOTALL)
    assert [name for name, _ in blocks] == ["valet.mjs", "statuses.mjs", "api.mjs", "statuses.mjs"]
    for into, chosen in ((folder, blocks[:3]), (with_library, (blocks[0], *blocks[2:]))):
        (into / "node_modules").symlink_to(MODULES)
        for name, text in chosen:
            (into / name).write_text(text, encoding="utf-8")

    @contextmanager
    def serving(issuer: str, audience: str, has_library: bool = False) -> Iterator[httpx.Client]:
        env = {"PATH": os.environ["PATH"], "ISSUER": issuer, "AUDIENCE": audience, "PORT": "0"}
        home = with_library if has_library else folder
        log = home / f"log{next(_numbers)}"
        with (
            log.open("w") as errors,
            subprocess.Popen(
                ["node", home / "api.mjs"], cwd=home, env=env, stdout=subprocess.PIPE, stderr=errors, text=True
            ) as process,
        ):
            try:
                assert process.stdout is not None
                port = process.stdout.readline().strip()
                assert port, log.read_text()
                with httpx.Client(base_url=f"http://127.0.0.1:{port}", timeout=10) as client:
                    yield client
            finally:
                process.terminate()
        assert "eyJ" not in log.read_text(), "a token was logged"

    return serving


@pytest.fixture(scope="module")
def api(serve: Serve, stack: LocalStack) -> Iterator[httpx.Client]:
    """The page's API, for the local stack's tokens."""
    with serve(stack.issuer, stack.audience) as client:
        yield client


@pytest.fixture
def issuer() -> Iterator[IssuerOnLoopback]:
    with IssuerOnLoopback() as running:
        yield running


@pytest.fixture
def strict(serve: Serve, issuer: IssuerOnLoopback) -> Iterator[httpx.Client]:
    """The page's API, for the tokens of an issuer that does what a test wants."""
    with serve(issuer.url, AUDIENCE) as client:
        yield client


def asked(api: httpx.Client, token: str | None, method: str = "GET", path: str = "/items") -> tuple[int, str | None]:
    """The status, and the challenge."""
    answer = api.request(method, path, headers={"authorization": f"Bearer {token}"} if token else {})
    return answer.status_code, answer.headers.get("www-authenticate")


def test_my_node_api_refuses_what_the_authorizer_would(api: httpx.Client, stack: LocalStack) -> None:
    demo = DemoApplications(over_http, stack.issuer)
    john, jane = (access_token(stack, demo.web_app, username) for username in ("john", "jane"))
    service = demo.service.client_credentials(scope="api_access").json()["access_token"]
    assert asked(api, john) == (200, None)
    assert asked(api, jane, "DELETE", "/items/1") == (204, None)
    assert asked(api, None) == (401, f'Bearer realm="{stack.audience}"')
    assert asked(api, john[:-8] + "AAAAAAAA") == INVALID
    assert asked(api, service) == (403, 'Bearer error="insufficient_scope", scope="items"')
    assert asked(api, john, "DELETE", "/items/1") == (403, None)


def test_my_node_api_refuses_a_revoked_token_within_five_seconds_and_no_other(
    api: httpx.Client, stack: LocalStack
) -> None:
    app = DemoApplications(over_http, stack.issuer).web_app
    revoked, other = access_token(stack, app, "john"), access_token(stack, app, "jane")
    assert (asked(api, revoked)[0], asked(api, other)[0]) == (200, 200)
    assert app.revoke(revoked).status == 200
    until = time.monotonic() + 5
    while asked(api, revoked)[0] == 200 and time.monotonic() < until:
        time.sleep(0.05)
    assert asked(api, revoked) == INVALID
    assert asked(api, other)[0] == 200


def at(idx: object, uri: str = "{url}/status-lists/1") -> dict[str, object]:
    """The claim `status` of a token with this place in this list."""
    return {"status_list": {"idx": idx, "uri": uri}}


WRONG: dict[str, tuple[dict[str, object], dict[str, object]]] = {
    "an ID token": ({}, {"typ": "JWT"}),
    "no typ": ({}, {"typ": None}),
    "another issuer": ({"iss": "https://other.example"}, {}),
    "another API": ({"aud": "https://other.example"}, {}),
    "expired": ({"exp": 1}, {}),
    "bound to a key": ({"cnf": {"jkt": "x"}}, {}),
    "no client": ({"client_id": None}, {}),
    "no status": ({"status": None}, {}),
    "an unknown status": ({"status": {"other": 1}}, {}),
    "a list elsewhere": ({"status": at(7, "http://127.0.0.1:9/status-lists/1")}, {}),
    "a list that is none": ({"status": at(7, "{url}/status-lists/../userinfo")}, {}),
    "a list with a query": ({"status": at(7, "{url}/status-lists/1?x")}, {}),
    "an index below the list": ({"status": at(-1)}, {}),
    "an index beyond the list": ({"status": at(2**20)}, {}),
    "an index that is text": ({"status": at("7")}, {}),
}


def test_my_node_api_refuses_every_token_that_is_not_meant_for_it_and_fetches_nothing_for_it(
    strict: httpx.Client, issuer: IssuerOnLoopback
) -> None:
    assert asked(strict, issuer.token()) == (200, None)
    before = issuer.asked_for()
    found = {name: asked(strict, issuer.token(header, **claims)) for name, (claims, header) in WRONG.items()}
    assert found == dict.fromkeys(WRONG, INVALID)
    assert issuer.asked_for() == before


def test_my_node_api_takes_no_roles_or_scopes_from_a_text_that_contains_them(
    strict: httpx.Client, issuer: IssuerOnLoopback
) -> None:
    assert asked(strict, issuer.token(roles="superadmin"), "DELETE") == (403, None)
    assert asked(strict, issuer.token(scope="myitems"))[0] == 403


@pytest.mark.parametrize(
    ("claims", "header"),
    [
        ({"sub": "https://other.example/status-lists/1"}, {}),
        ({"iss": "https://other.example"}, {}),
        ({"exp": 1}, {}),
        ({"exp": None}, {}),
        ({}, {"typ": "JWT"}),
    ],
)
def test_my_node_api_believes_no_wrong_list_and_answers_503(
    strict: httpx.Client, issuer: IssuerOnLoopback, claims: dict[str, object], header: dict[str, object]
) -> None:
    issuer.double.list_claims.update(claims)
    issuer.double.list_header.update(header)
    assert asked(strict, issuer.token()) == (503, None)


def test_my_node_api_survives_an_outage_with_the_list_that_it_holds_and_takes_no_older_one(
    strict: httpx.Client, issuer: IssuerOnLoopback
) -> None:
    issuer.double.ttl = 1
    issuer.double.revoke(8)
    good, revoked = issuer.token(), issuer.token(status=at(8))
    assert (asked(strict, good)[0], asked(strict, revoked)) == (200, INVALID)
    issuer.double.statuses[1] = 0
    issuer.double.list_claims["iat"] = int(time.time()) - 60
    time.sleep(1)
    assert (asked(strict, good)[0], asked(strict, revoked)) == (200, INVALID)
    issuer.double.is_down = True
    time.sleep(1)
    assert (asked(strict, good)[0], asked(strict, revoked)) == (200, INVALID)


def test_my_node_api_answers_503_while_it_knows_nothing_and_recovers(
    strict: httpx.Client, issuer: IssuerOnLoopback
) -> None:
    issuer.double.is_down = True
    assert asked(strict, issuer.token()) == (503, None)
    issuer.double.is_down = False
    assert asked(strict, issuer.token()) == (200, None)


def test_my_node_api_may_read_the_lists_by_the_library_that_it_has(serve: Serve, issuer: IssuerOnLoopback) -> None:
    issuer.double.revoke(8)
    with serve(issuer.url, AUDIENCE, has_library=True) as client:
        assert asked(client, issuer.token())[0] == 200
        assert asked(client, issuer.token(status=at(8))) == INVALID
        assert asked(client, issuer.token(status=at(2**20))) == INVALID


def test_my_node_api_reads_statuses_of_two_bits(strict: httpx.Client, issuer: IssuerOnLoopback) -> None:
    issuer.double.bits = 2
    issuer.double.revoke(9, value=2)
    assert asked(strict, issuer.token(status=at(9))) == INVALID
    assert [asked(strict, issuer.token(status=at(idx)))[0] for idx in (8, 10)] == [200, 200]
