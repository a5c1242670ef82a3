"""GET, POST /consent: what the end-user allows, asked in words, answered once (OpenID Connect Core §3.1.2.4)."""

import re
from base64 import b64encode
from dataclasses import replace

import pytest

from tests.support.application import Application
from tests.support.browser import Browser, form_of
from tests.support.deployment import Deployment
from tests.support.wire import Answer


@pytest.fixture
def page(browser: Browser, web_app: Application) -> Answer:
    return browser.sign_in(browser.open(web_app.ask(state="the-state").url))


def post(browser: Browser, page: Answer, **changes: str | None) -> Answer:
    fields = {**form_of(page).hidden, "decision": "allow", **changes}
    return browser.post("/consent", {name: value for name, value in fields.items() if value is not None})


def test_the_page_says_who_asks_for_what_and_where_the_answer_goes(page: Answer) -> None:
    for words in ("Web App", "Example Inc.", "webapp.example.com", "john"):
        assert words in page.body
    assert re.findall(r'data-scope="(\w+)"', page.body) == ["openid", "email", "items", "profile", "offline_access"]
    assert "while you are away" in page.body  # offline_access, in words
    assert "form-action" not in page.headers["content-security-policy"]
    assert "frame-ancestors 'none'" in page.headers["content-security-policy"]


def test_included_scopes_are_shown_before_they_are_allowed(
    deployment: Deployment, browser: Browser, web_app: Application
) -> None:
    deployment.change_client("web_app_123", scope=deployment.client("web_app_123").scope | {"admin"})
    page = browser.sign_in(browser.open(web_app.ask(scope="admin").url))
    assert 'data-scope="api_access"' in page.body


def test_deny_goes_back_as_access_denied_and_nothing_is_granted(
    deployment: Deployment, browser: Browser, page: Answer, web_app: Application
) -> None:
    with deployment.nothing_spent():
        answer = browser.decide(page, "deny")
        assert answer.location.startswith("https://webapp.example.com/callback?error=access_denied")
        assert answer.answered["state"] == "the-state"
        assert answer.answered["iss"] == web_app.issuer
    assert "consent.denied" in deployment.audit.names


def test_the_apps_logo_is_part_of_the_pages_that_ask_for_it_and_no_other_image_is_loaded(
    deployment: Deployment, browser: Browser, web_app: Application
) -> None:
    logo = b"\x89PNG\r\n\x1a\n" + b"\0\0\0\rIHDR" + b"\0" * 40
    deployment.change_client("web_app_123", logo=logo)
    asked = browser.open(web_app.ask().url)
    for page in (asked, browser.sign_in(asked)):
        assert f'<img src="data:image/png;base64,{b64encode(logo).decode()}" alt="">' in page.body
        images = re.findall(r"img-src ([^;]*)", page.headers["content-security-policy"])
        assert all(image == "data:" or image.startswith(web_app.issuer) for image in images[0].split())
    deployment.change_client("web_app_123", logo=b"<svg onload='alert(1)'/>")  # written past the command line
    other = browser.open(web_app.ask().url)
    assert "onload" not in other.body
    assert "data:" not in other.headers["content-security-policy"]


@pytest.mark.parametrize("csrf_token", [None, "", "wrong", "A" * 43, "é"])
def test_a_consent_without_its_csrf_token_is_refused(
    deployment: Deployment, browser: Browser, page: Answer, csrf_token: str | None
) -> None:
    for decision in ("allow", "deny"):
        with deployment.nothing_spent():
            answer = post(browser, page, csrf_token=csrf_token, decision=decision)
            assert answer.status == 400
            assert answer.is_page
    assert "code" in browser.decide(page).answered


def test_the_csrf_token_of_the_sign_in_form_or_another_request_is_refused(
    deployment: Deployment, browser: Browser, web_app: Application, page: Answer
) -> None:
    deployment.clock.advance(1)
    sign_in = browser.open(web_app.ask(prompt="login").url)
    other = browser.open(web_app.ask(prompt="consent").url)
    with deployment.nothing_spent():
        for form in (form_of(sign_in), form_of(other)):
            answer = post(browser, page, csrf_token=form.hidden["csrf_token"])
            assert answer.status == 400


def test_a_consent_from_another_browser_or_another_site_is_refused(
    deployment: Deployment, browser: Browser, page: Answer, web_app: Application
) -> None:
    jane = Browser(deployment.send, deployment.issuer)
    jane.sign_in(jane.open(web_app.ask().url), "jane")
    form = {**form_of(page).hidden, "decision": "allow"}
    with deployment.nothing_spent():
        assert jane.post("/consent", form).status == 400
        assert browser.post_from_another_site("/consent", form).status == 400
        # Her session in his browser: what he was asked, she has not been.
        session = jane.cookies["__Host-valet-session"]
        mixed = Browser(deployment.send, deployment.issuer, {**browser.cookies, "__Host-valet-session": session})
        assert mixed.post("/consent", form).status == 400
    assert "code" in browser.decide(page).answered


def test_a_consent_after_the_sign_out_is_no_consent(deployment: Deployment, browser: Browser, page: Answer) -> None:
    browser.submit(browser.open("/logout"), decision="allow")
    with deployment.nothing_spent():
        answer = post(browser, page)
        assert answer.status == 303
        assert answer.location.startswith(f"{deployment.issuer}/authorize?resume=")
        assert 'name="password"' in browser.follow(answer).body


def test_a_request_is_answered_once(
    deployment: Deployment, browser: Browser, web_app: Application, page: Answer
) -> None:
    first = post(browser, page)
    deployment.clock.advance(11)  # within ten seconds it is a double click (see test_repeated_answers.py)
    # What was allowed is remembered, and a pointer put, before the grant, so that nothing fails after it.
    with deployment.nothing_spent(but=("sub#", "consent#")):
        again = post(browser, page)
        assert again.status == 400
        assert "already answered" in again.body
        assert "location" not in again.headers
    handle = form_of(page).hidden["request"]
    assert browser.get(f"/authorize?resume={handle}").status == 400  # consent is remembered: the same way out
    assert "code" in first.answered


def test_each_code_is_recorded_once_and_a_consent_only_where_the_end_user_was_asked(
    deployment: Deployment, browser: Browser, web_app: Application, page: Answer
) -> None:
    deployment.audit.events.clear()
    asked = browser.decide(page)
    assert deployment.audit.names == ["consent.granted", "code.issued"]
    deployment.audit.events.clear()
    remembered = browser.open(web_app.ask().url)
    assert deployment.audit.names == ["code.issued"]
    for answer in (asked, remembered):
        assert "code" in answer.answered
    facts = deployment.audit.events[-1][1]
    assert facts["client_id"] == "web_app_123"
    assert facts["sub"] == "demo-john"
    assert remembered.answered["code"].startswith(f"{facts['grant_id']}.")


def test_a_saved_request_is_over_after_ten_minutes_at_the_consent_too(
    deployment: Deployment, browser: Browser, page: Answer
) -> None:
    deployment.clock.advance(600)
    handle = form_of(page).hidden["request"]
    with deployment.nothing_spent():
        for answer in (post(browser, page), browser.get(f"/consent?request={handle}")):
            assert answer.location == f"{deployment.issuer}/authorize?resume={handle}"  # where it is begun anew


def test_the_grant_is_built_from_the_request_and_never_from_the_form(browser: Browser, web_app: Application) -> None:
    asked = web_app.ask(scope="openid")
    page = browser.sign_in(browser.open(asked.url))
    answer = post(browser, page, scope="openid items", redirect_uri="https://evil.test/", client_id="spa_demo")
    assert answer.location.startswith("https://webapp.example.com/callback?code=")
    tokens = web_app.redeem(answer.answered["code"], asked.code_verifier).json()
    assert tokens["scope"] == "openid"


@pytest.mark.parametrize("decision", [None, "", "Allow", "yes", "1"])
def test_only_allow_allows(deployment: Deployment, browser: Browser, page: Answer, decision: str | None) -> None:
    with deployment.nothing_spent():
        answer = post(browser, page, decision=decision)
        if decision:
            assert answer.answered["error"] == "access_denied"
        else:
            assert answer.status == 400


def test_a_disabled_account_allows_nothing(deployment: Deployment, browser: Browser, web_app: Application) -> None:
    asked = web_app.ask()
    page = browser.sign_in(browser.open(asked.url))
    deployment.table("Users").update("account#demo-john", "account", "SET #is_disabled = :yes", {":yes": True})
    with deployment.nothing_spent(but=("session#", "request#")):
        answer = browser.follow(post(browser, page))
        assert "password" in form_of(answer).names


def test_a_redirect_uri_taken_out_of_the_registration_meanwhile_is_a_page(
    deployment: Deployment, browser: Browser, page: Answer
) -> None:
    deployment.change_client("web_app_123", redirect_uris=("https://elsewhere.example.com/",))
    with deployment.nothing_spent():
        for decision in ("allow", "deny"):
            answer = post(browser, page, decision=decision)
            assert answer.status == 400
            assert "location" not in answer.headers


def test_whom_the_operator_vouches_for_needs_no_consent_unless_it_asks_for_one(
    deployment: Deployment, browser: Browser, web_app: Application
) -> None:
    deployment.change_client("web_app_123", first_party=True)
    assert "code" in browser.sign_in(browser.open(web_app.ask().url)).answered
    assert "decision" in browser.open(web_app.ask(prompt="consent").url).body


def test_what_one_app_was_allowed_is_asked_again_for_another(
    deployment: Deployment, browser: Browser, web_app: Application
) -> None:
    """And for another end-user at the same app."""
    deployment.registrar.put_client(replace(deployment.client(web_app.client_id), client_id="another_app"))
    browser.decide(browser.sign_in(browser.open(web_app.ask().url)))
    assert "code" in browser.open(web_app.ask().url).answered
    another = replace(web_app, client_id="another_app")
    assert "decision" in browser.open(another.ask().url).body
    assert browser.open(another.ask(prompt="none").url).answered["error"] == "consent_required"
    deployment.clock.advance(1)
    assert "decision" in browser.sign_in(browser.open(web_app.ask(prompt="login").url), "jane").body


def test_what_is_not_shown_is_not_granted(deployment: Deployment, browser: Browser, web_app: Application) -> None:
    """An operator who takes a scope away while the page waits: page, grant and memory say the same."""
    asked = web_app.ask(scope="openid items")
    handle = form_of(browser.sign_in(browser.open(asked.url))).hidden["request"]
    deployment.table("Registry").delete("scopes", "items")
    deployment.clock.advance(11)
    page = browser.get(f"/consent?request={handle}")
    assert 'data-scope="items"' not in page.body
    tokens = web_app.redeem(browser.decide(page).answered["code"], asked.code_verifier).json()
    assert tokens["scope"] == "openid"
    remembered = deployment.server.consents.find_consent("demo-john", "web_app_123")
    assert remembered is not None
    assert remembered.scope == {"openid"}


def test_another_account_can_be_chosen(deployment: Deployment, browser: Browser, page: Answer) -> None:
    handle = form_of(page).hidden["request"]
    assert f"/login?request={handle}" in page.body
    sign_in = browser.get(f"/login?request={handle}")
    answer = browser.sign_in(sign_in, "jane")
    assert "jane" in answer.body
    assert "code" in browser.decide(answer).answered
    assert deployment.audit.events[-1][1]["sub"] == "demo-jane"


def test_whom_an_operator_signed_out_meanwhile_signs_in_again(
    deployment: Deployment, browser: Browser, web_app: Application, page: Answer
) -> None:
    """Without regard to the time: the session may have begun in the millisecond in which it was ended."""
    deployment.raise_epoch("demo-john")
    with deployment.nothing_spent(but=("session#", "request#")):
        answer = browser.follow(post(browser, page))
        assert "password" in form_of(answer).names


def test_no_more_is_granted_than_was_shown(deployment: Deployment, browser: Browser, web_app: Application) -> None:
    """An operator widens the client while the page waits, or another machine knew it before this one did."""
    asked = web_app.ask(scope="openid items")
    handle = form_of(browser.sign_in(browser.open(asked.url))).hidden["request"]
    client = deployment.server.registry.find_client("web_app_123")
    assert client is not None
    deployment.registrar.put_client(replace(client, scope=frozenset({"openid"})))
    deployment.clock.advance(11)
    narrow = browser.get(f"/consent?request={handle}")
    assert 'data-scope="items"' not in narrow.body
    deployment.registrar.put_client(client)
    deployment.clock.advance(11)
    with deployment.nothing_spent():
        answer = post(browser, narrow)
        assert answer.status == 400
        assert "out of date" in answer.body
    wide = browser.get(f"/consent?request={handle}")
    assert 'data-scope="items"' in wide.body
    tokens = web_app.redeem(browser.decide(wide).answered["code"], asked.code_verifier).json()
    assert tokens["scope"] == "items openid"


def test_nobody_vouches_for_what_listens_on_a_loopback_port(
    deployment: Deployment, browser: Browser, mobile_app: Application
) -> None:
    """Any program can: the end-user is asked, whatever the operator says (RFC 8252 §8.6)."""
    deployment.change_client("mobile_app", first_party=True)
    for redirect_uri in (mobile_app.redirect_uri, "http://127.0.0.1:5555/callback"):
        page = browser.open(mobile_app.ask(redirect_uri=redirect_uri).url)
        if "password" in form_of(page).names:
            page = browser.sign_in(page)
        assert "decision" in form_of(page).names
        silent = browser.get(mobile_app.ask(redirect_uri=redirect_uri, prompt="none").url)
        assert silent.answered["error"] == "consent_required"
