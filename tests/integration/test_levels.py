"""The levels of a sign-in: what a client, an account, a role and a request require, step-up, and what cannot be reached
(OpenID Connect Core §3.1.2.1 and §5.5.1.1, RFC 9470 §5).
"""

from __future__ import annotations

import json
from urllib.parse import parse_qs, urlsplit

import jwt
import pytest
from valet.models.policy import Policy

from tests.support.application import Application, Asked
from tests.support.authenticator import SoftPasskey
from tests.support.browser import Browser, form_of, forms_of
from tests.support.deployment import Deployment
from tests.support.passkeys import at_own_name, give_passkey, use
from tests.support.second_factors import keep_codes
from tests.support.wire import Answer

RP_ID = "id.example.com"
PASSWORD, MULTI_FACTOR, PHR = "urn:valet:acr:password", "urn:valet:acr:multi-factor", "phr"
WEB_APP = "web_app_123"


@pytest.fixture
def passkey(deployment: Deployment) -> SoftPasskey:
    """John's."""
    return give_passkey(deployment.table("Users"), "demo-john", RP_ID)


@pytest.fixture
def signed_in(deployment: Deployment, browser: Browser, web_app: Application) -> Browser:
    """John has signed in with his password, and allowed the web app."""
    browser.decide(browser.sign_in(browser.open(web_app.ask().url)))
    deployment.clock.advance(30)
    return browser


def essential(*acrs: str) -> str:
    return json.dumps({"id_token": {"acr": {"essential": True, "values": acrs}}})


def acr_of(application: Application, asked: Asked, answer: Answer) -> str:
    tokens = application.redeem(answer.answered["code"], asked.code_verifier).json()
    return str(jwt.decode(tokens["id_token"], options={"verify_signature": False})["acr"])


def step_up(deployment: Deployment, browser: Browser, page: Answer, passkey: SoftPasskey) -> Answer:
    """The page asks for a passkey and for nothing else; and what follows."""
    assert "you have to sign in with a passkey" in page.body
    assert not forms_of(page)
    deployment.clock.advance(1)
    return browser.follow(use(browser, page, passkey))


def unmet(answer: Answer) -> bool:
    return answer.answered["error"] == "unmet_authentication_requirements"


def is_at(answer: Answer, path: str) -> bool:
    return answer.status == 303 and urlsplit(answer.location).path == path


REQUIRING = ["client", "account", "role", "acr_values", "essential claim"]


def require(deployment: Deployment, web_app: Application, who: str, acr: str = PHR) -> Asked:
    """An authorization request that needs the level, by whoever requires it."""
    if who == "client":
        deployment.change_client(WEB_APP, required_acr=acr)
    elif who == "account":
        update = deployment.table("Users").update
        update("account#demo-john", "account", "SET #required_acr = :acr", {":acr": acr})
    elif who == "role":
        deployment.registrar.put_policy(Policy(role_required_acr=frozenset({f"user={acr}", "other=later"})))
        deployment.clock.advance(11)
    more = {"acr_values": {"acr_values": acr}, "essential claim": {"claims": essential(acr)}}
    return web_app.ask(**more.get(who, {}))


@pytest.mark.parametrize("who", REQUIRING)
def test_a_session_below_what_is_required_is_asked_for_the_stronger_proof(
    deployment: Deployment, signed_in: Browser, web_app: Application, passkey: SoftPasskey, who: str
) -> None:
    former = dict(signed_in.cookies)
    asked = require(deployment, web_app, who)
    answer = step_up(deployment, signed_in, signed_in.open(asked.url), passkey)
    assert acr_of(web_app, asked, answer) == PHR
    assert signed_in.cookies["__Host-valet-session"] != former["__Host-valet-session"]  # a new secret
    sessions = [item for item in deployment.everything() if item["pk"]["S"].startswith("session#")]
    assert len(sessions) == 2
    assert len({item["sid"]["S"] for item in sessions}) == 1  # and the same sid
    assert ["ended_at" in item for item in sessions].count(True) == 1


@pytest.mark.parametrize("who", REQUIRING)
def test_who_signs_in_by_password_is_asked_for_the_passkey_next(
    deployment: Deployment, browser: Browser, web_app: Application, passkey: SoftPasskey, who: str
) -> None:
    asked = require(deployment, web_app, who)
    page = browser.open(asked.url)
    answer = browser.sign_in(page)
    page = step_up(deployment, browser, answer, passkey)
    assert acr_of(web_app, asked, browser.decide(page)) == PHR


@pytest.mark.parametrize("who", REQUIRING)
def test_without_an_interaction_the_client_is_told_that_a_login_is_required(
    deployment: Deployment, signed_in: Browser, web_app: Application, passkey: SoftPasskey, who: str
) -> None:
    asked = require(deployment, web_app, who)
    with deployment.nothing_spent(("session#",)):
        answer = signed_in.open(f"{asked.url}&prompt=none")
    assert answer.answered["error"] == "login_required"


@pytest.mark.parametrize("who", ["acr_values", "essential claim"])
def test_what_an_account_cannot_reach_is_told_to_the_client(
    deployment: Deployment, signed_in: Browser, web_app: Application, who: str
) -> None:
    """John has no passkey, and no operator asks him to make one."""
    asked = require(deployment, web_app, who)
    with deployment.nothing_spent(("session#",)):
        assert unmet(signed_in.open(asked.url))


@pytest.mark.parametrize("who", ["client", "account", "role"])
def test_who_lacks_the_means_makes_a_passkey_and_goes_on(
    deployment: Deployment, browser: Browser, web_app: Application, who: str
) -> None:
    asked = require(deployment, web_app, who)
    page = browser.sign_in(browser.open(asked.url))
    assert "To go on, you need a passkey" in page.body
    assert not forms_of(page)  # there is no "not now"
    from tests.integration.test_passkey_enrolment import add

    passkey, answer = add(browser, page)
    deployment.clock.advance(1)
    answer = step_up(deployment, browser, keep_codes(browser, answer), passkey)
    assert acr_of(web_app, asked, browser.decide(answer)) == PHR


def test_to_make_a_passkey_the_sign_in_has_to_be_fresh(
    deployment: Deployment, signed_in: Browser, web_app: Application
) -> None:
    deployment.clock.advance(300)
    asked = require(deployment, web_app, "client")
    page = signed_in.open(asked.url)
    assert form_of(page).names >= {"password"}
    assert "To go on, you need a passkey" in signed_in.sign_in(page).body


@pytest.mark.parametrize("who", ["client", "role", "acr_values", "essential claim"])
def test_where_there_are_no_passkeys_the_client_is_told_at_once(
    deployment: Deployment, web_app: Application, who: str
) -> None:
    from dataclasses import replace

    asked = require(deployment, web_app, who)
    browser = at_own_name(deployment)
    url = asked.url.replace(web_app.issuer, browser.issuer)
    answer = browser.open(url)
    if who == "role":  # whose role it is, is known later
        answer = browser.sign_in(answer)
    assert unmet(answer)
    assert replace(web_app, issuer=browser.issuer)


def test_a_level_that_this_release_does_not_know_is_reached_by_none(
    deployment: Deployment, signed_in: Browser, web_app: Application, passkey: SoftPasskey
) -> None:
    asked = require(deployment, web_app, "client", "urn:example:later")
    assert unmet(signed_in.open(asked.url))


def test_a_passkey_is_enough_for_all(
    deployment: Deployment, browser: Browser, web_app: Application, passkey: SoftPasskey
) -> None:
    """It is never followed by a password, except where a client calls the password's level essential."""
    require(deployment, web_app, "client", PASSWORD)
    asked = web_app.ask(acr_values=f"{PASSWORD} {PHR}")
    page = browser.open(asked.url)
    deployment.clock.advance(1)
    answer = browser.decide(browser.follow(use(browser, page, passkey)))
    assert acr_of(web_app, asked, answer) == PHR
    asked = web_app.ask(claims=essential(PASSWORD))
    page = browser.open(asked.url)
    assert 'id="passkey"' not in page.body
    assert acr_of(web_app, asked, browser.sign_in(page)) == PASSWORD


def test_the_first_level_that_the_account_can_reach_counts(
    deployment: Deployment, signed_in: Browser, web_app: Application
) -> None:
    asked = web_app.ask(acr_values=f"{PHR} {PASSWORD}")
    assert acr_of(web_app, asked, signed_in.open(asked.url)) == PASSWORD
    passkey = give_passkey(deployment.table("Users"), "demo-john", RP_ID)
    asked = web_app.ask(acr_values=f"{PHR} {PASSWORD}")
    answer = step_up(deployment, signed_in, signed_in.open(asked.url), passkey)
    assert acr_of(web_app, asked, answer) == PHR


def test_levels_that_nobody_knows_are_refused_and_passed_over_next_to_one_that_is_known(
    signed_in: Browser, web_app: Application
) -> None:
    assert unmet(signed_in.open(web_app.ask(acr_values="1 2 3").url))
    asked = web_app.ask(acr_values=f"gold {PASSWORD}")
    assert acr_of(web_app, asked, signed_in.open(asked.url)) == PASSWORD


def test_a_session_below_its_accounts_level_is_no_session_for_any_other_endpoint(
    deployment: Deployment, signed_in: Browser, web_app: Application, passkey: SoftPasskey
) -> None:
    require(deployment, web_app, "account")
    for path in ("/account", "/account/sessions", "/account/passkeys"):
        assert is_at(signed_in.get(path), "/authorize")


def test_a_consent_page_that_was_opened_before_is_worth_nothing(
    deployment: Deployment, browser: Browser, web_app: Application, passkey: SoftPasskey
) -> None:
    """The client's requirement comes while the page is open."""
    page = browser.sign_in(browser.open(web_app.ask().url))
    form = form_of(page)
    require(deployment, web_app, "client")
    with deployment.nothing_spent(("session#",)):
        assert is_at(browser.post(form.action, {**form.hidden, "decision": "allow"}), "/authorize")


def test_an_old_passkey_sign_in_is_old_for_max_age(
    deployment: Deployment, browser: Browser, web_app: Application, passkey: SoftPasskey
) -> None:
    page = browser.open(web_app.ask().url)
    deployment.clock.advance(1)
    browser.decide(browser.follow(use(browser, page, passkey)))
    deployment.clock.advance(100)
    asked = web_app.ask(max_age="60")
    page = browser.open(asked.url)
    assert form_of(page).names >= {"password"}
    assert "code" in browser.open(web_app.ask(max_age="3600").url).answered
    deployment.clock.advance(1)
    assert "code" in browser.follow(use(browser, page, passkey)).answered


def test_the_metadata_names_the_levels_that_work_here(deployment: Deployment, browser: Browser) -> None:
    path = "/.well-known/openid-configuration"
    assert browser.get(path).json()["acr_values_supported"] == [PASSWORD, MULTI_FACTOR, PHR]
    assert at_own_name(deployment).get(path).json()["acr_values_supported"] == [PASSWORD]


def test_the_hint_in_the_address_is_gone_once_it_is_met(
    deployment: Deployment, signed_in: Browser, web_app: Application, passkey: SoftPasskey
) -> None:
    asked = require(deployment, web_app, "client")
    redirect = signed_in.get(asked.url)
    assert parse_qs(urlsplit(redirect.location).query)["acr"] == [PHR]
    other = web_app.ask(prompt="login")
    assert "acr" in parse_qs(urlsplit(signed_in.get(other.url).location).query)
