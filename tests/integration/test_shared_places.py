"""Access tokens of one grant that share a place in a status list: nothing is forgotten, and no bit is set for it."""

from dataclasses import replace
from typing import Any

import jwt
import pytest
from valet.aws.dynamodb.grants import packed
from valet.models.grants import Grant, LiveToken

from tests.integration.conftest import Redeemed
from tests.support.application import Application
from tests.support.deployment import Deployment
from tests.support.status_bits import indices_of


def claims(access_token: str) -> dict[str, Any]:
    found: dict[str, Any] = jwt.decode(access_token, options={"verify_signature": False})
    return found


def place(access_token: str) -> tuple[str, int]:
    status = claims(access_token)["status"]["status_list"]
    return status["uri"].rpartition("/")[2], status["idx"]


def bits(deployment: Deployment) -> set[tuple[str, int]]:
    """Every status bit that is set."""
    names = (item["pk"]["S"] for item in deployment.everything() if item["sk"]["S"] == "open")
    lists = {name.partition("#")[2] for name in names}
    found = {list_id: deployment.server.status_lists.find_list(list_id) for list_id in lists}
    return {(list_id, idx) for list_id, content in found.items() for idx in indices_of(content)}


def grant_of(deployment: Deployment, redeemed: Redeemed) -> Grant:
    grant = deployment.server.grants.find(redeemed.refresh_token.partition(".")[0])
    assert grant is not None
    return grant


def remembers(deployment: Deployment, redeemed: Redeemed, live: tuple[LiveToken, ...]) -> None:
    """The grant comes from another history."""
    key = f"grant#{redeemed.refresh_token.partition('.')[0]}"
    deployment.table("Grants").update(key, "grant", "SET #live = :live", {":live": packed(live)})


def test_a_refresh_soon_after_another_shares_its_place_and_lives_no_longer(
    deployment: Deployment, web_app: Application, redeemed: Redeemed
) -> None:
    deployment.clock.advance(59)
    tokens = web_app.refresh(redeemed.refresh_token).json()
    first, second = claims(redeemed.access_token), claims(tokens["access_token"])
    assert place(tokens["access_token"]) == place(redeemed.access_token)
    assert second["exp"] == first["exp"]
    assert tokens["expires_in"] == 900 - 59
    assert second["jti"] != first["jti"]
    assert second["iat"] == first["iat"] + 59
    assert len(grant_of(deployment, redeemed).live) == 1


def test_a_minute_later_the_next_token_has_its_own_place_and_its_whole_lifetime(
    deployment: Deployment, web_app: Application, redeemed: Redeemed
) -> None:
    deployment.clock.advance(60)
    tokens = web_app.refresh(redeemed.refresh_token).json()
    assert place(tokens["access_token"]) != place(redeemed.access_token)
    assert tokens["expires_in"] == 900
    assert len(grant_of(deployment, redeemed).live) == 2


@pytest.mark.parametrize("pause", [0, 11, 60])
def test_however_often_a_grant_is_refreshed_no_bit_is_set_and_a_revocation_reaches_every_token(
    deployment: Deployment, web_app: Application, redeemed: Redeemed, pause: int
) -> None:
    token, issued = redeemed.refresh_token, [redeemed.access_token]
    for _ in range(40):
        deployment.clock.advance(pause)
        answer = web_app.refresh(token).json()
        assert answer["expires_in"] > 900 * 14 // 15
        token = answer["refresh_token"]
        issued.append(answer["access_token"])
    assert bits(deployment) == set()
    assert len(grant_of(deployment, redeemed).live) <= 15
    web_app.revoke(token)
    alive = {place(each) for each in issued if claims(each)["exp"] > deployment.clock.now}
    assert bits(deployment) == alive


def test_after_its_own_revocation_an_access_tokens_place_is_not_shared(
    deployment: Deployment, web_app: Application, service: Application, redeemed: Redeemed
) -> None:
    """Else the client would be given a token that every API refuses."""
    web_app.revoke(redeemed.access_token)
    tokens = web_app.refresh(redeemed.refresh_token).json()
    assert place(tokens["access_token"]) != place(redeemed.access_token)
    assert service.introspect(tokens["access_token"]).json()["active"] is True
    assert service.introspect(redeemed.access_token).json() == {"active": False}
    assert [token.idx for token in grant_of(deployment, redeemed).live] == [place(tokens["access_token"])[1]]
    # And so once more, with the token that took the place of the first.
    web_app.revoke(tokens["access_token"])
    again = web_app.refresh(tokens["refresh_token"]).json()
    assert service.introspect(again["access_token"]).json()["active"] is True
    assert bits(deployment) == {place(redeemed.access_token), place(tokens["access_token"])}


def test_after_an_operator_refused_the_live_tokens_the_next_has_its_own_place(
    deployment: Deployment, web_app: Application, service: Application, redeemed: Redeemed
) -> None:
    """As a change of roles does, which leaves the grant alive."""
    deployment.server.status_lists.put_bits(grant_of(deployment, redeemed).live)
    tokens = web_app.refresh(redeemed.refresh_token).json()
    assert service.introspect(tokens["access_token"]).json()["active"] is True


def test_the_revocation_of_one_access_token_ends_those_that_share_its_place_and_no_other(
    deployment: Deployment, web_app: Application, service: Application, redeemed: Redeemed
) -> None:
    deployment.clock.advance(60)
    second = web_app.refresh(redeemed.refresh_token).json()
    third = web_app.refresh(second["refresh_token"], scope="items").json()
    assert place(second["access_token"]) == place(third["access_token"])
    web_app.revoke(third["access_token"])
    assert service.introspect(third["access_token"]).json() == {"active": False}
    assert service.introspect(second["access_token"]).json() == {"active": False}
    assert service.introspect(redeemed.access_token).json()["active"] is True
    assert web_app.refresh(third["refresh_token"]).status == 200, "the grant lives"


def test_a_token_of_a_shorter_lifetime_shares_a_place_and_keeps_its_own_lifetime(
    deployment: Deployment, web_app: Application, redeemed: Redeemed
) -> None:
    for api in deployment.server.registry.scopes().apis.values():
        deployment.registrar.put_api(replace(api, access_token_lifetime=300))
    deployment.clock.advance(400)
    shorter = web_app.refresh(redeemed.refresh_token, scope="items").json()
    assert place(shorter["access_token"]) == place(redeemed.access_token)
    assert shorter["expires_in"] == 300
    # What the place has left is too little for the longer lifetime.
    longer = web_app.refresh(shorter["refresh_token"], scope="openid").json()
    assert place(longer["access_token"]) != place(redeemed.access_token)
    assert longer["expires_in"] == 900


def test_with_fifteen_places_alive_the_one_that_lasts_longest_is_shared(
    deployment: Deployment, web_app: Application, redeemed: Redeemed
) -> None:
    now, (own,) = int(deployment.clock.now), grant_of(deployment, redeemed).live
    others = tuple(LiveToken(now + 500 + 10 * number, own.list_id, 5000 + number) for number in range(15))
    mixed = (others[14], *others[:14])  # the longest is not the newest
    remembers(deployment, redeemed, mixed)
    tokens = web_app.refresh(redeemed.refresh_token).json()
    assert place(tokens["access_token"]) == others[14][1:]
    assert tokens["expires_in"] == 640
    assert grant_of(deployment, redeemed).live == (*others[:14], others[14])
    # A retry answers for the same generation, from the same place.
    again = web_app.refresh(redeemed.refresh_token).json()
    assert place(again["access_token"]) == others[14][1:]
    assert bits(deployment) == set()


def test_a_grant_of_the_release_before_with_sixteen_alive_forgets_none_of_them(
    deployment: Deployment, web_app: Application, redeemed: Redeemed
) -> None:
    now, (own,) = int(deployment.clock.now), grant_of(deployment, redeemed).live
    sixteen = tuple(LiveToken(now + 700 + number, own.list_id, 5000 + number) for number in range(16))
    remembers(deployment, redeemed, sixteen)
    tokens = web_app.refresh(redeemed.refresh_token).json()
    assert grant_of(deployment, redeemed).live == sixteen
    assert bits(deployment) == set()
    # Where the one that would be shared is revoked, the new place takes its room.
    web_app.revoke(tokens["access_token"])
    tokens = web_app.refresh(tokens["refresh_token"]).json()
    assert {token[1:] for token in grant_of(deployment, redeemed).live} == {
        *(token[1:] for token in sixteen[:15]),
        place(tokens["access_token"]),
    }
