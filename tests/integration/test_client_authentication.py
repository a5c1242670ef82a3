"""Who sends a request to /token: each client by a method that it is registered for (RFC 6749 §2.3, §5.2).

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
        basic("legacy_app_321", "wrong"),  # registered for client_secret_post
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
        {"client_id": "web_app_123", "client_secret": "wrong"},
        {"client_id": "legacy_app_321", "client_secret": "wrong"},
        {"client_id": "mobile_app", "client_secret": "any"},
    ],
)
def test_whatever_is_wrong_with_credentials_in_the_body_the_answer_is_the_same_401(
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


def test_my_library_sends_the_secret_in_the_body_and_its_other_version_in_the_header(
    web_app: Application, service: Application, issued: Issued
) -> None:
    """A client with a secret may use either method, unless it is registered for exactly one."""
    in_body = replace(web_app, in_body=True)
    tokens = in_body.redeem(issued.code, issued.asked.code_verifier).json()
    again = web_app.refresh(tokens["refresh_token"]).json()
    assert in_body.introspect(again["access_token"]).status == 200
    assert in_body.revoke(again["refresh_token"]).status == 200
    for in_the_body in (True, False):
        assert replace(service, in_body=in_the_body).client_credentials().status == 200


@pytest.mark.parametrize(
    ("registered", "sent"),
    [("client_secret_basic", "client_secret_post"), ("client_secret_post", "client_secret_basic")],
)
def test_my_secret_is_right_and_the_answer_tells_that_its_method_is_not_the_registered_one(
    deployment: Deployment, web_app: Application, issued: Issued, registered: str, sent: str
) -> None:
    deployment.change_client("web_app_123", token_endpoint_auth_method=registered)
    mine = replace(web_app, in_body=sent == "client_secret_post")
    with deployment.nothing_spent():
        answer = mine.redeem(issued.code, issued.asked.code_verifier)
        refused(answer, 401, "invalid_client")
        told = f"The client is registered for {registered}, but sent its secret by {sent}."
        assert answer.json()["error_description"] == told
        unauthenticated(replace(mine, secret="wrong").redeem(issued.code, issued.asked.code_verifier))
    other = replace(web_app, in_body=not mine.in_body)
    assert other.redeem(issued.code, issued.asked.code_verifier).status == 200


def test_a_disabled_client_is_not_told_that_its_secret_is_right(
    deployment: Deployment, legacy_app: Application
) -> None:
    deployment.change_client("legacy_app_321", is_disabled=True)
    for in_body in (True, False):
        unauthenticated(replace(legacy_app, in_body=in_body).refresh("x"))


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
