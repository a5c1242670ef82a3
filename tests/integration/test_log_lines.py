"""A stranger writes some fields of a log line: none makes it long, ends it, or makes another one (P10)."""

import io
import json
from collections.abc import Callable
from dataclasses import replace
from typing import Any
from urllib.parse import quote, urlencode

import pytest
from valet import log
from valet.audit import EVENTS
from valet.aws import observability
from valet.log import LONGEST, in_bounds

from tests.endpoints import PATHS, endpoint_at
from tests.integration.conftest import Redeemed
from tests.integration.guesses import attempt
from tests.support.application import Application
from tests.support.browser import Browser
from tests.support.deployment import Deployment
from tests.support.wire import FORM

LONGEST_LINE = 4096  # bytes
_FORGED = '{"level":"INFO","event":"login.succeeded","sub":"forged"}'
# What ends a line somewhere, hides text, or cannot be written.
HOSTILE = {
    "long": "x" * 9_168,
    "newline": f"x\r\n{_FORGED}\n",
    "line separators": f"x\u2028{_FORGED}\u2029\x85{_FORGED}\x0b\x0c\x1c",
    "quotes": '","event":"login.succeeded","x":"' + "\\" * 3,
    "terminal": "\x1b[2J\x9b31m\u202e\u2066\x00",
    "surrogate": "\ud800 x",
    "control characters": "\x01" * 2_000,
    "wide": "\U0001f511" * 2_000,
}
PARAMETERS = (
    "client_id", "client_secret", "code", "code_verifier", "csrf_token", "grant_type", "id_token_hint", "login_hint",
    "password", "post_logout_redirect_uri", "prompt", "redirect_uri", "refresh_token", "request", "response_type",
    "scope", "state", "token", "username",
)  # fmt: skip

Written = Callable[[], list[dict[str, Any]]]


@pytest.fixture
def written(deployment: Deployment, monkeypatch: pytest.MonkeyPatch) -> Written:
    """The lines of the log since the test began, each held to what every line must be."""
    written_bytes = io.BytesIO()
    monkeypatch.setattr(deployment.server, "audit", observability.LoggedAudit())
    monkeypatch.setattr(log, "write", lambda line: written_bytes.write(f"{line}\n".encode()))

    def lines() -> list[dict[str, Any]]:
        text = written_bytes.getvalue().decode()
        assert text.splitlines() == text.split("\n")[:-1], "a character that ends a line for some readers"
        assert all(character.isprintable() for character in text.replace("\n", ""))
        for line in text.splitlines():
            assert len(line.encode()) <= LONGEST_LINE
        found = [json.loads(line) for line in text.splitlines()]
        assert all(each["event"] in EVENTS and each.get("sub") != "forged" for each in found)
        return found

    return lines


@pytest.mark.parametrize("value", HOSTILE.values(), ids=HOSTILE)
@pytest.mark.parametrize("path", PATHS)
def test_no_endpoint_writes_a_long_or_a_forged_line(
    deployment: Deployment, written: Written, path: str, value: str
) -> None:
    headers = dict.fromkeys(("user-agent", "authorization", "origin", "referer", "x-forwarded-for"), value)
    known = {"client_id": "web_app_123", "response_type": "code", "grant_type": "client_credentials"}
    fields = urlencode(dict.fromkeys(PARAMETERS, value), errors="surrogatepass", quote_via=quote)
    url = f"{deployment.issuer}{path}"
    with deployment.nothing_spent(endpoint_at(path).stores):
        for query in (fields, urlencode({**known, "scope": "openid", "redirect_uri": value[:99]}, errors="replace")):
            deployment.send("GET", f"{url}?{query}", headers)
            deployment.send("POST", url, {**headers, "content-type": FORM}, query.encode())
        event = deployment.event("GET", url, headers)
        deployment.invoke({**event, "rawPath": path, "cookies": [f"__Host-valet-session={value}"]})
    assert "login.succeeded" not in [line["event"] for line in written()]


@pytest.mark.parametrize("value", HOSTILE.values(), ids=HOSTILE)
def test_a_user_agent_is_cut_and_its_line_stays(
    web_app: Application, redeemed: Redeemed, written: Written, value: str
) -> None:
    """A line that cannot be written would be lost, and with it the trace of a stolen token."""
    app = replace(web_app, headers={**web_app.headers, "user-agent": value})
    assert app.refresh(redeemed.refresh_token).status == 200
    assert app.refresh(redeemed.refresh_token).status == 200
    lines = written()
    assert [line["event"] for line in lines] == ["token.refreshed", "refresh.retried"]
    for line in lines:
        assert line["user_agent"] == in_bounds("user_agent", value)
        assert 0 < len(line["user_agent"]) <= LONGEST == 256


@pytest.mark.parametrize("value", HOSTILE.values(), ids=HOSTILE)
def test_a_sign_in_that_failed_is_one_line_whatever_was_typed(
    browser: Browser, web_app: Application, written: Written, value: str
) -> None:
    if value == HOSTILE["surrogate"]:
        value = value.replace("\ud800", "\ufffd")  # a form cannot carry it
    page = browser.open(web_app.ask().url)
    attempt(browser, page, value, value)
    [line] = written()
    assert line["event"] in ("login.failed", "request.refused")  # a form with control characters is malformed


def test_what_is_short_and_printable_is_told_as_it_is() -> None:
    agent = "Mozilla/5.0 (Żółw; \U0001f422)"
    assert in_bounds("user_agent", agent) == agent
    assert in_bounds("user_agent", "x" * 256) == "x" * 256
    assert in_bounds("user_agent", "x" * 257) == "x" * 255 + "…"
    assert in_bounds("scope", "x" * 1024) == "x" * 1024
    assert len(in_bounds("scope", "x" * 1025)) == 1024
    assert in_bounds("overdue_days", 1.5) == 1.5
    assert in_bounds("kid", None) is None


def test_a_deep_traceback_keeps_its_innermost_places(written: Written) -> None:
    def deeper(depth: int) -> None:
        if depth == 0:
            raise ValueError(_FORGED)
        deeper(depth - 1)

    try:
        deeper(500)
    except ValueError as failure:
        observability.log_failure(failure)
    [line] = written()
    assert len(line["at"]) == 32
    assert line["at"][-1].startswith("test_log_lines.py:")
