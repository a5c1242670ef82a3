"""The two stories of Valet's users, over HTTP against the local stack: each from the first page to the end."""

from __future__ import annotations

from dataclasses import replace

from local.stack import LocalStack
from tests.support.application import Application, DemoApplications
from tests.support.browser import Browser
from tests.support.wire import Answer, over_http


def web_app(stack: LocalStack) -> Application:
    return replace(DemoApplications(over_http, stack.issuer).web_app, redirect_uri="http://127.0.0.1:9876/callback")


def call(stack: LocalStack, method: str, path: str, access_token: str | None = None) -> Answer:
    headers = {"authorization": f"Bearer {access_token}"} if access_token else {}
    return over_http(method, f"{stack.issuer}{path}", headers)


def sign_in(app: Application, browser: Browser, username: str) -> dict[str, str]:
    """The tokens of an application that somebody signs in to and allows everything."""
    asked = app.ask()
    answer = browser.decide(browser.sign_in(browser.open(asked.url), username))
    assert answer.answered["state"] == asked.state
    assert answer.answered["iss"] == app.issuer
    tokens: dict[str, str] = app.redeem(answer.answered["code"], asked.code_verifier).json()
    return tokens


def test_a_web_app_reads_johns_profile_but_not_the_admin_data_and_a_service_reads_that(
    fresh_stack: LocalStack,
) -> None:
    stack, app = fresh_stack, web_app(fresh_stack)
    assert call(stack, "GET", "/api/profile").status == 401

    tokens = sign_in(app, Browser(over_http, stack.issuer), "john")
    profile = call(stack, "GET", "/api/profile", tokens["access_token"])
    assert profile.status == 200
    assert profile.json()["sub"] == "demo-john"
    assert profile.json()["client_id"] == "web_app_123"
    assert "profile" in profile.json()["scope"].split()
    assert call(stack, "GET", "/api/admin", tokens["access_token"]).status == 403

    refreshed = app.refresh(tokens["refresh_token"]).json()
    assert refreshed["refresh_token"] != tokens["refresh_token"]
    assert refreshed["access_token"] != tokens["access_token"]
    assert call(stack, "GET", "/api/profile", refreshed["access_token"]).status == 200
    assert call(stack, "GET", "/api/admin", refreshed["access_token"]).status == 403

    service = DemoApplications(over_http, stack.issuer).service
    own = service.client_credentials().json()
    assert "refresh_token" not in own
    admin = call(stack, "GET", "/api/admin", own["access_token"])
    assert admin.status == 200
    assert admin.json()["client_id"] == "api_service_789"
    assert call(stack, "GET", "/api/profile", own["access_token"]).status == 403


def test_john_reads_jane_deletes_and_after_sign_out_and_revocation_the_refresh_token_is_dead(
    fresh_stack: LocalStack,
) -> None:
    stack, app = fresh_stack, web_app(fresh_stack)
    johns, janes = Browser(over_http, stack.issuer), Browser(over_http, stack.issuer)
    john, jane = sign_in(app, johns, "john"), sign_in(app, janes, "jane")

    for tokens in (john, jane):
        assert call(stack, "GET", "/api/profile", tokens["access_token"]).status == 200
    # The same application and the same scope: john lends it what he has, and has no role for this.
    assert call(stack, "DELETE", "/api/items/1", john["access_token"]).status == 403
    deleted = call(stack, "DELETE", "/api/items/1", jane["access_token"])
    assert deleted.status == 200
    assert deleted.json()["by"] == "demo-jane"

    back = "http://127.0.0.1:9876/signed-out"
    hint = f"/logout?id_token_hint={john['id_token']}&post_logout_redirect_uri={back}&state=bye"
    answer = johns.get(hint)
    assert answer.status == 303
    assert answer.location == f"{back}?state=bye"
    assert johns.get(app.ask(prompt="none").url).answered["error"] == "login_required"

    assert app.revoke(john["refresh_token"]).status == 200
    refused = app.refresh(john["refresh_token"])
    assert (refused.status, refused.error) == (400, "invalid_grant")
    assert app.userinfo(john["access_token"]).status == 401
    # It was john's alone.
    assert app.refresh(jane["refresh_token"]).status == 200
