"""response_mode=form_post: the answer is a form that the browser posts (OAuth 2.0 Form Post Response Mode §2)."""

from __future__ import annotations

import html
import logging
import re
from dataclasses import replace
from typing import Any

import pytest
from valet.aws.observability import LoggedAudit

from tests.integration.conftest import Issued
from tests.support.application import Application, Asked
from tests.support.browser import Browser, form_of
from tests.support.deployment import Deployment
from tests.support.wire import Answer, post_form

Changes = dict[str, str | None]


def posted(answer: Answer, app: Application, asked: Asked) -> dict[str, str]:
    """The parameters that the page posts to the app: an answer to what was asked, in a page that no cache stores."""
    assert answer.status == 200, answer
    assert answer.is_page
    assert "location" not in answer.headers
    assert answer.headers["cache-control"] == "no-store"
    assert answer.headers["x-frame-options"] == "DENY"
    form = form_of(answer)
    assert form.action == html.unescape(app.redirect_uri)
    assert (form.hidden["iss"], form.hidden.get("state")) == (app.issuer, asked.parameters.get("state"))
    return {name: value for name, value in form.hidden.items() if name not in ("iss", "state")}


def test_the_default_of_asp_net_core_gets_its_code_in_a_form(
    deployment: Deployment, browser: Browser, web_app: Application
) -> None:
    """After sign-in and consent, so response_mode has lived in the saved request."""
    asked = web_app.ask(response_mode="form_post")
    page = browser.sign_in(browser.open(asked.url))
    assert "decision" in page.body
    answer = posted(browser.decide(page), web_app, asked)
    assert answer.keys() == {"code"}
    assert web_app.redeem(answer["code"], asked.code_verifier).status == 200


def test_the_answer_comes_in_a_form_from_authorize_alone_and_after_a_sign_in_alone(
    deployment: Deployment, browser: Browser, web_app: Application, issued: Issued
) -> None:
    """Consent is remembered, so no page of ours stands between."""
    asked = web_app.ask(response_mode="form_post")
    assert web_app.redeem(posted(browser.get(asked.url), web_app, asked)["code"], asked.code_verifier).status == 200

    fresh = Browser(deployment.send, deployment.issuer)
    asked = web_app.ask(response_mode="form_post")
    answer = posted(fresh.sign_in(fresh.open(asked.url)), web_app, asked)
    assert web_app.redeem(answer["code"], asked.code_verifier).status == 200


def test_a_double_click_on_allow_gets_the_same_form_again(browser: Browser, web_app: Application) -> None:
    asked = web_app.ask(response_mode="form_post")
    page = browser.sign_in(browser.open(asked.url))
    answer = posted(browser.decide(page), web_app, asked)
    assert posted(browser.decide(page), web_app, asked) == answer
    assert web_app.redeem(answer["code"], asked.code_verifier).status == 200


def test_a_request_that_came_by_post_is_answered_in_a_form_as_well(
    browser: Browser, web_app: Application, issued: Issued
) -> None:
    asked = web_app.ask(response_mode="form_post")
    answer = browser.follow(browser.post_from_another_site("/authorize", asked.parameters))
    assert posted(answer, web_app, asked).keys() == {"code"}


def test_a_denial_is_posted_and_nothing_is_granted(
    deployment: Deployment, browser: Browser, web_app: Application
) -> None:
    asked = web_app.ask(response_mode="form_post")
    page = browser.sign_in(browser.open(asked.url))
    with deployment.nothing_spent():
        assert posted(browser.decide(page, "deny"), web_app, asked)["error"] == "access_denied"


@pytest.mark.parametrize(
    ("changes", "error"),
    [
        ({"prompt": "none"}, "login_required"),
        ({"prompt": "sideways"}, "invalid_request"),
        ({"response_type": "id_token"}, "unsupported_response_type"),
        ({"response_type": None}, "invalid_request"),
        ({"code_challenge": None}, "invalid_request"),
        ({"scope": "openid admin"}, "invalid_scope"),
        ({"request": "eyJhbGciOiJub25lIn0.e30."}, "request_not_supported"),
        ({"state": None, "prompt": "none"}, "login_required"),
    ],
)
def test_an_error_is_posted_to_the_client_that_asked_for_a_form(
    deployment: Deployment, web_app: Application, changes: Changes, error: str
) -> None:
    asked = web_app.ask(response_mode="form_post", **changes)
    with deployment.nothing_spent():
        answer = posted(deployment.send("GET", asked.url), web_app, asked)
        assert answer.keys() == {"error", "error_description"}
        assert answer["error"] == error
        if error != "login_required":
            by_post = post_form(deployment.send, f"{deployment.issuer}/authorize", asked.parameters)
            assert posted(by_post, web_app, asked)["error"] == error


def test_prompt_none_without_a_remembered_consent_is_posted(
    deployment: Deployment, browser: Browser, web_app: Application
) -> None:
    browser.sign_in(browser.open(web_app.ask().url))
    asked = web_app.ask(prompt="none", response_mode="form_post")
    with deployment.nothing_spent():
        assert posted(browser.get(asked.url), web_app, asked)["error"] == "consent_required"


@pytest.mark.parametrize(
    "state", ["a b&c=d#e%20+", "ä€😀", "'\"<>&lt;", "</form><script>alert(1)</script>", "s" * 2048]
)
def test_the_state_is_posted_as_it_was_sent(deployment: Deployment, web_app: Application, state: str) -> None:
    asked = web_app.ask(state=state, prompt="none", response_mode="form_post")
    answer = deployment.send("GET", asked.url)
    assert posted(answer, web_app, asked)["error"] == "login_required"
    assert answer.body.count("<script") == 1


def test_the_page_runs_its_one_script_and_says_whose_form_it_is(deployment: Deployment, web_app: Application) -> None:
    headers = deployment.send("GET", web_app.ask(prompt="none", response_mode="form_post").url).headers
    policy = headers["content-security-policy"]
    assert re.search(r"script-src 'sha256-[A-Za-z0-9+/]{43}=';", policy)
    assert "default-src 'none'" in policy
    assert "frame-ancestors 'none'" in policy
    assert "unsafe" not in policy
    # With no-referrer, the browser would send "Origin: null" with the form.
    assert headers["referrer-policy"] == "strict-origin"


def test_the_code_of_a_form_is_in_no_header_and_no_line_of_the_log(
    deployment: Deployment,
    browser: Browser,
    web_app: Application,
    caplog: pytest.LogCaptureFixture,
    monkeypatch: pytest.MonkeyPatch,
    log_lines: list[str],
) -> None:
    monkeypatch.setattr(deployment.server, "audit", LoggedAudit())
    with caplog.at_level(logging.DEBUG):
        answer = browser.decide(browser.sign_in(browser.open(web_app.ask(response_mode="form_post").url)))
    code = form_of(answer).hidden["code"]
    secret = code.partition(".")[2]
    assert len(secret) == 43
    assert not [value for value in (*answer.headers.values(), *answer.set_cookies) if secret in value]
    logged: list[Any] = [vars(record) for record in caplog.records]
    assert '"event":"code.issued"' in log_lines[-1]
    assert secret not in f"{logged} {log_lines}"


@pytest.mark.parametrize("response_mode", ["fragment", "web_message", "form_post.jwt", "FORM_POST", "form_post query"])
def test_another_response_mode_is_refused_by_the_default_one(
    deployment: Deployment, web_app: Application, response_mode: str
) -> None:
    asked = web_app.ask(response_mode=response_mode)
    with deployment.nothing_spent():
        answered = deployment.send("GET", asked.url).answered
    assert (answered["error"], answered["state"], answered["iss"]) == ("invalid_request", asked.state, web_app.issuer)
    assert f"{response_mode} is not supported. Supported: query, form_post." in answered["error_description"]


def test_a_response_mode_that_is_repeated_is_refused_by_the_default_one(
    deployment: Deployment, web_app: Application
) -> None:
    asked = web_app.ask(response_mode="form_post")
    with deployment.nothing_spent():
        answered = deployment.send("GET", f"{asked.url}&response_mode=form_post").answered
    assert (answered["error"], answered["state"]) == ("invalid_request", asked.state)


def test_a_form_is_posted_to_a_loopback_port(browser: Browser, mobile_app: Application) -> None:
    app = replace(mobile_app, redirect_uri="http://127.0.0.1:49152/callback")
    asked = app.ask(response_mode="form_post")
    answer = posted(browser.decide(browser.sign_in(browser.open(asked.url))), app, asked)
    assert app.redeem(answer["code"], asked.code_verifier).status == 200


def test_an_app_with_a_scheme_of_its_own_is_told_that_no_form_can_reach_it(
    deployment: Deployment, mobile_app: Application
) -> None:
    """An operating system opens the app with an address: the code in the body of a form would be lost."""
    app = replace(mobile_app, redirect_uri="com.example.mobile:/callback")
    asked = app.ask(response_mode="form_post")
    with deployment.nothing_spent():
        answer = deployment.send("GET", asked.url)
    assert answer.location.startswith("com.example.mobile:/callback?error=invalid_request")
    assert "needs a redirect_uri of https or http" in answer.answered["error_description"]
    assert answer.answered["state"] == asked.state


def test_a_client_that_may_not_be_redirected_to_is_not_posted_to_either(
    deployment: Deployment, web_app: Application
) -> None:
    asked = web_app.ask(redirect_uri="https://evil.example/callback", response_mode="form_post")
    with deployment.nothing_spent():
        answer = deployment.send("GET", asked.url)
    assert answer.status == 400
    assert '<form method="post"' not in answer.body
    assert "<script" not in answer.body


def test_a_request_saved_by_the_release_before_is_answered_by_the_default_mode(
    deployment: Deployment, browser: Browser, web_app: Application
) -> None:
    page = browser.open(web_app.ask(response_mode="form_post").url)
    table = deployment.table("Grants")
    (saved,) = [item for item in deployment.everything() if item["pk"]["S"].startswith("request#")]
    item = table.get(saved["pk"]["S"], "request")
    assert item is not None
    assert item["request"].pop("response_mode") == "form_post"
    table.put(item)
    assert "code" in browser.decide(browser.sign_in(page)).answered
