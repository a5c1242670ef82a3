"""GET, POST /userinfo (OpenID Connect Core §5.3), and the challenges of RFC 6750."""

import base64
import json

import pytest

from tests.integration.conftest import Issued, Redeemed
from tests.support.application import Application
from tests.support.browser import Browser
from tests.support.deployment import Deployment
from tests.support.wire import Answer, post_form


def challenged(answer: Answer, status: int, error: str | None) -> None:
    assert answer.status == status, answer
    challenge = answer.headers["www-authenticate"]
    assert challenge.startswith('Bearer realm="valet"')
    assert answer.headers["cache-control"] == "no-store"
    if error is None:
        assert "error" not in challenge  # nothing was tried (RFC 6750 §3.1)
    else:
        assert f'error="{error}"' in challenge
        assert answer.error == error


def test_claims_are_told_by_scope(
    deployment: Deployment, browser: Browser, web_app: Application, issued: Issued
) -> None:
    told = {
        "openid": {"sub": "demo-john"},
        "openid profile": {"sub": "demo-john", "preferred_username": "john", "name": "John Doe"},
        "openid email": {"sub": "demo-john", "email": "john@example.com", "email_verified": True},
    }
    for scope, claims in told.items():
        asked = web_app.ask(scope=scope, prompt="none")
        tokens = web_app.redeem(browser.get(asked.url).answered["code"], asked.code_verifier).json()
        assert web_app.userinfo(tokens["access_token"]).json() == claims


def test_the_token_comes_in_the_header_or_in_a_form(deployment: Deployment, redeemed: Redeemed) -> None:
    url = f"{deployment.issuer}/userinfo"
    for scheme in ("Bearer", "bearer", "BEARER"):
        assert deployment.send("GET", url, {"authorization": f"{scheme} {redeemed.access_token}"}).status == 200
    assert deployment.send("POST", url, {"authorization": f"Bearer {redeemed.access_token}"}).status == 200
    answer = post_form(deployment.send, url, {"access_token": redeemed.access_token})
    assert answer.json()["sub"] == "demo-john"


def test_no_token_is_challenged_without_an_error(deployment: Deployment) -> None:
    url = f"{deployment.issuer}/userinfo"
    challenged(deployment.send("GET", url), 401, None)
    challenged(deployment.send("POST", url), 401, None)
    challenged(deployment.send("GET", url, {"authorization": "Basic eDp5"}), 401, None)
    challenged(post_form(deployment.send, url, {"something": "else"}), 401, None)


@pytest.mark.parametrize("token", ["x", "x.y.z", "A" * 43, "eyJhbGciOiJub25lIn0.e30.", "a" * 8000])
def test_what_is_no_token_of_ours_is_invalid(deployment: Deployment, web_app: Application, token: str) -> None:
    with deployment.nothing_spent():
        challenged(web_app.userinfo(token), 401, "invalid_token")


def test_a_tampered_token_is_invalid(deployment: Deployment, web_app: Application, redeemed: Redeemed) -> None:
    header, payload, signature = redeemed.access_token.split(".")
    claims = json.loads(base64.urlsafe_b64decode(payload + "=="))

    def encoded(members: dict[str, object]) -> str:
        return base64.urlsafe_b64encode(json.dumps(members).encode()).rstrip(b"=").decode()

    kid = json.loads(base64.urlsafe_b64decode(header + "=="))["kid"]
    for forged in (
        f"{header}.{encoded({**claims, 'sub': 'demo-jane'})}.{signature}",
        f"{encoded({'alg': 'none', 'typ': 'at+jwt', 'kid': kid})}.{payload}.",
        f"{encoded({'alg': 'HS256', 'typ': 'at+jwt', 'kid': kid})}.{payload}.{signature}",
        f"{encoded({'alg': 'RS256', 'typ': 'at+jwt', 'kid': 'other'})}.{payload}.{signature}",
        f"{header}.{payload}.{'A' * len(signature)}",
    ):
        with deployment.nothing_spent():
            challenged(web_app.userinfo(forged), 401, "invalid_token")
    assert web_app.userinfo(redeemed.access_token).status == 200


def test_another_kind_of_token_is_invalid(deployment: Deployment, web_app: Application, redeemed: Redeemed) -> None:
    for token in (redeemed.id_token, redeemed.refresh_token, redeemed.issued.code):
        with deployment.nothing_spent():
            challenged(web_app.userinfo(token), 401, "invalid_token")


def test_an_expired_token_is_invalid(deployment: Deployment, web_app: Application, redeemed: Redeemed) -> None:
    deployment.clock.advance(899)
    assert web_app.userinfo(redeemed.access_token).status == 200
    deployment.clock.advance(1)
    challenged(web_app.userinfo(redeemed.access_token), 401, "invalid_token")


def test_a_token_without_openid_has_too_little_scope(
    deployment: Deployment, browser: Browser, web_app: Application, service: Application, issued: Issued
) -> None:
    asked = web_app.ask(scope="items", prompt="none")
    tokens = web_app.redeem(browser.get(asked.url).answered["code"], asked.code_verifier).json()
    for token in (tokens["access_token"], service.client_credentials().json()["access_token"]):
        challenged(web_app.userinfo(token), 403, "insufficient_scope")


def test_a_revoked_token_is_invalid_at_once(deployment: Deployment, web_app: Application, redeemed: Redeemed) -> None:
    deployment.clock.advance(60)  # sooner, the two would share a place in the status list
    newer = web_app.refresh(redeemed.refresh_token).json()
    web_app.revoke(redeemed.access_token)
    challenged(web_app.userinfo(redeemed.access_token), 401, "invalid_token")
    assert web_app.userinfo(newer["access_token"]).status == 200
    web_app.revoke(newer["refresh_token"])
    challenged(web_app.userinfo(newer["access_token"]), 401, "invalid_token")


def test_a_disabled_account_has_no_claims(deployment: Deployment, web_app: Application, redeemed: Redeemed) -> None:
    deployment.table("Users").update("account#demo-john", "account", "SET #is_disabled = :yes", {":yes": True})
    challenged(web_app.userinfo(redeemed.access_token), 401, "invalid_token")


def test_two_tokens_or_one_in_the_query_are_refused(deployment: Deployment, redeemed: Redeemed) -> None:
    url, token = f"{deployment.issuer}/userinfo", redeemed.access_token
    bearer = {"authorization": f"Bearer {token}"}
    challenged(post_form(deployment.send, url, {"access_token": token}, bearer), 400, "invalid_request")
    challenged(deployment.send("GET", f"{url}?access_token={token}"), 400, "invalid_request")
    challenged(deployment.send("GET", f"{url}?access_token={token}", bearer), 400, "invalid_request")


@pytest.mark.parametrize("authorization", ["Bearer", "Bearer ", "Bearer a b", "Bearer ä", "Bearer a,b"])
def test_a_malformed_header_is_refused(deployment: Deployment, authorization: str) -> None:
    answer = deployment.send("GET", f"{deployment.issuer}/userinfo", {"authorization": authorization})
    challenged(answer, 400, "invalid_request")
