"""What holds at every endpoint whatever is sent: methods, headers, and never a 5xx."""

import base64
from urllib.parse import quote

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.endpoints import ENDPOINTS, PATHS, Endpoint, endpoint_at, with_method
from tests.integration.conftest import Redeemed
from tests.support.deployment import Deployment
from tests.support.wire import FORM

quickly = settings(
    max_examples=25,
    deadline=None,
    database=None,
    derandomize=True,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)


@pytest.mark.parametrize("endpoint", ENDPOINTS, ids=lambda endpoint: endpoint.path)
def test_another_method_is_405_and_says_which_are_allowed(deployment: Deployment, endpoint: Endpoint) -> None:
    for method in ("GET", "POST", "PUT", "DELETE", "PATCH", "TRACE", "CONNECT", "BREW"):
        if method in endpoint.methods.split(", "):
            continue
        with deployment.nothing_spent():
            answer = deployment.send(method, f"{deployment.issuer}{endpoint.example}", {"content-type": FORM}, b"a=b")
            assert answer.status == 405
            assert answer.headers["allow"] == endpoint.methods
            assert answer.is_page == endpoint.is_page


@pytest.mark.parametrize("endpoint", ENDPOINTS, ids=lambda endpoint: endpoint.path)
def test_options_says_which_methods_are_allowed(deployment: Deployment, endpoint: Endpoint) -> None:
    with deployment.nothing_spent():
        answer = deployment.send("OPTIONS", f"{deployment.issuer}{endpoint.example}")
        assert (answer.status, answer.body) == (204, "")
        assert answer.headers["allow"] == f"{endpoint.methods}, OPTIONS"


@pytest.mark.parametrize("path", [each.example for each in with_method("GET")])
def test_head_is_get_without_a_body(deployment: Deployment, path: str) -> None:
    url = f"{deployment.issuer}{path}"
    got, head = deployment.send("GET", url), deployment.send("HEAD", url)
    assert head.status == got.status
    assert head.body == ""
    assert head.headers.keys() == got.headers.keys()
    assert head.headers.get("content-type") == got.headers.get("content-type")


@pytest.mark.parametrize("path", PATHS)
def test_bad_base64_bad_utf_8_and_a_megabyte_are_4xx(deployment: Deployment, path: str) -> None:
    url = f"{deployment.issuer}{path}"
    made = deployment.event("POST", url, {"content-type": FORM}, b"a=b")
    bodies = [
        {"body": "not base64!", "isBase64Encoded": True},
        {"body": base64.b64encode(b"\xff\xfe=\x00").decode(), "isBase64Encoded": True},
        {"body": base64.b64encode(b"a=" + b"x" * 2**20).decode(), "isBase64Encoded": True},
        {"body": "a=" + "x" * 2**20, "isBase64Encoded": False},
        {"body": "a=\udcff", "isBase64Encoded": False},
        {"body": "ä=ö", "isBase64Encoded": False},
    ]
    for body in bodies:
        with deployment.nothing_spent():
            assert 400 <= deployment.invoke({**made, **body}).status < 500


@pytest.mark.parametrize("path", PATHS)
@quickly
@given(query=st.text(max_size=60), body=st.binary(max_size=80), content_type=st.sampled_from([FORM, "text/plain", ""]))
def test_nothing_that_is_sent_is_a_5xx_or_spends_anything(
    deployment: Deployment, path: str, query: str, body: bytes, content_type: str
) -> None:
    url = f"{deployment.issuer}{path}?{quote(query, safe='&=%+')}"
    with deployment.nothing_spent(endpoint_at(path).stores):
        deployment.send("GET", url)
        deployment.send("POST", url, {"content-type": content_type}, body)
        deployment.send("POST", f"{deployment.issuer}{path}", {"content-type": content_type}, body)


NAMES = st.sampled_from(
    [
        *("client_id", "client_secret", "redirect_uri", "response_type", "scope", "state", "nonce", "prompt"),
        *("max_age", "code_challenge", "code_challenge_method", "id_token_hint", "request", "request_uri", "resume"),
        *("grant_type", "code", "code_verifier", "refresh_token", "token", "token_type_hint", "access_token"),
        *("csrf_token", "decision", "username", "password", "post_logout_redirect_uri", "login_hint"),
    ]
)
VALUES = st.one_of(
    st.text(max_size=40),
    st.sampled_from(
        [
            *("web_app_123", "web_secret_456", "mobile_app", "legacy_app_321", "legacy_secret_654"),
            *("https://webapp.example.com/callback", "code", "openid", "S256", "none", "login", "allow", "0"),
            *("authorization_code", "refresh_token", "client_credentials", "john", "A" * 43),
            f"{'A' * 22}.{'A' * 43}",
            f"{'A' * 22}.{'A' * 43}.{'A' * 43}",
            "eyJhbGciOiJSUzI1NiJ9.e30.AAAA",
        ]
    ),
)


@pytest.mark.parametrize("path", PATHS)
@quickly
@given(form=st.dictionaries(NAMES, VALUES, max_size=8))
def test_no_combination_of_our_own_words_is_a_5xx_or_a_redirect_to_a_stranger(
    deployment: Deployment, path: str, form: dict[str, str]
) -> None:
    from tests.support.wire import encoded, post_form

    url = f"{deployment.issuer}{path}"
    for answer in (deployment.send("GET", f"{url}?{encoded(form)}"), post_form(deployment.send, url, form)):
        location = answer.headers.get("location", f"{deployment.issuer}/")
        assert location.startswith((f"{deployment.issuer}/", "https://webapp.example.com/callback?"))


@pytest.mark.parametrize("name", ["authorization", "cookie", "origin", "content-type", "user-agent"])
@quickly
@given(value=st.text(st.characters(min_codepoint=32, max_codepoint=0x2FF), max_size=60))
def test_no_header_is_a_5xx(deployment: Deployment, name: str, value: str) -> None:
    for path in ("/token", "/userinfo", "/authorize", "/logout"):
        for method in ("GET", "POST"):
            headers = {"content-type": FORM, name: value}
            deployment.send(method, f"{deployment.issuer}{path}", headers, b"grant_type=refresh_token")


def test_a_refusal_tells_no_secret(
    deployment: Deployment, redeemed: Redeemed, capfd: pytest.CaptureFixture[str]
) -> None:
    """Neither in the answer nor in the log (a stolen log is not a stolen account)."""
    from tests.support.wire import post_form

    secrets = ("web_secret_456x", redeemed.refresh_token, redeemed.access_token, redeemed.issued.code, "password123")
    form = {
        "client_id": "web_app_123",
        "client_secret": secrets[0],
        "refresh_token": secrets[1],
        "token": secrets[2],
        "code": secrets[3],
        "password": secrets[4],
        "grant_type": "refresh_token",
    }
    answers = [post_form(deployment.send, f"{deployment.issuer}{path}", form) for path in PATHS]
    told = "".join(answer.body + str(dict(answer.headers)) for answer in answers) + "".join(capfd.readouterr())
    for secret in secrets:
        assert secret not in told
