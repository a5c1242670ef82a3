"""Devices (RFC 8628): libraries that nobody here wrote do the grant, and a person answers on the page, in Chromium."""

from __future__ import annotations

import re
import runpy
import shutil
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import quote

import pytest
from playwright.sync_api import Browser, Page, expect
from valet.protocol.supported import DEVICE_CODE
from valet.server import SERVER

from local.stack import LocalStack
from tests.conftest import MovableClock
from tests.e2e.accessibility import Theme, looks, names_of_sound_pages
from tests.support.browser import Browser as Person
from tests.support.browser import filled_in
from tests.support.missing import is_missing
from tests.support.wire import over_http

pytestmark = pytest.mark.xdist_group("browser")

HERE = Path(__file__).parent
ROOT = HERE.parents[1]
EXAMPLE = ROOT / "docs" / "examples" / "device_client.py"
_CODE = re.compile(r"[B-Z]{4}-[B-Z]{4}")
# The requests of oauth4webapi one by one: a poll before the answer, and one after it.
_STEP_BY_STEP = """
import { createInterface } from "node:readline";
import * as oauth from "oauth4webapi";
const issuer = new URL(process.argv[2]), insecure = { [oauth.allowInsecureRequests]: true };
const server = await oauth.processDiscoveryResponse(issuer, await oauth.discoveryRequest(issuer, insecure));
const client = { client_id: "tv_demo" }, none = oauth.None();
const asking = await oauth.deviceAuthorizationRequest(server, client, none, { scope: "openid items" }, insecure);
const asked = await oauth.processDeviceAuthorizationResponse(server, client, asking);
const poll = async () => {
  const answer = await oauth.deviceCodeGrantRequest(server, client, none, asked.device_code, insecure);
  return oauth.processDeviceCodeResponse(server, client, answer);
};
const early = await poll().catch((refused) => refused.error);
console.log(early, asked.user_code);
for await (const line of createInterface({ input: process.stdin })) break;
const tokens = await poll();
console.log(oauth.getValidatedIdTokenClaims(tokens).sub, tokens.scope);
process.exit();
"""


@pytest.fixture
def clock() -> Iterator[MovableClock]:
    """The stack's, which the tests move instead of waiting."""
    before, SERVER.clock = SERVER.clock, MovableClock()
    yield SERVER.clock
    SERVER.clock = before


def answer(stack: LocalStack, user_code: str, decision: str) -> None:
    """John answers the device, in a browser of his own."""
    john = Person(over_http, stack.issuer)
    page = john.sign_in(john.open("/device"))
    asked = john.post(*filled_in(page, user_code=user_code))
    assert john.post(*filled_in(asked, "decision", decision)).status == 200


def node(script: str, *words: str) -> subprocess.Popen[str]:
    missing = [name for name in ("openid-client", "oauth4webapi") if not (HERE / "node_modules" / name).exists()]
    if missing or not shutil.which("node"):
        is_missing(f"{', '.join(missing) or 'node'} is not there: (cd tests/e2e && npm ci)")
    pipes: dict[str, Any] = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "stderr": subprocess.PIPE}
    return subprocess.Popen(["node", "--input-type=module", "-e", script, "-", *words], cwd=HERE, text=True, **pipes)


def test_openid_client_with_the_lines_of_the_page(fresh_stack: LocalStack) -> None:
    text = (ROOT / "docs" / "devices.md").read_text(encoding="utf-8")
    (lines,) = re.findall(r"```js\n(.*?)```", text, re.DOTALL)
    for said, meant in (
        ("https://auth.example.com", fresh_stack.issuer),
        ("my_tv", "tv_demo"),
        ("client.None());", "client.None(), { execute: [client.allowInsecureRequests] });"),
        ("const tokens", "asked.interval = 1;\nconst tokens"),  # the person here is quick
    ):
        assert said in lines
        lines = lines.replace(said, meant)
    with node(lines) as process:
        assert process.stdout is not None
        asked = process.stdout.readline()
        answer(fresh_stack, _CODE.findall(asked)[0], "allow")
        told, failed = process.communicate(timeout=60)
    assert asked.startswith(f"Open {fresh_stack.issuer}/device and type ")
    assert told == "Signed in as demo-john\n", failed


def test_oauth4webapi_polls_before_the_answer_and_after_it(fresh_stack: LocalStack, clock: MovableClock) -> None:
    with node(_STEP_BY_STEP, fresh_stack.issuer) as process:
        assert process.stdout is not None
        early, user_code = process.stdout.readline().split()
        answer(fresh_stack, user_code, "allow")
        clock.advance(5)
        told, failed = process.communicate("\n", timeout=60)
    assert early == "authorization_pending"
    assert told == "demo-john items openid\n", failed


@pytest.mark.parametrize(
    ("decision", "told"),
    [("allow", "Signed in as john\n"), ("deny", "Not signed in: The end-user denied the request.")],
)
def test_the_example_needs_nothing_but_the_standard_library(
    fresh_stack: LocalStack,
    clock: MovableClock,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    decision: str,
    told: str,
) -> None:
    waited: list[float] = []

    def sleep(seconds: float) -> None:
        """The person answers while the device waits for the second time."""
        waited.append(seconds)
        clock.advance(seconds)
        said.append(capsys.readouterr().out)
        if len(waited) == 2:
            answer(fresh_stack, _CODE.findall("".join(said))[0], decision)

    said: list[str] = []
    monkeypatch.setattr(time, "sleep", sleep)
    monkeypatch.setattr(sys, "argv", [str(EXAMPLE), fresh_stack.issuer, "tv_demo"])
    try:
        runpy.run_path(str(EXAMPLE), run_name="__main__")
    except SystemExit as ended:
        said.append(str(ended))
    assert waited == [5, 5]
    assert told in "".join([*said, capsys.readouterr().out])  # among the lines of the log


@looks
def test_a_person_answers_a_device_on_pages_that_keep_wcag_2_2_aa(
    browser: Browser, fresh_stack: LocalStack, theme: Theme, language: str
) -> None:
    pages = names_of_sound_pages(browser, fresh_stack.issuer, theme, language, lambda page: walk(page, fresh_stack))
    assert len(pages) == 4


def walk(page: Page, stack: LocalStack) -> Iterator[str]:
    """From the link to the answer, each page named once it is shown."""
    asked = over_http("POST", f"{stack.issuer}/device_authorization", _FORM, b"client_id=tv_demo").json()
    page.goto(asked["verification_uri_complete"])
    page.locator("#username").fill("john")
    page.locator("#password").fill("password123")
    page.locator("main button[type=submit]").first.click()
    expect(page.locator("#user_code")).to_have_value(asked["user_code"])
    yield "code"
    page.locator("#user_code").fill("bbbb bbbb")
    page.keyboard.press("Enter")
    expect(page.get_by_role("alert")).to_be_visible()
    yield "wrong code"
    page.locator("#user_code").fill(asked["user_code"].lower())
    page.keyboard.press("Enter")
    expect(page.locator("dd strong")).to_have_text(asked["user_code"])
    expect(page.locator("[name=decision]").first).to_have_attribute("value", "deny")
    yield "what is asked"
    page.locator("[value=allow]").click()
    expect(page.locator("main a")).to_have_attribute("href", "/account/apps")
    yield "connected"
    poll = f"client_id=tv_demo&grant_type={quote(DEVICE_CODE)}&device_code={asked['device_code']}"
    assert over_http("POST", f"{stack.issuer}/token", _FORM, poll.encode()).status == 200
    page.locator("main a").click()
    expect(page.locator(".rows .what")).to_contain_text("Demo TV")


_FORM = {"content-type": "application/x-www-form-urlencoded"}
