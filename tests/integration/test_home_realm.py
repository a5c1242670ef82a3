"""The sign-in page with other providers: a button each, and the domain of an address leads home, whoever has an
account (CVE-2026-4633).
"""

from __future__ import annotations

from typing import Any

import pytest

from local.aws.calls import Call
from tests.integration.guesses import anew
from tests.support.application import Application
from tests.support.browser import Browser, filled_in, form_of, passkey_form_of
from tests.support.deployment import Deployment
from tests.support.federation import Federation, asked_of, button_of, callback
from tests.support.providers import FakeProvider
from tests.support.wire import Answer


@pytest.fixture
def home(federation: Federation) -> FakeProvider:
    """The provider that gives out the addresses of corp.example."""
    return federation.add(name="Corp", domains=frozenset({"corp.example"}))


def named(browser: Browser, page: Answer, username: str) -> Answer:
    """The answer to the form that asks for the name alone."""
    return browser.post(*filled_in(page, "do", "name", username=username))


# Buttons --------------------------------------------------------------------------------------------------------------


def test_each_provider_has_a_button_in_the_order_of_their_names_and_the_readers_language(
    federation: Federation, browser: Browser, web_app: Application
) -> None:
    one = federation.add(name="Zebra", translations=frozenset({"name#de=Das Zebra"}))
    other = federation.add(name="Ant <&>")
    page = browser.open(web_app.ask().url)
    assert "Continue with <bdi>Zebra</bdi>" in page.body
    assert "Continue with <bdi>Ant &lt;&amp;&gt;</bdi>" in page.body
    assert page.body.index("Ant") < page.body.index("Zebra")
    assert "password" in form_of(page).names
    assert passkey_form_of(page).data  # autofill stays
    german = browser.open(web_app.ask(ui_locales="de").url)
    assert "Weiter mit <bdi>Das Zebra</bdi>" in german.body
    for idp in (one, other):
        assert browser.get(button_of(page, idp)).location.startswith(idp.host)


def test_a_page_after_a_wrong_password_or_a_refused_passkey_has_the_buttons_too(
    federation: Federation, browser: Browser, web_app: Application
) -> None:
    idp = federation.add()
    page = browser.open(web_app.ask().url)
    assert button_of(browser.sign_in(page, password="wrong"), idp)
    form = passkey_form_of(page).hidden
    assert button_of(browser.post("/login/passkey", form), idp)


# The domain decides ---------------------------------------------------------------------------------------------------


def test_where_a_provider_has_domains_the_page_asks_for_the_name_first(
    deployment: Deployment, browser: Browser, web_app: Application, home: FakeProvider
) -> None:
    page = browser.open(web_app.ask().url)
    assert "password" not in form_of(page).names
    assert 'autocomplete="username webauthn"' in page.body
    assert passkey_form_of(page).data
    with deployment.nothing_spent():
        led = named(browser, page, "Anybody@CORP.example ")
    sent = browser.follow(led)
    assert sent.location.startswith(home.host)
    assert asked_of(sent)["login_hint"] == "Anybody@CORP.example "
    password = named(browser, page, "john")
    assert form_of(password).names >= {"username", "password"}
    assert 'value="john"' in password.body
    assert "code" in browser.decide(browser.sign_in(password)).answered


@pytest.mark.parametrize(
    "typed",
    ["corp.example", "john@corp.example.org", "john@sub.corp.example", "john", "@", "john@", "john@other.example"],
)
def test_another_domain_leads_to_the_password(
    browser: Browser, web_app: Application, home: FakeProvider, typed: str
) -> None:
    page = named(browser, browser.open(web_app.ask().url), typed)
    assert "password" in form_of(page).names


def test_cve_2026_4633_the_step_that_asks_for_the_name_tells_nobody_who_is_here(
    deployment: Deployment, browser: Browser, web_app: Application, home: FakeProvider
) -> None:
    """Same words, same status, same calls, for a name that somebody has and for one that nobody has."""
    page = browser.open(web_app.ask().url)
    answers = []
    for typed in ("john", "nope", "john@example.com", "nope@example.com"):
        calls: list[tuple[str, str | None]] = []

        def watch(call: Call, forward: Any, calls: list[tuple[str, str | None]] = calls) -> Any:
            calls.append((call.action, call.partition_prefix))
            return forward()

        with deployment.aws.intercept(watch):
            answer = named(browser, page, typed)
        assert not {prefix for _, prefix in calls} & {
            "account#",
            "identifier#",
            "credential#",
            "password#",
            "throttle#",
        }
        answers.append((answer.status, answer.body.replace(typed, "x"), sorted(calls, key=str)))
    # Only what is remembered for ten seconds may differ.
    assert len({(status, body) for status, body, _ in answers}) == 1
    assert len({str(calls) for _, _, calls in answers}) == 1
    leads = [named(browser, page, f"{who}@corp.example").location for who in ("john", "nope")]
    assert leads[0].replace("john", "x") == leads[1].replace("nope", "x")


def test_a_name_needs_the_pages_own_form(
    deployment: Deployment, browser: Browser, web_app: Application, home: FakeProvider
) -> None:
    action, form = filled_in(browser.open(web_app.ask().url), "do", "name", username="a@corp.example")
    assert browser.post(action, {**form, "csrf_token": "x"}).status == 400


def test_a_hint_of_the_application_does_the_same_without_a_page(
    browser: Browser, web_app: Application, home: FakeProvider
) -> None:
    sent = browser.open(web_app.ask(login_hint="jane@corp.example").url)
    assert sent.location.startswith(home.host)
    assert asked_of(sent)["login_hint"] == "jane@corp.example"
    page = browser.open(web_app.ask(login_hint="jane").url)
    assert 'value="jane"' in page.body
    assert "password" in form_of(page).names  # the name is known already


def test_who_is_back_from_home_is_not_sent_there_again(
    deployment: Deployment, browser: Browser, web_app: Application, home: FakeProvider
) -> None:
    sent = browser.open(web_app.ask(login_hint="jane@corp.example").url)
    denied = {"error": "access_denied", "state": asked_of(sent)["state"]}
    page = browser.open(callback(home, denied))
    assert "You did not sign in at Corp" in page.body
    assert button_of(page, home)


# One way --------------------------------------------------------------------------------------------------------------


def test_one_provider_and_no_password_leads_straight_on(
    deployment: Deployment, federation: Federation, browser: Browser, web_app: Application
) -> None:
    idp = federation.add()
    federation.add()
    deployment.change_client("web_app_123", providers=frozenset({idp.provider.provider_id}))
    assert browser.open(web_app.ask().url).location.startswith(idp.host)
    # Not at other clients.
    deployment.change_client("web_app_123", providers=frozenset())
    assert "password" in form_of(browser.open(web_app.ask().url)).names


def test_two_providers_and_no_password_make_a_page_of_two_buttons(
    deployment: Deployment, federation: Federation, browser: Browser, web_app: Application
) -> None:
    one, other = federation.add(), federation.add()
    ways = frozenset({one.provider.provider_id, other.provider.provider_id})
    deployment.change_client("web_app_123", providers=ways)
    page = browser.open(web_app.ask().url)
    assert button_of(page, one)
    assert button_of(page, other)
    assert 'name="password"' not in page.body
    assert "passkey" not in page.body
    assert "script-src" not in page.headers["content-security-policy"]


def test_where_every_provider_of_a_client_is_gone_people_sign_in_by_this_servers_means(
    deployment: Deployment, federation: Federation, browser: Browser, web_app: Application
) -> None:
    """The page is no dead end. What it leads to counts only if the client takes it."""
    idp = federation.add()
    deployment.change_client("web_app_123", providers=frozenset({idp.provider.provider_id}))
    federation.register(idp, is_disabled=True)
    page = browser.open(web_app.ask().url)
    assert "password" in form_of(page).names
    assert "code" not in browser.sign_in(page).headers.get("location", "")


def test_row_4_at_a_client_without_passwords_leads_to_the_account_page(
    deployment: Deployment, federation: Federation, browser: Browser, web_app: Application
) -> None:
    idp = federation.add()
    idp.claims["email"] = "john@example.com"
    deployment.change_client("web_app_123", providers=frozenset({idp.provider.provider_id}))
    sent = browser.open(web_app.ask().url)
    page = browser.follow(browser.get(federation.brought_back(idp, sent)))
    assert "You have an account here already" in page.body
    assert '<a href="/account/providers">' in page.body
    assert 'name="password"' not in page.body


def test_the_page_works_without_script_and_loads_nothing(
    federation: Federation, browser: Browser, web_app: Application
) -> None:
    """No logo, no picture, no frame of a provider."""
    federation.add()
    page = browser.open(web_app.ask().url)
    policy = page.headers["content-security-policy"]
    assert "idp" not in policy
    assert "default-src 'none'" in policy


def test_nothing_of_it_is_there_without_a_provider(
    deployment: Deployment, federation: Federation, browser: Browser, web_app: Application
) -> None:
    with_federation = browser.open(web_app.ask().url)
    deployment.own_settings = {}
    deployment.restart()
    without = anew(deployment).open(web_app.ask().url)
    assert with_federation.body.count("<form") == without.body.count("<form")
    for page in (with_federation, without):
        assert 'class="or"' not in page.body
        assert 'class="ways"' not in page.body
