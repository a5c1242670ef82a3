"""Resource indicators at /token: each access token is for one of the APIs that a request named (RFC 8707 §2.2)."""

from __future__ import annotations

import pytest
from valet.handles import parse_refresh_token
from valet.models.clients import ProtectedApi
from valet.models.grants import LiveToken

from tests.integration.conftest import Redeemed
from tests.integration.two_apis import (
    BANK,
    OTHER,
    SHOP,
    WRONG,
    Allowed,
    allow,
    claims_of,
    register,
    repeated,
)
from tests.support.application import Application
from tests.support.browser import Browser
from tests.support.deployment import Deployment
from tests.support.wire import encoded, post_form, refused


@pytest.fixture(autouse=True)
def _two_apis(deployment: Deployment) -> None:
    register(deployment)


@pytest.fixture
def both(browser: Browser, web_app: Application) -> Allowed:
    return allow(browser, web_app, SHOP, BANK)


def test_each_access_token_of_a_grant_for_two_apis_is_for_the_one_that_is_named(
    deployment: Deployment, web_app: Application, both: Allowed
) -> None:
    first = both.redeem(web_app, resource=SHOP).json()
    shop = claims_of(first["access_token"])
    assert shop["aud"] == [SHOP, deployment.issuer]
    assert shop["scope"] == first["scope"] == "buy offline_access openid"
    assert (shop["roles"], first["expires_in"]) == (["user"], 900)
    second = web_app.refresh(first["refresh_token"], resource=BANK).json()
    bank = claims_of(second["access_token"])
    assert bank["aud"] == [BANK, deployment.issuer]
    assert bank["scope"] == second["scope"] == "offline_access openid pay"
    assert "roles" not in bank  # john is no admin, and what he is at the shop is not the bank's business
    assert second["expires_in"] == 300  # the API's own
    assert bank["grant_id"] == shop["grant_id"]
    third = web_app.refresh(second["refresh_token"], resource="HTTPS://Shop.example/").json()
    assert claims_of(third["access_token"])["aud"] == [SHOP, deployment.issuer]  # as it is registered


def test_without_openid_a_token_is_for_the_api_alone(browser: Browser, web_app: Application) -> None:
    allowed = allow(browser, web_app, SHOP, BANK, scope="buy pay offline_access")
    tokens = allowed.redeem(web_app, resource=BANK).json()
    assert claims_of(tokens["access_token"])["aud"] == BANK
    assert "id_token" not in tokens
    assert web_app.userinfo(tokens["access_token"]).status == 403


def test_userinfo_introspection_and_revocation_go_by_such_tokens(
    deployment: Deployment, web_app: Application, both: Allowed
) -> None:
    tokens = both.redeem(web_app, resource=SHOP).json()
    assert web_app.userinfo(tokens["access_token"]).json()["sub"] == "demo-john"
    told = web_app.introspect(tokens["access_token"]).json()
    assert (told["active"], told["aud"], told["scope"]) == (True, [SHOP, deployment.issuer], tokens["scope"])
    assert web_app.introspect(tokens["refresh_token"]).json()["scope"] == "buy offline_access openid pay"
    web_app.revoke(tokens["access_token"])
    assert web_app.introspect(tokens["access_token"]).json() == {"active": False}
    later = web_app.refresh(tokens["refresh_token"], resource=BANK).json()
    assert web_app.introspect(later["access_token"]).json()["active"] is True
    web_app.revoke(later["refresh_token"])
    assert web_app.userinfo(later["access_token"]).status == 401


def test_a_client_that_lost_an_answer_may_retry_for_the_other_api_under_the_same_index(
    deployment: Deployment, web_app: Application, both: Allowed
) -> None:
    token = both.redeem(web_app, resource=SHOP).json()["refresh_token"]
    deployment.clock.advance(120)
    shop = web_app.refresh(token, resource=SHOP).json()
    deployment.clock.advance(5)
    bank = web_app.refresh(token, resource=BANK).json()
    assert shop["refresh_token"] == bank["refresh_token"]
    one, other = claims_of(shop["access_token"]), claims_of(bank["access_token"])
    assert one["status"] == other["status"]
    assert (one["aud"][0], other["aud"][0]) == (SHOP, BANK)
    assert other["exp"] - other["iat"] == 300
    assert deployment.audit.names[-2:] == ["token.refreshed", "refresh.retried"]
    assert web_app.refresh(bank["refresh_token"], resource=SHOP).status == 200


@pytest.mark.parametrize("resource", [None, *WRONG])
def test_a_code_for_another_resource_or_for_none_of_two_is_refused_and_not_spent(
    deployment: Deployment, web_app: Application, both: Allowed, resource: str | None
) -> None:
    with deployment.nothing_spent():
        refused(both.redeem(web_app, resource=resource), 400, "invalid_target")
    assert deployment.audit.events[-1] == (
        "resource.refused",
        {"client_id": "web_app_123", "resource": (resource or "").replace('"', "?")},
    )
    assert both.redeem(web_app, resource=SHOP).status == 200


@pytest.mark.parametrize("resource", [None, *WRONG])
def test_a_refresh_for_another_resource_or_for_none_of_two_is_refused_and_the_token_stays_good(
    deployment: Deployment, web_app: Application, both: Allowed, resource: str | None
) -> None:
    token = both.redeem(web_app, resource=SHOP).json()["refresh_token"]
    with deployment.nothing_spent():
        refused(web_app.refresh(token, resource=resource), 400, "invalid_target")
    assert web_app.refresh(token, resource=BANK).status == 200


def test_a_token_request_that_names_two_resources_is_refused_and_spends_nothing(
    deployment: Deployment, web_app: Application, both: Allowed
) -> None:
    with deployment.nothing_spent():
        answer = repeated(web_app, SHOP, BANK, **both.form)
        refused(answer, 400, "invalid_target")
        assert "one API" in answer.json()["error_description"]
    token = repeated(web_app, SHOP, f"{SHOP}/", SHOP, **both.form).json()["refresh_token"]
    form = {"grant_type": "refresh_token", "refresh_token": token}
    with deployment.nothing_spent():
        refused(repeated(web_app, SHOP, OTHER, **form), 400, "invalid_target")
    assert repeated(web_app, BANK, BANK, **form).status == 200


def test_a_wrong_resource_is_no_second_use_of_an_old_refresh_token(
    deployment: Deployment, web_app: Application, both: Allowed
) -> None:
    """Only a request that could be answered counts as the use of a stolen token; and then it ends the grant."""
    first = both.redeem(web_app, resource=SHOP).json()["refresh_token"]
    second = web_app.refresh(first, resource=SHOP).json()["refresh_token"]
    third = web_app.refresh(second, resource=SHOP).json()["refresh_token"]
    with deployment.nothing_spent():
        for resource in (None, *WRONG):
            assert web_app.refresh(first, resource=resource).error == "invalid_target"
    assert web_app.refresh(third, resource=BANK).status == 200
    assert web_app.refresh(first, resource=BANK).error == "invalid_grant"
    assert "refresh.reused" in deployment.audit.names


def test_a_wrong_resource_is_no_second_use_of_a_code(
    deployment: Deployment, web_app: Application, both: Allowed
) -> None:
    tokens = both.redeem(web_app, resource=SHOP).json()
    deployment.clock.advance(30)
    with deployment.nothing_spent():
        assert both.redeem(web_app, resource=OTHER).error == "invalid_target"
    assert web_app.refresh(tokens["refresh_token"], resource=SHOP).status == 200
    assert both.redeem(web_app, resource=SHOP).error == "invalid_grant"
    assert "code.replayed" in deployment.audit.names


def test_the_resources_of_a_grant_are_told_to_nobody_who_lacks_the_verifier_or_the_token(
    deployment: Deployment, web_app: Application, legacy_app: Application, both: Allowed
) -> None:
    with deployment.nothing_spent():
        for resource in (None, SHOP, OTHER):
            assert web_app.redeem(both.code, "v" * 43, resource=resource).error == "invalid_grant"
            assert legacy_app.redeem(both.code, both.asked.code_verifier, resource=resource).error == "invalid_grant"
    token = both.redeem(web_app, resource=SHOP).json()["refresh_token"]
    with deployment.nothing_spent():
        for resource in (None, SHOP, OTHER):
            assert legacy_app.refresh(token, resource=resource).error == "invalid_grant"
            assert web_app.refresh(token[:-43] + "A" * 86, resource=resource).error == "invalid_grant"


@pytest.mark.parametrize(
    ("scope", "resource", "granted"),
    [
        ("openid buy pay offline_access", BANK, "offline_access openid pay"),  # as libraries repeat it
        ("pay", BANK, "pay"),
        ("openid pay", BANK, "openid pay"),
    ],
)
def test_a_refresh_may_ask_for_less_and_gets_what_belongs_to_its_resource(
    web_app: Application, both: Allowed, scope: str, resource: str, granted: str
) -> None:
    token = both.redeem(web_app, resource=SHOP).json()["refresh_token"]
    assert web_app.refresh(token, resource=resource, scope=scope).json()["scope"] == granted


@pytest.mark.parametrize("scope", ["buy", "openid", "buy offline_access"])
def test_a_refresh_whose_scope_has_nothing_of_its_resource_is_refused_and_the_token_stays_good(
    deployment: Deployment, web_app: Application, both: Allowed, scope: str
) -> None:
    token = both.redeem(web_app, resource=SHOP).json()["refresh_token"]
    with deployment.nothing_spent():
        refused(web_app.refresh(token, resource=BANK, scope=scope), 400, "invalid_scope")
    assert web_app.refresh(token, resource=BANK).status == 200


def test_what_an_operator_takes_away_from_one_api_leaves_the_other(
    deployment: Deployment, web_app: Application, both: Allowed
) -> None:
    token = both.redeem(web_app, resource=SHOP).json()["refresh_token"]
    web = deployment.client("web_app_123")
    deployment.change_client("web_app_123", scope=web.scope - {"pay"})
    with deployment.nothing_spent():
        assert web_app.refresh(token, resource=BANK).error == "invalid_scope"
    assert web_app.refresh(token, resource=SHOP).json()["scope"] == "buy offline_access openid"


def test_a_grant_for_one_api_needs_no_resource_at_the_token_endpoint_and_takes_its_own(
    deployment: Deployment, browser: Browser, web_app: Application
) -> None:
    one = allow(browser, web_app, SHOP, scope="openid buy")
    with deployment.nothing_spent():
        assert one.redeem(web_app, resource=BANK).error == "invalid_target"
    tokens = one.redeem(web_app).json()
    assert claims_of(tokens["access_token"])["aud"] == [SHOP, deployment.issuer]
    again = web_app.refresh(tokens["refresh_token"], resource=f"{SHOP}/").json()
    assert claims_of(again["access_token"])["aud"] == [SHOP, deployment.issuer]
    with deployment.nothing_spent():
        assert web_app.refresh(again["refresh_token"], resource=BANK).error == "invalid_target"
    assert web_app.refresh(again["refresh_token"]).status == 200


def test_a_grant_of_a_request_without_resource_takes_its_apis_and_no_other(
    deployment: Deployment, web_app: Application, redeemed: Redeemed
) -> None:
    """Grants of the release before are such grants."""
    api = f"{deployment.issuer}/api"
    grant = deployment.server.grants.find(parse_refresh_token(redeemed.refresh_token).grant_id)  # type: ignore[union-attr]
    assert grant is not None
    assert (grant.aud, grant.resources) == ((api,), ())
    with deployment.nothing_spent():
        for resource in (SHOP, deployment.issuer, "x"):
            assert web_app.refresh(redeemed.refresh_token, resource=resource).error == "invalid_target"
        assert web_app.refresh(redeemed.refresh_token, resource=api, scope="openid email").error == "invalid_scope"
    token = web_app.refresh(redeemed.refresh_token, resource=api).json()
    assert claims_of(token["access_token"])["aud"] == [api, deployment.issuer]
    assert web_app.refresh(token["refresh_token"]).json()["scope"] == "email items offline_access openid profile"


def test_a_grant_for_no_api_has_no_resource_to_pick(
    deployment: Deployment, browser: Browser, web_app: Application
) -> None:
    alone = allow(browser, web_app, scope="openid email")
    with deployment.nothing_spent():
        answer = alone.redeem(web_app, resource=SHOP)
        assert answer.error == "invalid_target"
        assert "leave resource out" in answer.json()["error_description"]
    assert alone.redeem(web_app).status == 200


def test_a_resource_in_the_query_of_a_token_request_is_refused_by_name(
    deployment: Deployment, web_app: Application, both: Allowed
) -> None:
    url = f"{web_app.issuer}/token?{encoded((('resource', SHOP), ('resource', BANK)))}"
    with deployment.nothing_spent():
        answer = post_form(web_app.send, url, {**both.form, "resource": SHOP}, web_app.authorization)
        refused(answer, 400, "invalid_request")
        assert "Send resource in the request's body" in answer.json()["error_description"]
    assert both.redeem(web_app, resource=SHOP).status == 200


def test_the_end_of_a_grant_refuses_its_tokens_at_both_apis(
    deployment: Deployment, web_app: Application, both: Allowed
) -> None:
    first = both.redeem(web_app, resource=SHOP).json()
    deployment.clock.advance(120)
    second = web_app.refresh(first["refresh_token"], resource=BANK).json()
    web_app.revoke(second["refresh_token"])
    for token in (first["access_token"], second["access_token"]):
        status, exp = claims_of(token)["status"]["status_list"], claims_of(token)["exp"]
        place = LiveToken(exp, status["uri"].rpartition("/")[2], status["idx"])
        assert deployment.server.status_lists.is_set(place)
        assert web_app.introspect(token).json() == {"active": False}


def test_a_scope_that_moves_to_another_api_is_in_no_token_of_a_grant_for_the_former(
    deployment: Deployment, web_app: Application, both: Allowed
) -> None:
    token = both.redeem(web_app, resource=SHOP).json()["refresh_token"]
    registrar = deployment.registrar
    registrar.put_api(ProtectedApi(BANK, "Bank"))
    registrar.put_api(ProtectedApi(OTHER, "Other", frozenset({"other", "pay"})))
    deployment.clock.advance(11)
    with deployment.nothing_spent():
        assert web_app.refresh(token, resource=BANK).error == "invalid_scope"
        assert web_app.refresh(token, resource=OTHER).error == "invalid_target"
    assert web_app.refresh(token, resource=SHOP).json()["scope"] == "buy offline_access openid"
