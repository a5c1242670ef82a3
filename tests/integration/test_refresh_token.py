"""POST /token with a refresh token (RFC 6749 §6, RFC 9700 §4.14)."""

from dataclasses import replace

import jwt
import pytest
from valet.models.clients import ProtectedApi, Scope

from tests.integration.conftest import Redeemed
from tests.support.application import Application
from tests.support.browser import Browser
from tests.support.deployment import ISSUER, Deployment


def scope_of(access_token: str) -> str:
    return str(jwt.decode(access_token, options={"verify_signature": False})["scope"])


def test_a_refresh_token_is_rotated_at_every_use(web_app: Application, redeemed: Redeemed) -> None:
    presented = redeemed.refresh_token
    seen = {presented}
    for _ in range(3):
        tokens = web_app.refresh(presented).json()
        assert tokens.keys() == {"access_token", "token_type", "expires_in", "scope", "refresh_token"}
        presented = tokens["refresh_token"]
        assert presented not in seen
        seen.add(presented)


def test_a_lost_answer_is_given_again_within_the_retry_window(
    deployment: Deployment, web_app: Application, redeemed: Redeemed
) -> None:
    first = web_app.refresh(redeemed.refresh_token).json()
    deployment.clock.advance(60)
    with deployment.nothing_spent():
        again = web_app.refresh(redeemed.refresh_token).json()
    assert again["refresh_token"] == first["refresh_token"]
    assert web_app.refresh(first["refresh_token"]).status == 200


def test_an_older_token_is_theft_and_ends_the_grant(
    deployment: Deployment, web_app: Application, service: Application, redeemed: Redeemed
) -> None:
    newest = web_app.refresh(redeemed.refresh_token).json()
    deployment.clock.advance(61)
    assert web_app.refresh(redeemed.refresh_token).error == "invalid_grant"
    assert web_app.refresh(newest["refresh_token"]).error == "invalid_grant"
    assert service.introspect(newest["access_token"]).json() == {"active": False}
    assert "refresh.reused" in deployment.audit.names


def test_without_a_retry_window_the_second_use_is_theft_at_once(
    deployment: Deployment, web_app: Application, redeemed: Redeemed
) -> None:
    deployment.change_client("web_app_123", retry_window=0)
    newest = web_app.refresh(redeemed.refresh_token).json()["refresh_token"]
    assert web_app.refresh(redeemed.refresh_token).error == "invalid_grant"
    assert web_app.refresh(newest).error == "invalid_grant"


def test_the_window_closes_when_the_successor_is_used(web_app: Application, redeemed: Redeemed) -> None:
    second = web_app.refresh(redeemed.refresh_token).json()["refresh_token"]
    third = web_app.refresh(second).json()["refresh_token"]
    assert web_app.refresh(redeemed.refresh_token).error == "invalid_grant"
    assert web_app.refresh(third).error == "invalid_grant"


def test_a_retry_for_another_part_of_the_scope_lives_no_longer_than_that_parts_api_allows(
    deployment: Deployment, web_app: Application, redeemed: Redeemed
) -> None:
    for api in deployment.server.registry.scopes().apis.values():
        deployment.registrar.put_api(replace(api, access_token_lifetime=60))
    deployment.clock.advance(61)
    assert web_app.refresh(redeemed.refresh_token, scope="openid").json()["expires_in"] == 900
    retried = web_app.refresh(redeemed.refresh_token, scope="items").json()
    assert (retried["scope"], retried["expires_in"]) == ("items", 60)
    deployment.clock.advance(5)
    assert web_app.refresh(redeemed.refresh_token, scope="openid").json()["expires_in"] == 895


def test_an_id_token_comes_with_a_refresh_only_for_clients_registered_so(
    deployment: Deployment, web_app: Application, redeemed: Redeemed
) -> None:
    client = deployment.server.registry.find_client("web_app_123")
    assert client is not None
    deployment.registrar.put_client(replace(client, id_token_on_refresh=True))
    deployment.clock.advance(11)
    tokens = web_app.refresh(redeemed.refresh_token).json()
    claims = jwt.decode(tokens["id_token"], options={"verify_signature": False})
    first = jwt.decode(redeemed.id_token, options={"verify_signature": False})
    # OpenID Connect Core §12.2: the same end-user, client and sign-in, and no nonce.
    for name in ("iss", "sub", "aud", "auth_time", "sid"):
        assert claims[name] == first[name]
    assert "nonce" not in claims
    assert "id_token" not in web_app.refresh(tokens["refresh_token"], scope="items").json()


@pytest.mark.parametrize(
    ("scope", "named"),
    [
        ("items profile email openid offline_access admin", "The scope admin is"),
        ("admin", "The scope admin is"),
        ("admin items api_access", "The scopes admin, api_access are"),
        ("unheard_of", "The scope unheard_of is"),
    ],
)
def test_more_scope_than_was_granted_is_refused_by_name_and_spends_nothing(
    deployment: Deployment, web_app: Application, redeemed: Redeemed, scope: str, named: str
) -> None:
    with deployment.nothing_spent():
        answer = web_app.refresh(redeemed.refresh_token, scope=scope)
        assert (answer.status, answer.error) == (400, "invalid_scope")
        assert answer.json()["error_description"].startswith(f"{named} not granted")
    assert web_app.refresh(redeemed.refresh_token).status == 200


@pytest.mark.parametrize("scope", ["items\u00a0profile", '"', "\\"])
def test_a_malformed_scope_is_refused_and_spends_nothing(
    deployment: Deployment, web_app: Application, redeemed: Redeemed, scope: str
) -> None:
    with deployment.nothing_spent():
        assert web_app.refresh(redeemed.refresh_token, scope=scope).error == "invalid_scope"
    assert web_app.refresh(redeemed.refresh_token).status == 200


def test_less_scope_is_for_one_access_token_and_the_grant_keeps_its_own(
    web_app: Application, redeemed: Redeemed
) -> None:
    narrow = web_app.refresh(redeemed.refresh_token, scope="items").json()
    assert narrow["scope"] == scope_of(narrow["access_token"]) == "items"
    wide = web_app.refresh(narrow["refresh_token"]).json()
    assert wide["scope"] == scope_of(wide["access_token"]) == "email items offline_access openid profile"


def test_what_a_scope_includes_comes_with_it_and_never_more_than_was_granted(
    deployment: Deployment, browser: Browser, web_app: Application, redeemed: Redeemed
) -> None:
    deployment.registrar.put_scope(Scope("all_items", "Everything of yours", frozenset({"items"})))
    api = deployment.server.registry.scopes().apis[f"{deployment.issuer}/api"]
    deployment.registrar.put_api(replace(api, scopes=api.scopes | {"all_items"}))
    deployment.change_client("web_app_123", scope=deployment.client("web_app_123").scope | {"all_items"})
    asked = web_app.ask(scope="openid all_items offline_access", prompt="consent")
    tokens = web_app.redeem(browser.decide(browser.open(asked.url)).answered["code"], asked.code_verifier).json()
    assert tokens["scope"] == "all_items items offline_access openid"
    again = web_app.refresh(tokens["refresh_token"], scope="all_items").json()
    assert again["scope"] == "all_items items"
    # What it includes only since then was never shown to anybody.
    deployment.registrar.put_scope(Scope("all_items", "Everything of yours", frozenset({"items", "profile"})))
    deployment.clock.advance(11)
    assert web_app.refresh(again["refresh_token"], scope="all_items").json()["scope"] == "all_items items"


def test_what_the_client_may_no_longer_ask_for_narrows_the_next_refresh(
    deployment: Deployment, web_app: Application, redeemed: Redeemed
) -> None:
    deployment.change_client("web_app_123", scope=frozenset({"openid", "profile"}))
    assert web_app.refresh(redeemed.refresh_token).json()["scope"] == "openid profile"


def test_a_scope_that_went_to_another_api_brings_neither_that_audience_nor_its_roles(
    deployment: Deployment, web_app: Application, redeemed: Redeemed
) -> None:
    api = deployment.server.registry.scopes().apis[f"{ISSUER}/api"]
    deployment.registrar.put_api(replace(api, scopes=api.scopes - {"items"}))
    other = ProtectedApi("https://other.example", "Other", frozenset({"items"}), frozenset({"user"}))
    deployment.registrar.put_api(other)
    deployment.clock.advance(11)
    token = web_app.refresh(redeemed.refresh_token).json()["access_token"]
    claims = jwt.decode(token, options={"verify_signature": False})
    assert claims["aud"] == deployment.issuer
    assert "roles" not in claims


def test_two_apis_that_name_a_scope_of_the_issuer_share_no_token(
    deployment: Deployment, browser: Browser, web_app: Application, redeemed: Redeemed
) -> None:
    """Registration refuses the second; an earlier release did not."""
    other = ProtectedApi("https://other.example", "Other", frozenset({"profile"}), frozenset({"user"}))
    deployment.registrar.put_api(other)
    deployment.clock.advance(11)
    with deployment.nothing_spent():
        asked = web_app.refresh(redeemed.refresh_token, scope="openid profile")
        assert (asked.status, asked.error) == (400, "invalid_scope")
        answered = browser.open(web_app.ask(scope="openid profile").url).answered
        assert (answered["error"], "code" in answered) == ("invalid_scope", False)
    # With a scope of one API's own, the token is for that API; without any, for the issuer.
    tokens = [
        web_app.refresh(redeemed.refresh_token, scope=scope).json() for scope in ("profile items", "openid email")
    ]
    audiences = [jwt.decode(each["access_token"], options={"verify_signature": False})["aud"] for each in tokens]
    assert audiences == [f"{deployment.issuer}/api", deployment.issuer]
    # The operator takes the scope from one of them, and the grant goes on.
    deployment.registrar.put_api(replace(other, scopes=frozenset()))
    deployment.clock.advance(11)
    again = web_app.refresh(tokens[-1]["refresh_token"], scope="openid profile").json()
    claims = jwt.decode(again["access_token"], options={"verify_signature": False})
    assert claims["aud"] == [f"{deployment.issuer}/api", deployment.issuer]


@pytest.mark.parametrize("app_name", ["legacy_app", "mobile_app", "spa"])
def test_a_refresh_token_of_another_client_spends_nothing_and_stays_good_for_its_own(
    deployment: Deployment, web_app: Application, redeemed: Redeemed, app_name: str, request: pytest.FixtureRequest
) -> None:
    thief: Application = request.getfixturevalue(app_name)
    with deployment.nothing_spent():
        answer = thief.refresh(redeemed.refresh_token)
        assert (answer.status, answer.error) == (400, "invalid_grant")
    assert web_app.refresh(redeemed.refresh_token).status == 200


def test_what_is_no_refresh_token_changes_nothing_whatever_grant_it_names(
    deployment: Deployment, web_app: Application, redeemed: Redeemed
) -> None:
    """Access tokens carry the grant's id, so it proves nothing; only the family secret does."""
    grant_id, family, secret = redeemed.refresh_token.split(".")
    with deployment.nothing_spent():
        for token in (
            "x",
            redeemed.access_token,
            redeemed.issued.code,
            f"{grant_id}.{secret}",
            f"{grant_id}.{'A' * 43}.{'A' * 43}",
            f"{grant_id}.{secret}.{family}",
            f"{'A' * 22}.{family}.{secret}",
            f"{redeemed.refresh_token}.",
            f" {redeemed.refresh_token}",
            "A" * 60_000,
        ):
            answer = web_app.refresh(token)
            assert (answer.status, answer.error) == (400, "invalid_grant")
        assert web_app.token(grant_type="refresh_token").error == "invalid_request"
    assert web_app.refresh(redeemed.refresh_token).status == 200


def test_a_refresh_token_is_over_when_it_was_not_used_for_its_idle_lifetime(
    deployment: Deployment, web_app: Application, redeemed: Redeemed
) -> None:
    deployment.clock.advance(30 * 86_400)
    with deployment.nothing_spent():
        assert web_app.refresh(redeemed.refresh_token).error == "invalid_grant"


def test_a_refresh_token_is_over_at_its_absolute_lifetime_however_much_it_is_used(
    deployment: Deployment, web_app: Application, redeemed: Redeemed
) -> None:
    token = redeemed.refresh_token
    for _ in range(4):
        deployment.clock.advance(20 * 86_400)
        token = web_app.refresh(token).json()["refresh_token"]
    deployment.clock.advance(10 * 86_400)
    with deployment.nothing_spent():
        assert web_app.refresh(token).error == "invalid_grant"


def test_without_offline_access_a_grant_lives_no_longer_than_the_session(
    deployment: Deployment, browser: Browser, web_app: Application
) -> None:
    asked = web_app.ask(scope="openid items")
    code = browser.decide(browser.sign_in(browser.open(asked.url))).answered["code"]
    token = web_app.redeem(code, asked.code_verifier).json()["refresh_token"]
    deployment.clock.advance(12 * 3600 - 1)
    token = web_app.refresh(token).json()["refresh_token"]
    deployment.clock.advance(1)
    assert web_app.refresh(token).error == "invalid_grant"


def test_a_disabled_account_is_refused_and_its_grant_revoked(
    deployment: Deployment, web_app: Application, redeemed: Redeemed
) -> None:
    table = deployment.table("Users")
    table.update("account#demo-john", "account", "SET #is_disabled = :yes", {":yes": True})
    assert web_app.refresh(redeemed.refresh_token).error == "invalid_grant"
    table.update("account#demo-john", "account", "SET #is_disabled = :no", {":no": False})
    assert web_app.refresh(redeemed.refresh_token).error == "invalid_grant"


@pytest.mark.parametrize(
    "change",
    [{"epoch": 1}, {"grants_not_before_ms": 4_000_000_000_000}],  # a time that an operator named, or the release before
    ids=str,
)
def test_grants_of_an_older_epoch_or_from_before_the_time_that_an_operator_named_are_dead(
    deployment: Deployment, web_app: Application, redeemed: Redeemed, change: dict[str, int]
) -> None:
    deployment.change_client("web_app_123", **change)
    assert web_app.refresh(redeemed.refresh_token).error == "invalid_grant"
    assert web_app.userinfo(redeemed.access_token).status == 401
