"""POST /token with a code (RFC 6749 §4.1.3, RFC 7636 §4.5, OpenID Connect Core §3.1.3)."""

from dataclasses import replace

import jwt
import pytest

from tests.integration.conftest import Issued
from tests.support.application import Application, challenge_of
from tests.support.browser import Browser
from tests.support.deployment import Deployment


def claims_of(token: str) -> dict[str, object]:
    claims: dict[str, object] = jwt.decode(token, options={"verify_signature": False})
    return claims


def test_a_code_is_redeemed_for_an_access_token_a_refresh_token_and_an_id_token(
    deployment: Deployment, web_app: Application, issued: Issued
) -> None:
    answer = web_app.redeem(issued.code, issued.asked.code_verifier)
    assert answer.status == 200
    assert answer.headers["cache-control"] == "no-store"
    assert answer.headers["content-type"] == "application/json"
    tokens = answer.json()
    assert tokens.keys() == {"access_token", "token_type", "expires_in", "scope", "refresh_token", "id_token"}
    assert tokens["token_type"] == "Bearer"
    assert tokens["expires_in"] == 900
    assert tokens["scope"] == "email items offline_access openid profile"

    assert jwt.get_unverified_header(tokens["access_token"])["typ"] == "at+jwt"
    access = claims_of(tokens["access_token"])
    assert access["iss"] == deployment.issuer
    assert access["sub"] == "demo-john"
    assert access["aud"] == [f"{deployment.issuer}/api", deployment.issuer]
    assert access["client_id"] == "web_app_123"
    assert access["scope"] == tokens["scope"]
    assert access["exp"] == deployment.clock.now + 900
    assert access["roles"] == ["user"]
    assert "status" in access

    identity = claims_of(tokens["id_token"])
    assert identity["aud"] == "web_app_123"
    assert identity["sub"] == "demo-john"
    assert identity["nonce"] == issued.asked.parameters["nonce"]
    assert "scope" not in identity


def test_the_redirect_uri_may_be_left_out_at_the_token_endpoint(web_app: Application, issued: Issued) -> None:
    # OAuth 2.1 clients do not send it: PKCE binds the code.
    assert web_app.redeem(issued.code, issued.asked.code_verifier, redirect_uri=None).status == 200


@pytest.mark.parametrize(
    ("changes", "error"),
    [
        ({"code_verifier": None}, "invalid_request"),
        ({"code_verifier": "short"}, "invalid_request"),
        ({"code_verifier": "v" * 42}, "invalid_request"),
        ({"code_verifier": "v" * 43}, "invalid_grant"),
        ({"code_verifier": "v" * 129}, "invalid_request"),
        ({"code_verifier": "ä" * 43}, "invalid_request"),
        ({"code": None}, "invalid_request"),
        ({"code": "unknown"}, "invalid_grant"),
        ({"code": "A" * 22 + "." + "A" * 43}, "invalid_grant"),
        ({"redirect_uri": "https://webapp.example.com/callback/"}, "invalid_grant"),
        ({"redirect_uri": "http://127.0.0.1:9876/callback"}, "invalid_grant"),
        ({"redirect_uri": "https://evil.test/"}, "invalid_grant"),
        ({"grant_type": None}, "invalid_request"),
        ({"grant_type": "refresh_token"}, "invalid_request"),
    ],
)
def test_a_wrong_exchange_spends_nothing_and_the_code_stays_good(
    deployment: Deployment, web_app: Application, issued: Issued, changes: dict[str, str | None], error: str
) -> None:
    with deployment.nothing_spent():
        answer = web_app.redeem(issued.code, issued.asked.code_verifier, **changes)
        assert (answer.status, answer.error) == (400, error)
        assert answer.headers["cache-control"] == "no-store"
    assert web_app.redeem(issued.code, issued.asked.code_verifier).status == 200


def test_the_challenge_itself_is_no_verifier(deployment: Deployment, web_app: Application, issued: Issued) -> None:
    """`plain` PKCE, tried at the second step."""
    challenge = issued.asked.parameters["code_challenge"]
    with deployment.nothing_spent():
        assert web_app.redeem(issued.code, challenge).error == "invalid_grant"
        answer = web_app.redeem(issued.code, challenge, code_challenge_method="plain")
        assert answer.error == "invalid_grant"
    assert web_app.redeem(issued.code, issued.asked.code_verifier).status == 200


def test_a_verifier_too_short_for_the_specification_is_refused_though_it_matches(
    deployment: Deployment, browser: Browser, web_app: Application, issued: Issued
) -> None:
    for verifier in ("short", "v" * 129):
        code = browser.get(web_app.ask(code_challenge=challenge_of(verifier)).url).answered["code"]
        with deployment.nothing_spent():
            answer = web_app.redeem(code, verifier)
            assert answer.error == "invalid_request"
            assert f"{len(verifier)} characters, but needs 43 to 128" in answer.json()["error_description"]


@pytest.mark.parametrize("app_name", ["legacy_app", "mobile_app", "spa"])
def test_a_code_of_another_client_spends_nothing_and_stays_good_for_its_own(
    deployment: Deployment, web_app: Application, issued: Issued, app_name: str, request: pytest.FixtureRequest
) -> None:
    thief: Application = request.getfixturevalue(app_name)
    with deployment.nothing_spent():
        for redirect_uri in (web_app.redirect_uri, thief.redirect_uri, None):
            answer = thief.redeem(issued.code, issued.asked.code_verifier, redirect_uri=redirect_uri)
            assert (answer.status, answer.error) == (400, "invalid_grant")
    assert web_app.redeem(issued.code, issued.asked.code_verifier).status == 200


def test_a_client_that_may_not_use_codes_is_told_so(
    deployment: Deployment, service: Application, issued: Issued
) -> None:
    with deployment.nothing_spent():
        answer = service.redeem(issued.code, issued.asked.code_verifier)
        assert (answer.status, answer.error) == (400, "unauthorized_client")


def test_a_code_with_another_secret_is_refused_however_often_and_stays_good(
    deployment: Deployment, web_app: Application, issued: Issued
) -> None:
    grant_id = issued.code.partition(".")[0]
    with deployment.nothing_spent():
        for _ in range(3):
            assert web_app.redeem(f"{grant_id}.{'A' * 43}", issued.asked.code_verifier).error == "invalid_grant"
            deployment.clock.advance(15)
    assert web_app.redeem(issued.code, issued.asked.code_verifier).status == 200


def test_an_expired_code_is_refused_even_before_dynamodb_deletes_it(
    deployment: Deployment, web_app: Application, issued: Issued
) -> None:
    deployment.clock.advance(60)
    with deployment.nothing_spent():
        assert web_app.redeem(issued.code, issued.asked.code_verifier).error == "invalid_grant"


def test_a_code_is_good_to_its_last_second(deployment: Deployment, web_app: Application, issued: Issued) -> None:
    deployment.clock.advance(59)
    assert web_app.redeem(issued.code, issued.asked.code_verifier).status == 200


def test_a_code_that_nobody_redeems_is_kept_for_a_day_and_not_for_the_grants_life(
    deployment: Deployment, web_app: Application, issued: Issued
) -> None:
    grant_id = issued.code.partition(".")[0]

    def kept() -> float:
        item = deployment.table("Grants").get(f"grant#{grant_id}", "grant")
        assert item is not None
        return float(item["expires_at"]) - deployment.clock()

    assert kept() <= 86_400 + 60
    web_app.redeem(issued.code, issued.asked.code_verifier)
    assert kept() > 90 * 86_400


def test_a_second_use_within_ten_seconds_is_refused_and_what_the_first_got_lives(
    deployment: Deployment, web_app: Application, issued: Issued
) -> None:
    tokens = web_app.redeem(issued.code, issued.asked.code_verifier).json()
    deployment.clock.advance(10)
    with deployment.nothing_spent():
        assert web_app.redeem(issued.code, issued.asked.code_verifier).error == "invalid_grant"
    assert web_app.refresh(tokens["refresh_token"]).status == 200


def test_a_second_use_later_ends_the_grant(
    deployment: Deployment, web_app: Application, service: Application, issued: Issued
) -> None:
    tokens = web_app.redeem(issued.code, issued.asked.code_verifier).json()
    deployment.clock.advance(11)
    assert web_app.redeem(issued.code, issued.asked.code_verifier).error == "invalid_grant"
    assert web_app.refresh(tokens["refresh_token"]).error == "invalid_grant"
    assert service.introspect(tokens["access_token"]).json() == {"active": False}
    assert "code.replayed" in deployment.audit.names


def test_who_holds_only_the_code_can_revoke_nothing(
    deployment: Deployment, web_app: Application, legacy_app: Application, issued: Issued
) -> None:
    tokens = web_app.redeem(issued.code, issued.asked.code_verifier).json()
    deployment.clock.advance(11)
    with deployment.nothing_spent():
        assert web_app.redeem(issued.code, "v" * 43).error == "invalid_grant"
        assert legacy_app.redeem(issued.code, issued.asked.code_verifier).error == "invalid_grant"
        answer = replace(web_app, secret="wrong").redeem(issued.code, issued.asked.code_verifier)
        assert answer.error == "invalid_client"
    assert web_app.refresh(tokens["refresh_token"]).status == 200


def test_a_disabled_account_gets_no_tokens(deployment: Deployment, web_app: Application, issued: Issued) -> None:
    disable(deployment, "demo-john")
    assert web_app.redeem(issued.code, issued.asked.code_verifier).error == "invalid_grant"


def disable(deployment: Deployment, sub: str) -> None:
    deployment.table("Users").update(f"account#{sub}", "account", "SET #is_disabled = :yes", {":yes": True})


def test_a_public_client_needs_no_secret_but_its_verifier(
    deployment: Deployment, browser: Browser, mobile_app: Application, spa: Application
) -> None:
    for app in (mobile_app, spa):
        deployment.clock.advance(1)
        asked = app.ask(prompt="login consent")
        code = browser.decide(browser.sign_in(browser.open(asked.url))).answered["code"]
        with deployment.nothing_spent():
            assert app.redeem(code, "v" * 43).error == "invalid_grant"
            assert replace(app, secret="any").redeem(code, asked.code_verifier).error == "invalid_client"
            assert replace(app, secret="any", in_body=True).redeem(code, asked.code_verifier).error == "invalid_client"
        assert app.redeem(code, asked.code_verifier).status == 200


def test_a_native_client_gets_its_code_on_the_port_that_it_listens_on(
    browser: Browser, mobile_app: Application, deployment: Deployment
) -> None:
    here, elsewhere = "http://127.0.0.1:49152/callback", "http://127.0.0.1:49153/callback"
    asked = mobile_app.ask(redirect_uri=here)
    answer = browser.decide(browser.sign_in(browser.open(asked.url)))
    assert answer.location.startswith(f"{here}?code=")
    code = answer.answered["code"]
    with deployment.nothing_spent():
        assert mobile_app.redeem(code, asked.code_verifier, redirect_uri=elsewhere).error == "invalid_grant"
    assert mobile_app.redeem(code, asked.code_verifier, redirect_uri=here).status == 200


def test_roles_are_told_to_the_api_that_has_them_and_to_nobody_else(
    browser: Browser, web_app: Application, issued: Issued
) -> None:
    for scope, roles in (("openid email", None), ("openid items", ["user"]), ("items", ["user"])):
        asked = web_app.ask(scope=scope, prompt="none")
        tokens = web_app.redeem(browser.get(asked.url).answered["code"], asked.code_verifier).json()
        assert claims_of(tokens["access_token"]).get("roles") == roles


def test_no_openid_no_id_token(browser: Browser, web_app: Application, issued: Issued) -> None:
    asked = web_app.ask(scope="items", prompt="none")
    tokens = web_app.redeem(browser.get(asked.url).answered["code"], asked.code_verifier).json()
    assert "id_token" not in tokens
    assert tokens["scope"] == "items"
    assert claims_of(tokens["access_token"])["aud"] == f"{web_app.issuer}/api"
