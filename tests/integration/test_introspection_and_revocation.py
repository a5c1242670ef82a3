"""POST /introspect (RFC 7662) and POST /revoke (RFC 7009)."""

from dataclasses import replace

import pytest

from tests.integration.conftest import Redeemed
from tests.support.application import Application
from tests.support.deployment import Deployment
from tests.support.wire import Answer

INACTIVE = '{"active":false}'


def is_inactive(answer: Answer) -> bool:
    """The exact answer: it says nothing else about a token that does not concern the client (RFC 7662 §2.2)."""
    assert answer.status == 200
    return answer.body == INACTIVE


def test_a_service_is_told_of_tokens_for_its_api(
    deployment: Deployment, service: Application, redeemed: Redeemed
) -> None:
    told = service.introspect(redeemed.access_token).json()
    assert told["active"] is True
    assert told["sub"] == "demo-john"
    assert told["client_id"] == "web_app_123"
    assert told["scope"] == "email items offline_access openid profile"
    assert told["token_type"] == "Bearer"
    assert told["exp"] == deployment.clock.now + 900
    assert told["iss"] == deployment.issuer


def test_a_client_is_told_of_its_own_tokens(web_app: Application, redeemed: Redeemed) -> None:
    assert web_app.introspect(redeemed.access_token).json()["active"] is True
    told = web_app.introspect(redeemed.refresh_token).json()
    assert told["active"] is True
    assert told["client_id"] == "web_app_123"


def test_a_service_is_told_of_the_sign_in_that_a_token_rests_on_and_a_refresh_changes_nothing_about_it(
    deployment: Deployment, web_app: Application, service: Application, redeemed: Redeemed
) -> None:
    """RFC 9470 §6.2, RFC 9068 §2.2.1."""
    at = deployment.clock.now
    deployment.clock.advance(100)
    refreshed = web_app.refresh(redeemed.refresh_token).json()["access_token"]
    for token in (redeemed.access_token, refreshed):
        told = service.introspect(token).json()
        assert (told["acr"], told["auth_time"], told["amr"]) == ("urn:valet:acr:password", at, ["pwd"])
    own = service.introspect(service.client_credentials().json()["access_token"]).json()
    assert own["active"] is True
    assert not own.keys() & {"acr", "auth_time", "amr"}


def test_asking_never_counts_as_using(deployment: Deployment, web_app: Application, redeemed: Redeemed) -> None:
    spent, current = redeemed.refresh_token, web_app.refresh(redeemed.refresh_token).json()["refresh_token"]
    deployment.clock.advance(61)
    with deployment.nothing_spent():
        for _ in range(3):
            assert is_inactive(web_app.introspect(spent))
            assert web_app.introspect(current).json()["active"] is True
    assert web_app.refresh(current).status == 200


@pytest.mark.parametrize("token", ["x", "x.y.z", "A" * 22 + "." + "A" * 43 + "." + "A" * 43, "ä", "a" * 60_000])
def test_of_what_is_no_token_nothing_is_told(deployment: Deployment, service: Application, token: str) -> None:
    with deployment.nothing_spent():
        assert is_inactive(service.introspect(token))


def test_of_others_tokens_nothing_is_told(
    deployment: Deployment, legacy_app: Application, service: Application, redeemed: Redeemed
) -> None:
    with deployment.nothing_spent():
        assert is_inactive(legacy_app.introspect(redeemed.access_token))
        assert is_inactive(legacy_app.introspect(redeemed.refresh_token))
        assert is_inactive(service.introspect(redeemed.refresh_token))  # it may see access tokens for its API only
        assert is_inactive(service.introspect(redeemed.id_token))
        assert is_inactive(service.introspect(redeemed.issued.code))


def test_of_a_refresh_token_that_an_operator_has_ended_nothing_is_told(
    deployment: Deployment, web_app: Application, redeemed: Redeemed
) -> None:
    """The same rule as at /token: a refresh would be refused."""
    deployment.raise_epoch("demo-john")
    with deployment.nothing_spent():
        assert is_inactive(web_app.introspect(redeemed.refresh_token))
        assert is_inactive(web_app.introspect(redeemed.access_token))
        assert web_app.userinfo(redeemed.access_token).status == 401
    assert web_app.refresh(redeemed.refresh_token).error == "invalid_grant"


def test_of_a_token_that_is_over_or_revoked_nothing_is_told(
    deployment: Deployment, web_app: Application, service: Application, redeemed: Redeemed
) -> None:
    web_app.revoke(redeemed.access_token)
    assert is_inactive(service.introspect(redeemed.access_token))
    tokens = web_app.refresh(redeemed.refresh_token).json()
    assert service.introspect(tokens["access_token"]).json()["active"] is True
    web_app.revoke(tokens["refresh_token"])
    assert is_inactive(service.introspect(tokens["access_token"]))
    assert is_inactive(web_app.introspect(tokens["refresh_token"]))
    other = service.client_credentials().json()["access_token"]
    deployment.clock.advance(900)
    assert is_inactive(service.introspect(other))


def test_introspection_is_for_authenticated_confidential_clients(
    deployment: Deployment, mobile_app: Application, service: Application, redeemed: Redeemed
) -> None:
    for app in (mobile_app, replace(service, secret="wrong"), replace(service, client_id="nobody")):
        answer = app.introspect(redeemed.access_token)
        assert (answer.status, answer.error) == (401, "invalid_client")
        assert answer.headers["www-authenticate"].startswith("Basic")
        assert "active" not in answer.json()
    assert service.post("/introspect").error == "invalid_request"


def test_the_hint_is_only_a_hint(web_app: Application, redeemed: Redeemed) -> None:
    for hint in ("access_token", "refresh_token", "unheard_of"):
        for token in (redeemed.access_token, redeemed.refresh_token):
            answer = web_app.post("/introspect", token=token, token_type_hint=hint)
            assert answer.json()["active"] is True
    answer = web_app.post("/revoke", token=redeemed.refresh_token, token_type_hint="access_token")
    assert answer.status == 200
    assert web_app.refresh(redeemed.refresh_token).error == "invalid_grant"


# -- revocation --------------------------------------------------------------------------------------------------------


def test_a_revoked_refresh_token_ends_the_grant_and_its_access_tokens(
    deployment: Deployment, web_app: Application, service: Application, redeemed: Redeemed
) -> None:
    answer = web_app.revoke(redeemed.refresh_token)
    assert (answer.status, answer.body) == (200, "")
    assert web_app.refresh(redeemed.refresh_token).error == "invalid_grant"
    assert is_inactive(service.introspect(redeemed.access_token))
    assert "grant.revoked" in deployment.audit.names


def test_a_spent_refresh_token_ends_the_grant_too(web_app: Application, redeemed: Redeemed) -> None:
    current = web_app.refresh(redeemed.refresh_token).json()["refresh_token"]
    assert web_app.revoke(redeemed.refresh_token).status == 200
    assert web_app.refresh(current).error == "invalid_grant"


def test_a_revoked_access_token_leaves_the_grant_alive(
    web_app: Application, service: Application, redeemed: Redeemed
) -> None:
    assert web_app.revoke(redeemed.access_token).status == 200
    assert is_inactive(service.introspect(redeemed.access_token))
    assert web_app.refresh(redeemed.refresh_token).status == 200


@pytest.mark.parametrize("app_name", ["legacy_app", "mobile_app", "spa", "service"])
def test_the_token_of_another_client_is_200_and_nothing_changes(
    deployment: Deployment, web_app: Application, redeemed: Redeemed, app_name: str, request: pytest.FixtureRequest
) -> None:
    other: Application = request.getfixturevalue(app_name)
    with deployment.nothing_spent():
        for token in (redeemed.refresh_token, redeemed.access_token):
            assert other.revoke(token).status == 200
    assert web_app.userinfo(redeemed.access_token).status == 200
    assert web_app.refresh(redeemed.refresh_token).status == 200


def test_what_is_no_token_is_200_and_nothing_changes(
    deployment: Deployment, web_app: Application, redeemed: Redeemed
) -> None:
    grant_id, family, secret = redeemed.refresh_token.split(".")
    with deployment.nothing_spent():
        for token in (
            "x",
            "ä",
            redeemed.id_token,
            redeemed.issued.code,
            f"{grant_id}.{'A' * 43}.{secret}",
            f"{'A' * 22}.{family}.{secret}",
            redeemed.access_token[:-4] + "AAAA",
        ):
            assert web_app.revoke(token).status == 200
    assert web_app.refresh(redeemed.refresh_token).status == 200


def test_revocation_wants_the_client_and_a_token(
    deployment: Deployment, web_app: Application, redeemed: Redeemed
) -> None:
    with deployment.nothing_spent():
        assert replace(web_app, secret="wrong").revoke(redeemed.refresh_token).error == "invalid_client"
        assert replace(web_app, secret=None).revoke(redeemed.refresh_token).error == "invalid_client"
        assert web_app.post("/revoke").error == "invalid_request"
        answer = deployment.send("GET", f"{deployment.issuer}/revoke?token=x", web_app.authorization)
        assert (answer.status, answer.headers["allow"]) == (405, "POST")
    assert web_app.refresh(redeemed.refresh_token).status == 200


def test_revoking_twice_is_as_good_as_once(web_app: Application, redeemed: Redeemed) -> None:
    for _ in range(3):
        assert web_app.revoke(redeemed.refresh_token).status == 200
