"""The README's single-page app, to the letter, with the library that it imports and the client that it registers."""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import urlsplit

import pytest
from click.testing import CliRunner
from playwright.sync_api import Page, expect

from admin.cli import valet as command
from local.stack import LocalStack
from tests.e2e.landing import Landing, wait_until_known
from tests.e2e.people import decide, sign_in
from tests.support.missing import is_missing

pytestmark = pytest.mark.xdist_group("browser")

HERE = Path(__file__).parent
README = (HERE.parents[1] / "README.md").read_text(encoding="utf-8")
MODULES = {
    "oidc-client-ts": HERE / "node_modules/oidc-client-ts/dist/esm/oidc-client-ts.js",
    "jwt-decode": HERE / "node_modules/jwt-decode/build/esm/index.js",
}
PAGE = """<!doctype html>
<title>An app of somebody's own</title>
<script type="importmap">{"imports": {"oidc-client-ts": "/oidc-client-ts.js", "jwt-decode": "/jwt-decode.js"}}</script>
<p id="who">…</p> <button id="sign-in">Sign in</button> <button id="sign-out">Sign out</button>
<script type="module">
%s
</script>
"""


@pytest.fixture
def app(fresh_stack: LocalStack) -> Iterator[Landing]:
    """The app at a port of its own, and the client as the README's command adds it, but for the two addresses."""
    missing = [name for name, path in MODULES.items() if not path.exists()]
    if missing:
        is_missing(f"{', '.join(missing)} is not there: (cd tests/e2e && npm ci)")
    landing = Landing({f"/{name}.js": path for name, path in MODULES.items()})
    (script,) = re.findall(r"```js\n(.*?)```", README, re.DOTALL)
    (line,) = re.findall(r"^admin/valet (clients add .*--type browser .*)$", README, re.MULTILINE)
    here = {"http://127.0.0.1:3000": fresh_stack.issuer, "http://127.0.0.1:5173": landing.origin}
    for said, meant in here.items():
        assert said in script + line
        script, line = script.replace(said, meant), line.replace(said, meant)
    landing.files["/"] = PAGE % script
    environment = {"AWS_PORT": str(urlsplit(fresh_stack.aws_url).port)}
    result = CliRunner().invoke(command, shlex.split(line), env=environment)
    assert result.exit_code == 0, result.output
    wait_until_known(fresh_stack.issuer, landing.origin)
    yield landing
    landing.close()


def test_the_readmes_single_page_app_signs_in_is_still_signed_in_and_signs_out(page: Page, app: Landing) -> None:
    failures: list[str] = []
    page.on("pageerror", lambda error: failures.append(str(error)))
    page.goto(f"{app.origin}/")
    expect(page.locator("#who")).to_have_text("nobody")
    page.get_by_role("button", name="Sign in").click()
    sign_in(page, "john")
    decide(page, "Allow")
    expect(page.locator("#who")).to_have_text("john")
    assert page.url == f"{app.origin}/"
    page.reload()
    expect(page.locator("#who")).to_have_text("john")
    page.get_by_role("button", name="Sign out").click()
    page.wait_for_url(re.compile(re.escape(app.origin)))
    expect(page.locator("#who")).to_have_text("nobody")
    page.get_by_role("button", name="Sign in").click()
    expect(page.get_by_label("Password")).to_be_visible()
    assert failures == []


def begin(page: Page, app: Landing) -> None:
    page.goto(f"{app.origin}/")
    page.get_by_role("button", name="Sign in").click()
    sign_in(page, "john")


def test_the_readmes_single_page_app_says_that_i_pressed_deny_and_lets_me_try_again(page: Page, app: Landing) -> None:
    begin(page, app)
    decide(page, "Deny")
    expect(page.locator("#who")).to_have_text("The end-user denied the request.")
    assert page.url == f"{app.origin}/"  # a reload does not say it again
    page.get_by_role("button", name="Sign in").click()
    decide(page, "Allow")
    expect(page.locator("#who")).to_have_text("john")


@pytest.mark.parametrize(
    ("query", "says"),
    [
        ("code=stolen&state=of-another&iss={issuer}", "No matching state found in storage"),
        ("code=stolen&state=of-another&iss=https://evil.example", "The answer is from another server."),
        ("code=stolen&state=of-another", "The answer is from another server."),
    ],
)
def test_the_readmes_single_page_app_takes_no_answer_that_it_did_not_ask_for(
    page: Page, app: Landing, fresh_stack: LocalStack, query: str, says: str
) -> None:
    asked: list[str] = []
    page.on("request", lambda request: asked.append(urlsplit(request.url).path))
    page.goto(f"{app.origin}/?{query.format(issuer=fresh_stack.issuer)}")
    expect(page.locator("#who")).to_have_text(says)
    assert "/token" not in asked
    assert page.url == f"{app.origin}/"


def test_the_readmes_single_page_app_says_why_the_token_endpoint_refused_the_code(page: Page, app: Landing) -> None:
    refused = {"error": "invalid_grant", "error_description": "The code has expired."}
    headers = {"access-control-allow-origin": app.origin}
    page.route("**/token", lambda route: route.fulfill(status=400, json=refused, headers=headers))
    begin(page, app)
    decide(page, "Allow")
    expect(page.locator("#who")).to_have_text("The code has expired.")


def test_the_readmes_single_page_app_shows_nobody_whose_grant_has_ended(page: Page, app: Landing) -> None:
    begin(page, app)
    decide(page, "Allow")
    expect(page.locator("#who")).to_have_text("john")
    page.route("**/token", lambda route: route.fulfill(status=400, json={"error": "invalid_grant"}))
    page.evaluate(
        """() => {
          const key = Object.keys(sessionStorage).find((each) => each.startsWith("oidc.user:"));
          sessionStorage.setItem(key, JSON.stringify({ ...JSON.parse(sessionStorage.getItem(key)), expires_at: 1 }));
        }"""
    )
    page.reload()
    expect(page.locator("#who")).to_have_text("nobody")
    assert page.evaluate("Object.keys(sessionStorage).filter((each) => each.startsWith('oidc.user:'))") == []
