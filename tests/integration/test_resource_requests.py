"""Resource indicators at /authorize, and the consent page for several APIs (RFC 8707 §2.1)."""

from __future__ import annotations

import re
from dataclasses import replace

import pytest
from valet.models.clients import ProtectedApi

from tests.integration.two_apis import BANK, OTHER, SCOPE, SHOP, allow, claims_of, register, repeated, url_of
from tests.support.application import Application
from tests.support.browser import Browser
from tests.support.deployment import Deployment
from tests.support.wire import Answer, refused


@pytest.fixture(autouse=True)
def _two_apis(deployment: Deployment) -> None:
    register(deployment)


@pytest.mark.parametrize("method", ["GET", "POST"])
@pytest.mark.parametrize("resource", [OTHER, "https://nobody.example", f"{SHOP}#a", "shop", f"{BANK}/", "urn:x"])
def test_a_request_for_another_resource_goes_back_as_invalid_target(
    deployment: Deployment, browser: Browser, web_app: Application, resource: str, method: str
) -> None:
    asked = web_app.ask(scope="openid buy")
    pairs = (*asked.parameters.items(), ("resource", SHOP), ("resource", resource))
    with deployment.nothing_spent():
        if method == "GET":
            answer = browser.get(url_of(asked, SHOP, resource))
        else:
            answer = browser.post_from_another_site("/authorize", pairs)
    assert (answer.status, answer.answered["error"]) == (303, "invalid_target")
    assert (answer.answered["state"], answer.answered["iss"]) == (asked.state, deployment.issuer)
    assert deployment.audit.events[-1] == ("resource.refused", {"client_id": "web_app_123", "resource": resource})


@pytest.mark.parametrize(
    ("scope", "resources"),
    [("openid buy pay", [SHOP]), ("openid buy", [SHOP, BANK]), ("openid", [SHOP]), ("buy items", [SHOP])],
)
def test_a_request_whose_scope_is_not_that_of_its_resources_goes_back_as_invalid_scope(
    deployment: Deployment, browser: Browser, web_app: Application, scope: str, resources: list[str]
) -> None:
    with deployment.nothing_spent():
        answer = browser.get(url_of(web_app.ask(scope=scope), *resources))
    assert answer.answered["error"] == "invalid_scope"


def test_scopes_of_two_apis_without_resource_are_refused_and_the_refusal_says_how_to_ask(
    deployment: Deployment, browser: Browser, web_app: Application
) -> None:
    with deployment.nothing_spent():
        answered = browser.get(web_app.ask(scope=SCOPE).url).answered
    assert answered["error"] == "invalid_scope"
    assert "name each API by the parameter resource" in answered["error_description"]


def test_a_request_by_post_and_one_begun_anew_keep_their_resources(
    deployment: Deployment, browser: Browser, web_app: Application
) -> None:
    asked = web_app.ask(scope=SCOPE)
    pairs = (*asked.parameters.items(), ("resource", SHOP), ("resource", BANK))
    page = browser.sign_in(browser.follow(browser.post_from_another_site("/authorize", pairs)))
    deployment.clock.advance(deployment.settings.saved_request_lifetime + 1)
    again = browser.decide(page)
    assert "At Bank" in dict(shown(again))
    code = browser.decide(again).answered["code"]
    with deployment.nothing_spent():
        assert web_app.redeem(code, asked.code_verifier).error == "invalid_target"
    assert web_app.redeem(code, asked.code_verifier, resource=BANK).json()["scope"] == "offline_access openid pay"


def test_an_api_whose_audience_is_no_uri_goes_on_and_is_not_named(
    deployment: Deployment, browser: Browser, web_app: Application
) -> None:
    """The release before let operators register such audiences."""
    shop = deployment.server.registry.scopes().apis[SHOP]
    deployment.registrar.put_api(replace(shop, scopes=frozenset()))
    deployment.registrar.put_api(replace(shop, audience="shop"))
    deployment.clock.advance(11)
    asked = web_app.ask(scope="openid buy")
    with deployment.nothing_spent():
        assert browser.get(url_of(asked, "shop")).answered["error"] == "invalid_target"
    code = browser.decide(browser.sign_in(browser.open(asked.url))).answered["code"]
    tokens = web_app.redeem(code, asked.code_verifier).json()
    assert claims_of(tokens["access_token"])["aud"] == ["shop", deployment.issuer]
    assert web_app.refresh(tokens["refresh_token"]).status == 200


def test_a_service_names_the_api_that_its_token_is_for(deployment: Deployment, service: Application) -> None:
    deployment.change_client("api_service_789", scope=frozenset({"admin", "api_access", "buy", "pay"}))
    with deployment.nothing_spent():
        assert "resource" in service.client_credentials(scope="buy pay").json()["error_description"]
        assert service.client_credentials(scope="buy", resource=BANK).error == "invalid_scope"
        assert service.client_credentials(scope="buy pay", resource=BANK).error == "invalid_scope"
        for resource in (OTHER, "shop", f"{SHOP}#a"):
            assert service.client_credentials(scope="buy", resource=resource).error == "invalid_target"
        form = {"grant_type": "client_credentials", "scope": "buy pay"}
        refused(repeated(service, SHOP, BANK, **form), 400, "invalid_target")
    # Without a scope: the default within the API, else all that the client may ask of it.
    for resource, scope, lifetime in ((BANK, "pay", 300), (f"{deployment.issuer}/api", "admin api_access", 900)):
        answer = service.client_credentials(resource=resource).json()
        claims = claims_of(answer["access_token"])
        assert (claims["aud"], claims["scope"], answer["scope"]) == (resource, scope, scope)
        assert answer["expires_in"] == lifetime
    assert claims_of(service.client_credentials(scope="buy", resource=f"{SHOP}/").json()["access_token"])["aud"] == SHOP


def test_of_two_apis_that_name_a_scope_of_the_issuer_the_token_is_for_the_one_that_is_named(
    deployment: Deployment, browser: Browser, web_app: Application, service: Application
) -> None:
    """An earlier release let operators register that. Without a resource such a request is refused."""
    deployment.registrar.put_api(ProtectedApi(SHOP, "Shop", frozenset({"buy", "profile"})))
    deployment.change_client("api_service_789", scope=frozenset({"profile"}))
    with deployment.nothing_spent():
        assert service.client_credentials(scope="profile").error == "invalid_scope"
    token = service.client_credentials(scope="profile", resource=SHOP).json()["access_token"]
    assert claims_of(token)["aud"] == SHOP
    allowed = allow(browser, web_app, SHOP, scope="openid profile")
    token = allowed.redeem(web_app, resource=SHOP).json()["access_token"]
    assert claims_of(token)["aud"] == [SHOP, deployment.issuer]


def shown(page: Answer) -> list[tuple[str, list[str]]]:
    """What the consent page shows: each list's title, and its scopes."""
    parts = re.findall(r'(?:<h2 id="[^"]+">(.*?)</h2>\s*)?<ul class="scopes"[^>]*>(.*?)</ul>', page.body, re.DOTALL)
    return [(re.sub(r"<[^>]+>", "", title), re.findall(r'data-scope="([^"]+)"', items)) for title, items in parts]


def test_the_consent_page_shows_the_scopes_of_several_apis_by_api(
    deployment: Deployment, browser: Browser, web_app: Application
) -> None:
    page = browser.sign_in(browser.open(url_of(web_app.ask(scope=f"{SCOPE} email"), BANK, SHOP)))
    away = ("For all of the above", ["offline_access"])
    assert shown(page) == [("", ["openid", "email"]), ("At Bank", ["pay"]), ("At Shop", ["buy"]), away]
    for scope in ("openid", "email", "pay", "buy", "offline_access"):
        assert deployment.server.registry.scopes().scopes[scope].description in page.body


def test_an_api_that_names_a_scope_of_the_issuer_is_shown_with_it(
    deployment: Deployment, browser: Browser, web_app: Application
) -> None:
    asked = web_app.ask(scope="openid profile buy")
    page = browser.sign_in(browser.open(url_of(asked, f"{deployment.issuer}/api", SHOP)))
    assert shown(page) == [("", ["openid", "profile"]), ("At Demo API", ["profile"]), ("At Shop", ["buy"])]


@pytest.mark.parametrize("resources", [[], [SHOP]])
def test_the_consent_page_for_one_api_is_as_it_was(
    browser: Browser, web_app: Application, resources: list[str]
) -> None:
    page = browser.sign_in(browser.open(url_of(web_app.ask(scope="openid buy offline_access"), *resources)))
    assert shown(page) == [("", ["openid", "buy", "offline_access"])]


def test_a_consent_for_one_api_is_none_for_another(
    deployment: Deployment, browser: Browser, web_app: Application
) -> None:
    allow(browser, web_app, SHOP, scope="openid buy")
    silent = {"prompt": "none", "scope": "openid buy"}
    assert "code" in browser.open(url_of(web_app.ask(**silent), SHOP)).answered
    for scope, resources in (("openid pay", [BANK]), ("openid buy pay", [SHOP, BANK])):
        with deployment.nothing_spent(but=("request#",)):
            answered = browser.open(url_of(web_app.ask(prompt="none", scope=scope), *resources)).answered
            assert answered["error"] == "consent_required"
            page = browser.open(url_of(web_app.ask(scope=scope), *resources))
            assert browser.decide(page, "deny").answered["error"] == "access_denied"
            assert "pay" in dict(shown(page)).get("At Bank", shown(page)[0][1])


def test_a_consent_that_is_remembered_for_two_apis_serves_each(browser: Browser, web_app: Application) -> None:
    allow(browser, web_app, SHOP, BANK)
    for scope, resources in (("openid buy", [SHOP]), ("openid pay", [BANK]), (SCOPE, [BANK, SHOP])):
        answered = browser.open(url_of(web_app.ask(prompt="none", scope=scope), *resources)).answered
        assert "code" in answered, answered


def test_what_changed_while_the_consent_page_was_open_is_shown_before_it_is_granted(
    deployment: Deployment, browser: Browser, web_app: Application
) -> None:
    """Another name of the first API's scope, by another API: the page was about something else."""
    page = browser.sign_in(browser.open(url_of(web_app.ask(scope=SCOPE), SHOP, BANK)))
    deployment.registrar.put_api(ProtectedApi(BANK, "Bank"))
    deployment.registrar.put_api(ProtectedApi(OTHER, "Other", frozenset({"pay"})))
    deployment.clock.advance(11)
    with deployment.nothing_spent():
        again = browser.decide(page)
        assert again.status == 400
        assert shown(again) == [("", ["openid", "buy", "offline_access"])]
    code = browser.decide(again).answered["code"]
    grant = deployment.server.grants.find(code.partition(".")[0])
    assert grant is not None
    assert (grant.aud, grant.resources, grant.scope) == ((SHOP,), (), ("buy", "offline_access", "openid"))


def test_a_scope_that_moves_between_the_named_apis_while_the_page_is_open_is_shown_again(
    deployment: Deployment, browser: Browser, web_app: Application
) -> None:
    """The scope is the same, and the end-user allowed it at the bank."""
    page = browser.sign_in(browser.open(url_of(web_app.ask(scope="openid buy pay"), SHOP, BANK)))
    deployment.registrar.put_api(ProtectedApi(BANK, "Bank"))
    deployment.registrar.put_api(ProtectedApi(SHOP, "Shop", frozenset({"buy", "pay"})))
    deployment.clock.advance(11)
    with deployment.nothing_spent():
        again = browser.decide(page)
        assert again.status == 400
        assert shown(again) == [("", ["openid", "buy", "pay"])]


def test_a_request_of_which_no_api_is_left_goes_back_as_invalid_scope(
    deployment: Deployment, browser: Browser, web_app: Application
) -> None:
    page = browser.sign_in(browser.open(url_of(web_app.ask(scope="openid pay"), BANK)))
    deployment.registrar.put_api(ProtectedApi(BANK, "Bank"))
    deployment.clock.advance(11)
    with deployment.nothing_spent():
        assert browser.decide(page).answered["error"] == "invalid_scope"
