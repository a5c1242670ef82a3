"""The settings in docs/clients for pages in a browser, to the letter, in Chromium."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest
import yaml
from playwright.sync_api import Page, expect

from local.stack import LocalStack
from tests.e2e.landing import Landing
from tests.e2e.people import call_userinfo_from_swagger_ui, decide, sign_in
from tests.e2e.recipes import Recipe
from tests.support.missing import is_missing

pytestmark = pytest.mark.xdist_group("browser")

MODULES = Path(__file__).parent / "node_modules"
SWAGGER_UI = MODULES / "swagger-ui-dist"
FILES = {
    "/oidc-client-ts.js": MODULES / "oidc-client-ts/dist/esm/oidc-client-ts.js",
    "/jwt-decode.js": MODULES / "jwt-decode/build/esm/index.js",
    "/swagger-ui-bundle.js": SWAGGER_UI / "swagger-ui-bundle.js",
    "/oauth2-redirect.html": SWAGGER_UI / "oauth2-redirect.html",
    "/oauth2-redirect.js": SWAGGER_UI / "oauth2-redirect.js",
}
SINGLE_PAGE_APP = """<!doctype html><link rel="icon" href="data:,">
<script type="importmap">{"imports": {"oidc-client-ts": "/oidc-client-ts.js", "jwt-decode": "/jwt-decode.js"}}</script>
<p id="who">…</p>
<script type="module">
import { users } from "/settings.js";
window.users = users;
if (new URLSearchParams(location.search).has("code")) await users.signinCallback();
document.querySelector("#who").textContent = (await users.getUser())?.profile.preferred_username ?? "nobody";
</script>
"""
DOCUMENTATION = """<!doctype html><link rel="icon" href="data:,"><div id="swagger-ui"></div>
<script src="/swagger-ui-bundle.js"></script><script>%s</script>
"""


@pytest.fixture
def served(landing: Landing, fresh_stack: LocalStack, tmp_path: Path) -> Callable[[str], Recipe]:
    """Makes a page's application at the landing's port, its client registered."""
    missing = [str(path) for path in FILES.values() if not path.exists()]
    if missing:
        is_missing(f"{', '.join(missing)} is not there: (cd tests/e2e && npm ci)")
    landing.files.update(FILES)

    def made(name: str) -> Recipe:
        recipe = Recipe(name, fresh_stack, tmp_path, landing.port)
        assert recipe.register() == ""
        return recipe

    return made


def test_the_settings_for_oidc_client_ts_sign_in_by_redirect_and_by_popup(
    served: Callable[[str], Recipe], landing: Landing, page: Page
) -> None:
    recipe = served("oidc-client-ts")
    landing.files |= {"/settings.js": recipe.save("js", "settings.js"), "/": SINGLE_PAGE_APP}
    landing.files["/popup.html"] = SINGLE_PAGE_APP.replace("signinCallback", "signinPopupCallback")
    page.goto(f"{landing.origin}/")
    expect(page.locator("#who")).to_have_text("nobody")
    page.evaluate("() => { users.signinRedirect(); }")
    sign_in(page, "john")
    decide(page, "Allow")
    expect(page.locator("#who")).to_have_text("john")

    page.goto(f"{landing.origin}/")
    expect(page.locator("#who")).to_have_text("john")
    with page.expect_popup() as opened:
        page.evaluate("() => { window.again = users.signinPopup({ prompt: 'login' }); }")
    with opened.value.expect_event("close"):
        sign_in(opened.value, "john")  # and is not asked again: the stack remembers what he allowed
    assert page.evaluate("async () => (await window.again).profile.preferred_username") == "john"

    page.evaluate("() => { users.signoutRedirect(); }")
    page.wait_for_url(f"{landing.origin}/")
    expect(page.locator("#who")).to_have_text("nobody")


def test_the_settings_for_swagger_ui_get_a_token(
    served: Callable[[str], Recipe], landing: Landing, page: Page, issuer: str
) -> None:
    recipe = served("swagger-ui")
    described = yaml.safe_load(recipe.save("yaml", "components.yaml").read_text(encoding="utf-8"))
    api = {
        "openapi": "3.0.3",
        "info": {"title": "An API", "version": "1"},
        "security": [{"valet": []}],
        "servers": [{"url": issuer}],
        "paths": {"/userinfo": {"get": {"responses": {"200": {"description": "Who you are"}}}}},
        **described,
    }
    description = recipe.folder / "openapi.json"
    description.write_text(json.dumps(api), encoding="utf-8")
    script = recipe.save("js", "settings.js").read_text(encoding="utf-8")
    landing.files |= {"/openapi.json": description, "/": DOCUMENTATION % script}
    page.goto(f"{landing.origin}/")
    answered = call_userinfo_from_swagger_ui(page, issuer)
    assert answered.json()["preferred_username"] == "john"
