"""What a sign-in by another provider is worth: its level, its methods, and how fresh it is (P20)."""

from __future__ import annotations

from typing import Any

import jwt
import pytest

from tests.integration.guesses import anew
from tests.integration.visiting import at_account
from tests.support.application import Application
from tests.support.browser import Browser, form_of
from tests.support.deployment import BEGINNING, Deployment
from tests.support.federation import Federation, asked_of, button_of
from tests.support.passkeys import give_passkey, use
from tests.support.providers import FakeProvider
from tests.support.wire import Answer

SESSION = "__Host-valet-session"


@pytest.fixture
def idp(federation: Federation) -> FakeProvider:
    """John is linked to the person there. It does not say when the person signed in."""
    made = federation.add()
    federation.link(made, "demo-john")
    return made


def claims_of(app: Application, answer: Answer, code_verifier: str) -> dict[str, Any]:
    tokens = app.redeem(answer.answered["code"], code_verifier).json()
    found: dict[str, Any] = jwt.decode(tokens["id_token"], options={"verify_signature": False})
    return found


def back(federation: Federation, browser: Browser, app: Application, idp: FakeProvider, **asked: str) -> Answer:
    """Where the browser is after a trip, and the consent that it leads to."""
    page = browser.open(app.ask(**asked).url)
    answer = browser.follow(federation.trip(browser, idp, page))
    is_consent = answer.is_page and 'name="decision"' in answer.body
    return browser.decide(answer) if is_consent else answer


# Levels ---------------------------------------------------------------------------------------------------------------


def test_methods_that_a_provider_does_not_name_are_not_made_up(
    deployment: Deployment, federation: Federation, browser: Browser, web_app: Application, idp: FakeProvider
) -> None:
    asked = web_app.ask()
    answer = browser.decide(browser.follow(federation.trip(browser, idp, browser.open(asked.url))))
    claims = claims_of(web_app, answer, asked.code_verifier)
    assert claims["acr"] == "urn:valet:acr:upstream"
    assert "amr" not in claims


def test_the_metadata_names_the_level(federation: Federation, browser: Browser) -> None:
    supported = browser.get("/.well-known/openid-configuration").json()["acr_values_supported"]
    assert "urn:valet:acr:upstream" in supported


@pytest.mark.parametrize(("told", "acr"), [({"amr": ["mfa"]}, True), ({"acr": "gold"}, True), ({"acr": "tin"}, False)])
def test_the_operators_rules_say_which_level_a_word_stands_for(
    deployment: Deployment,
    federation: Federation,
    browser: Browser,
    web_app: Application,
    idp: FakeProvider,
    told: dict[str, Any],
    acr: bool,
) -> None:
    multi_factor = "urn:valet:acr:multi-factor"
    federation.register(idp, acr_values=frozenset({f"mfa={multi_factor}", f"gold={multi_factor}"}))
    idp.claims |= told
    asked = web_app.ask()
    answer = browser.decide(browser.follow(federation.trip(browser, idp, browser.open(asked.url))))
    expected = multi_factor if acr else "urn:valet:acr:upstream"
    assert claims_of(web_app, answer, asked.code_verifier)["acr"] == expected


def test_a_client_that_needs_a_level_gets_it_by_the_providers_word_or_an_error_after_one_trip(
    deployment: Deployment, federation: Federation, browser: Browser, web_app: Application, idp: FakeProvider
) -> None:
    multi_factor = "urn:valet:acr:multi-factor"
    federation.register(idp, acr_values=frozenset({f"mfa={multi_factor}"}))
    assert multi_factor in browser.get("/.well-known/openid-configuration").json()["acr_values_supported"]
    claims = '{"id_token": {"acr": {"essential": true, "value": "urn:valet:acr:multi-factor"}}}'
    answer = back(federation, browser, web_app, idp, claims=claims)
    assert answer.answered["error"] == "unmet_authentication_requirements"
    idp.claims["amr"] = ["mfa"]
    assert "code" in back(federation, anew(deployment), web_app, idp, claims=claims).answered


def test_a_client_that_requires_a_passkey_is_not_given_a_providers_word(
    deployment: Deployment, federation: Federation, browser: Browser, web_app: Application, idp: FakeProvider
) -> None:
    passkey = give_passkey(deployment.table("Users"), "demo-john", "id.example.com")
    deployment.change_client("web_app_123", required_acr="phr")
    page = browser.follow(federation.trip(browser, idp, browser.open(web_app.ask().url)))
    assert "/federate/" not in page.body  # it would come to the same
    deployment.clock.advance(1)
    assert "code" in browser.decide(browser.follow(use(browser, page, passkey))).answered


def test_an_essential_acr_of_the_providers_is_met_by_a_provider_alone(
    deployment: Deployment, federation: Federation, browser: Browser, web_app: Application, idp: FakeProvider
) -> None:
    essential = '{"id_token": {"acr": {"essential": true, "value": "urn:valet:acr:upstream"}}}'
    page = browser.sign_in(browser.open(web_app.ask(claims=essential).url))
    assert "code" not in page.headers.get("location", "")
    answer = back(federation, anew(deployment), web_app, idp, claims=essential)
    assert "code" in answer.answered
    # John is linked, and can do better than by his password.
    page = browser.open(web_app.ask(claims=essential).url)
    assert "/federate/" in page.body
    assert 'name="password"' not in page.body
    assert "passkey" not in page.body


def test_a_role_of_the_provider_requires_its_level(
    deployment: Deployment, federation: Federation, browser: Browser, web_app: Application, idp: FakeProvider
) -> None:
    from valet.models.policy import Policy

    federation.register(idp, roles_claim="groups", roles=frozenset({"staff=auditor"}))
    deployment.registrar.put_policy(Policy(role_required_acr=frozenset({"auditor=phr"})))
    deployment.clock.advance(11)
    give_passkey(deployment.table("Users"), "demo-john", "id.example.com")
    assert "code" in back(federation, browser, web_app, idp).answered
    idp.claims["groups"] = ["staff"]
    page = back(federation, anew(deployment), web_app, idp)
    assert page.is_page
    assert "passkey" in page.body


# How fresh ------------------------------------------------------------------------------------------------------------


def test_without_a_time_the_trip_is_the_time_and_no_request_that_asks_for_a_fresh_sign_in_gets_one(
    deployment: Deployment, federation: Federation, browser: Browser, web_app: Application, idp: FakeProvider
) -> None:
    asked = web_app.ask()
    page = browser.open(asked.url)
    deployment.clock.advance(5)
    begun = int(deployment.clock.now)
    sent = browser.get(button_of(page, idp))
    deployment.clock.advance(20)
    answer = browser.decide(browser.follow(browser.get(federation.brought_back(idp, sent))))
    assert claims_of(web_app, answer, asked.code_verifier)["auth_time"] == begun
    # Signed in, but for how long, nobody knows.
    assert "code" in browser.open(web_app.ask().url).answered
    for fresh in ({"max_age": "86400"}, {"prompt": "login"}):
        assert "/federate/" in browser.open(web_app.ask(**fresh).url).body
    assert browser.open(web_app.ask(prompt="none", max_age="86400").url).answered["error"] == "login_required"


@pytest.mark.parametrize(
    "fresh", [{"max_age": "60"}, {"max_age": "0"}, {"prompt": "login"}, {"prompt": "select_account"}]
)
@pytest.mark.parametrize("auth_time", [None, BEGINNING - 1000])
def test_a_request_for_a_fresh_sign_in_is_told_login_required_after_one_trip_that_was_not(
    deployment: Deployment,
    federation: Federation,
    browser: Browser,
    web_app: Application,
    idp: FakeProvider,
    fresh: dict[str, str],
    auth_time: float | None,
) -> None:
    """GitHub never says when, Google only where its console says so, and a provider may have a session of its own."""
    if auth_time is not None:
        idp.claims["auth_time"] = int(auth_time)
    asked = web_app.ask(**fresh)
    sent = browser.get(button_of(browser.open(asked.url), idp))
    wishes = asked_of(sent)
    assert (wishes.get("max_age"), wishes.get("prompt")) in ((fresh.get("max_age"), None), (None, "login"))
    answer = browser.follow(browser.get(federation.brought_back(idp, sent)))
    assert answer.location.startswith("https://webapp.example.com/")
    assert answer.answered["error"] == "login_required"
    assert SESSION in browser.cookies  # they have signed in all the same
    assert "code" in browser.decide(browser.open(web_app.ask().url)).answered


@pytest.mark.parametrize("fresh", [{"max_age": "60"}, {"max_age": "0"}, {"prompt": "login"}])
@pytest.mark.parametrize("behind", [0, 2])
def test_a_sign_in_that_the_provider_made_because_of_the_request_is_fresh(
    deployment: Deployment,
    federation: Federation,
    browser: Browser,
    web_app: Application,
    idp: FakeProvider,
    fresh: dict[str, str],
    behind: int,
) -> None:
    """Also by a clock that is a little behind."""
    asked = web_app.ask(**fresh)
    page = browser.open(asked.url)
    idp.claims["auth_time"] = int(deployment.clock.now) - behind
    deployment.clock.advance(20)
    answer = browser.decide(browser.follow(federation.trip(browser, idp, page)))
    assert "code" in answer.answered
    assert claims_of(web_app, answer, asked.code_verifier)["auth_time"] >= int(deployment.clock.now) - 20


def test_a_time_in_the_future_is_not_believed(
    deployment: Deployment, federation: Federation, browser: Browser, web_app: Application, idp: FakeProvider
) -> None:
    idp.claims["auth_time"] = int(deployment.clock.now) + 10_000
    assert federation.trip(browser, idp, browser.open(web_app.ask().url)).status == 400
    assert deployment.audit.events[-1][1]["detail"] == "ID token: auth_time is ahead"
    idp.claims["auth_time"] = int(deployment.clock.now) + 5  # its clock is a little ahead
    asked = web_app.ask()
    answer = browser.decide(browser.follow(federation.trip(browser, idp, browser.open(asked.url))))
    assert claims_of(web_app, answer, asked.code_verifier)["auth_time"] == int(deployment.clock.now)


def test_an_old_session_at_the_provider_does_not_become_younger_here(
    deployment: Deployment, federation: Federation, browser: Browser, web_app: Application, idp: FakeProvider
) -> None:
    idp.claims["auth_time"] = int(deployment.clock.now) - 5000
    assert "code" in back(federation, browser, web_app, idp).answered
    assert "code" in browser.open(web_app.ask(max_age="6000").url).answered
    assert "/federate/" in browser.open(web_app.ask(max_age="4000").url).body


# The account page -----------------------------------------------------------------------------------------------------


def test_who_has_other_means_proves_by_them_that_they_are_here(
    deployment: Deployment, federation: Federation, browser: Browser, idp: FakeProvider
) -> None:
    page = browser.follow(federation.trip(browser, idp, browser.open("/account/delete")))
    assert f"{idp.provider.name} did not say when you signed in there" in page.body
    assert "password" in form_of(page).names
    page = browser.sign_in(page)
    assert 'aria-current="page">Delete' in page.body.replace("\n", "")


def test_who_has_no_other_means_proves_it_by_the_trip(
    deployment: Deployment, federation: Federation, browser: Browser, idp: FakeProvider
) -> None:
    federation.change("demo-john", has_no_password=True, password_id="")
    asked = browser.open("/account/delete")
    sent = browser.get(button_of(asked, idp))
    assert asked_of(sent)["max_age"] == "300"
    page = browser.follow(browser.get(federation.brought_back(idp, sent)))
    assert 'aria-current="page">Delete' in page.body.replace("\n", "")
    deployment.clock.advance(301)
    assert browser.get("/account/delete").status == 303  # a new trip
    # A trip that is not so fresh as the provider says itself does not count, though there is nothing else.
    idp.claims["auth_time"] = int(deployment.clock.now) - 1000
    page = browser.follow(federation.trip(browser, idp, browser.open("/account/delete")))
    assert 'aria-current="page">Delete' not in page.body.replace("\n", "")


def test_a_providers_word_opens_the_account_page(
    deployment: Deployment, federation: Federation, browser: Browser, idp: FakeProvider
) -> None:
    page = browser.follow(federation.trip(browser, idp, browser.open("/account")))
    assert page.status == 200
    assert 'aria-current="page">Overview' in page.body.replace("\n", "")


# A client's ways ------------------------------------------------------------------------------------------------------


def test_a_client_that_takes_a_provider_alone_does_not_take_a_session_by_password(
    deployment: Deployment, federation: Federation, web_app: Application, idp: FakeProvider
) -> None:
    deployment.change_client("web_app_123", providers=frozenset({idp.provider.provider_id}))
    browser = at_account(deployment)
    sent = browser.open(web_app.ask().url)  # straight on: there is one way
    assert sent.location.startswith(f"{idp.provider.authorization_endpoint}?")
    assert browser.open(web_app.ask(prompt="none").url).answered["error"] == "login_required"
    answer = browser.decide(browser.follow(browser.get(federation.brought_back(idp, sent))))
    assert "code" in answer.answered
    # And by hand, the password's form does not get there.
    deployment.change_client("web_app_123", providers=frozenset({"local"}))
    other = anew(deployment)
    page = other.open(web_app.ask().url)
    deployment.change_client("web_app_123", providers=frozenset({idp.provider.provider_id}))
    assert other.sign_in(page).location.startswith(f"{idp.provider.authorization_endpoint}?")


def test_a_client_that_takes_this_servers_means_alone_does_not_take_a_session_by_a_provider(
    deployment: Deployment, federation: Federation, browser: Browser, web_app: Application, idp: FakeProvider
) -> None:
    assert "code" in back(federation, browser, web_app, idp).answered
    deployment.change_client("web_app_123", providers=frozenset({"local"}))
    page = browser.open(web_app.ask().url)
    assert "/federate/" not in page.body
    assert "code" in browser.sign_in(page).answered


def test_a_grant_of_a_providers_word_lives_on_without_it(
    deployment: Deployment, federation: Federation, browser: Browser, web_app: Application, idp: FakeProvider
) -> None:
    """Who is shut out at the provider keeps what was granted until its end, or until an operator ends it."""
    asked = web_app.ask()
    answer = browser.decide(browser.follow(federation.trip(browser, idp, browser.open(asked.url))))
    tokens = web_app.redeem(answer.answered["code"], asked.code_verifier).json()
    federation.remove(idp)
    deployment.clock.advance(60)
    tokens = web_app.refresh(tokens["refresh_token"]).json()
    assert "access_token" in tokens
    deployment.raise_epoch("demo-john")
    assert web_app.refresh(tokens["refresh_token"]).error == "invalid_grant"
