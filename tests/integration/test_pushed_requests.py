"""Pushed authorization requests (RFC 9126): what /par takes and refuses, and the one use of a request_uri."""

from __future__ import annotations

import re
from dataclasses import replace
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
from valet.client_authentication import authentication
from valet.client_authentication.authentication import Authenticated
from valet.models.once import OneTimeValue

from tests.integration.conftest import Lines, Redeemed
from tests.integration.guesses import anew
from tests.support.application import Application, Asked
from tests.support.browser import Browser, form_of
from tests.support.deployment import BEGINNING, Deployment
from tests.support.wire import Answer, encoded, post_form

URN = "urn:ietf:params:oauth:request_uri:"
HTTPS = "https://webapp.example.com/callback"
BUT = ("request#", "session#")  # each visit saves a copy, and a session is used

Changes = dict[str, str | None]


def pushed(app: Application, **changes: str | None) -> Asked:
    answer, asked = app.push(**changes)
    assert answer.status == 201, answer
    return asked


def request_uri_of(asked: Asked) -> str:
    return parse_qs(urlsplit(asked.url).query)["request_uri"][0]


def url(app: Application, **parameters: str) -> str:
    return f"{app.issuer}/authorize?{encoded(parameters)}"


def is_refused(answer: Answer, error: str = "invalid_request_uri") -> None:
    """A page, with what the developer has to know, and nothing that leads or stays anywhere."""
    assert answer.status == 400, answer
    assert answer.is_page
    assert error in answer.body
    assert '<form method="post"' not in answer.body
    assert "location" not in answer.headers
    assert not answer.set_cookies


# -- POST /par ---------------------------------------------------------------------------------------------------------


def test_a_confidential_client_pushes_and_its_end_user_signs_in(
    deployment: Deployment, browser: Browser, web_app: Application
) -> None:
    answer, asked = web_app.push(state="the-state")
    assert answer.status == 201
    assert answer.headers["cache-control"] == "no-store"
    assert answer.headers["content-type"] == "application/json"
    assert set(answer.json()) == {"request_uri", "expires_in"}
    assert re.fullmatch(rf"{URN}[A-Za-z0-9_-]{{43}}", answer.json()["request_uri"])
    assert answer.json()["expires_in"] == 90
    assert ("request.pushed", {"client_id": "web_app_123"}) in deployment.audit.events
    back = browser.decide(browser.sign_in(browser.open(asked.url)))
    assert back.location.startswith(f"{web_app.redirect_uri}?code=")
    assert back.answered["state"] == "the-state"
    assert back.answered["iss"] == deployment.issuer
    assert web_app.redeem(back.answered["code"], asked.code_verifier).status == 200


def test_public_clients_push_too(deployment: Deployment, browser: Browser, mobile_app: Application) -> None:
    asked = pushed(mobile_app)
    back = browser.decide(browser.sign_in(browser.open(asked.url)))
    assert mobile_app.redeem(back.answered["code"], asked.code_verifier).status == 200


def test_a_client_that_sends_its_secret_in_the_form_pushes_and_the_secret_is_kept_nowhere(
    deployment: Deployment, legacy_app: Application
) -> None:
    pushed(legacy_app)
    assert str(legacy_app.secret) not in repr(deployment.everything())


def test_the_handle_is_kept_as_a_digest_alone(deployment: Deployment, web_app: Application) -> None:
    handle = request_uri_of(pushed(web_app)).removeprefix(URN)
    assert handle not in repr(deployment.everything())


@pytest.mark.parametrize(
    ("changes", "error"),
    [
        ({"client_id": None}, "invalid_request"),
        ({"client_id": "mobile_app"}, "invalid_request"),
        ({"request_uri": f"{URN}{'x' * 43}"}, "invalid_request"),
        ({"request_uri": "https://webapp.example.com/request"}, "invalid_request"),
        ({"request": "eyJhbGciOiJub25lIn0.e30."}, "request_not_supported"),
        ({"registration": "{}"}, "registration_not_supported"),
        ({"redirect_uri": "https://evil.test/"}, "invalid_request"),
        ({"redirect_uri": f"{HTTPS}/"}, "invalid_request"),
        ({"redirect_uri": None}, "invalid_request"),  # it has registered two
        ({"state": "s" * 2049}, "invalid_request"),
        ({"nonce": "n" * 2049}, "invalid_request"),
        ({"response_type": "code id_token"}, "unsupported_response_type"),
        ({"response_type": "token"}, "unsupported_response_type"),
        ({"response_type": None}, "invalid_request"),
        ({"response_mode": "fragment"}, "invalid_request"),
        ({"code_challenge": None, "code_challenge_method": None}, "invalid_request"),
        ({"code_challenge_method": "plain"}, "invalid_request"),
        ({"scope": "openid admin"}, "invalid_scope"),
        ({"prompt": "none login"}, "invalid_request"),
        ({"max_age": "soon"}, "invalid_request"),
        ({"claims": "{"}, "invalid_request"),
        (
            {"claims": '{"id_token": {"acr": {"essential": true, "value": "gold"}}}'},
            "unmet_authentication_requirements",
        ),
        ({"id_token_hint": "not a token", "prompt": "none"}, "login_required"),
    ],
)
def test_what_is_wrong_with_the_request_is_answered_as_json_and_nothing_is_kept(
    deployment: Deployment, web_app: Application, changes: Changes, error: str
) -> None:
    with deployment.nothing_spent():
        answer, _ = web_app.push(**changes)
    assert (answer.status, answer.error) == (400, error)
    assert answer.headers["content-type"] == "application/json"
    assert answer.headers["cache-control"] == "no-store"
    assert "location" not in answer.headers
    assert "request.pushed" not in deployment.audit.names


def test_a_scope_that_is_not_the_clients_is_recorded(deployment: Deployment, web_app: Application) -> None:
    web_app.push(scope="openid admin")
    assert ("scope.refused", {"client_id": "web_app_123", "scope": "admin"}) in deployment.audit.events


def test_a_client_without_the_code_flow_may_not_push(deployment: Deployment, service: Application) -> None:
    deployment.change_client("api_service_789", redirect_uris=(HTTPS,))
    with deployment.nothing_spent():
        answer, _ = replace(service, redirect_uri=HTTPS).push()
    assert (answer.status, answer.error) == (400, "unauthorized_client")


@pytest.mark.parametrize(
    "changes", [{"secret": "wrong"}, {"secret": None}, {"client_id": "nobody"}, {"secret": "wrong", "in_body": True}]
)
def test_a_client_that_does_not_authenticate_pushes_nothing(
    deployment: Deployment, web_app: Application, changes: dict[str, object]
) -> None:
    with deployment.nothing_spent():
        answer, _ = replace(web_app, **changes).push()  # type: ignore[arg-type]
    assert (answer.status, answer.error) == (401, "invalid_client")


def test_a_disabled_client_pushes_nothing(deployment: Deployment, web_app: Application) -> None:
    deployment.change_client("web_app_123", is_disabled=True)
    with deployment.nothing_spent():
        assert web_app.push()[0].error == "invalid_client"


@pytest.mark.parametrize("method", ["GET", "HEAD", "PUT", "DELETE"])
def test_another_method_is_refused(deployment: Deployment, web_app: Application, method: str) -> None:
    with deployment.nothing_spent():
        answer = deployment.send(method, f"{deployment.issuer}/par?{encoded(web_app.ask().parameters)}")
    assert (answer.status, answer.headers["allow"]) == (405, "POST")


@pytest.mark.parametrize("query", ["client_id=web_app_123", "state=a", "anything"])
def test_what_stands_in_the_query_is_refused(deployment: Deployment, web_app: Application, query: str) -> None:
    """Not passed over: a client would miss its state only when the end-user comes back."""
    with deployment.nothing_spent():
        answer = post_form(
            deployment.send, f"{deployment.issuer}/par?{query}", web_app.ask().parameters, web_app.authorization
        )
    assert (answer.status, answer.error) == (400, "invalid_request")


def test_a_body_that_is_no_form_is_refused(deployment: Deployment, web_app: Application) -> None:
    headers = {**web_app.authorization, "content-type": "application/json"}
    with deployment.nothing_spent():
        answer = deployment.send("POST", f"{deployment.issuer}/par", headers, b"{}")
    assert (answer.status, answer.error) == (400, "invalid_request")


def test_a_repeated_parameter_is_refused(deployment: Deployment, web_app: Application) -> None:
    pairs = (*web_app.ask().parameters.items(), ("state", "another"))
    headers = {**web_app.authorization, "content-type": "application/x-www-form-urlencoded"}
    with deployment.nothing_spent():
        answer = deployment.send("POST", f"{deployment.issuer}/par", headers, encoded(pairs).encode())
    assert (answer.status, answer.error) == (400, "invalid_request")


@pytest.mark.parametrize(("name", "largest"), [("web_app", 16 * 1024), ("mobile_app", 4 * 1024)])
def test_a_request_is_as_large_as_its_client_may_make_it_and_not_a_byte_larger(
    deployment: Deployment, request: pytest.FixtureRequest, name: str, largest: int
) -> None:
    app: Application = request.getfixturevalue(name)
    sent = {**app.credentials, **app.ask(ignored="x").parameters}
    room = largest - len(encoded(sent)) + 1
    url = f"{deployment.issuer}/par"
    with deployment.nothing_spent():
        refused = post_form(deployment.send, url, {**sent, "ignored": "x" * (room + 1)}, app.authorization)
    assert (refused.status, refused.error) == (413, "invalid_request")
    taken = post_form(deployment.send, url, {**sent, "ignored": "x" * room}, app.authorization)
    assert taken.status == 201


def test_a_page_of_another_origin_pushes_nothing_and_one_of_the_clients_reads_the_answer(
    deployment: Deployment, spa: Application
) -> None:
    deployment.change_client("spa_demo", origins=frozenset({"https://spa.example.com"}))
    with deployment.nothing_spent():
        refused, _ = replace(spa, headers={"origin": "https://evil.test"}).push()
    assert (refused.status, refused.error) == (400, "invalid_request")
    assert "access-control-allow-origin" not in refused.headers
    own = replace(spa, headers={"origin": "https://spa.example.com"})
    assert own.push()[0].headers["access-control-allow-origin"] == "https://spa.example.com"
    assert own.push(scope="nothing")[0].headers["access-control-allow-origin"] == "https://spa.example.com"


def test_what_the_client_pushed_is_what_it_gets(deployment: Deployment, browser: Browser, web_app: Application) -> None:
    claims = '{"id_token": {"email": {"essential": true}}}'
    asked = pushed(web_app, scope="openid", claims=claims, response_mode="form_post", login_hint="john", nonce="the-n")
    page = browser.open(asked.url)
    assert 'value="john"' in page.body
    back = browser.decide(browser.sign_in(page))
    assert form_of(back).action == web_app.redirect_uri
    tokens = web_app.redeem(form_of(back).hidden["code"], asked.code_verifier).json()
    assert tokens["scope"] == "openid"


def test_an_id_token_hint_is_looked_at_when_it_is_pushed(
    deployment: Deployment, browser: Browser, web_app: Application, redeemed: Redeemed
) -> None:
    asked = pushed(web_app, id_token_hint=redeemed.id_token)
    stranger = anew(deployment)
    back = stranger.sign_in(stranger.open(asked.url), "jane")
    assert back.answered["error"] == "login_required"
    assert "code" in browser.open(pushed(web_app, id_token_hint=redeemed.id_token).url).answered


# -- a request that carries a client assertion -------------------------------------------------------------------------


@pytest.fixture
def asserting_app(monkeypatch: pytest.MonkeyPatch, web_app: Application) -> Application:
    """The web app, each request of which is authenticated by one and the same assertion."""
    original = authentication.authenticate
    assertion = OneTimeValue("assertion", web_app.client_id, "the-jti", int(BEGINNING) + 600)

    def by_assertion(*asked: Any) -> Authenticated:
        return Authenticated(original(*asked).client, assertion)

    monkeypatch.setattr(authentication, "authenticate", by_assertion)
    return web_app


def test_an_assertion_is_spent_last_and_once(deployment: Deployment, asserting_app: Application) -> None:
    with deployment.nothing_spent():
        assert asserting_app.push(scope="nothing")[0].error == "invalid_scope"
        assert asserting_app.push(redirect_uri="https://evil.test/")[0].error == "invalid_request"
    assert asserting_app.push()[0].status == 201
    with deployment.nothing_spent():
        replayed = asserting_app.push()[0]
    assert (replayed.status, replayed.error) == (401, "invalid_client")


# -- GET /authorize?client_id&request_uri ------------------------------------------------------------------------------


def test_every_other_parameter_is_ignored(deployment: Deployment, browser: Browser, web_app: Application) -> None:
    """RFC 9126 §4: no state from outside, no prompt, no redirect URI, however malformed."""
    asked = pushed(web_app, state="inside", nonce="inside")
    outside = "&state=outside&nonce=outside&prompt=none&redirect_uri=https%3A%2F%2Fevil.test&scope=a&scope=b&max_age=x"
    back = browser.decide(browser.sign_in(browser.open(asked.url + outside)))
    assert back.location.startswith(f"{web_app.redirect_uri}?")
    assert back.answered["state"] == "inside"


def test_a_state_outside_does_not_replace_one_that_was_not_pushed(
    deployment: Deployment, browser: Browser, web_app: Application
) -> None:
    asked = pushed(web_app, state=None)
    back = browser.decide(browser.sign_in(browser.open(f"{asked.url}&state=outside")))
    assert "state" not in back.answered


def test_client_id_and_request_uri_are_both_required(
    deployment: Deployment, browser: Browser, web_app: Application
) -> None:
    request_uri = request_uri_of(pushed(web_app))
    with deployment.nothing_spent():
        is_refused(browser.get(url(web_app, request_uri=request_uri)), "invalid_request")
        is_refused(browser.get(url(web_app, client_id="nobody", request_uri=request_uri)), "invalid_request")
        is_refused(browser.get(url(web_app, client_id="web_app_123")), "invalid_request")


@pytest.mark.parametrize("handle", ["", "x" * 43, "x" * 42, "x" * 44, "../" * 14 + "x", "x" * 5000])
def test_a_guessed_request_uri_gets_a_page(
    deployment: Deployment, browser: Browser, web_app: Application, handle: str, refusals: Lines
) -> None:
    with deployment.nothing_spent():
        is_refused(browser.get(url(web_app, client_id="web_app_123", request_uri=URN + handle)))
    (line,) = refusals()
    assert (line["error"], line["client_id"]) == ("invalid_request_uri", "web_app_123")


def test_another_clients_request_uri_gets_the_page_of_an_unknown_one(
    deployment: Deployment, browser: Browser, web_app: Application, mobile_app: Application, refusals: Lines
) -> None:
    asked = pushed(web_app)
    stolen = {"client_id": "mobile_app", "request_uri": request_uri_of(asked)}
    guessed = {"client_id": "mobile_app", "request_uri": URN + "x" * 43}
    with deployment.nothing_spent():
        pages = [browser.get(url(mobile_app, **sent)) for sent in (stolen, guessed)]
    for page in pages:
        is_refused(page)
    first, second = (re.sub("<code>[0-9a-f]{16}</code>", "the reference", page.body) for page in pages)
    assert first == second
    assert len({line["detail"] for line in refusals()}) == 2
    assert "code" in browser.decide(browser.sign_in(browser.open(asked.url))).answered


def test_a_request_uri_is_good_for_ninety_seconds_and_not_one_more(
    deployment: Deployment, browser: Browser, web_app: Application
) -> None:
    asked = pushed(web_app)
    deployment.clock.advance(89)
    assert browser.get(asked.url).status == 303
    deployment.clock.advance(1)
    with deployment.nothing_spent():
        is_refused(anew(deployment).get(asked.url))


@pytest.mark.parametrize("lifetime", [5, 599])
def test_an_operator_sets_the_lifetime(
    deployment: Deployment, browser: Browser, web_app: Application, lifetime: int
) -> None:
    deployment.restart(pushed_request_lifetime=lifetime)
    answer, asked = web_app.push()
    assert answer.json()["expires_in"] == lifetime
    deployment.clock.advance(lifetime - 1)
    assert browser.get(asked.url).status == 303
    deployment.clock.advance(1)
    is_refused(browser.get(asked.url))


def test_who_types_slowly_has_ten_minutes_from_the_visit_on(
    deployment: Deployment, browser: Browser, web_app: Application
) -> None:
    asked = pushed(web_app)
    deployment.clock.advance(89)
    page = browser.open(asked.url)
    deployment.clock.advance(599)
    consent = browser.sign_in(page)
    assert "decision" in form_of(consent).names
    assert "You took longer" not in page.body + consent.body
    deployment.clock.advance(1)
    again = browser.decide(consent)
    assert "You took longer than ten minutes" in again.body
    back = browser.decide(again)
    assert web_app.redeem(back.answered["code"], asked.code_verifier).status == 200


def test_the_first_page_does_not_say_that_the_end_user_was_slow(browser: Browser, web_app: Application) -> None:
    assert "You took longer" not in browser.open(pushed(web_app).url).body


def test_a_used_request_uri_is_refused_before_any_login_page(
    deployment: Deployment, browser: Browser, web_app: Application, refusals: Lines
) -> None:
    asked = pushed(web_app)
    code = browser.decide(browser.sign_in(browser.open(asked.url))).answered["code"]
    deployment.audit.events.clear()
    with deployment.nothing_spent():
        for someone in (browser, anew(deployment)):
            is_refused(someone.get(asked.url))
    facts = {"kind": "request_uri", "client_id": "web_app_123", "grant_id": code.partition(".")[0]}
    assert deployment.audit.events == [("request.replayed", facts)] * 2
    assert {line["detail"] for line in refusals()} == {"The request_uri was used before."}
    tokens = web_app.redeem(code, asked.code_verifier)
    assert tokens.status == 200
    with deployment.nothing_spent():
        is_refused(browser.get(asked.url))
    assert web_app.refresh(tokens.json()["refresh_token"]).status == 200


def test_it_may_be_reloaded_until_then(deployment: Deployment, browser: Browser, web_app: Application) -> None:
    """FAPI 2.0's suite reloads it before the end-user signs in, and other servers lose the request by that."""
    asked = pushed(web_app)
    pages = [browser.open(asked.url) for _ in range(3)]
    assert len({form_of(page).hidden["request"] for page in pages}) == 3
    assert len(set(browser.cookies.values())) == 1
    back = browser.decide(browser.sign_in(pages[0]))
    assert web_app.redeem(back.answered["code"], asked.code_verifier).status == 200
    late = browser.sign_in(pages[2])
    assert late.status == 400
    assert "You are already signed in" in late.body


def test_two_tabs_get_one_code(deployment: Deployment, browser: Browser, web_app: Application) -> None:
    asked = pushed(web_app)
    first = browser.sign_in(browser.open(asked.url))
    second = browser.open(asked.url)
    assert form_of(first).hidden["request"] != form_of(second).hidden["request"]
    code = browser.decide(first).answered["code"]
    with deployment.nothing_spent((*BUT, "sub#")):
        late = browser.decide(second)
    assert late.status == 400
    assert "already answered" in late.body
    assert web_app.redeem(code, asked.code_verifier).status == 200
    assert "You are already signed in" in browser.decide(second).body


def test_two_browsers_get_one_code(deployment: Deployment, browser: Browser, web_app: Application) -> None:
    asked = pushed(web_app)
    other = anew(deployment)
    first = browser.sign_in(browser.open(asked.url))
    second = other.sign_in(other.open(asked.url), "jane")
    assert browser.cookies["__Host-valet-browser"] != other.cookies["__Host-valet-browser"]
    assert "code" in other.decide(second).answered
    with deployment.nothing_spent((*BUT, "sub#")):
        assert browser.decide(first).status == 400
    grants = [item for item in deployment.everything() if item["pk"]["S"].startswith("grant#")]
    assert len(grants) == 1


def test_a_copy_of_one_browser_is_nothing_in_another(
    deployment: Deployment, browser: Browser, web_app: Application
) -> None:
    handle = form_of(browser.open(pushed(web_app).url)).hidden["request"]
    other = anew(deployment)
    other.open(web_app.ask().url)
    page = other.open(f"/authorize?resume={handle}")
    assert page.status == 400
    assert "another browser" in page.body


def test_a_double_click_on_allow_gets_the_same_code(
    deployment: Deployment, browser: Browser, web_app: Application
) -> None:
    page = browser.sign_in(browser.open(pushed(web_app).url))
    assert browser.decide(page).location == browser.decide(page).location


def test_a_denial_does_not_spend_it(deployment: Deployment, browser: Browser, web_app: Application) -> None:
    asked = pushed(web_app)
    page = browser.sign_in(browser.open(asked.url))
    assert browser.decide(page, "deny").answered["error"] == "access_denied"
    assert "code" in browser.decide(browser.open(asked.url)).answered


def test_no_copy_outlives_the_day_after_the_push(
    deployment: Deployment, browser: Browser, web_app: Application
) -> None:
    """The grant that all copies end in is kept for a day: a copy that lived longer would end in a second one."""
    deployment.restart(pushed_request_lifetime=599)
    asked = pushed(web_app)
    first, other = browser.sign_in(browser.open(asked.url)), anew(deployment)
    deployment.clock.advance(598)
    last = other.open(asked.url)
    assert "code" in browser.decide(first).answered
    deployment.clock.advance(86_400 - 598)
    assert other.sign_in(last).status == 400  # and would not be begun anew


def test_a_remembered_consent_answers_at_once_and_only_once(
    deployment: Deployment, browser: Browser, web_app: Application, redeemed: Redeemed
) -> None:
    asked = pushed(web_app)
    back = browser.open(asked.url)
    with deployment.nothing_spent():
        is_refused(browser.get(asked.url))
    assert web_app.redeem(back.answered["code"], asked.code_verifier).status == 200


def test_prompt_none_goes_back_to_the_client_and_spends_nothing(
    deployment: Deployment, browser: Browser, web_app: Application
) -> None:
    asked = pushed(web_app, prompt="none", state="the-state")
    with deployment.nothing_spent(BUT):
        back = browser.get(asked.url)
    assert back.answered["error"] == "login_required"
    assert back.answered["state"] == "the-state"
    browser.sign_in(browser.open(web_app.ask().url))
    assert browser.get(asked.url).answered["error"] == "consent_required"


def test_a_sign_in_between_push_and_visit_does_not_satisfy_prompt_login(
    deployment: Deployment, browser: Browser, web_app: Application
) -> None:
    """It counts from the visit on: the client may have pushed the request a minute before."""
    asked = pushed(web_app, prompt="login")
    deployment.clock.advance(5)
    browser.sign_in(browser.open(web_app.ask().url))
    deployment.clock.advance(5)
    page = browser.open(asked.url)
    assert "password" in form_of(page).names
    deployment.clock.advance(1)
    assert "code" in browser.decide(browser.sign_in(page)).answered


def test_max_age_counts_from_the_visit(deployment: Deployment, browser: Browser, web_app: Application) -> None:
    asked = pushed(web_app, max_age="30")
    deployment.clock.advance(5)
    browser.sign_in(browser.open(web_app.ask().url))
    deployment.clock.advance(30)
    assert "decision" in form_of(browser.open(asked.url)).names
    deployment.clock.advance(1)
    assert "password" in form_of(browser.open(asked.url)).names


def test_a_redirect_uri_that_is_no_longer_registered_gets_a_page(
    deployment: Deployment, browser: Browser, web_app: Application
) -> None:
    asked = pushed(web_app)
    deployment.change_client("web_app_123", redirect_uris=("https://webapp.example.com/new",))
    with deployment.nothing_spent():
        is_refused(browser.get(asked.url), "invalid_request")


def test_a_client_that_was_disabled_since_gets_a_page(
    deployment: Deployment, browser: Browser, web_app: Application
) -> None:
    asked = pushed(web_app)
    deployment.change_client("web_app_123", is_disabled=True)
    with deployment.nothing_spent():
        is_refused(browser.get(asked.url), "invalid_request")


def test_a_form_of_another_site_may_bring_it(deployment: Deployment, browser: Browser, web_app: Application) -> None:
    """It carries no cookies, so that it leads to a GET, which keeps nothing of what stood next to the two."""
    asked = pushed(web_app)
    sent = {"client_id": "web_app_123", "request_uri": request_uri_of(asked), "state": "outside"}
    with deployment.nothing_spent():
        answer = browser.post_from_another_site(f"{deployment.issuer}/authorize", sent)
    assert answer.location == asked.url
    assert "code" in browser.decide(browser.sign_in(browser.follow(answer))).answered


@pytest.mark.parametrize("request_uri", ["https://a.example/r", "urn:example:x", URN.upper() + "x" * 43, "x"])
def test_a_request_uri_by_reference_stays_unsupported(
    deployment: Deployment, browser: Browser, web_app: Application, request_uri: str
) -> None:
    with deployment.nothing_spent():
        back = browser.get(web_app.ask(request_uri=request_uri).url)
    assert back.answered["error"] == "request_uri_not_supported"


def test_a_repeated_request_uri_goes_back_as_a_malformed_request(
    deployment: Deployment, browser: Browser, web_app: Application
) -> None:
    request_uri = encoded({"request_uri": request_uri_of(pushed(web_app))})
    with deployment.nothing_spent():
        back = browser.get(f"{web_app.ask().url}&{request_uri}&{request_uri}")
    assert back.answered["error"] == "invalid_request"


# -- a client that has to push -----------------------------------------------------------------------------------------


@pytest.fixture
def strict_app(deployment: Deployment, web_app: Application) -> Application:
    deployment.change_client("web_app_123", require_pushed_authorization_requests=True)
    return web_app


@pytest.mark.parametrize("changes", [{}, {"request_uri": "https://a.example/r"}, {"prompt": "none"}, {"scope": "x"}])
def test_a_client_that_has_to_push_is_refused_everything_else(
    deployment: Deployment, browser: Browser, strict_app: Application, changes: Changes
) -> None:
    asked = strict_app.ask(state="the-state", **changes)
    form = dict(asked.parameters)
    with deployment.nothing_spent():
        for back in (
            browser.get(asked.url),
            browser.post_from_another_site(f"{deployment.issuer}/authorize", form),
        ):
            assert back.location.startswith(f"{strict_app.redirect_uri}?")
            assert (back.answered["error"], back.answered["state"]) == ("invalid_request", "the-state")


def test_a_client_that_has_to_push_pushes(deployment: Deployment, browser: Browser, strict_app: Application) -> None:
    asked = pushed(strict_app)
    back = browser.decide(browser.sign_in(browser.open(asked.url)))
    assert strict_app.redeem(back.answered["code"], asked.code_verifier).status == 200


# -- the metadata ------------------------------------------------------------------------------------------------------


def test_the_metadata_names_the_endpoint_and_requires_nothing(deployment: Deployment) -> None:
    document = deployment.send("GET", f"{deployment.issuer}/.well-known/openid-configuration").json()
    assert document["pushed_authorization_request_endpoint"] == f"{deployment.issuer}/par"
    assert document["require_pushed_authorization_requests"] is False
    assert document["request_uri_parameter_supported"] is False  # by reference; RFC 9126 §5
