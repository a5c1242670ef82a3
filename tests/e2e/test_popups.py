"""Sign-in in a popup: the app that opened it keeps its way to it, and gets its answer through it (HTML §7.1.3)."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest
from playwright.sync_api import BrowserContext, Page, expect
from valet import endpoint
from valet.aws.apigateway import response_to_event
from valet.http import Response
from valet.models.clients import Client

from tests.e2e.landing import Landing, wait_until_known
from tests.e2e.people import ask, call_userinfo_from_swagger_ui, decide, sign_in
from tests.support.missing import is_missing

pytestmark = pytest.mark.xdist_group("browser")

HERE = Path(__file__).parent
OIDC_CLIENT_TS = HERE / "node_modules/oidc-client-ts/dist/browser/oidc-client-ts.min.js"
SWAGGER_UI = HERE / "node_modules/swagger-ui-dist"
CLIENT_ID = "app_with_a_popup"
SCOPE = "openid profile"


@pytest.fixture(scope="module")
def app(register: Callable[[Client], None], issuer: str) -> Iterator[Landing]:
    """An app and its API's documentation, on one registered origin."""
    missing = [str(path) for path in (OIDC_CLIENT_TS, SWAGGER_UI) if not path.exists()]
    if missing:
        is_missing(f"{', '.join(missing)} is not there: (cd tests/e2e && npm ci)")
    page = HERE / "single_page_app/index.html"
    from_swagger_ui = ("swagger-ui.css", "swagger-ui-bundle.js", "oauth2-redirect.html", "oauth2-redirect.js")
    landing = Landing(
        {
            "/": page,
            "/popup": page,
            "/popup-signed-out": page,
            "/oidc-client-ts.js": OIDC_CLIENT_TS,
            "/documentation": HERE / "swagger_ui.html",
            **{f"/{name}": SWAGGER_UI / name for name in from_swagger_ui},
        }
    )
    register(
        Client(
            client_id=CLIENT_ID,
            client_name="An app with a popup",
            application_type="browser",
            token_endpoint_auth_method="none",
            grant_types=frozenset({"authorization_code", "refresh_token"}),
            redirect_uris=tuple(f"{landing.origin}/{path}" for path in ("popup", "answered", "oauth2-redirect.html")),
            post_logout_redirect_uris=(f"{landing.origin}/popup-signed-out",),
            origins=frozenset({landing.origin}),
            scope=frozenset(SCOPE.split()),
            refresh_idle_lifetime=8 * 3600,
            refresh_absolute_lifetime=24 * 3600,
        )
    )
    wait_until_known(issuer, landing.origin)
    yield landing
    landing.close()


@pytest.fixture
def spa(page: Page, context: BrowserContext, issuer: str, app: Landing) -> Page:
    settings = {"authority": issuer, "client_id": CLIENT_ID, "scope": SCOPE}
    context.add_init_script(f"window.settings = {json.dumps(settings)}")
    page.goto(f"{app.origin}/")
    return page


def said(page: Page) -> Any:
    expect(page.locator("#said")).to_have_text(re.compile("[^…]"))
    text = page.locator("#said").inner_text()
    return text if text.startswith("failed") else json.loads(text)


def test_signinPopup_and_signoutPopup_of_oidc_client_ts_keep_their_opener(spa: Page) -> None:
    with spa.expect_popup() as opened:
        spa.get_by_role("button", name="Enter by popup").click()
    popup = opened.value
    sign_in(popup, "john")
    with popup.expect_event("close"):
        decide(popup, "Allow")
    user = said(spa)
    assert user["profile"]["preferred_username"] == "john"
    assert user["access_token"]

    with spa.expect_popup() as opened:
        spa.get_by_role("button", name="Leave by popup").click()
    if not opened.value.is_closed():
        opened.value.wait_for_event("close")
    assert said(spa) == "signed out"


def test_a_person_who_denies_in_the_popup_is_told_to_the_app(spa: Page) -> None:
    with spa.expect_popup() as opened:
        spa.get_by_role("button", name="Enter by popup").click()
    sign_in(opened.value, "john")
    with opened.value.expect_event("close"):
        decide(opened.value, "Deny")
    assert said(spa) == "failed: The end-user denied the request."


def open_popup(page: Page, app: Landing, address: str) -> Page:
    """An app's page opens the address as a popup, and keeps its handle."""
    page.goto(f"{app.origin}/nothing")
    with page.expect_popup() as opened:
        page.evaluate("address => { window.popup = open(address, 'popup', 'width=500,height=600'); }", address)
    return opened.value


def answered_in(popup: Page, app: Landing) -> Page:
    """The popup at the client's own page, to which the answer goes."""
    sign_in(popup, "john")
    decide(popup, "Allow")
    popup.wait_for_url(f"{app.origin}/answered?*")
    return popup


def test_the_clients_own_page_in_the_popup_reaches_the_app_that_opened_it(
    page: Page, issuer: str, app: Landing
) -> None:
    address = ask(issuer, CLIENT_ID, f"{app.origin}/answered", scope=SCOPE).url
    popup = answered_in(open_popup(page, app, address), app)
    assert popup.evaluate("window.opener.location.href") == f"{app.origin}/nothing"
    assert page.evaluate("popup.closed") is False


@pytest.mark.parametrize("policy", ["same-origin", "same-origin-allow-popups"])
def test_with_an_opener_policy_the_popup_would_lose_its_opener(
    page: Page, monkeypatch: pytest.MonkeyPatch, issuer: str, app: Landing, policy: str
) -> None:
    """Chromium moves a page with such a policy into a browsing context group of its own, for good: the app takes its
    popup for closed, and the client's own page in it cannot reach the app.
    """

    def with_policy(response: Response) -> dict[str, Any]:
        return response_to_event(response.with_headers({"Cross-Origin-Opener-Policy": policy}))

    monkeypatch.setattr(
        endpoint, "response_to_event", with_policy
    )  # Chromium overlooks it where a test fulfils a route
    popup = answered_in(open_popup(page, app, ask(issuer, CLIENT_ID, f"{app.origin}/answered", scope=SCOPE).url), app)
    assert popup.evaluate("window.opener") is None
    assert page.evaluate("popup.closed") is True


@pytest.mark.parametrize("path", ["/authorize", "/login", "/consent", "/logout"])
def test_no_page_has_an_opener_policy_and_none_can_be_framed(issuer: str, path: str) -> None:
    headers = httpx.get(f"{issuer}{path}").headers
    assert "cross-origin-opener-policy" not in headers
    assert headers["x-frame-options"] == "DENY"
    assert "frame-ancestors 'none'" in headers["content-security-policy"]


def test_an_app_reads_nothing_of_the_page_in_its_popup(page: Page, issuer: str, app: Landing) -> None:
    """All that an app with a way to the popup may do, the same-origin policy leaves it: close it, or lead it away."""
    popup = open_popup(page, app, ask(issuer, CLIENT_ID, f"{app.origin}/popup", scope=SCOPE).url)
    expect(popup.get_by_label("Password")).to_be_visible()
    for reads in ("document.cookie", "document.body", "location.href", "history.length", "name", "localStorage"):
        refused = page.evaluate(f"() => {{ try {{ return String(popup.{reads}); }} catch (e) {{ return e.name; }} }}")
        assert refused == "SecurityError", reads
    assert page.evaluate("popup.length") == 0  # frames: the pages have none, so their number tells nothing


def test_Swagger_UI_gets_a_token_by_its_popup(page: Page, context: BrowserContext, issuer: str, app: Landing) -> None:
    """Authorization code with PKCE, as Swagger UI does it for the documentation of an API."""
    flow = {
        "authorizationUrl": f"{issuer}/authorize",
        "tokenUrl": f"{issuer}/token",
        "scopes": {"openid": "Know who you are", "profile": "Know your name"},
    }
    spec = {
        "openapi": "3.0.3",
        "info": {"title": "An API", "version": "1"},
        "components": {"securitySchemes": {"valet": {"type": "oauth2", "flows": {"authorizationCode": flow}}}},
        "security": [{"valet": []}],
        "servers": [{"url": issuer}],
        "paths": {"/userinfo": {"get": {"responses": {"200": {"description": "Who you are"}}}}},
    }
    settings = {"spec": spec, "client_id": CLIENT_ID, "scopes": SCOPE}
    context.add_init_script(f"window.settings = {json.dumps(settings)}")
    page.goto(f"{app.origin}/documentation")
    answered = call_userinfo_from_swagger_ui(page, issuer)
    assert answered.status == 200
    assert answered.json()["preferred_username"] == "john"
