"""POST /token: how a request is read, and who sends it (RFC 6749 §2.3, §3.2, §5.2)."""

import base64
from dataclasses import replace

import pytest

from tests.integration.application import Application, basic
from tests.integration.conftest import Issued, Redeemed
from tests.integration.deployment import Deployment
from tests.integration.wire import FORM, Answer, Pairs, encoded, post_form

CREDENTIALS = {"authorization": basic("web_app_123", "web_secret_456")}


def exchange(issued: Issued) -> dict[str, str]:
    return {
        "grant_type": "authorization_code",
        "code": issued.code,
        "redirect_uri": "https://webapp.example.com/callback",
        "code_verifier": issued.asked.code_verifier,
    }


def refused(answer: Answer, status: int, error: str) -> None:
    """JSON in the specification's form, kept by nobody."""
    assert (answer.status, answer.error) == (status, error), answer
    assert answer.json().keys() == {"error", "error_description"}
    assert answer.headers["content-type"] == "application/json"
    assert answer.headers["cache-control"] == "no-store"
    assert answer.headers["pragma"] == "no-cache"


@pytest.mark.parametrize("method", ["GET", "PUT", "DELETE", "PATCH", "TRACE", "HEAD"])
def test_another_method_than_post_is_not_allowed_whatever_it_carries(
    deployment: Deployment, issued: Issued, method: str
) -> None:
    with deployment.nothing_spent():
        query = encoded({**exchange(issued), "client_id": "web_app_123"})
        answer = deployment.send(method, f"{deployment.issuer}/token?{query}", CREDENTIALS)
        assert answer.status == 405
        assert answer.headers["allow"] == "POST"
        if method != "HEAD":
            refused(answer, 405, "invalid_request")


@pytest.mark.parametrize(
    "content_type",
    [
        "application/json",
        "text/plain",
        "multipart/form-data; boundary=x",
        "application/x-www-form-urlencoded-not",
        "application/xml",
        "",
    ],
)
def test_another_content_type_is_refused(
    deployment: Deployment, web_app: Application, issued: Issued, content_type: str
) -> None:
    with deployment.nothing_spent():
        headers = {**CREDENTIALS, **({"content-type": content_type} if content_type else {})}
        body = encoded(exchange(issued)).encode()
        refused(deployment.send("POST", f"{deployment.issuer}/token", headers, body), 400, "invalid_request")
    assert web_app.redeem(issued.code, issued.asked.code_verifier).status == 200


@pytest.mark.parametrize("content_type", [FORM, f"{FORM}; charset=UTF-8", FORM.upper(), f" {FORM} ;charset=x"])
def test_the_content_type_is_read_as_a_media_type(deployment: Deployment, issued: Issued, content_type: str) -> None:
    headers = {**CREDENTIALS, "content-type": content_type}
    body = encoded(exchange(issued)).encode()
    assert deployment.send("POST", f"{deployment.issuer}/token", headers, body).status == 200


def test_a_body_counts_in_base64_and_plain(deployment: Deployment, issued: Issued) -> None:
    """API Gateway encodes forms; `sam local invoke` and a direct call may not."""
    event = deployment.event(
        "POST", f"{deployment.issuer}/token", {**CREDENTIALS, "content-type": FORM}, encoded(exchange(issued)).encode()
    )
    assert event["isBase64Encoded"]
    plain = {**event, "isBase64Encoded": False, "body": base64.b64decode(event["body"]).decode()}
    assert deployment.invoke(plain).status == 200


@pytest.mark.parametrize("body", ["not base64!", "Z", "Zg", "Zm9v\n%", "ß"])
def test_a_body_that_is_not_the_base64_it_claims_to_be_is_refused(
    deployment: Deployment, web_app: Application, issued: Issued, body: str
) -> None:
    event = deployment.event("POST", f"{deployment.issuer}/token", {**CREDENTIALS, "content-type": FORM}, b"x")
    with deployment.nothing_spent():
        refused(deployment.invoke({**event, "body": body, "isBase64Encoded": True}), 400, "invalid_request")
    assert web_app.redeem(issued.code, issued.asked.code_verifier).status == 200


@pytest.mark.parametrize("body", [b"", b"&", b"=", b"grant_type", b"\xff\xfe", b"a=%ff", b"a=%C0%AF", b"a=\xc3\xa4"])
def test_bad_utf_8_and_an_empty_body_are_refused(deployment: Deployment, body: bytes) -> None:
    for headers in ({**CREDENTIALS, "content-type": FORM}, {"content-type": FORM}):
        with deployment.nothing_spent():
            answer = deployment.send("POST", f"{deployment.issuer}/token", headers, body)
            assert (answer.status, answer.error) in ((400, "invalid_request"), (401, "invalid_client"))


@pytest.mark.parametrize("tail", ["&x=%ff", "&x=%c3%28", "&%ff=x", "&x=%ed%b0%80", "&x=%0a", "&x=%00", "&x=%"])
def test_one_bad_byte_refuses_the_whole_form(
    deployment: Deployment, web_app: Application, issued: Issued, tail: str
) -> None:
    body = (encoded(exchange(issued)) + tail).encode()
    with deployment.nothing_spent():
        headers = {**CREDENTIALS, "content-type": FORM}
        refused(deployment.send("POST", f"{deployment.issuer}/token", headers, body), 400, "invalid_request")
    assert web_app.redeem(issued.code, issued.asked.code_verifier).status == 200


def test_half_a_surrogate_pair_in_an_event_is_refused(deployment: Deployment) -> None:
    event = deployment.event("POST", f"{deployment.issuer}/token", {**CREDENTIALS, "content-type": FORM}, b"x")
    refused(deployment.invoke({**event, "body": "a=\ud800", "isBase64Encoded": False}), 400, "invalid_request")
    query = {**event, "rawQueryString": "a=\ud800"}
    refused(deployment.invoke({**query, "body": "a=b", "isBase64Encoded": False}), 400, "invalid_request")


@pytest.mark.parametrize("name", ["code", "code_verifier", "grant_type", "redirect_uri", "unheard_of"])
def test_a_repeated_parameter_is_refused(
    deployment: Deployment, web_app: Application, issued: Issued, name: str
) -> None:
    form = {**exchange(issued), "unheard_of": "x"}
    with deployment.nothing_spent():
        for again in (form[name], "another", ""):
            pairs: Pairs = (*form.items(), (name, again))
            answer = post_form(deployment.send, f"{deployment.issuer}/token", pairs, CREDENTIALS)
            refused(answer, 400, "invalid_request")
    assert web_app.redeem(issued.code, issued.asked.code_verifier).status == 200


def test_a_megabyte_of_field_is_refused(deployment: Deployment, web_app: Application, issued: Issued) -> None:
    for name in ("unheard_of", "code", "code_verifier"):
        with deployment.nothing_spent():
            form = {**exchange(issued), name: "x" * 2**20}
            answer = post_form(deployment.send, f"{deployment.issuer}/token", form, CREDENTIALS)
            refused(answer, 413, "invalid_request")
    assert web_app.redeem(issued.code, issued.asked.code_verifier).status == 200


def test_ten_thousand_parameters_are_refused(deployment: Deployment, issued: Issued) -> None:
    form = {**exchange(issued), **{f"p{number}": "" for number in range(10_000)}}
    with deployment.nothing_spent():
        answer = post_form(deployment.send, f"{deployment.issuer}/token", form, CREDENTIALS)
        refused(answer, 413, "invalid_request")
        form = {**exchange(issued), **{f"p{number}": "" for number in range(200)}}
        answer = post_form(deployment.send, f"{deployment.issuer}/token", form, CREDENTIALS)
        refused(answer, 400, "invalid_request")


@pytest.mark.parametrize(
    "query", ["client_id=web_app_123&client_secret=web_secret_456", "code=x", "x", "access_token=x"]
)
def test_nothing_belongs_in_the_query(deployment: Deployment, web_app: Application, issued: Issued, query: str) -> None:
    with deployment.nothing_spent():
        for headers in (CREDENTIALS, {}):
            answer = post_form(deployment.send, f"{deployment.issuer}/token?{query}", exchange(issued), headers)
            refused(answer, 400, "invalid_request")
            assert "web_secret" not in answer.body
    assert web_app.redeem(issued.code, issued.asked.code_verifier).status == 200


@pytest.mark.parametrize(
    "grant_type",
    [
        "password",
        "implicit",
        "token",
        "urn:ietf:params:oauth:grant-type:device_code",
        "urn:ietf:params:oauth:grant-type:token-exchange",
        "urn:ietf:params:oauth:grant-type:jwt-bearer",
        "AUTHORIZATION_CODE",
        "authorization_code ",
        "__class__",
        "redeem",
    ],
)
def test_an_unknown_grant_type_is_refused_password_and_implicit_among_them(
    deployment: Deployment, web_app: Application, issued: Issued, grant_type: str
) -> None:
    with deployment.nothing_spent():
        answer = web_app.redeem(
            issued.code, issued.asked.code_verifier, grant_type=grant_type, username="john", password="password123"
        )
        refused(answer, 400, "unsupported_grant_type")
    assert web_app.redeem(issued.code, issued.asked.code_verifier).status == 200


def test_a_grant_type_that_the_client_is_not_registered_for_is_refused(
    deployment: Deployment, web_app: Application, service: Application, mobile_app: Application, redeemed: Redeemed
) -> None:
    with deployment.nothing_spent():
        refused(web_app.client_credentials(scope="items"), 400, "unauthorized_client")
        refused(mobile_app.client_credentials(scope="items"), 400, "unauthorized_client")
        refused(service.refresh(redeemed.refresh_token), 400, "unauthorized_client")


# -- client authentication ---------------------------------------------------------------------------------------------


def unauthenticated(answer: Answer) -> None:
    """One answer for whatever is wrong, with a challenge (RFC 6749 §5.2)."""
    refused(answer, 401, "invalid_client")
    assert answer.json()["error_description"] == "The client could not be authenticated."
    assert answer.headers["www-authenticate"].startswith("Basic realm=")


@pytest.mark.parametrize(
    "authorization",
    [
        basic("web_app_123", "wrong"),
        basic("web_app_123", ""),
        basic("web_app_123", "web_secret_456 "),
        basic("web_app_123", "WEB_SECRET_456"),
        basic("web_app_123", "legacy_secret_654"),
        basic("nobody", "web_secret_456"),
        basic("", ""),
        basic("", "web_secret_456"),
        basic("x" * 300, "x"),
        basic("legacy_app_321", "legacy_secret_654"),  # registered for client_secret_post
        basic("mobile_app", ""),  # public
        basic("mobile_app", "any"),
        "Basic",
        "Basic ",
        "Basic %%%",
        "Basic d2ViX2FwcF8xMjM=",  # no colon
        "Basic " + base64.b64encode(b"web_app_123:\xff").decode(),
        "Basic " + base64.b64encode(b"%ff:%ff").decode(),
        "Basic ä",
        "Bearer web_secret_456",
        "Digest username=web_app_123",
        "web_secret_456",
        "",
    ],
)
def test_whatever_is_wrong_with_the_credentials_the_answer_is_the_same_401(
    deployment: Deployment, web_app: Application, issued: Issued, authorization: str
) -> None:
    with deployment.nothing_spent():
        headers = {"authorization": authorization}
        unauthenticated(post_form(deployment.send, f"{deployment.issuer}/token", exchange(issued), headers))
    assert web_app.redeem(issued.code, issued.asked.code_verifier).status == 200


@pytest.mark.parametrize(
    "credentials",
    [
        {},
        {"client_id": "web_app_123"},
        {"client_id": "nobody"},
        {"client_id": "nobody", "client_secret": "x"},
        {"client_secret": "web_secret_456"},
        {"client_id": "web_app_123", "client_secret": "web_secret_456"},  # registered for client_secret_basic
        {"client_id": "web_app_123", "client_secret": ""},
        {"client_id": "legacy_app_321", "client_secret": "wrong"},
        {"client_id": "legacy_app_321"},
        {"client_id": "mobile_app", "client_secret": "any"},
        {"client_id": "web_app_123", "client_assertion": "x", "client_assertion_type": "y"},
        {"client_id": "mobile_app", "client_assertion": "x"},
    ],
)
def test_credentials_in_the_body_are_held_to_the_registered_method(
    deployment: Deployment, web_app: Application, issued: Issued, credentials: dict[str, str]
) -> None:
    with deployment.nothing_spent():
        form = {**exchange(issued), **credentials}
        unauthenticated(post_form(deployment.send, f"{deployment.issuer}/token", form))
    assert web_app.redeem(issued.code, issued.asked.code_verifier).status == 200


@pytest.mark.parametrize(
    "body",
    [
        {"client_id": "web_app_123", "client_secret": "web_secret_456"},
        {"client_secret": "web_secret_456"},
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
        form = {**exchange(issued), **body}
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
            unauthenticated(post_form(deployment.send, f"{deployment.issuer}/token", exchange(issued), headers))
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

    client = deployment.server.registry.find_client("api_service_789")
    assert client is not None
    deployment.registrar.put_client(replace(client, secret_digests=(digest("old"), digest("new"))))
    deployment.clock.advance(11)
    for secret, status in (("old", 200), ("new", 200), ("other", 401)):
        service = Application(deployment.send, deployment.issuer, "api_service_789", secret)
        assert service.client_credentials().status == status
