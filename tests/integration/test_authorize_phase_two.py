"""/authorize, phase two: errors go back to the client, with its state and our iss (RFC 6749 §4.1.2.1, RFC 9207)."""

import pytest
from valet.errors import OAuthError, TemporarilyUnavailable

from tests.integration.conftest import Issued, Redeemed
from tests.support.application import Application, challenge_of
from tests.support.browser import Browser, form_of
from tests.support.deployment import Deployment
from tests.support.wire import Answer, post_form

Changes = dict[str, str | None]


def goes_back(answer: Answer, app: Application, state: str | None, error: str) -> None:
    assert answer.status == 303, answer
    assert answer.location.startswith(f"{app.redirect_uri}?")
    answered = answer.answered
    assert answered["error"] == error
    assert answered["error_description"]
    assert answered["iss"] == app.issuer
    assert answered.get("state") == state
    assert "code" not in answered
    assert answer.headers["cache-control"] == "no-store"
    assert not answer.set_cookies


@pytest.mark.parametrize(
    ("changes", "error"),
    [
        # PKCE, S256, of every client
        ({"code_challenge": None}, "invalid_request"),
        ({"code_challenge": None, "code_challenge_method": None}, "invalid_request"),
        ({"code_challenge_method": "plain"}, "invalid_request"),
        ({"code_challenge_method": None}, "invalid_request"),
        ({"code_challenge_method": "s256"}, "invalid_request"),
        ({"code_challenge_method": "S512"}, "invalid_request"),
        ({"code_challenge": "short"}, "invalid_request"),
        ({"code_challenge": "A" * 42}, "invalid_request"),
        ({"code_challenge": "A" * 44}, "invalid_request"),
        ({"code_challenge": "A" * 43 + "="}, "invalid_request"),
        ({"code_challenge": "A" * 42 + "+"}, "invalid_request"),
        ({"code_challenge": "v" * 128, "code_challenge_method": "plain"}, "invalid_request"),
        # response types: code, and nothing of the implicit grant
        ({"response_type": None}, "invalid_request"),
        ({"response_type": "token"}, "unsupported_response_type"),
        ({"response_type": "id_token"}, "unsupported_response_type"),
        ({"response_type": "id_token token"}, "unsupported_response_type"),
        ({"response_type": "code token"}, "unsupported_response_type"),
        ({"response_type": "code id_token"}, "unsupported_response_type"),
        ({"response_type": "code code"}, "unsupported_response_type"),
        ({"response_type": "Code"}, "unsupported_response_type"),
        ({"response_type": "none"}, "unsupported_response_type"),
        ({"response_type": "implicit"}, "unsupported_response_type"),
        ({"response_mode": "fragment"}, "invalid_request"),
        ({"response_mode": "form-post"}, "invalid_request"),
        ({"response_mode": "FORM_POST"}, "invalid_request"),
        ({"response_mode": "form_post.jwt"}, "invalid_request"),
        ({"response_mode": "web_message"}, "invalid_request"),
        ({"response_mode": "query.jwt"}, "invalid_request"),
        # parameters that we do not take
        ({"request": "eyJhbGciOiJub25lIn0.e30."}, "request_not_supported"),
        ({"request_uri": "https://webapp.example.com/request"}, "request_uri_not_supported"),
        ({"request_uri": "urn:example:request_uri:x"}, "request_uri_not_supported"),
        ({"registration": "{}"}, "registration_not_supported"),
        # scope
        ({"scope": None}, "invalid_scope"),
        ({"scope": "openid admin"}, "invalid_scope"),
        ({"scope": "OpenID"}, "invalid_scope"),
        ({"scope": "items unheard_of"}, "invalid_scope"),
        ({"scope": "openid,profile"}, "invalid_scope"),
        ({"scope": 'openid "'}, "invalid_scope"),
        ({"scope": "openid\u00a0profile"}, "invalid_scope"),
        # prompt and max_age
        ({"prompt": "none login"}, "invalid_request"),
        ({"prompt": "none none consent"}, "invalid_request"),
        ({"prompt": "sideways"}, "invalid_request"),
        ({"prompt": "login sideways"}, "invalid_request"),
        ({"prompt": "LOGIN"}, "invalid_request"),
        ({"max_age": "-1"}, "invalid_request"),
        ({"max_age": "soon"}, "invalid_request"),
        ({"max_age": "1.5"}, "invalid_request"),
        ({"max_age": "1e3"}, "invalid_request"),
        ({"max_age": "٣"}, "invalid_request"),
        ({"max_age": "9" * 400}, "invalid_request"),
        ({"nonce": "n" * 2049}, "invalid_request"),
        # hints of others
        ({"id_token_hint": "not a token", "prompt": "none"}, "login_required"),
        ({"id_token_hint": "eyJhbGciOiJub25lIn0.e30.", "prompt": "none"}, "login_required"),
        # nobody is signed in
        ({"prompt": "none"}, "login_required"),
    ],
)
def test_what_is_wrong_with_the_request_goes_back_to_the_client(
    deployment: Deployment, web_app: Application, changes: Changes, error: str
) -> None:
    asked = web_app.ask(**changes)
    with deployment.nothing_spent():
        goes_back(deployment.send("GET", asked.url), web_app, asked.state, error)
        if error != "login_required":
            answer = post_form(deployment.send, f"{deployment.issuer}/authorize", asked.parameters)
            goes_back(answer, web_app, asked.state, error)


@pytest.mark.parametrize("state", ["simple", "a b&c=d#e%20", "ä€😀", "'\"<>", "\\", "s" * 2048])
def test_the_state_comes_back_as_it_was(deployment: Deployment, web_app: Application, state: str) -> None:
    asked = web_app.ask(state=state, response_type="token")
    goes_back(deployment.send("GET", asked.url), web_app, state, "unsupported_response_type")


def test_no_state_comes_back_where_none_was_sent(deployment: Deployment, web_app: Application) -> None:
    asked = web_app.ask(state=None, response_type="token")
    goes_back(deployment.send("GET", asked.url), web_app, None, "unsupported_response_type")


def test_an_error_goes_to_the_redirect_uri_that_was_asked_for(deployment: Deployment, mobile_app: Application) -> None:
    for uri in ("http://127.0.0.1:49152/callback", "com.example.mobile:/callback"):
        answer = deployment.send("GET", mobile_app.ask(redirect_uri=uri, response_type="token").url)
        assert answer.location.startswith(f"{uri}?error=unsupported_response_type")


def test_a_client_without_the_grant_type_is_told_so(deployment: Deployment, web_app: Application) -> None:
    deployment.change_client("web_app_123", grant_types=frozenset({"refresh_token"}))
    asked = web_app.ask()
    with deployment.nothing_spent():
        goes_back(deployment.send("GET", asked.url), web_app, asked.state, "unauthorized_client")


def test_prompt_none_without_a_remembered_consent_is_consent_required(
    deployment: Deployment, browser: Browser, web_app: Application, spa: Application
) -> None:
    browser.sign_in(browser.open(web_app.ask().url))
    asked = web_app.ask(prompt="none")
    with deployment.nothing_spent():
        goes_back(browser.get(asked.url), web_app, asked.state, "consent_required")


def test_prompt_none_after_a_remembered_consent_is_a_code(
    browser: Browser, web_app: Application, issued: Issued
) -> None:
    asked = web_app.ask(prompt="none")
    answered = browser.get(asked.url).answered
    assert answered["state"] == asked.state
    assert web_app.redeem(answered["code"], asked.code_verifier).status == 200


def test_prompt_none_asks_again_for_a_scope_that_was_not_allowed_before(
    deployment: Deployment, browser: Browser, web_app: Application
) -> None:
    browser.decide(browser.sign_in(browser.open(web_app.ask(scope="openid").url)))
    asked = web_app.ask(prompt="none", scope="openid profile")
    with deployment.nothing_spent():
        goes_back(browser.get(asked.url), web_app, asked.state, "consent_required")


@pytest.mark.parametrize("redirect_uri", ["http://127.0.0.1:49152/callback", "com.example.mobile:/callback"])
def test_whoever_can_be_impersonated_on_a_device_always_has_to_be_allowed(
    deployment: Deployment, browser: Browser, mobile_app: Application, redirect_uri: str
) -> None:
    asked = mobile_app.ask(redirect_uri=redirect_uri)
    first = browser.decide(browser.sign_in(browser.open(asked.url)))
    assert "code" in first.answered
    silent = mobile_app.ask(redirect_uri=redirect_uri, prompt="none")
    assert browser.get(silent.url).answered["error"] == "consent_required"
    page = browser.open(mobile_app.ask(redirect_uri=redirect_uri).url)
    assert page.is_page
    assert "decision" in page.body


def test_max_age_is_an_elapsed_sign_in(
    deployment: Deployment, browser: Browser, web_app: Application, issued: Issued
) -> None:
    deployment.clock.advance(100)
    assert "code" in browser.get(web_app.ask(max_age="100", prompt="none").url).answered
    assert browser.get(web_app.ask(max_age="99", prompt="none").url).answered["error"] == "login_required"
    assert browser.get(web_app.ask(max_age="0", prompt="none").url).answered["error"] == "login_required"
    page = browser.open(web_app.ask(max_age="99").url)
    answered = browser.sign_in(page).answered  # neither a loop nor a second question
    assert "code" in answered


@pytest.mark.parametrize("prompt", ["login", "select_account", "login consent"])
def test_prompt_login_wants_a_new_sign_in_and_cannot_be_skipped(
    browser: Browser, web_app: Application, issued: Issued, prompt: str, deployment: Deployment
) -> None:
    deployment.clock.advance(1)
    asked = web_app.ask(prompt=prompt)
    first = browser.get(asked.url)
    assert first.location.startswith(f"{web_app.issuer}/login")
    handle = first.location.partition("=")[2]
    for way_round in (f"/authorize?resume={handle}", f"/consent?request={handle}"):
        assert browser.open(way_round).body.count('name="password"') == 1
    answer = browser.sign_in(browser.open(first.location))
    if "consent" in prompt:
        assert "decision" in answer.body
        answer = browser.decide(answer)
    assert "code" in answer.answered


def test_prompt_consent_asks_again(browser: Browser, web_app: Application, issued: Issued) -> None:
    page = browser.open(web_app.ask(prompt="consent").url)
    assert "decision" in page.body


def test_a_hint_of_the_signed_in_user_goes_on_and_of_another_asks_to_sign_in(
    deployment: Deployment, browser: Browser, web_app: Application, redeemed: Redeemed
) -> None:
    assert "code" in browser.get(web_app.ask(prompt="none", id_token_hint=redeemed.id_token).url).answered
    deployment.clock.advance(86_400 * 30)  # an expired hint is as good
    jane = Browser(deployment.send, deployment.issuer)
    jane.decide(jane.sign_in(jane.open(web_app.ask().url), "jane"))
    deployment.clock.advance(1)
    asked = web_app.ask(prompt="none", id_token_hint=redeemed.id_token)
    with deployment.nothing_spent():
        goes_back(jane.get(asked.url), web_app, asked.state, "login_required")
    assert 'name="password"' in jane.open(web_app.ask(id_token_hint=redeemed.id_token).url).body


def test_who_signs_in_as_another_than_was_hinted_is_not_asked_for_ever(
    deployment: Deployment, browser: Browser, web_app: Application, redeemed: Redeemed
) -> None:
    """An app may hold the ID token of an account that was deleted; nobody can sign in as that one any more."""
    other = Browser(deployment.send, deployment.issuer)
    asked = web_app.ask(id_token_hint=redeemed.id_token)
    grants = [item for item in deployment.everything() if item["pk"]["S"].startswith("grant#")]
    answer = other.sign_in(other.open(asked.url), "jane")
    assert not answer.is_page
    assert [item for item in deployment.everything() if item["pk"]["S"].startswith("grant#")] == grants
    assert (answer.answered["error"], answer.answered["state"]) == ("login_required", asked.state)


def test_a_forged_hint_or_another_kind_of_token_is_no_hint(
    deployment: Deployment, browser: Browser, web_app: Application, redeemed: Redeemed
) -> None:
    header, payload, signature = redeemed.id_token.split(".")
    for hint in (
        redeemed.access_token,
        f"{header}.{payload}.{signature[:-4]}AAAA",
        f"{header}.{payload[:-2]}AA.{signature}",
        f"{header}.{payload}.",
        redeemed.refresh_token,
    ):
        asked = web_app.ask(id_token_hint=hint, prompt="none")
        with deployment.nothing_spent():
            goes_back(deployment.send("GET", asked.url), web_app, asked.state, "login_required")
            goes_back(browser.get(asked.url), web_app, asked.state, "login_required")
        # Who lets us show a page gets what they would get without a hint.
        assert "code" in browser.get(web_app.ask(id_token_hint=hint).url).answered


def test_a_form_of_another_site_goes_on_with_the_session_of_the_browser(
    browser: Browser, web_app: Application, issued: Issued
) -> None:
    asked = web_app.ask()
    answer = browser.post_from_another_site("/authorize", asked.parameters)
    assert answer.status == 303
    assert answer.location.startswith(f"{web_app.issuer}/authorize?resume=")
    assert not answer.set_cookies
    answered = browser.follow(answer).answered
    assert answered["state"] == asked.state
    assert web_app.redeem(answered["code"], asked.code_verifier).status == 200


def test_a_request_that_came_by_post_is_resumed_as_often_as_the_same_link_and_each_time_answered_for_its_browser(
    deployment: Deployment, browser: Browser, web_app: Application, issued: Issued
) -> None:
    """It holds nothing about an end-user: each resumption is a request of its own, as each opening of a link is."""
    asked = web_app.ask()
    location = browser.post_from_another_site("/authorize", asked.parameters).location
    codes = {browser.get(location).answered["code"] for _ in range(2)}
    assert len(codes) == 2
    for code in codes:
        assert web_app.redeem(code, asked.code_verifier).status == 200
    other = Browser(deployment.send, deployment.issuer)
    page = other.follow(other.get(location))
    assert "password" in form_of(page).names
    handle = form_of(page).hidden["request"]
    # The copy that the other browser was given is bound to it.
    assert browser.get(f"/login?request={handle}").status == 400
    deployment.clock.advance(601)
    assert browser.get(location).status == 400


@pytest.mark.parametrize("where", ["authorize", "consent"])
def test_an_outage_goes_back_to_the_client_and_into_the_log(
    deployment: Deployment,
    browser: Browser,
    web_app: Application,
    issued: Issued,
    monkeypatch: pytest.MonkeyPatch,
    where: str,
) -> None:
    """No 5xx tells of it, so that this line is all there is."""
    logged: list[OAuthError] = []
    monkeypatch.setattr("valet.aws.observability.log_refusal", logged.append)
    page = browser.open(web_app.ask(prompt="consent").url)

    def fails(*_: object) -> None:
        raise TemporarilyUnavailable(detail="DynamoDB put_item: ThrottlingException")

    monkeypatch.setattr(type(deployment.server.grants), "issue", fails)
    asked = web_app.ask(prompt="none").url
    answer = browser.get(asked) if where == "authorize" else browser.decide(page)
    assert answer.answered["error"] == "temporarily_unavailable"
    assert [error.detail for error in logged] == ["DynamoDB put_item: ThrottlingException"]


def test_a_code_is_for_the_challenge_that_it_was_asked_with(
    deployment: Deployment, browser: Browser, web_app: Application, issued: Issued
) -> None:
    verifier = "v" * 128
    asked = web_app.ask(prompt="none", code_challenge=challenge_of(verifier))
    code = browser.get(asked.url).answered["code"]
    with deployment.nothing_spent():
        assert web_app.redeem(code, asked.code_verifier).error == "invalid_grant"
    assert web_app.redeem(code, verifier).status == 200


def test_the_answer_names_the_issuer_and_gives_the_state_back(web_app: Application, browser: Browser) -> None:
    asked = web_app.ask()
    answer = browser.decide(browser.sign_in(browser.open(asked.url)))
    assert answer.location.startswith("https://webapp.example.com/callback?")
    assert answer.answered.keys() == {"code", "state", "iss"}
    assert answer.answered["state"] == asked.state
    assert answer.answered["iss"] == web_app.issuer
    assert answer.headers["cache-control"] == "no-store"
    assert answer.headers["referrer-policy"] == "no-referrer"
