"""An app on another origin, with a client library that nobody here wrote (CORS; OAuth 2.0 for Browser-Based Apps)."""

from __future__ import annotations

import json
import re
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest
from playwright.sync_api import BrowserContext, Page, Request, expect
from valet.models.clients import Client

from tests.e2e.landing import Landing
from tests.e2e.people import decide, sign_in
from tests.endpoints import ENDPOINTS, readable_by
from tests.support.missing import is_missing

pytestmark = pytest.mark.xdist_group("browser")

HERE = Path(__file__).parent
LIBRARY = HERE / "node_modules/oidc-client-ts/dist/browser/oidc-client-ts.min.js"
SCOPE = "openid profile offline_access"
CLIENT_ID = "app_on_another_origin"


@pytest.fixture(scope="module")
def app() -> Iterator[Landing]:
    """The app, served from an origin that is registered."""
    yield from _serve()


@pytest.fixture(scope="module")
def stranger() -> Iterator[Landing]:
    """The same app, served from an origin that is not: only its redirect URI is."""
    yield from _serve()


def _serve() -> Iterator[Landing]:
    if not LIBRARY.exists():
        is_missing("oidc-client-ts is not there: (cd tests/e2e && npm ci)")
    page = HERE / "single_page_app/index.html"
    landing = Landing({"/": page, "/callback": page, "/oidc-client-ts.js": LIBRARY})
    yield landing
    landing.close()


@pytest.fixture(scope="module", autouse=True)
def _registered(app: Landing, stranger: Landing, register: Callable[[Client], None], issuer: str) -> None:
    register(
        Client(
            client_id=CLIENT_ID,
            client_name="An app on another origin",
            owner="Its own people",
            application_type="browser",
            token_endpoint_auth_method="none",
            grant_types=frozenset({"authorization_code", "refresh_token"}),
            redirect_uris=(f"{app.origin}/callback", f"{stranger.origin}/callback"),
            post_logout_redirect_uris=(f"{app.origin}/",),
            origins=frozenset({app.origin}),
            scope=frozenset(SCOPE.split()),
            refresh_idle_lifetime=8 * 3600,
            refresh_absolute_lifetime=24 * 3600,
        )
    )
    # Preflights are answered from a union of origins that is up to ten seconds old.
    for _ in range(60):
        if "access-control-allow-origin" in _preflight(issuer, "/userinfo", app.origin).headers:
            return
        time.sleep(0.25)
    pytest.fail("the registered origin never became known")


@pytest.fixture
def spa(page: Page, context: BrowserContext, issuer: str) -> Page:
    settings = {"authority": issuer, "client_id": CLIENT_ID, "scope": SCOPE}
    context.add_init_script(f"window.settings = {json.dumps(settings)}")
    return page


def _preflight(issuer: str, path: str, origin: str, method: str = "GET") -> httpx.Response:
    headers = {
        "Origin": origin,
        "Access-Control-Request-Method": method,
        "Access-Control-Request-Headers": "authorization",
    }
    return httpx.options(f"{issuer}{path}", headers=headers)


def press(page: Page, button: str) -> Any:
    """Press a button of the app, and return what the app then shows."""
    page.get_by_role("button", name=button).click()
    return said(page)


def said(page: Page) -> Any:
    expect(page.locator("#said")).to_have_text(re.compile("[^…]"))
    text = page.locator("#said").inner_text()
    return text if text.startswith("failed") else json.loads(text)


def test_an_app_on_a_registered_origin_signs_in_renews_and_signs_out(spa: Page, app: Landing, issuer: str) -> None:
    spa.goto(f"{app.origin}/")
    spa.get_by_role("button", name="Sign in").click()
    sign_in(spa, "john")
    decide(spa, "Allow")
    user = said(spa)
    assert user["profile"]["preferred_username"] == "john"
    assert user["token_type"] == "Bearer"

    renewed = press(spa, "Renew")
    assert renewed["access_token"] != user["access_token"]
    assert renewed["refresh_token"] != user["refresh_token"]
    assert press(spa, "Who am I?") == {"status": 200}
    assert press(spa, "Revoke") == "revoked"
    form = {"grant_type": "refresh_token", "client_id": CLIENT_ID, "refresh_token": renewed["refresh_token"]}
    refused = httpx.post(f"{issuer}/token", data=form)
    assert (refused.status_code, refused.json()["error"]) == (400, "invalid_grant")
    spa.get_by_role("button", name="Sign out").click()
    spa.wait_for_url(f"{app.origin}/")
    spa.get_by_role("button", name="Sign in").click()
    expect(spa.get_by_label("Password")).to_be_visible()


def test_an_app_on_a_strange_origin_gets_no_tokens_and_spends_no_code(
    spa: Page, stranger: Landing, issuer: str
) -> None:
    sent: list[Request] = []
    spa.on("request", lambda request: sent.append(request) if request.url == f"{issuer}/token" else None)
    spa.goto(f"{stranger.origin}/")
    spa.get_by_role("button", name="Sign in").click()
    sign_in(spa, "john")
    decide(spa, "Allow")
    assert said(spa).startswith("failed")

    # What the browser kept from the app was no token: the very same request, from no page, still gets them.
    form = sent[-1].post_data or ""
    answer = httpx.post(f"{issuer}/token", content=form, headers={"Content-Type": "application/x-www-form-urlencoded"})
    assert answer.status_code == 200
    assert answer.json()["access_token"]


@pytest.mark.parametrize("path", readable_by("registered origins"))
def test_a_preflight_is_answered_for_every_origin_where_clients_may_come_that_nobody_registered(
    path: str, app: Landing, stranger: Landing, issuer: str
) -> None:
    """It says nothing of a client. The endpoint's own answer is for the client's origins, as the test above has it."""
    for origin in (app.origin, stranger.origin):
        allowed = _preflight(issuer, path, origin, "POST")
        assert allowed.headers["access-control-allow-origin"] == "*"
        assert "POST" in allowed.headers["access-control-allow-methods"]
        assert "authorization" in allowed.headers["access-control-allow-headers"].lower()
        assert "access-control-allow-credentials" not in allowed.headers


@pytest.mark.parametrize("path", ["/.well-known/openid-configuration", "/.well-known/jwks.json"])
def test_what_is_public_may_be_read_by_every_page(path: str, stranger: Landing, issuer: str) -> None:
    answer = httpx.get(f"{issuer}{path}", headers={"Origin": stranger.origin})
    assert answer.headers["access-control-allow-origin"] == "*"


@pytest.mark.parametrize("path", [each.path for each in ENDPOINTS if each.is_page])
def test_what_people_see_may_be_read_by_no_page(path: str, app: Landing, issuer: str) -> None:
    for answer in (
        _preflight(issuer, path, app.origin),
        httpx.get(f"{issuer}{path}", headers={"Origin": app.origin}),
    ):
        assert "access-control-allow-origin" not in answer.headers
