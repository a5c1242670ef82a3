"""GET, POST /login: passwords, throttles, CSRF, the session that it opens (NIST SP 800-63B §5.2.2, RFC 9700 §4.7)."""

import logging

import pytest

from tests.integration.conftest import Issued
from tests.integration.guesses import anew, attempt, verifications
from tests.support.application import Application
from tests.support.browser import Browser, form_of, parse_set_cookie
from tests.support.deployment import Deployment

WRONG = "That name and password do not match. Please try again."


def test_the_form_asks_for_what_it_needs_and_nothing_else(browser: Browser, web_app: Application) -> None:
    page = browser.open(web_app.ask(login_hint="john").url)
    assert form_of(page).names == {"request", "csrf_token", "username", "password"}
    assert "Web App" in page.body
    assert 'value="john"' in page.body
    assert page.body.count("<script") == 1  # which offers a passkey


def test_the_right_password_opens_a_session(deployment: Deployment, browser: Browser, web_app: Application) -> None:
    answer = attempt(browser, browser.open(web_app.ask().url), "john", "password123")
    assert answer.status == 303
    assert answer.location.startswith(f"{deployment.issuer}/authorize?resume=")
    assert not answer.set_cookies
    assert "login.succeeded" not in deployment.audit.names
    resumed = browser.get(answer.location)
    assert "__Host-valet-session" in [parse_set_cookie(line)[0] for line in resumed.set_cookies]
    assert deployment.audit.events[-1][0] == "login.succeeded"
    assert deployment.audit.events[-1][1]["amr"] == "pwd"


@pytest.mark.parametrize("username", [" john ", "JOHN", "ｊｏｈｎ"])
def test_usernames_that_look_the_same_are_the_same(browser: Browser, web_app: Application, username: str) -> None:
    assert attempt(browser, browser.open(web_app.ask().url), username, "password123").status == 303


@pytest.mark.parametrize(
    ("username", "password"),
    [
        ("john", "wrong"),
        ("john", ""),
        ("john", "password123 "),
        ("john", "PASSWORD123"),
        ("john", "password456"),
        ("john", "p" * 5000),
        ("nobody", "password123"),
        ("", "password123"),
        ("", ""),
        ("demo-john", "password123"),
        ("credential#john", "password123"),
        ("jo\u0085hn", "password123"),
        ("n" * 5000, "password123"),
        ("<script>", "password123"),
    ],
)
def test_whatever_is_wrong_the_answer_has_the_same_words_and_status(
    deployment: Deployment, browser: Browser, web_app: Application, username: str, password: str
) -> None:
    page = browser.open(web_app.ask().url)
    with deployment.nothing_spent():
        answer = attempt(browser, page, username, password)
        assert answer.status == 401
        assert WRONG in answer.body
        assert not answer.set_cookies
        assert password == "" or password not in answer.body
        assert answer.body.count("<script") == 1  # the page's own
    assert attempt(browser, answer, "john", "password123").status == 303


def test_a_wrong_password_and_an_unknown_user_cost_the_same_work(
    deployment: Deployment, web_app: Application, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The same calls of AWS and the same Argon2id: so the same time, without a stopwatch."""
    calls, hashes = [], []
    for username in ("first, to read the policy", "john", "nobody"):
        browser = anew(deployment)
        page = browser.open(web_app.ask().url)
        with deployment.aws.recorded() as recorded, verifications(monkeypatch) as seen:
            assert attempt(browser, page, username, "wrong").status == 401
        calls.append([(call.action, call.partition_prefix) for call in recorded])
        hashes.append([each.rpartition("$")[0].rpartition("$")[0] for each in seen])
    assert calls[1] == calls[2]
    assert hashes[1] == hashes[2] == ["$argon2id$v=19$m=19456,t=2,p=1"]


def test_a_disabled_account_looks_like_a_wrong_password(
    deployment: Deployment, browser: Browser, web_app: Application
) -> None:
    deployment.table("Users").update("account#demo-john", "account", "SET #is_disabled = :yes", {":yes": True})
    page = browser.open(web_app.ask().url)
    with deployment.nothing_spent():
        answer = attempt(browser, page, "john", "password123")
    assert answer.status == 401
    assert WRONG in answer.body


@pytest.mark.parametrize("csrf_token", [None, "", "wrong", "A" * 43, "é"])
def test_a_sign_in_without_its_csrf_token_is_refused(
    deployment: Deployment, browser: Browser, web_app: Application, csrf_token: str | None
) -> None:
    form = form_of(browser.open(web_app.ask().url))
    fields = {**form.hidden, "username": "john", "password": "password123"}
    del fields["csrf_token"]
    with deployment.nothing_spent():
        answer = browser.post(form.action, fields if csrf_token is None else {**fields, "csrf_token": csrf_token})
        assert answer.status == 400
        assert answer.is_page
        assert not answer.set_cookies
    assert "login.succeeded" not in deployment.audit.names
    assert browser.post(form.action, {**form.hidden, **fields}).status == 303


def test_the_csrf_token_of_another_request_or_another_browser_is_refused(
    deployment: Deployment, browser: Browser, web_app: Application
) -> None:
    mine = form_of(browser.open(web_app.ask().url))
    second = form_of(browser.open(web_app.ask().url))
    stranger = anew(deployment)
    theirs = form_of(stranger.open(web_app.ask().url))
    password = {"username": "john", "password": "password123"}
    with deployment.nothing_spent():
        for token in (second.hidden["csrf_token"], theirs.hidden["csrf_token"]):
            assert browser.post("/login", {**mine.hidden, "csrf_token": token, **password}).status == 400
        # Login CSRF: an attacker's request and token, sent by the victim's browser.
        assert browser.post("/login", {**theirs.hidden, **password}).status == 400
        assert browser.post_from_another_site("/login", {**mine.hidden, **password}).status == 400
    assert browser.post("/login", {**mine.hidden, **password}).status == 303


def test_a_saved_request_belongs_to_the_browser_that_began_it(
    deployment: Deployment, browser: Browser, web_app: Application
) -> None:
    handle = browser.get(web_app.ask().url).location.partition("=")[2]
    stranger = anew(deployment)
    stranger.get(web_app.ask().url)
    without_cookies = anew(deployment)
    with deployment.nothing_spent():
        for other in (stranger, without_cookies):
            for path in (f"/login?request={handle}", f"/consent?request={handle}", f"/authorize?resume={handle}"):
                answer = other.get(path)
                assert answer.status == 400
                assert "begun in another browser" in answer.body or "sent no cookie" in answer.body
    assert browser.get(f"/login?request={handle}").status == 200


def test_a_saved_request_is_over_after_ten_minutes_even_before_dynamodb_deletes_it(
    deployment: Deployment, browser: Browser, web_app: Application
) -> None:
    page = browser.open(web_app.ask().url)
    deployment.clock.advance(599)
    assert attempt(browser, page, "john", "wrong").status == 401
    deployment.clock.advance(1)
    with deployment.nothing_spent():
        answer = attempt(browser, page, "john", "password123")
        handle = form_of(page).hidden["request"]
        assert answer.location == f"{deployment.issuer}/authorize?resume={handle}"  # where it is begun anew
        assert not answer.set_cookies
    assert not {"login.succeeded", "login.failed"} & set(deployment.audit.names[1:])


@pytest.mark.parametrize("handle", ["", "x", "A" * 43, "A" * 44, "é", "../" * 10, "A" * 5000])
def test_a_handle_of_nobody_is_a_page(deployment: Deployment, browser: Browser, issued: Issued, handle: str) -> None:
    with deployment.nothing_spent():
        for path in ("/login", "/consent"):
            for answer in (browser.get(f"{path}?request={quoted(handle)}"), browser.post(path, {"request": handle})):
                assert answer.status == 400
                assert answer.is_page


def quoted(text: str) -> str:
    from urllib.parse import quote

    return quote(text)


def test_at_the_least_level_no_answer_of_aws_is_logged(
    browser: Browser, web_app: Application, caplog: pytest.LogCaptureFixture
) -> None:
    """Lambda sets the root logger to the function's level, and the template allows DEBUG."""
    with caplog.at_level(logging.DEBUG):
        browser.decide(browser.sign_in(browser.open(web_app.ask().url)))
    assert [record.name for record in caplog.records if record.name.startswith(("boto", "urllib3"))] == []
    assert "argon2" not in caplog.text


def test_a_page_cannot_be_framed_and_runs_its_own_script_alone(browser: Browser, web_app: Application) -> None:
    headers = browser.open(web_app.ask().url).headers
    policy = headers["content-security-policy"]
    assert "frame-ancestors 'none'" in policy
    assert policy.count("script-src 'sha256-") == policy.count("script-src") == 1
    assert "default-src 'none'" in policy
    assert "base-uri 'none'" in policy
    assert "unsafe" not in policy
    assert headers["x-frame-options"] == "DENY"
    assert "cross-origin-opener-policy" not in headers  # an app may open the page as a popup
    assert headers["cache-control"] == "no-store"


def test_whose_browser_another_person_signs_in_at_is_signed_out_with_what_lived_by_the_session(
    deployment: Deployment, browser: Browser, web_app: Application
) -> None:
    """At a shared computer: the application would go on in the first person's name for twelve hours."""
    by_session = allowed(web_app, browser, "openid items")
    offline = allowed(web_app, browser, "openid items offline_access")
    elsewhere = allowed(web_app, anew(deployment), "openid items")
    deployment.clock.advance(60)
    browser.sign_in(browser.open(web_app.ask(prompt="login").url), "jane")
    assert deployment.audit.names[-3:] == ["session.ended", "login.succeeded", "grant.revoked"], deployment.audit.names
    assert deployment.audit.events[-1][1]["revoked_for"] == "other_sign_in"
    assert web_app.refresh(by_session["refresh_token"]).error == "invalid_grant"
    assert web_app.userinfo(by_session["access_token"]).status == 401
    for kept in (offline, elsewhere):  # as after a sign-out: what was allowed for longer, and other browsers
        assert web_app.userinfo(kept["access_token"]).status == 200
        assert web_app.refresh(kept["refresh_token"]).status == 200


def test_signing_in_again_as_the_same_person_ends_no_grant(
    deployment: Deployment, browser: Browser, web_app: Application
) -> None:
    held = allowed(web_app, browser, "openid items")
    deployment.clock.advance(60)
    browser.sign_in(browser.open(web_app.ask(prompt="login").url), "john")
    assert "session.ended" not in deployment.audit.names
    assert web_app.refresh(held["refresh_token"]).status == 200


def allowed(application: Application, browser: Browser, scope: str) -> dict[str, str]:
    """The tokens that the application gets in this browser, where John signs in if nobody is."""
    asked = application.ask(scope=scope)
    page = browser.open(asked.url)
    if page.is_page and "password" in form_of(page).names:
        page = browser.sign_in(page)
    code = (browser.decide(page) if page.is_page else page).answered["code"]
    tokens: dict[str, str] = application.redeem(code, asked.code_verifier).json()
    return tokens
