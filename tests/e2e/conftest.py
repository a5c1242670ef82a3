"""A real browser, the system that it visits, and what it finds at others' addresses."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, BrowserContext, Page, sync_playwright
from valet.aws.calls import AwsCalls
from valet.aws.dynamodb.registrar import Registrar
from valet.aws.dynamodb.table import Table
from valet.environment import environment
from valet.models.clients import Client

from local.stack import LocalStack
from tests.e2e.chromium import launched
from tests.e2e.document_host import Host, serving
from tests.e2e.landing import Landing, self_signed
from tests.support.local_program import operate, program, ready

WEBAPP_HOST = "webapp.example.com"  # the https client of the demo data


@pytest.fixture(scope="module", autouse=True)
def _fresh(stack: LocalStack) -> None:
    """Each module begins with the demo data: what others' wrong passwords were counted is forgotten."""
    stack.reset()


@pytest.fixture(autouse=True)
def _nothing_is_allowed_yet(stack: LocalStack) -> None:
    """The stack remembers what people allowed a browser client on a loopback address, so each test forgets it first."""
    users = Table(AwsCalls("dynamodb", environment()), stack.tables["Users"])
    for sub in ("demo-john", "demo-jane"):
        for consent in users.query(f"consent#{sub}"):
            users.delete(consent["pk"], consent["sk"])


@pytest.fixture(scope="session")
def issuer(stack: LocalStack) -> str:
    return stack.issuer


@pytest.fixture(scope="session")
def at_localhost(tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, str]]:
    """`HOST=localhost make run`: a second Valet, whose cookies the browser keeps apart. Everybody may join there."""
    path = tmp_path_factory.mktemp("localhost") / "ready.json"
    with program("--quiet", "--ready-file", str(path), HOST="localhost") as process:
        facts: dict[str, str] = ready(path, process)
        for stream in (process.stdout, process.stderr):  # a full pipe would stop it
            threading.Thread(target=stream.read, daemon=True).start()  # type: ignore[union-attr]
        operate(facts["aws_url"], "people", "set", "--sign-in-with", "either", "--registration", "on")
        yield facts


@pytest.fixture(scope="session")
def register(stack: LocalStack) -> Callable[[Client], None]:
    """Registers a client, as an operator does."""
    dynamodb = AwsCalls("dynamodb", environment())
    return Registrar(Table(dynamodb, stack.tables["Registry"])).put_client


@pytest.fixture(scope="session")
def webapp(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Landing]:
    """What the browser finds at https://webapp.example.com."""
    landing = Landing(certificate=self_signed(WEBAPP_HOST, tmp_path_factory.mktemp("webapp")))
    yield landing
    landing.close()


@pytest.fixture(scope="session")
def browser(webapp: Landing) -> Iterator[Browser]:
    with sync_playwright() as playwright:
        chromium = launched(playwright.chromium, f"{WEBAPP_HOST} 127.0.0.1:{webapp.port}")
        yield chromium
        chromium.close()


@pytest.fixture
def context(browser: Browser) -> Iterator[BrowserContext]:
    """A person's browser, fresh for each test."""
    context = browser.new_context(ignore_https_errors=True, viewport={"width": 1280, "height": 800})
    context.set_default_timeout(10_000)
    yield context
    context.close()


@pytest.fixture
def page(context: BrowserContext) -> Page:
    return context.new_page()


@pytest.fixture
def document_host(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Host]:
    with serving(tmp_path, monkeypatch) as host:
        yield host


@pytest.fixture
def landing() -> Iterator[Landing]:
    """A native client that listens on a loopback port of its own."""
    landing = Landing()
    yield landing
    landing.close()
