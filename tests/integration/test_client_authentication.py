"""Who sends a request to /token: each client by its one registered method (RFC 6749 §2.3, §5.2).

Every way in which credentials may be wrong stands in tests/unit/test_client_authentication.py.
"""

from dataclasses import replace

import pytest

from tests.integration.conftest import Issued
from tests.support.application import Application, basic
from tests.support.deployment import Deployment
from tests.support.wire import Answer, post_form, refused

CREDENTIALS = {"authorization": basic("web_app_123", "web_secret_456")}


def unauthenticated(answer: Answer) -> None:
    """One answer for whatever is wrong, with a challenge (RFC 6749 §5.2)."""
    refused(answer, 401, "invalid_client")
    assert answer.json()["error_description"].startswith("The client could not be authenticated. ")
    assert answer.headers["www-authenticate"].startswith("Basic realm=")


@pytest.mark.parametrize(
    "authorization",
    [
        basic("web_app_123", "wrong"),
        basic("nobody", "web_secret_456"),
        basic("legacy_app_321", "legacy_secret_654"),  # registered for client_secret_post
        basic("mobile_app", ""),  # public
        "Basic %%%",
    ],
)
def test_whatever_is_wrong_with_the_credentials_the_answer_is_the_same_401(
    deployment: Deployment, web_app: Application, issued: Issued, authorization: str
) -> None:
    with deployment.nothing_spent():
        headers = {"authorization": authorization}
        unauthenticated(post_form(deployment.send, f"{deployment.issuer}/token", issued.exchange, headers))
    assert web_app.redeem(issued.code, issued.asked.code_verifier).status == 200


@pytest.mark.parametrize(
    "credentials",
    [
        {},
        {"client_id": "web_app_123"},
        {"client_id": "web_app_123", "client_secret": "web_secret_456"},  # registered for client_secret_basic
        {"client_id": "legacy_app_321", "client_secret": "wrong"},
        {"client_id": "mobile_app", "client_secret": "any"},
    ],
)
def test_credentials_in_the_body_are_held_to_the_registered_method(
    deployment: Deployment, web_app: Application, issued: Issued, credentials: dict[str, str]
) -> None:
    with deployment.nothing_spent():
        form = {**issued.exchange, **credentials}
        unauthenticated(post_form(deployment.send, f"{deployment.issuer}/token", form))
    assert web_app.redeem(issued.code, issued.asked.code_verifier).status == 200


@pytest.mark.parametrize(
    "body",
    [
        {"client_id": "web_app_123", "client_secret": "web_secret_456"},
        {"client_secret": "wrong"},
        {"client_id": "legacy_app_321", "client_secret": "legacy_secret_654"},
        {"client_id": "legacy_app_321"},
        {"client_id": "nobody"},
    ],
)
def test_two_ways_of_client_authentication_at_once_are_refused(
    deployment: Deployment, web_app: Application, issued: Issued, body: dict[str, str]
) -> None:
    with deployment.nothing_spent():
        form = {**issued.exchange, **body}
        refused(post_form(deployment.send, f"{deployment.issuer}/token", form, CREDENTIALS), 400, "invalid_request")
    assert web_app.redeem(issued.code, issued.asked.code_verifier).status == 200


def test_the_same_client_id_may_stand_in_the_body_beside_basic(web_app: Application, issued: Issued) -> None:
    assert web_app.redeem(issued.code, issued.asked.code_verifier, client_id="web_app_123").status == 200


def test_an_unknown_client_and_a_wrong_secret_cost_the_same_calls(deployment: Deployment, issued: Issued) -> None:
    calls = []
    for client_id in ("web_app_123", "nobody"):
        deployment.restart()
        with deployment.aws.recorded() as recorded:
            headers = {"authorization": basic(client_id, "wrong")}
            unauthenticated(post_form(deployment.send, f"{deployment.issuer}/token", issued.exchange, headers))
        calls.append([(call.action, call.partition_prefix) for call in recorded])
    assert calls[0] == calls[1] == [("GetItem", "client#")]


def test_a_client_authenticates_by_its_registered_method(
    service: Application, legacy_app: Application, deployment: Deployment
) -> None:
    assert service.client_credentials().status == 200
    unauthenticated(replace(service, in_body=True).client_credentials())
    refused(legacy_app.refresh("x"), 400, "invalid_grant")


@pytest.mark.parametrize("scheme", ["Basic", "basic", "BASIC"])
def test_the_scheme_is_read_in_any_case(deployment: Deployment, scheme: str) -> None:
    headers = {"authorization": scheme + basic("api_service_789", "api_secret_abc")[5:]}
    answer = post_form(deployment.send, f"{deployment.issuer}/token", {"grant_type": "client_credentials"}, headers)
    assert answer.status == 200


def test_a_disabled_client_is_as_good_as_unknown(deployment: Deployment, web_app: Application, issued: Issued) -> None:
    client = deployment.server.registry.find_client("web_app_123")
    assert client is not None
    deployment.registrar.put_client(replace(client, is_disabled=True))
    deployment.clock.advance(11)
    with deployment.nothing_spent():
        unauthenticated(web_app.redeem(issued.code, issued.asked.code_verifier))
    deployment.registrar.put_client(client)
    deployment.clock.advance(11)
    assert web_app.redeem(issued.code, issued.asked.code_verifier).status == 200


def test_a_secret_that_basic_has_to_encode_is_decoded(deployment: Deployment) -> None:
    from valet.handles import digest

    client = deployment.server.registry.find_client("api_service_789")
    assert client is not None
    secret = "a:b%c+d e/ä"
    deployment.registrar.put_client(replace(client, client_id="odd:one", secret_digests=(digest(secret),)))
    odd = Application(deployment.send, deployment.issuer, "odd:one", secret)
    assert odd.client_credentials().status == 200


def test_both_of_two_secrets_are_good_while_one_replaces_the_other(deployment: Deployment) -> None:
    from valet.handles import digest

    deployment.change_client("api_service_789", secret_digests=(digest("old"), digest("new")))
    for secret, status in (("old", 200), ("new", 200), ("other", 401)):
        service = Application(deployment.send, deployment.issuer, "api_service_789", secret)
        assert service.client_credentials().status == status
