"""POST /token for a client itself (RFC 6749 §4.4)."""

from dataclasses import replace

import jwt
import pytest

from tests.support.application import Application
from tests.support.deployment import Deployment


def test_a_service_gets_an_access_token_and_nothing_else(service: Application, deployment: Deployment) -> None:
    tokens = service.client_credentials(scope="admin").json()
    assert tokens.keys() == {"access_token", "token_type", "expires_in", "scope"}
    assert tokens["scope"] == "admin api_access"  # the closure, so that any verifier understands it
    claims = jwt.decode(tokens["access_token"], options={"verify_signature": False})
    assert claims["sub"] == claims["client_id"] == "api_service_789"
    assert claims["aud"] == f"{deployment.issuer}/api"
    assert "roles" not in claims
    assert "auth_time" not in claims


def test_no_scope_asked_is_the_registered_default(service: Application) -> None:
    assert service.client_credentials().json()["scope"] == "admin api_access"


@pytest.mark.parametrize("scope", ["items", "admin items", "openid", "unheard_of", "admin unheard_of", "ADMIN", "*"])
def test_scope_beyond_what_is_registered_is_refused(deployment: Deployment, service: Application, scope: str) -> None:
    with deployment.nothing_spent():
        answer = service.client_credentials(scope=scope)
        assert (answer.status, answer.error) == (400, "invalid_scope")


@pytest.mark.parametrize(
    ("scope", "description"),
    [
        ("items", "The scope items is not registered for this client."),
        ("admin itmes", "The scope itmes is not registered at this server."),
        ("openid", "The scope openid is not registered for this client."),
    ],
)
def test_my_service_misspelt_a_scope_and_the_answer_and_the_log_name_it(
    deployment: Deployment, service: Application, scope: str, description: str
) -> None:
    with deployment.nothing_spent():
        answer = service.client_credentials(scope=scope)
    assert answer.json()["error_description"].startswith(description)


def test_a_service_that_may_have_openid_is_told_that_it_is_for_people(
    deployment: Deployment, service: Application
) -> None:
    deployment.change_client("api_service_789", scope=frozenset({"openid", "admin"}))
    with deployment.nothing_spent():
        answer = service.client_credentials(scope="openid admin unheard_of")
    assert answer.error == "invalid_scope"
    assert answer.json()["error_description"].startswith("The scope openid is for end-users")


def test_a_space_too_many_between_scopes_is_forgiven(service: Application) -> None:
    assert service.client_credentials(scope=" admin  api_access ").json()["scope"] == "admin api_access"


def test_no_scope_asked_and_none_by_default_is_refused(deployment: Deployment, service: Application) -> None:
    deployment.change_client("api_service_789", default_scope=frozenset())
    with deployment.nothing_spent():
        assert service.client_credentials().error == "invalid_scope"


@pytest.mark.parametrize("scope", ["openid", "offline_access", "admin openid"])
def test_a_scope_that_needs_an_end_user_is_refused_though_registered(
    deployment: Deployment, service: Application, scope: str
) -> None:
    client = deployment.server.registry.find_client("api_service_789")
    assert client is not None
    wider = replace(client, scope=client.scope | {"openid", "offline_access"})
    deployment.registrar.put_client(wider)
    deployment.clock.advance(11)
    with deployment.nothing_spent():
        assert service.client_credentials(scope=scope).error == "invalid_scope"


def test_a_public_client_has_no_credentials_though_registered_for_the_grant_type(
    deployment: Deployment, mobile_app: Application
) -> None:
    deployment.change_client("mobile_app", grant_types=frozenset({"client_credentials"}))
    with deployment.nothing_spent():
        assert mobile_app.client_credentials(scope="items").error == "unauthorized_client"
