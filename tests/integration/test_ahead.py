"""The sign-in page starts consent and token while the end-user types, and the consent page starts token."""

import re

import pytest

from tests.endpoints import ENDPOINTS, endpoint_at
from tests.integration.conftest import Lines
from tests.support.application import Application
from tests.support.browser import Browser
from tests.support.deployment import Deployment
from tests.support.wire import FORM, Answer

STARTED = frozenset({"/consent", "/token"})


def images(page: Answer) -> list[str]:
    return re.findall(r"<img\b[^>]*>", page.body)


def policy(page: Answer) -> dict[str, str]:
    return dict(each.split(" ", 1) for each in page.headers["content-security-policy"].split("; "))


def test_the_pages_name_the_functions_that_come_next(browser: Browser, web_app: Application) -> None:
    sign_in = browser.open(web_app.ask().url)
    wrong = browser.sign_in(sign_in, password="wrong")
    consent = browser.sign_in(wrong)
    both = [f'<img src="{browser.issuer}{path}?start" alt="" hidden>' for path in ("/consent", "/token")]
    assert images(sign_in) == images(wrong) == both
    assert images(consent) == both[1:]


def test_only_these_pages_may_load_images_and_only_these(browser: Browser, web_app: Application) -> None:
    sign_in = browser.open(web_app.ask().url)
    consent = browser.sign_in(sign_in)
    token = f"{browser.issuer}/token"
    for page, sources in ((sign_in, f"{browser.issuer}/consent {token}"), (consent, token)):
        assert policy(page)["img-src"] == sources
        assert policy(page)["default-src"] == "'none'"
    assert "script-src" in policy(sign_in)  # its own script, which offers a passkey
    assert "script-src" not in policy(consent)
    for page in (browser.open("/logout"), browser.open("/authorize?client_id=nobody"), browser.get("/consent")):
        assert page.is_page
        assert "img-src" not in policy(page)
        assert images(page) == []


@pytest.mark.parametrize("path", sorted(STARTED))
@pytest.mark.parametrize("method", ["GET", "HEAD"])
def test_a_start_asks_aws_nothing_logs_nothing_and_leaves_nothing(
    deployment: Deployment, path: str, method: str, refusals: Lines
) -> None:
    deployment.restart()  # nothing is remembered that could save a call
    headers = {"origin": "https://webapp.example.com", "cookie": "__Host-valet-session=x; __Host-valet-browser=y"}
    with deployment.nothing_spent(), deployment.aws.recorded() as calls:
        answer = deployment.send(method, f"{deployment.issuer}{path}?start", headers)
    assert (answer.status, answer.body, answer.set_cookies) == (204, "", ())
    assert dict(answer.headers) == {"cache-control": "private, max-age=300"}
    assert calls == []
    assert deployment.audit.names == []
    assert refusals() == []


@pytest.mark.parametrize("path", sorted(STARTED))
def test_a_start_answers_everybody_alike(
    deployment: Deployment, browser: Browser, web_app: Application, path: str
) -> None:
    """It tells neither who is signed in nor what is registered."""
    stranger = deployment.send("GET", f"{deployment.issuer}{path}?start")
    browser.sign_in(browser.open(web_app.ask().url))
    assert browser.get(f"{path}?start") == stranger


@pytest.mark.parametrize("query", ["start=1", "start&start", "start&request=x", "Start", "?start", "%73tart"])
def test_nothing_but_the_very_query_is_a_start(deployment: Deployment, query: str) -> None:
    for path, refused in (("/consent", 400), ("/token", 405)):
        assert deployment.send("GET", f"{deployment.issuer}{path}?{query}").status == refused


def test_a_form_is_never_taken_for_a_start(deployment: Deployment) -> None:
    with deployment.nothing_spent():
        token = deployment.send("POST", f"{deployment.issuer}/token?start", {"content-type": FORM}, b"grant_type=x")
        consent = deployment.send(
            "POST", f"{deployment.issuer}/consent?start", {"content-type": FORM}, b"decision=allow"
        )
    assert (token.status, token.error) == (401, "invalid_client")
    assert (consent.status, consent.is_page) == (400, True)


@pytest.mark.parametrize("path", [each.example for each in ENDPOINTS if each.path not in STARTED])
def test_every_other_function_takes_a_start_for_the_query_that_it_is(deployment: Deployment, path: str) -> None:
    with deployment.nothing_spent(endpoint_at(path).stores):
        assert deployment.send("GET", f"{deployment.issuer}{path}?start").status != 204
