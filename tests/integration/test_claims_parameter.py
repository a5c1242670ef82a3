"""The request parameter `claims` (OpenID Connect Core §5.5)."""

from __future__ import annotations

import json

import pytest

from tests.integration.claims import WEB_APP, asking, fill, sign_in
from tests.support.application import Application
from tests.support.browser import Browser
from tests.support.deployment import Deployment

ANYTHING = "openid profile email address phone offline_access"
ACR = "urn:valet:acr:password"


@pytest.fixture(autouse=True)
def may_have_anything(deployment: Deployment) -> None:
    fill(deployment)
    deployment.change_client(WEB_APP, scope=frozenset(ANYTHING.split()))


def refused(deployment: Deployment, application: Application, error: str, **asked: str) -> str:
    """The description of the error that the client gets, and nothing is saved or spent."""
    with deployment.nothing_spent():
        answer = deployment.send("GET", application.ask(**{"scope": "openid", **asked}).url)
    assert answer.answered["error"] == error, answer
    return answer.answered["error_description"]


def test_a_claim_is_told_where_it_was_asked_for_and_nothing_else_of_its_scope(
    browser: Browser, web_app: Application
) -> None:
    asked = asking(userinfo={"email": None, "given_name": None}, id_token={"picture": {"essential": True}})
    told = sign_in(web_app, browser, scope="openid", claims=asked)
    assert told.userinfo == {"sub": "demo-john", "email": "john@example.com", "given_name": "John"}
    assert told.id_token["picture"] == "https://people.example.com/john.png"
    assert not {"email", "given_name", "name"} & told.id_token.keys()
    assert told.tokens["scope"] == "openid"


def test_the_consent_page_asks_for_the_scope_that_a_single_claim_belongs_to(
    browser: Browser, web_app: Application
) -> None:
    told = sign_in(web_app, browser, scope="openid", claims=asking(userinfo={"phone_number": None}))
    assert "See your phone number" in told.page
    assert "See your email address" not in told.page


def test_a_consent_without_the_claims_scope_does_not_stand_in_for_it_and_the_new_one_is_remembered(
    deployment: Deployment, browser: Browser, web_app: Application
) -> None:
    sign_in(web_app, browser, scope="openid")
    claims = asking(id_token={"email": None})
    with deployment.nothing_spent():
        answer = browser.get(web_app.ask(scope="openid", claims=claims, prompt="none").url)
    assert answer.answered["error"] == "consent_required"
    assert sign_in(web_app, browser, scope="openid", claims=claims).page
    answer = browser.get(web_app.ask(scope="openid", claims=claims, prompt="none").url)
    assert "code" in answer.answered
    # The end-user was asked what the scope means, and allowed it.
    assert "code" in browser.get(web_app.ask(scope="openid email", prompt="none").url).answered


def test_a_claim_of_a_scope_that_the_client_may_not_have_is_not_told_and_not_asked_for(
    deployment: Deployment, browser: Browser, web_app: Application
) -> None:
    deployment.change_client(WEB_APP, scope=frozenset({"openid", "profile"}))
    asked = asking(userinfo={"email": {"essential": True}, "name": None}, id_token={"phone_number": None})
    told = sign_in(web_app, browser, scope="openid", claims=asked)
    assert told.userinfo == {"sub": "demo-john", "name": "John Doe"}
    assert "phone_number" not in told.id_token
    assert "email address" not in told.page


def test_a_claim_ends_when_the_operator_takes_its_scope_from_the_client(
    deployment: Deployment, browser: Browser, web_app: Application
) -> None:
    deployment.change_client(WEB_APP, id_token_on_refresh=True)
    asked = asking(userinfo={"email": None}, id_token={"email": None})
    told = sign_in(web_app, browser, scope="openid offline_access", claims=asked)
    assert "email" in told.userinfo
    deployment.change_client(WEB_APP, scope=frozenset({"openid", "offline_access"}))
    assert "email" not in told.userinfo
    assert "email" not in told.refreshed().id_token


def test_a_scope_taken_away_while_the_consent_page_is_open_is_not_granted(
    deployment: Deployment, browser: Browser, web_app: Application
) -> None:
    asked = web_app.ask(scope="openid", claims=asking(userinfo={"email": None}))
    page = browser.sign_in(browser.open(asked.url))
    assert "See your email address" in page.body
    deployment.change_client(WEB_APP, scope=frozenset({"openid"}))
    with deployment.nothing_spent():
        assert browser.decide(page).status == 400  # the page is out of date


def test_claims_survive_sign_in_consent_and_refresh(
    deployment: Deployment, browser: Browser, web_app: Application
) -> None:
    deployment.change_client(WEB_APP, id_token_on_refresh=True)
    asked = asking(id_token={"email": None}, userinfo={"locale": None})
    told = sign_in(web_app, browser, scope="openid offline_access", claims=asked)
    for each in (told, told.refreshed(), told.refreshed()):
        assert each.id_token["email"] == "john@example.com"
        assert each.userinfo == {"sub": "demo-john", "locale": "en-GB"}


def test_a_request_by_post_keeps_its_claims(deployment: Deployment, browser: Browser, web_app: Application) -> None:
    from tests.support.wire import post_form

    asked = web_app.ask(scope="openid", claims=asking(userinfo={"email": None}))
    answer = post_form(deployment.send, f"{deployment.issuer}/authorize", dict(asked.parameters))
    answer = browser.decide(browser.sign_in(browser.open(answer.location)))
    tokens = web_app.redeem(answer.answered["code"], asked.code_verifier).json()
    assert "email" in web_app.userinfo(tokens["access_token"]).json()


def test_members_and_claims_that_nobody_understands_are_ignored(browser: Browser, web_app: Application) -> None:
    asked = asking(
        userinfo={"email": {"purpose": ["x", {"y": 1}]}, "shoe_size": 38, "name#ja": None},
        id_token={"name": {"value": "Somebody Else"}, "auth_time": {"essential": True}, "https://x.example/y": []},
        verified={"email": 1},
    )
    told = sign_in(web_app, browser, scope="openid", claims=asked)
    assert told.userinfo == {"sub": "demo-john", "email": "john@example.com"}
    assert told.id_token["name"] == "John Doe"


def test_an_essential_claim_that_there_is_none_of_is_no_error(
    deployment: Deployment, browser: Browser, web_app: Application
) -> None:
    """§5.5.1: the server must not answer an error if claims are not returned, essential or not."""
    asked = asking(userinfo={"email": {"essential": True}})
    told = sign_in(web_app, browser, "jane", scope="openid", claims=asked)
    deployment.table("Users").update("account#demo-jane", "account", "REMOVE #email", {})
    assert told.userinfo == {"sub": "demo-jane"}


MALFORMED = [
    "{",
    "[]",
    "null",
    '"email"',
    "NaN",
    '{"userinfo": []}',
    '{"userinfo": null}',
    '{"id_token": "email"}',
    '{"userinfo": {"email": true}}',
    '{"userinfo": {"email": {"essential": "yes"}}}',
    '{"id_token": {"acr": {"values": []}}}',
    '{"id_token": {"acr": {"values": "x"}}}',
    '{"id_token": {"acr": {"value": "x", "values": ["x"]}}}',
    '{"id_token": {"sub": {"value": 7}}}',
    '{"id_token": {"sub": {"value": ""}}}',
    '{"id_token": {"sub": {"value": "\\ud800"}}}',
    '{"id_token": {"sub": {"values": ["demo-john", null]}}}',
    '{"id_token": {"email": null}, "id_token": {}}',
    '{"userinfo": {"email": null, "email": {"essential": true}}}',
    '{"userinfo": {"email": {"value": NaN}}}',
    "[" * 2000,
    '{"userinfo": ' * 150,
    json.dumps({"userinfo": {f"claim{number}": None for number in range(200)}}),
]


@pytest.mark.parametrize("claims", MALFORMED, ids=range(len(MALFORMED)))
def test_what_is_malformed_or_too_large_is_an_invalid_request(
    deployment: Deployment, web_app: Application, claims: str
) -> None:
    assert "claims" in refused(deployment, web_app, "invalid_request", claims=claims)


def test_a_request_of_oauth_alone_ignores_the_parameter(
    deployment: Deployment, browser: Browser, web_app: Application
) -> None:
    deployment.change_client(WEB_APP, scope=frozenset({"openid", "items"}))
    asked = web_app.ask(scope="items", claims="{")
    assert "code" in browser.decide(browser.sign_in(browser.open(asked.url))).answered


# -- sub ---------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("member", ["id_token", "userinfo"])
def test_a_sub_that_is_another_person_gets_no_code(
    deployment: Deployment, browser: Browser, web_app: Application, member: str
) -> None:
    sign_in(web_app, browser, scope="openid")
    deployment.clock.advance(1)
    other = asking(**{member: {"sub": {"value": "demo-jane"}}})
    with deployment.nothing_spent():
        answer = browser.get(web_app.ask(scope="openid", claims=other, prompt="none").url)
    assert answer.answered["error"] == "login_required"
    # Without prompt=none john is asked to sign in, and stays john.
    asked = web_app.ask(scope="openid", claims=other)
    answer = browser.sign_in(browser.open(asked.url), "john")
    assert answer.answered["error"] == "login_required"


def test_the_sub_that_was_asked_for_may_sign_in(deployment: Deployment, browser: Browser, web_app: Application) -> None:
    sign_in(web_app, browser, scope="openid")
    deployment.clock.advance(1)
    told = sign_in(web_app, browser, "jane", scope="openid", claims=asking(id_token={"sub": {"value": "demo-jane"}}))
    assert told.id_token["sub"] == "demo-jane"
    either = asking(id_token={"sub": {"values": ["demo-john", "demo-jane"]}})
    assert "code" in browser.get(web_app.ask(scope="openid", claims=either, prompt="none").url).answered


def test_members_that_name_different_subs_are_refused(deployment: Deployment, web_app: Application) -> None:
    claims = asking(id_token={"sub": {"value": "demo-john"}}, userinfo={"sub": {"value": "demo-jane"}})
    assert "different" in refused(deployment, web_app, "invalid_request", claims=claims)


def test_the_consent_form_gives_another_person_no_code_either(
    deployment: Deployment, browser: Browser, web_app: Application
) -> None:
    """Jane's consent page is open. In another tab John signs in; then the form is sent."""
    asked = web_app.ask(scope="openid", claims=asking(id_token={"sub": {"value": "demo-jane"}}))
    page = browser.sign_in(browser.open(asked.url), "jane")
    assert "Allow" in page.body
    deployment.clock.advance(1)
    browser.sign_in(browser.open(web_app.ask(scope="openid", prompt="login").url), "john")
    with deployment.nothing_spent():
        answer = browser.decide(page)
    assert answer.is_page or "code" not in answer.answered
    assert not [item for item in deployment.everything() if item["pk"]["S"].startswith("grant#")]


def test_a_client_that_was_allowed_nothing_does_not_learn_by_a_sub_who_is_signed_in(
    deployment: Deployment, browser: Browser, web_app: Application, legacy_app: Application
) -> None:
    """With prompt=none the answer for the very person, who has not allowed the client anything, is that for others."""
    sign_in(web_app, browser, scope="openid")
    answers = []
    for sub in ("demo-john", "demo-jane"):
        claims = asking(id_token={"sub": {"value": sub}})
        with deployment.nothing_spent():
            answer = browser.get(legacy_app.ask(scope="openid", claims=claims, prompt="none", state="s").url)
        answers.append(answer.answered)
    assert answers[0] == answers[1]
    assert answers[0]["error"] == "login_required"


# -- acr and auth_time -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("qualifier", [{"value": "urn:x:gold"}, {"values": ["urn:x:gold", 7, None]}])
def test_an_essential_acr_that_no_sign_in_here_has_is_a_failed_authentication(
    deployment: Deployment, web_app: Application, qualifier: dict[str, object]
) -> None:
    """§5.5.1.1, and the error code of OpenID Connect Core Error Code unmet_authentication_requirements."""
    claims = asking(id_token={"acr": {"essential": True, **qualifier}})
    refused(deployment, web_app, "unmet_authentication_requirements", claims=claims)


@pytest.mark.parametrize(
    "acr",
    [
        {"essential": True, "values": ["urn:x:gold", ACR]},
        {"essential": True, "value": ACR},
        {"essential": True},
        {"values": ["urn:x:gold"]},
        {"value": "urn:x:gold", "essential": False},
        None,
    ],
)
def test_an_acr_that_can_be_met_or_is_voluntary_gets_the_acr_that_there_is(
    browser: Browser, web_app: Application, acr: dict[str, object] | None
) -> None:
    claims = asking(id_token={"acr": acr, "auth_time": {"essential": True}})
    told = sign_in(web_app, browser, scope="openid", claims=claims)
    assert told.id_token["acr"] == ACR
    assert told.id_token["auth_time"] > 0


def test_a_session_of_another_acr_does_not_do_for_an_essential_one(
    deployment: Deployment, browser: Browser, web_app: Application
) -> None:
    sign_in(web_app, browser, scope="openid")
    [session] = [item for item in deployment.everything() if item["pk"]["S"].startswith("session#")]
    deployment.table("Grants").update(session["pk"]["S"], session["sk"]["S"], "SET #acr = :acr", {":acr": "urn:x:weak"})
    claims = asking(id_token={"acr": {"essential": True, "value": ACR}})
    deployment.clock.advance(1)
    with deployment.nothing_spent():
        answer = browser.get(web_app.ask(scope="openid", claims=claims, prompt="none").url)
    assert answer.answered["error"] == "login_required"
    # A sign-in for the request meets it.
    assert sign_in(web_app, browser, scope="openid", claims=claims).id_token["acr"] == ACR


# -- items of the release before ---------------------------------------------------------------------------------------


def test_a_grant_and_a_request_that_the_release_before_wrote_ask_for_no_claims(
    deployment: Deployment, browser: Browser, web_app: Application
) -> None:
    told = sign_in(web_app, browser, scope="openid profile offline_access")
    for item in deployment.everything():
        assert not {"userinfo_claims", "id_token_claims", "subs", "acr_values"} & item.keys()
    assert told.refreshed().userinfo["name"] == "John Doe"
