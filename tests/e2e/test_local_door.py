"""A page in the developer's browser gets nothing of the local stack's AWS, whichever way Chromium lets it ask."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import pytest
from playwright.sync_api import Browser, Page, Response, Route

from local.stack import LocalStack
from tests.e2e.chromium import launched
from tests.e2e.landing import Landing
from tests.parts.local.guarded import Guarded
from tests.parts.local.wire import Sent, call, signed

pytestmark = pytest.mark.xdist_group("browser")

REBOUND_HOST = "rebound.example"  # a name whose owner makes it resolve to this machine
_INVOKE = "/2015-03-31/functions/valet-local-RotateKeysFunction/invocations"
_CONFIGURATION = "/2015-03-31/functions/valet-local-TokenFunction/configuration"

# What a page reads of each request: the text, or why there is none.
_FETCH = """async requests => Promise.all(requests.map(async ([url, options]) => {
  try {
    const answer = await fetch(url, options)
    return `${answer.type} ${answer.status} ${await answer.text()}`
  } catch (error) { return `failed ${error}` }
}))"""

_WITHOUT_FETCH = """async ([aws, path, body]) => {
  navigator.sendBeacon(aws + path, body)
  const encoded = 'application/x-www-form-urlencoded'
  for (const [method, enctype] of [['post', 'text/plain'], ['post', encoded], ['get', encoded]]) {
    const frame = document.createElement('iframe')
    frame.name = `frame-${method}-${enctype}`
    document.body.append(frame)
    const form = document.createElement('form')
    Object.assign(form, { method, enctype, action: aws + path, target: frame.name })
    const field = document.createElement('input')
    field.name = body.slice(0, -1) + ', "padding": "'
    field.value = '"}'
    form.append(field)
    document.body.append(form)
    const loaded = new Promise(done => { frame.onload = done })
    form.submit()
    await loaded
  }
  await new Promise(done => {
    const script = document.createElement('script')
    script.onload = script.onerror = done
    script.src = aws + path
    document.body.append(script)
  })
  return new Promise(done => {
    const socket = new WebSocket(aws.replace('http', 'ws') + '/')
    socket.onopen = () => done('open')
    socket.onerror = () => done('refused')
  })
}"""


@pytest.fixture
def guarded(stack: LocalStack) -> Guarded:
    return Guarded(stack)


@pytest.fixture
def rebound(browser: Browser) -> Iterator[Page]:
    """A page of a Chromium in which the name leads here, and which has no rule of its own against that: older ones and
    other browsers have none (Local Network Access)."""
    without = ("LocalNetworkAccessChecks", "BlockInsecurePrivateNetworkRequests")
    chromium = launched(browser.browser_type, f"{REBOUND_HOST} 127.0.0.1", without=without)
    yield chromium.new_page()
    chromium.close()


def statuses(page: Page, guarded: Guarded) -> list[int]:
    """What AWS's port answers, whether the page may know it or not: a request that never left would show nothing."""
    seen: list[int] = []

    def note(response: Response) -> None:
        if f":{guarded.port}/" in response.url and not response.url.endswith("/attack"):
            seen.append(response.status)

    page.on("response", note)
    return seen


def options(sent: Sent, mode: str) -> dict[str, Any]:
    """As fetch takes them; the browser writes Host itself."""
    headers = {name: value for name, value in sent.headers if name.lower() not in ("host", "content-length")}
    body = {"body": sent.body.decode()} if sent.method == "POST" else {}
    return {"method": sent.method, "mode": mode, "headers": headers, "cache": "no-store", **body}


def attacks(guarded: Guarded, host: str) -> list[tuple[str, dict[str, Any]]]:
    """Unsigned and signed, simple and not. The credentials are public, so a page can sign."""
    aws = f"http://{host}"
    scan = call(guarded.port, "dynamodb", "Scan", json.dumps({"TableName": guarded.stack.tables["Users"]}).encode())
    key = {"pk": {"S": "client#web_app_123"}, "sk": {"S": "client"}}
    delete = json.dumps({"TableName": guarded.stack.tables["Registry"], "Key": key}).encode()
    emergency = b'{"emergency": "current"}'
    text = {"method": "POST", "headers": {"Content-Type": "text/plain"}, "body": emergency.decode()}
    signing: dict[str, Any] = {"host": host}
    return [
        (aws + _INVOKE, {**text, "mode": "no-cors"}),
        (aws + _INVOKE, {**text, "mode": "cors"}),
        (aws + "/moto-api/reset", {"method": "POST", "mode": "no-cors"}),
        (aws + _CONFIGURATION, {"mode": "cors"}),
        (aws + "/", options(scan, "cors")),
        (aws + "/", options(call(guarded.port, "dynamodb", "Scan", scan.body, **signing), "cors")),
        (aws + "/", options(call(guarded.port, "dynamodb", "DeleteItem", delete, **signing), "cors")),
        (aws + _INVOKE, options(signed(guarded.port, "lambda", emergency, target=_INVOKE, **signing), "cors")),
        (
            aws + _CONFIGURATION,
            options(signed(guarded.port, "lambda", target=_CONFIGURATION, method="GET", **signing), "cors"),
        ),
    ]


def test_a_page_of_another_loopback_port_reads_and_changes_nothing(
    page: Page, guarded: Guarded, landing: Landing
) -> None:
    before, answered = guarded.state(), statuses(page, guarded)
    page.goto(landing.origin)
    requests = attacks(guarded, f"127.0.0.1:{guarded.port}")
    outcomes = page.evaluate(_FETCH, requests)
    assert [outcome.strip() for outcome in outcomes if not outcome.startswith("failed")] == ["opaque 0"] * 2
    body = '{"emergency": "current"}'
    assert page.evaluate(_WITHOUT_FETCH, [guarded.stack.aws_url, _INVOKE, body]) == "refused"
    assert len(answered) >= 6
    assert set(answered) == {403}
    assert guarded.state() == before


def test_a_page_by_a_rebound_name_reads_and_changes_nothing(rebound: Page, guarded: Guarded) -> None:
    """The page's name leads to its own server first, and to this machine afterwards: its requests are same-origin,
    without a preflight, and Chromium tells of no Sec-Fetch-Site for a name that is not trustworthy."""
    before, answered = guarded.state(), statuses(rebound, guarded)
    host = f"{REBOUND_HOST}:{guarded.port}"

    def from_the_attackers_server(route: Route) -> None:
        route.fulfill(body="<body>attack</body>", content_type="text/html")

    rebound.route(f"http://{host}/attack", from_the_attackers_server)
    rebound.goto(f"http://{host}/attack")
    outcomes = rebound.evaluate(_FETCH, attacks(guarded, host))
    assert all(outcome.startswith("basic 403 ") for outcome in outcomes), outcomes
    # The last one is a GET, signed for this name, with neither Origin nor Sec-Fetch-Site: Host alone gives it away.
    assert "not a name of this stack" in outcomes[-1]
    assert guarded.hash not in str(outcomes)
    assert "valet-local-Users" not in str(outcomes)
    assert rebound.evaluate(_WITHOUT_FETCH, [f"http://{host}", _INVOKE, '{"emergency": "current"}']) == "refused"
    assert set(answered) == {403}
    assert guarded.state() == before
