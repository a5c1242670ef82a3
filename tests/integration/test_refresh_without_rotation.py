"""Refreshes that keep their refresh token, of confidential clients that are registered so (RFC 6749 §6, FAPI 2.0
Security Profile §5.3.2.1).
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from valet.grant_types.pace import AT_ONCE, STEP
from valet.handles import parse_refresh_token

from local.aws.aws import FUNCTION
from local.aws.calls import Call
from tests.integration.bound_tokens import SignedIn, bound_to, claims_of, grant_of, not_counted
from tests.integration.conftest import Redeemed
from tests.integration.two_apis import BANK, OTHER, SHOP, allow, register
from tests.integration.two_apis import claims_of as claims_of_token
from tests.support.application import Application
from tests.support.browser import Browser
from tests.support.deployment import Deployment
from tests.support.key_client import key_application
from tests.support.key_holder import KeyHolder
from tests.support.wire import Answer, refused
from tests.support.world import RIVAL, label


@pytest.fixture
def redeemed(deployment: Deployment, redeemed: Redeemed) -> Redeemed:
    """The web app's tokens for john, from before it was registered to keep its refresh tokens."""
    keeps(deployment)
    return redeemed


def keeps(deployment: Deployment, *, rotates: bool = False) -> None:
    deployment.change_client("web_app_123", refresh_token_rotation=rotates)


def renewed(answer: Answer) -> dict[str, Any]:
    """The tokens of an answer that leaves the refresh token as it is."""
    assert answer.status == 200, answer
    tokens: dict[str, Any] = answer.json()
    assert tokens.keys() == {"access_token", "token_type", "expires_in", "scope"}
    return tokens


def overtaken(deployment: Deployment, request: Callable[[], Answer], rival: Callable[[], object]) -> Answer:
    """The answer to a request that is overtaken between its signature and its write."""
    met: list[Call] = []

    def overtake(call: Call, forward: Callable[[], Any]) -> Any:
        if label(call) == "UpdateItem grant" and not met:
            met.append(call)
            me = FUNCTION.set(RIVAL)
            rival()
            FUNCTION.reset(me)
        return forward()

    with deployment.aws.intercept(overtake):
        return request()


def place_of(tokens: dict[str, Any]) -> Any:
    return claims_of(tokens)["status"]


# -- the token stays ---------------------------------------------------------------------------------------------------


def test_a_refresh_token_stays_good_and_every_access_token_is_a_new_one(
    deployment: Deployment, web_app: Application, service: Application, redeemed: Redeemed
) -> None:
    seen = {redeemed.access_token}
    for _ in range(3):
        deployment.clock.advance(61)
        tokens = renewed(web_app.refresh(redeemed.refresh_token))
        assert tokens["access_token"] not in seen
        assert service.introspect(tokens["access_token"]).json()["active"] is True
        seen.add(tokens["access_token"])
    assert web_app.introspect(redeemed.refresh_token).json()["active"] is True
    assert "refresh.reused" not in deployment.audit.names
    assert deployment.audit.names.count("token.refreshed") == 3


def test_a_lost_answer_is_only_a_reason_to_ask_again_however_late(
    deployment: Deployment, web_app: Application, redeemed: Redeemed
) -> None:
    deployment.change_client("web_app_123", retry_window=0)
    for late in (0, 61, 3600):
        deployment.clock.advance(late)
        renewed(web_app.refresh(redeemed.refresh_token))


def test_a_public_clients_refresh_token_rotates_whatever_is_registered(
    deployment: Deployment, browser: Browser, mobile_app: Application
) -> None:
    """Registration refuses it; somebody may edit the item."""
    deployment.change_client(mobile_app.client_id, refresh_token_rotation=False)
    code, verifier = SignedIn(browser).code(mobile_app)
    first = mobile_app.redeem(code, verifier).json()["refresh_token"]
    second = mobile_app.refresh(first).json()["refresh_token"]
    assert second != first
    deployment.clock.advance(61)
    assert mobile_app.refresh(first).error == "invalid_grant"
    assert mobile_app.refresh(second).error == "invalid_grant"


def test_a_grant_that_was_redeemed_by_the_release_before_is_renewed(
    deployment: Deployment, web_app: Application, redeemed: Redeemed
) -> None:
    """Its item has neither a pace nor a key."""
    pk = f"grant#{grant_of(deployment, redeemed.refresh_token).grant_id}"
    deployment.table("Grants").update(pk, "grant", "REMOVE #paced_until, #jkt, #dpop_jkt, #resources", {})
    renewed(web_app.refresh(redeemed.refresh_token))
    renewed(web_app.refresh(redeemed.refresh_token))


# -- two at once -------------------------------------------------------------------------------------------------------


def test_who_is_overtaken_by_a_renewal_answers_with_its_place_and_writes_nothing(
    deployment: Deployment, web_app: Application, redeemed: Redeemed
) -> None:
    deployment.clock.advance(61)
    faster: list[dict[str, Any]] = []
    tokens = renewed(
        overtaken(
            deployment,
            lambda: web_app.refresh(redeemed.refresh_token),
            lambda: faster.append(renewed(web_app.refresh(redeemed.refresh_token))),
        )
    )
    assert place_of(tokens) == place_of(faster[0])
    grant = grant_of(deployment, redeemed.refresh_token)
    assert grant.generation == 2
    assert "refresh.retried" in deployment.audit.names
    assert web_app.revoke(redeemed.refresh_token).status == 200
    for each in (tokens, *faster):
        assert web_app.userinfo(each["access_token"]).status == 401


def test_who_is_overtaken_at_the_last_refresh_that_the_pace_allows_still_gets_its_answer(
    deployment: Deployment, web_app: Application, redeemed: Redeemed
) -> None:
    ahead = int(deployment.clock.now) + (AT_ONCE - 1) * STEP
    pk = f"grant#{grant_of(deployment, redeemed.refresh_token).grant_id}"
    deployment.table("Grants").update(pk, "grant", "SET #paced_until = :ahead", {":ahead": ahead})

    def request() -> Answer:
        return web_app.refresh(redeemed.refresh_token)

    renewed(overtaken(deployment, request, request))
    with not_counted(deployment, redeemed.refresh_token):
        answer = request()
    assert answer.status == 429
    deployment.clock.advance(int(answer.headers["retry-after"]))
    renewed(request())


def test_who_is_overtaken_by_a_revocation_is_refused(
    deployment: Deployment, web_app: Application, redeemed: Redeemed
) -> None:
    answer = overtaken(
        deployment,
        lambda: web_app.refresh(redeemed.refresh_token),
        lambda: web_app.revoke(redeemed.refresh_token),
    )
    refused(answer, 400, "invalid_grant")
    assert grant_of(deployment, redeemed.refresh_token).revoked_at


def test_who_is_overtaken_by_a_rotation_gets_its_successor(
    deployment: Deployment, web_app: Application, redeemed: Redeemed
) -> None:
    """The setting changed a moment ago, and not every function knows it."""
    faster: list[dict[str, Any]] = []

    def rotate() -> None:
        keeps(deployment, rotates=True)
        faster.append(web_app.refresh(redeemed.refresh_token).json())

    answer = overtaken(deployment, lambda: web_app.refresh(redeemed.refresh_token), rotate)
    assert answer.json()["refresh_token"] == faster[0]["refresh_token"]
    assert place_of(answer.json()) == place_of(faster[0])


def test_a_rotation_that_is_overtaken_by_a_renewal_leaves_the_token_as_it_is(
    deployment: Deployment, web_app: Application, redeemed: Redeemed
) -> None:
    keeps(deployment, rotates=True)
    faster: list[dict[str, Any]] = []

    def renew() -> None:
        keeps(deployment)
        faster.append(renewed(web_app.refresh(redeemed.refresh_token)))

    tokens = renewed(overtaken(deployment, lambda: web_app.refresh(redeemed.refresh_token), renew))
    assert place_of(tokens) == place_of(faster[0])
    renewed(web_app.refresh(redeemed.refresh_token))
    assert web_app.revoke(redeemed.refresh_token).status == 200
    for each in (tokens, *faster):
        assert web_app.userinfo(each["access_token"]).status == 401


# -- a setting that changes --------------------------------------------------------------------------------------------


def test_a_client_that_no_longer_rotates_gets_its_lost_successor_and_keeps_that(
    deployment: Deployment, web_app: Application, redeemed: Redeemed
) -> None:
    keeps(deployment, rotates=True)
    lost = web_app.refresh(redeemed.refresh_token).json()["refresh_token"]
    keeps(deployment)
    renewed(web_app.refresh(lost))
    assert web_app.refresh(redeemed.refresh_token).json()["refresh_token"] == lost
    renewed(web_app.refresh(lost))


def test_a_client_that_rotates_from_now_on_is_given_a_successor(
    deployment: Deployment, web_app: Application, redeemed: Redeemed
) -> None:
    renewed(web_app.refresh(redeemed.refresh_token))
    keeps(deployment, rotates=True)
    following = web_app.refresh(redeemed.refresh_token).json()["refresh_token"]
    assert following != redeemed.refresh_token
    deployment.clock.advance(61)
    assert web_app.refresh(redeemed.refresh_token).error == "invalid_grant"
    assert "refresh.reused" in deployment.audit.names


@pytest.mark.parametrize("which", [0, 1])
def test_an_older_token_from_before_the_change_is_theft_and_ends_the_grant(
    deployment: Deployment, web_app: Application, service: Application, redeemed: Redeemed, which: int
) -> None:
    """The one before the current outside its window, and an older one at any time."""
    keeps(deployment, rotates=True)
    used = [redeemed.refresh_token]
    used.append(web_app.refresh(used[0]).json()["refresh_token"])
    current = web_app.refresh(used[1]).json()["refresh_token"]
    keeps(deployment)
    tokens = renewed(web_app.refresh(current))
    if which == 1:
        deployment.clock.advance(61)
    refused(web_app.refresh(used[which]), 400, "invalid_grant")
    refused(web_app.refresh(current), 400, "invalid_grant")
    assert service.introspect(tokens["access_token"]).json() == {"active": False}
    assert "refresh.reused" in deployment.audit.names


# -- the end -----------------------------------------------------------------------------------------------------------


def test_use_prolongs_the_idle_lifetime_and_the_absolute_one_ends_it(
    deployment: Deployment, web_app: Application, redeemed: Redeemed
) -> None:
    for _ in range(4):
        deployment.clock.advance(20 * 86_400)
        renewed(web_app.refresh(redeemed.refresh_token))
    deployment.clock.advance(10 * 86_400)
    with not_counted(deployment, redeemed.refresh_token):
        refused(web_app.refresh(redeemed.refresh_token), 400, "invalid_grant")


def test_a_token_that_is_not_used_for_its_idle_lifetime_is_over(
    deployment: Deployment, web_app: Application, redeemed: Redeemed
) -> None:
    renewed(web_app.refresh(redeemed.refresh_token))
    deployment.clock.advance(30 * 86_400)
    with not_counted(deployment, redeemed.refresh_token):
        refused(web_app.refresh(redeemed.refresh_token), 400, "invalid_grant")


def test_a_revocation_ends_every_access_token_of_every_renewal(
    deployment: Deployment, web_app: Application, service: Application, redeemed: Redeemed
) -> None:
    given = [redeemed.access_token]
    for _ in range(3):
        deployment.clock.advance(61)
        given.append(renewed(web_app.refresh(redeemed.refresh_token))["access_token"])
    assert web_app.revoke(redeemed.refresh_token).status == 200
    refused(web_app.refresh(redeemed.refresh_token), 400, "invalid_grant")
    assert [service.introspect(token).json()["active"] for token in given] == [False] * 4


def test_an_access_token_that_was_revoked_alone_takes_no_later_one_with_it(
    web_app: Application, service: Application, redeemed: Redeemed
) -> None:
    """So soon after the first that the two would share a place."""
    assert web_app.revoke(redeemed.access_token).status == 200
    tokens = renewed(web_app.refresh(redeemed.refresh_token))
    assert service.introspect(tokens["access_token"]).json()["active"] is True


# -- what holds for every refresh --------------------------------------------------------------------------------------


def test_a_refusal_spends_nothing_and_the_token_stays_good(
    deployment: Deployment, web_app: Application, legacy_app: Application, redeemed: Redeemed
) -> None:
    token = parse_refresh_token(redeemed.refresh_token)
    assert token is not None
    with not_counted(deployment, redeemed.refresh_token):
        refused(legacy_app.refresh(redeemed.refresh_token), 400, "invalid_grant")
        refused(web_app.refresh(redeemed.refresh_token, scope="openid admin"), 400, "invalid_scope")
        refused(web_app.refresh(f"{token.grant_id}.{'A' * 43}.{'A' * 43}"), 400, "invalid_grant")
    renewed(web_app.refresh(redeemed.refresh_token))


def test_an_id_token_comes_with_a_renewal_for_clients_registered_so(
    deployment: Deployment, web_app: Application, redeemed: Redeemed
) -> None:
    deployment.change_client("web_app_123", id_token_on_refresh=True)
    tokens = web_app.refresh(redeemed.refresh_token).json()
    assert {"id_token", "refresh_token"} & tokens.keys() == {"id_token"}


def test_each_renewal_is_bound_to_the_key_of_its_own_proof(
    deployment: Deployment, web_app: Application, redeemed: Redeemed
) -> None:
    deployment.change_client("web_app_123", dpop_bound_access_tokens=True)
    with not_counted(deployment, redeemed.refresh_token):
        refused(web_app.refresh(redeemed.refresh_token), 400, "invalid_dpop_proof")
    for holder in (KeyHolder(deployment), KeyHolder(deployment)):
        tokens = bound_to(holder.of(web_app).refresh(redeemed.refresh_token), holder)
        assert "refresh_token" not in tokens


def test_an_assertion_is_spent_once_by_a_renewal_and_not_by_a_refusal(
    deployment: Deployment, web_app: Application, redeemed: Redeemed
) -> None:
    application = key_application(web_app, deployment.clock)
    deployment.change_client(
        "web_app_123", token_endpoint_auth_method="private_key_jwt", secret_digests=(), jwks=application.jwks
    )
    with deployment.aws.recorded() as calls:
        renewed(application.refresh(redeemed.refresh_token))
    assert [label(call) for call in calls].count("PutItem once") == 1
    with deployment.nothing_spent():
        refused(application.refresh(redeemed.refresh_token, scope="admin"), 400, "invalid_scope")


def test_each_renewal_is_for_the_api_that_it_names(
    deployment: Deployment, browser: Browser, web_app: Application
) -> None:
    register(deployment)
    keeps(deployment)
    allowed = allow(browser, web_app, SHOP, BANK)
    token = allowed.redeem(web_app, resource=SHOP).json()["refresh_token"]
    with not_counted(deployment, token):
        refused(web_app.refresh(token, resource=OTHER), 400, "invalid_target")
        refused(web_app.refresh(token), 400, "invalid_target")
    for api in (BANK, SHOP):
        tokens = renewed(web_app.refresh(token, resource=api))
        assert claims_of_token(tokens["access_token"])["aud"] == [api, deployment.issuer]
