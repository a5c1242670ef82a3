"""/authorize, phase one: an unknown client or redirect URI gets a page, never a redirect (RFC 6749 §4.1.2.1).

Every way in which a redirect URI may be another than the registered one stands in tests/unit/test_redirect_uri.py.
"""

from dataclasses import replace

import pytest

from tests.integration.conftest import Issued
from tests.support.application import Application
from tests.support.browser import Browser
from tests.support.deployment import Deployment
from tests.support.wire import Answer, post_form

HTTPS = "https://webapp.example.com/callback"
LOOPBACK = "http://127.0.0.1:9876/callback"


def refused_with_a_page(deployment: Deployment, url: str) -> None:
    """By GET and by POST: a page, no redirect, nothing kept, no cookie set."""
    query = url.partition("?")[2]
    with deployment.nothing_spent():
        for answer in (
            deployment.send("GET", url),
            deployment.send(
                "POST",
                f"{deployment.issuer}/authorize",
                {"content-type": "application/x-www-form-urlencoded"},
                query.encode(),
            ),
        ):
            is_error_page(answer)


def is_error_page(answer: Answer, status: int = 400) -> None:
    assert answer.status == status
    assert answer.is_page
    assert "location" not in answer.headers
    assert "refresh" not in answer.headers
    assert "<meta http-equiv" not in answer.body
    assert not answer.set_cookies


@pytest.mark.parametrize(
    "client_id",
    [
        "nobody",
        "web_app_123 ",
        "WEB_APP_123",
        "web_app_123%00",
        "web_app_12",
        "web_app_123#client",
        "web_app_123/client",
        "client#web_app_123",
        "*",
        "x" * 256,
        "é" * 2000,
    ],
)
def test_an_unknown_client_gets_a_page(deployment: Deployment, web_app: Application, client_id: str) -> None:
    refused_with_a_page(deployment, web_app.ask(client_id=client_id).url)


def test_a_missing_or_empty_client_id_gets_a_page(deployment: Deployment, web_app: Application) -> None:
    refused_with_a_page(deployment, web_app.ask(client_id=None).url)
    refused_with_a_page(deployment, web_app.ask(client_id="").url)


def test_a_disabled_client_gets_a_page(deployment: Deployment, web_app: Application) -> None:
    deployment.change_client("web_app_123", is_disabled=True)
    refused_with_a_page(deployment, web_app.ask().url)


@pytest.mark.parametrize(
    "redirect_uri",
    [
        "",
        f"{HTTPS}/",
        "https://webapp.example.com@evil.test/callback",
        f"{HTTPS}\r\nLocation: https://evil.test/",
        "http://127.0.0.1:9877/callback",
    ],
)
def test_a_redirect_uri_that_is_not_registered_to_the_letter_gets_a_page(
    deployment: Deployment, web_app: Application, redirect_uri: str
) -> None:
    refused_with_a_page(deployment, web_app.ask(redirect_uri=redirect_uri).url)


@pytest.mark.parametrize("redirect_uri", [HTTPS, LOOPBACK])
def test_a_registered_redirect_uri_goes_on_to_the_sign_in(
    deployment: Deployment, web_app: Application, redirect_uri: str
) -> None:
    answer = deployment.send("GET", web_app.ask(redirect_uri=redirect_uri).url)
    assert answer.status == 303
    assert answer.location.startswith(f"{deployment.issuer}/login?request=")


@pytest.mark.parametrize("port", ["", ":1", ":80", ":9876", ":49152", ":65535"])
def test_a_native_client_may_listen_on_any_port_of_its_loopback_address(
    deployment: Deployment, mobile_app: Application, port: str
) -> None:
    asked = mobile_app.ask(redirect_uri=f"http://127.0.0.1{port}/callback")
    assert deployment.send("GET", asked.url).location.startswith(f"{deployment.issuer}/login")


@pytest.mark.parametrize(
    "redirect_uri",
    [
        "http://localhost:8000/callback",
        "http://127.0.0.1:8000@evil.test/callback",
        "http://127.0.0.1:8000/callback/",
        "http://[::1]:8000/callback",
        "com.example.mobile:/callback/",
    ],
)
def test_a_native_client_may_change_nothing_but_the_port_of_its_loopback_address(
    deployment: Deployment, mobile_app: Application, redirect_uri: str
) -> None:
    refused_with_a_page(deployment, mobile_app.ask(redirect_uri=redirect_uri).url)


@pytest.mark.parametrize("host", ["127.0.0.1", "[::1]", "localhost"])
@pytest.mark.parametrize(("registered", "asked"), [("", ":51004"), ("", ":51004/"), (":8085/cb", ":51004/cb")])
def test_my_cli_registered_another_port_or_no_path_and_gets_its_code(
    deployment: Deployment, browser: Browser, mobile_app: Application, host: str, registered: str, asked: str
) -> None:
    deployment.change_client("mobile_app", redirect_uris=(f"http://{host}{registered}",))
    cli = replace(mobile_app, redirect_uri=f"http://{host}{asked}")
    request = cli.ask()
    answer = browser.decide(browser.sign_in(browser.open(request.url)))
    assert answer.location.startswith(f"{cli.redirect_uri}?code=")
    code = answer.answered["code"]
    with deployment.nothing_spent():
        # The token request names the very URI that the code was sent to.
        assert cli.redeem(code, request.code_verifier, redirect_uri=f"http://{host}:9/x").error == "invalid_grant"
    assert cli.redeem(code, request.code_verifier).status == 200


@pytest.mark.parametrize("client_id", ["web_app_123", "spa_demo"])
def test_the_port_counts_for_a_client_that_is_no_native_app(deployment: Deployment, client_id: str) -> None:
    deployment.change_client(client_id, redirect_uris=("http://127.0.0.1:8085/cb",))
    app = Application(deployment.send, deployment.issuer, client_id)
    for uri in ("http://127.0.0.1:51004/cb", "http://127.0.0.1/cb"):
        refused_with_a_page(deployment, app.ask(redirect_uri=uri).url)


def test_a_missing_redirect_uri_is_the_registered_loopback_address_only_if_that_names_a_port(
    deployment: Deployment, mobile_app: Application
) -> None:
    asked = mobile_app.ask(redirect_uri=None, prompt="none")
    deployment.change_client("mobile_app", redirect_uris=("http://127.0.0.1:8085/cb",))
    assert deployment.send("GET", asked.url).location.startswith("http://127.0.0.1:8085/cb?error=login_required")
    deployment.change_client("mobile_app", redirect_uris=("http://127.0.0.1/cb",))
    refused_with_a_page(deployment, asked.url)


def test_a_missing_redirect_uri_gets_a_page_where_several_are_registered(
    deployment: Deployment, web_app: Application, mobile_app: Application
) -> None:
    refused_with_a_page(deployment, web_app.ask(redirect_uri=None).url)
    refused_with_a_page(deployment, mobile_app.ask(redirect_uri=None).url)


def test_a_missing_redirect_uri_is_the_only_registered_one(deployment: Deployment, spa: Application) -> None:
    answer = deployment.send("GET", spa.ask(redirect_uri=None, prompt="none").url)
    assert answer.location.startswith(f"{deployment.issuer}/demo/?error=login_required")


@pytest.mark.parametrize("name", ["client_id", "redirect_uri", "state"])
def test_what_an_answer_needs_gets_a_page_where_it_is_repeated(
    deployment: Deployment, web_app: Application, name: str
) -> None:
    url = web_app.ask(unheard_of="x").url
    refused_with_a_page(deployment, f"{url}&{name}=again")
    refused_with_a_page(deployment, f"{url}&{name}=")


@pytest.mark.parametrize("name", ["scope", "response_type", "code_challenge", "unheard_of"])
def test_whatever_else_is_repeated_is_told_to_the_client(
    deployment: Deployment, web_app: Application, name: str
) -> None:
    asked = web_app.ask(unheard_of="x")
    for again in ("again", ""):
        with deployment.nothing_spent():
            answer = deployment.send("GET", f"{asked.url}&{name}={again}")
        assert answer.answered["error"] == "invalid_request"
        assert answer.answered["state"] == asked.state


@pytest.mark.parametrize("query", ["%00=a", "a=%0a", "a=b%0d%0aLocation:x"])
def test_so_are_control_characters(deployment: Deployment, web_app: Application, query: str) -> None:
    with deployment.nothing_spent():
        answer = deployment.send("GET", f"{web_app.ask().url}&{query}")
    assert answer.answered["error"] == "invalid_request"


def test_a_parameter_by_the_name_of_our_own_is_ignored_as_any_other(
    deployment: Deployment, web_app: Application
) -> None:
    answer = deployment.send("GET", f"{web_app.ask(prompt='none').url}&resume=x")
    assert answer.answered["error"] == "login_required"


@pytest.mark.parametrize("query", ["%ff", "a=%ff", "a=%c3%28", "a=%ed%a0%80"])
def test_bad_utf_8_gets_a_page(deployment: Deployment, web_app: Application, query: str) -> None:
    refused_with_a_page(deployment, f"{web_app.ask().url}&{query}")


@pytest.mark.parametrize("query", ["a=%", "a=%4", "a=%zz", "%u0041=a"])
def test_broken_percent_encoding_gets_a_page(deployment: Deployment, web_app: Application, query: str) -> None:
    refused_with_a_page(deployment, f"{web_app.ask().url}&{query}")


def test_too_many_parameters_get_a_page(deployment: Deployment, web_app: Application) -> None:
    url = web_app.ask().url + "".join(f"&p{number}=x" for number in range(101))
    refused_with_a_page(deployment, url)


def test_a_megabyte_of_field_gets_a_page(deployment: Deployment, web_app: Application) -> None:
    form = {**web_app.ask().parameters, "nonce": "n" * 2**20}
    with deployment.nothing_spent():
        is_error_page(post_form(deployment.send, f"{deployment.issuer}/authorize", form), 413)


def test_a_state_too_long_to_be_given_back_gets_a_page(deployment: Deployment, web_app: Application) -> None:
    refused_with_a_page(deployment, web_app.ask(state="s" * 2049).url)
    refused_with_a_page(deployment, web_app.ask(state="é" * 2048).url)


def test_another_content_type_gets_a_page(deployment: Deployment, web_app: Application) -> None:
    body = web_app.ask().url.partition("?")[2].encode()
    for content_type in ("application/json", "text/plain", "multipart/form-data; boundary=x", ""):
        with deployment.nothing_spent():
            headers = {"content-type": content_type} if content_type else {}
            is_error_page(deployment.send("POST", f"{deployment.issuer}/authorize", headers, body))


def test_a_page_cannot_be_framed_stored_or_scripted(deployment: Deployment, web_app: Application) -> None:
    headers = deployment.send("GET", web_app.ask(client_id="nobody").url).headers
    assert "frame-ancestors 'none'" in headers["content-security-policy"]
    assert "default-src 'none'" in headers["content-security-policy"]
    assert headers["x-frame-options"] == "DENY"
    assert headers["cache-control"] == "no-store"
    assert headers["referrer-policy"] == "no-referrer"
    assert headers["x-content-type-options"] == "nosniff"


def test_nothing_of_the_request_is_echoed_unescaped(deployment: Deployment, web_app: Application) -> None:
    evil = "<script>alert(1)</script>"
    for change in ({"client_id": evil}, {"redirect_uri": evil}):
        assert evil not in deployment.send("GET", web_app.ask(**change).url).body


def test_a_handle_of_nobody_cannot_be_resumed(deployment: Deployment, browser: Browser, issued: Issued) -> None:
    for handle in ("x", "A" * 43, "", "A" * 5000, "é"):
        with deployment.nothing_spent():
            answer = browser.get(f"/authorize?resume={handle}" if handle != "é" else "/authorize?resume=%C3%A9")
            is_error_page(answer)
