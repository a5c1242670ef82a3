"""A refusal says what is wrong with what, to the client's developer: each in the words of one who lost an hour."""

from __future__ import annotations

import re
from html import unescape
from urllib.parse import urlencode

import pytest

from tests.integration.conftest import Issued, Lines, Redeemed
from tests.support.application import Application
from tests.support.browser import Browser
from tests.support.deployment import Deployment
from tests.support.wire import Answer


def for_developer(page: Answer) -> str:
    """The part of the page for the developer of the app."""
    assert page.is_page
    (found,) = re.findall(r"<summary>For the developer of this app</summary>(.*?)</details>", page.body, re.DOTALL)
    return unescape(re.sub(r"<[^>]+>", "", found)).strip()


def test_my_library_asks_for_scopes_that_valet_does_not_know_and_the_answer_says_what_was_granted(
    browser: Browser, web_app: Application
) -> None:
    """OpenID Connect Core §3.1.2.1: unknown scopes are ignored. Was: the whole request failed."""
    asked = web_app.ask(scope=" openid  profile unheard_of groups offline_access ")
    form = browser.sign_in(browser.open(asked.url))
    assert "unheard_of" not in form.body
    tokens = web_app.redeem(browser.decide(form).answered["code"], asked.code_verifier).json()
    assert tokens["scope"] == "offline_access openid profile"
    # The library repeats its scopes when it refreshes (RFC 6749 §6).
    again = web_app.refresh(tokens["refresh_token"], scope=asked.parameters["scope"])
    assert (again.status, again.json()["scope"]) == (200, "offline_access openid profile")


def test_my_client_may_not_have_offline_access_and_still_signs_people_in(
    deployment: Deployment, browser: Browser, web_app: Application
) -> None:
    """OpenID Connect Core §11: ignored. Was: invalid_scope."""
    deployment.change_client("web_app_123", scope=frozenset({"openid", "profile"}))
    asked = web_app.ask(scope="openid profile offline_access")
    form = browser.sign_in(browser.open(asked.url))
    tokens = web_app.redeem(browser.decide(form).answered["code"], asked.code_verifier).json()
    assert tokens["scope"] == "openid profile"
    again = web_app.refresh(tokens["refresh_token"], scope="openid offline_access")
    assert (again.status, again.json()["scope"]) == (200, "openid")


def test_a_library_that_adds_offline_access_to_an_apis_scopes_gets_the_rest(
    deployment: Deployment, browser: Browser, web_app: Application
) -> None:
    """OpenID Connect Core §11. MCP's libraries add it, and repeat it when they refresh. Was: invalid_scope."""
    deployment.change_client("web_app_123", scope=frozenset({"items"}))
    asked = web_app.ask(scope="items offline_access", resource=f"{deployment.issuer}/api")
    form = browser.sign_in(browser.open(asked.url))
    tokens = web_app.redeem(browser.decide(form).answered["code"], asked.code_verifier).json()
    assert tokens["scope"] == "items"
    again = web_app.refresh(tokens["refresh_token"], scope="items offline_access")
    assert (again.status, again.json()["scope"]) == (200, "items")


@pytest.mark.parametrize(
    ("scope", "description", "named"),
    [
        ("openid items admin", "The scope admin is not registered for this client.", "admin"),
        ("items itmes", "The scope itmes is not registered at this server.", "itmes"),
        ("openid+profile", "The scope openid+profile is not registered at this server.", "openid+profile"),
    ],
)
def test_the_scope_that_my_client_may_not_have_is_named_in_the_answer_and_in_the_log(
    deployment: Deployment, web_app: Application, scope: str, description: str, named: str
) -> None:
    """Was: nothing named it, and the log named the others."""
    with deployment.nothing_spent():
        answered = deployment.send("GET", web_app.ask(scope=scope).url).answered
    assert answered["error"] == "invalid_scope"
    assert answered["error_description"].startswith(description)
    assert deployment.audit.events == [("scope.refused", {"client_id": "web_app_123", "scope": named})]


def test_a_refresh_for_nothing_but_unknown_scopes_is_refused_by_name(
    deployment: Deployment, web_app: Application, redeemed: Redeemed
) -> None:
    with deployment.nothing_spent():
        answer = web_app.refresh(redeemed.refresh_token, scope="unheard_of")
    assert answer.error == "invalid_scope"
    assert "unheard_of" in answer.json()["error_description"]
    assert web_app.refresh(redeemed.refresh_token, scope="   ").json()["scope"] == redeemed.tokens["scope"]


def test_my_redirect_uri_ends_in_a_slash_and_the_page_says_so(deployment: Deployment, web_app: Application) -> None:
    with deployment.nothing_spent():
        page = deployment.send("GET", web_app.ask(redirect_uri="https://webapp.example.com/callback/").url)
    assert page.status == 400
    assert "location" not in page.headers
    assert for_developer(page) == (
        "invalid_request: The redirect_uri https://webapp.example.com/callback/ is not registered for this client."
        " The nearest one that is: https://webapp.example.com/callback."
        " What differs: the slash at the end of the path."
    )
    assert "tell the people who run the app" in page.body
    assert "give this reference" in page.body


def test_a_redirect_uri_with_markup_is_shown_as_text(deployment: Deployment, web_app: Application) -> None:
    page = deployment.send("GET", web_app.ask(redirect_uri="https://webapp.example.com/<script>alert(1)</script>").url)
    assert "<script" not in page.body
    assert "?script?alert(1)?/script?" in for_developer(page)


def test_my_client_id_is_misspelt_and_the_page_shows_it(deployment: Deployment, web_app: Application) -> None:
    with deployment.nothing_spent():
        page = deployment.send("GET", web_app.ask(client_id="web_app_124").url)
    assert "The client_id web_app_124 is not registered at this server" in for_developer(page)


@pytest.mark.parametrize("response_type", ["token", "id_token", "code id_token", "none"])
def test_my_library_asks_for_an_implicit_response_type_and_is_told_which_is_supported(
    deployment: Deployment, web_app: Application, response_type: str
) -> None:
    with deployment.nothing_spent():
        answered = deployment.send("GET", web_app.ask(response_type=response_type).url).answered
    assert answered["error"] == "unsupported_response_type"
    assert answered["error_description"] == f"The response_type {response_type} is not supported. Supported: code."


def test_an_unknown_prompt_is_named(deployment: Deployment, web_app: Application) -> None:
    with deployment.nothing_spent():
        answered = deployment.send("GET", web_app.ask(prompt="create login").url).answered
    assert answered["error"] == "invalid_request"
    assert "The prompt create is not supported. Supported: none, login" in answered["error_description"]


@pytest.mark.parametrize(
    ("code_verifier", "description"),
    [
        ("opensesame", "The code_verifier has 10 characters, but needs 43 to 128"),
        ("opensesame" * 13, "The code_verifier has 130 characters, but needs 43 to 128"),
        ("opensesame=" * 4, "The code_verifier may have only A-Z a-z 0-9 - . _ ~"),
    ],
)
def test_my_code_verifier_is_malformed_and_the_answer_does_not_blame_the_code(
    deployment: Deployment, web_app: Application, issued: Issued, code_verifier: str, description: str
) -> None:
    """RFC 7636 §4.1. Was: "The code is unknown, used, expired ..."."""
    with deployment.nothing_spent(), deployment.aws.recorded() as calls:
        answer = web_app.redeem(issued.code, code_verifier)
    assert (answer.status, answer.error) == (400, "invalid_request")
    assert answer.json()["error_description"].startswith(description)
    assert "opensesame" not in answer.body
    assert not [call for call in calls if call.partition_prefix == "grant#"]
    assert web_app.redeem(issued.code, issued.asked.code_verifier).status == 200


def test_my_code_is_genuine_and_the_log_says_why_it_is_refused(
    deployment: Deployment, web_app: Application, legacy_app: Application, issued: Issued, refusals: Lines
) -> None:
    """The client learns one wording for all. Was: the log had no line."""
    verifier = issued.asked.code_verifier
    descriptions = set()
    with deployment.nothing_spent():
        for refused in (
            web_app.redeem(issued.code, "a" * 43),
            web_app.redeem(issued.code, verifier, redirect_uri="https://app.example.com/"),
            legacy_app.redeem(issued.code, verifier),  # another client's code and a guessed one write no line
            web_app.redeem(issued.code[:-1] + ("A" if issued.code[-1] != "A" else "E"), verifier),
        ):
            assert refused.error == "invalid_grant"
            descriptions.add(refused.json()["error_description"])
        deployment.clock.advance(61)
        descriptions.add(web_app.redeem(issued.code, verifier).json()["error_description"])
    assert len(descriptions) == 1
    assert [(line["client_id"], line["detail"]) for line in refusals()] == [
        (
            "web_app_123",
            "the code_verifier, or without PKCE the redirect_uri, is not that of the authorization request",
        ),
        ("web_app_123", "the redirect_uri is not the one that the code was sent to"),
        ("web_app_123", "the code has expired"),
    ]


def test_my_refresh_token_has_expired_and_the_log_says_so(
    deployment: Deployment, web_app: Application, redeemed: Redeemed, refusals: Lines
) -> None:
    deployment.clock.advance(400 * 86_400)
    with deployment.nothing_spent():
        assert web_app.refresh(redeemed.refresh_token).error == "invalid_grant"
    assert [line["detail"] for line in refusals()] == ["the grant has expired"]


def test_the_parameter_that_my_library_sends_twice_is_named(web_app: Application, deployment: Deployment) -> None:
    with deployment.nothing_spent():
        answered = deployment.send("GET", f"{web_app.ask().url}&nonce=again").answered
    assert answered["error_description"] == "The parameter nonce is repeated."


def test_a_code_or_a_refresh_token_that_was_cut_short_is_told_so(
    deployment: Deployment, web_app: Application, issued: Issued
) -> None:
    with deployment.nothing_spent():
        cut = web_app.redeem(issued.code[:-5], issued.asked.code_verifier)
        assert cut.error == "invalid_grant"
        assert "cut short" in cut.json()["error_description"]
        assert "cut short" in web_app.refresh("x.y").json()["error_description"]


def test_a_grant_type_that_is_not_supported_or_not_the_clients_is_named(web_app: Application) -> None:
    answer = web_app.token(grant_type="password")
    assert answer.error == "unsupported_grant_type"
    assert answer.json()["error_description"].startswith("The grant_type password is not supported. Supported: ")
    answer = web_app.client_credentials()
    assert answer.error == "unauthorized_client"
    assert "client_credentials" in answer.json()["error_description"]


def test_i_sign_out_with_an_address_to_go_to_and_forgot_to_say_which_client_i_am(
    deployment: Deployment, browser: Browser, redeemed: Redeemed, web_app: Application
) -> None:
    """RP-Initiated Logout §2. Was: "not registered for the client", of a URI that is registered."""
    query = urlencode({"post_logout_redirect_uri": "http://127.0.0.1:9876/signed-out", "state": "s"})
    with deployment.nothing_spent():
        page = browser.get(f"/logout?{query}")
    assert page.status == 400
    assert "needs an id_token_hint or a client_id" in for_developer(page)
    with deployment.nothing_spent():
        page = browser.get(f"/logout?{query}&client_id=nobody")
    assert "The client_id nobody is not registered at this server." in for_developer(page)
    assert web_app.userinfo(redeemed.access_token).status == 200
