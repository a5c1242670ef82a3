"""A refusal that a person sees as a page gives a reference, and the reference leads to one line of the log (P10)."""

from __future__ import annotations

import json
import re
from typing import Any
from urllib.parse import urlencode

import pytest

from tests.integration.conftest import Issued, Lines, Redeemed
from tests.support.application import Application
from tests.support.browser import Browser, form_of
from tests.support.deployment import Deployment
from tests.support.wire import Answer, post_form


def reference(page: Answer) -> str:
    """What the page asks its reader to give."""
    assert page.is_page
    (found,) = re.findall(r"give this reference: <code>([^<]+)</code>", page.body)
    return str(found)


def line_of(page: Answer, refusals: Lines) -> dict[str, Any]:
    (line,) = refusals()
    assert line["event"] == "request.refused"
    assert line["request_id"] == reference(page)
    assert line["source_ip"]
    return line


@pytest.mark.parametrize(
    ("redirect_uri", "sent", "difference"),
    [
        ("https://evil.test/callback?code=x", "https://evil.test/...?...", "the host"),
        ("https://webapp.example.com:8443/callback", "https://webapp.example.com:8443/callback", "the port"),
        ("https://webapp.example.com/callback/", "https://webapp.example.com/callback/", "the slash at the end"),
        ("http://webapp.example.com/callback", "http://webapp.example.com/callback", "the scheme"),
        ("https://john:opensesame@evil.test/opensesame?opensesame#opensesame", "https://evil.test/...?...#...", "host"),
        ("com.example.mobile:/callback", "com.example.mobile:/...", "the scheme"),
        ("https://[broken/callback", "(not a URI)", "the scheme"),
        (f"https://{'x' * 2000}.test/", f"https://{'x' * 112}...", "the host"),
    ],
)
def test_a_redirect_uri_that_is_not_registered_is_in_the_log_beside_the_nearest_that_is(
    deployment: Deployment, web_app: Application, refusals: Lines, redirect_uri: str, sent: str, difference: str
) -> None:
    """Was: the log named a host, and its reader had to guess the rest."""
    with deployment.nothing_spent():
        page = deployment.send("GET", web_app.ask(redirect_uri=redirect_uri).url)
    line = line_of(page, refusals)
    assert (line["error"], line["client_id"]) == ("invalid_request", "web_app_123")
    said, _, rule = line["detail"].partition(" is not registered for this client. ")
    assert said == f"The redirect_uri {sent}"
    assert re.fullmatch(r"The nearest one that is: \S+. What differs: [a-z ]+\.", rule)
    assert difference in rule
    assert "opensesame" not in json.dumps(line) + page.body


def test_what_a_client_of_nobody_says_of_itself_is_not_logged(
    deployment: Deployment, web_app: Application, refusals: Lines
) -> None:
    page = deployment.send("GET", web_app.ask(client_id="a-stranger's-words").url)
    line = line_of(page, refusals)
    assert line["detail"] == "The client_id is not registered."
    assert "client_id" not in line
    assert "stranger" not in json.dumps(line)


def test_a_malformed_request_leaves_a_line(deployment: Deployment, refusals: Lines) -> None:
    assert line_of(deployment.send("GET", f"{deployment.issuer}/authorize"), refusals)["detail"] == (
        "The parameter client_id is missing."
    )


def test_an_expired_sign_in_leaves_a_line(browser: Browser, refusals: Lines) -> None:
    page = browser.get(f"/login?request={'A' * 43}")
    assert "has expired" in page.body
    assert line_of(page, refusals)["detail"] == "it is unknown, or too old to be begun anew"


@pytest.mark.parametrize("where", ["login", "consent"])
def test_a_form_without_its_csrf_token_leaves_a_line_with_the_client(
    browser: Browser, web_app: Application, refusals: Lines, where: str
) -> None:
    form = browser.open(web_app.ask().url)
    if where == "consent":
        form = browser.sign_in(form)
    fields = {**form_of(form).hidden, "csrf_token": "A" * 43, "decision": "allow"}
    again = browser.post(f"/{where}", fields)
    assert form_of(again).hidden["csrf_token"] != fields["csrf_token"]  # the page itself, which needs no reference
    (line,) = refusals()
    assert line["client_id"] == "web_app_123"
    assert "out of date" in line["detail"]


def test_a_request_that_was_answered_before_leaves_a_line(
    deployment: Deployment, browser: Browser, web_app: Application, refusals: Lines
) -> None:
    form = browser.sign_in(browser.open(web_app.ask().url))
    browser.decide(form)
    deployment.clock.advance(11)
    page = browser.decide(form)
    assert page.status == 400
    line = line_of(page, refusals)
    assert (line["client_id"], line["detail"]) == (
        "web_app_123",
        "its code was answered, and neither redeemed nor asked for again at once",
    )


def test_a_logout_to_a_strange_address_leaves_a_line(browser: Browser, redeemed: Redeemed, refusals: Lines) -> None:
    query = {"id_token_hint": redeemed.id_token, "post_logout_redirect_uri": "https://evil.test/?token=x"}
    line = line_of(browser.get(f"/logout?{urlencode(query)}"), refusals)
    assert line["client_id"] == "web_app_123"
    assert line["detail"] == (
        "The post_logout_redirect_uri https://evil.test/?... is not registered for this client."
        " The nearest one that is: http://127.0.0.1:9876/signed-out. What differs: the scheme."
    )


def test_a_mistake_of_ours_leaves_its_own_line_and_no_second_one(
    deployment: Deployment, web_app: Application, refusals: Lines, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fails(*_: object) -> None:
        raise ZeroDivisionError

    monkeypatch.setattr(type(deployment.server.registry), "find_client", fails)
    page = deployment.invoke(deployment.event("GET", web_app.ask().url))
    (line,) = refusals()
    assert (page.status, line["event"]) == (500, "request.failed")
    assert line["request_id"] == reference(page)


def test_what_goes_back_to_the_client_is_told_there_and_leaves_no_line(
    deployment: Deployment, web_app: Application, issued: Issued, refusals: Lines
) -> None:
    """A sender of a thousand wrong requests must not cause long log lines."""
    assert deployment.send("GET", web_app.ask(response_type="token").url).status == 303
    assert post_form(deployment.send, f"{deployment.issuer}/token", {"grant_type": "x"}).status == 401
    assert [line["event"] for line in refusals() if line["error"] != "invalid_client"] == []
