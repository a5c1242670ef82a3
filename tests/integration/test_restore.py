"""Backup and restore: Registry and Users come back, Grants are lost (docs/operations.md, "Backup and restore")."""

from __future__ import annotations

import copy

import pytest

from local.aws.resources import STACK
from local.stack import LocalStack
from tests.support.application import Application, DemoApplications
from tests.support.browser import Browser
from tests.support.wire import over_http


@pytest.fixture
def web_app(fresh_stack: LocalStack) -> Application:
    return DemoApplications(over_http, fresh_stack.issuer).web_app


def _restore_without_grants(stack: LocalStack) -> None:
    """Registry and Users as they were backed up, an empty Grants table, and functions that remember nothing."""
    backup = stack.aws.snapshot()
    grants = copy.copy(backup[f"{STACK}-Grants"])
    grants.clear()
    stack.aws.restore({**backup, f"{STACK}-Grants": grants})
    stack.authorizers.forget()
    stack.forget()


def test_everybody_signs_in_again_and_nothing_else_breaks(fresh_stack: LocalStack, web_app: Application) -> None:
    browser, asked = Browser(over_http, fresh_stack.issuer), web_app.ask()
    page = browser.open(asked.url)
    tokens = web_app.redeem(browser.decide(browser.sign_in(page)).answered["code"], asked.code_verifier).json()
    half_way = Browser(over_http, fresh_stack.issuer)
    sign_in_page = half_way.open(web_app.ask().url)

    _restore_without_grants(fresh_stack)

    # What was issued is refused in the specification's words, which every client answers with a new sign-in.
    assert web_app.refresh(tokens["refresh_token"]).error == "invalid_grant"
    assert web_app.introspect(tokens["access_token"]).json() == {"active": False}
    assert web_app.userinfo(tokens["access_token"]).status == 401
    assert web_app.revoke(tokens["refresh_token"]).status == 200
    # A sign-in that was under way begins anew, and says so; a browser that was signed in is asked.
    assert half_way.sign_in(sign_in_page).status == 400
    asked = web_app.ask()
    page = browser.open(asked.url)
    assert page.status == 200
    # The consent is in Users and stays: no question.
    answered = browser.sign_in(page).answered
    again = web_app.redeem(answered["code"], asked.code_verifier)
    assert again.status == 200
    assert web_app.refresh(again.json()["refresh_token"]).status == 200
    assert web_app.introspect(again.json()["access_token"]).json()["active"] is True
    assert browser.open(f"{fresh_stack.issuer}/logout?id_token_hint={tokens['id_token']}").status == 200


def test_services_go_on_at_once_and_their_tokens_still_pass_the_authorizer(fresh_stack: LocalStack) -> None:
    service = DemoApplications(over_http, fresh_stack.issuer).service
    before = service.client_credentials(scope="admin").json()["access_token"]
    _restore_without_grants(fresh_stack)
    after = service.client_credentials(scope="admin").json()["access_token"]
    for token in (before, after):
        answer = over_http("GET", f"{fresh_stack.issuer}/api/admin", {"authorization": f"Bearer {token}"})
        assert answer.status == 200


def test_the_keys_of_before_still_verify_and_sign(fresh_stack: LocalStack) -> None:
    before = over_http("GET", f"{fresh_stack.issuer}/.well-known/jwks.json").json()
    _restore_without_grants(fresh_stack)
    assert over_http("GET", f"{fresh_stack.issuer}/.well-known/jwks.json").json() == before
    for url in over_http("GET", f"{fresh_stack.issuer}/status-lists").json()["status_lists"]:
        assert over_http("GET", url).status == 200
