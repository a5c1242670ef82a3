"""Clients of documents that authenticate by a key (private_key_jwt), which the document holds or names."""

from __future__ import annotations

import json
from typing import Any

import pytest

from tests.parts.outbound.internet import page
from tests.support.browser import Browser
from tests.support.dpop_client import key_for
from tests.support.key_client import ASSERTION_TYPE, KeyApplication, key_application
from tests.support.strangers import API, JSON, Strangers
from tests.support.wire import refused

CHATGPT = "https://chatgpt.com/oauth/client.json"
KEYS = "https://chatgpt.com/oauth/jwks.json"
REDIRECT = "https://chatgpt.com/connector/oauth/callback"
SCOPE = "items offline_access"
DAY = 86_400


@pytest.fixture
def app(unknown: Strangers) -> KeyApplication:
    return key_application(unknown.application(CHATGPT, REDIRECT, SCOPE), unknown.deployment.clock)


def publish(unknown: Strangers, app: KeyApplication, where: str, *headers: str, **changes: Any) -> None:
    """With its keys in the document, or at an address that it names."""
    jwks = json.loads(app.jwks)
    named = {"jwks": jwks} if where == "jwks" else {"jwks_uri": KEYS}
    members = {"redirect_uris": [REDIRECT], "token_endpoint_auth_method": "private_key_jwt", **named, **changes}
    unknown.publish(CHATGPT, *headers, **members)
    unknown.answer(KEYS, json.dumps(jwks).encode())


def tokens_of(browser: Browser, app: KeyApplication) -> dict[str, Any]:
    asked = app.ask(resource=API)
    consent = browser.open(asked.url)
    consent = browser.sign_in(consent) if 'name="password"' in consent.body else consent
    answer = app.redeem(browser.decide(consent).answered["code"], asked.code_verifier)
    assert answer.status == 200, answer
    found: dict[str, Any] = answer.json()
    return found


@pytest.mark.parametrize("where", ["jwks", "jwks_uri"])
def test_a_client_signs_with_the_keys_of_its_document(
    unknown: Strangers, browser: Browser, app: KeyApplication, where: str
) -> None:
    publish(unknown, app, where)
    tokens = tokens_of(browser, app)
    assert app.refresh(tokens["refresh_token"]).status == 200
    assert unknown.asked == (1 if where == "jwks" else 2)


@pytest.mark.parametrize("where", ["jwks", "jwks_uri"])
def test_without_its_key_nobody_is_the_client(
    unknown: Strangers, browser: Browser, app: KeyApplication, where: str
) -> None:
    publish(unknown, app, where)
    token = tokens_of(browser, app)["refresh_token"]
    stranger = key_application(app, unknown.deployment.clock, kid="first")
    with unknown.deployment.nothing_spent():
        refused(stranger.refresh(token), 401, "invalid_client")
        public = unknown.application(CHATGPT, REDIRECT)
        refused(public.refresh(token), 401, "invalid_client")
    assert app.refresh(token).status == 200


@pytest.mark.parametrize("named", [CHATGPT, None])
def test_a_thief_of_a_key_that_its_client_has_replaced_is_refused_as_soon_as_the_document_is_stale(
    unknown: Strangers, browser: Browser, app: KeyApplication, named: str | None
) -> None:
    """Also without the client_id, which a request with an assertion may leave out (RFC 7521 §4.2)."""
    publish(unknown, app, "jwks_uri", "Cache-Control: max-age=60")
    token = tokens_of(browser, app)["refresh_token"]
    other = key_application(app, unknown.deployment.clock, key=key_for("ES256"), kid="second")
    publish(unknown, other, "jwks_uri", "Cache-Control: max-age=60")
    unknown.deployment.clock.advance(61)
    with unknown.deployment.nothing_spent(but=("document#",)):
        refused(app.refresh(token, client_id=named), 401, "invalid_client")
    assert other.refresh(token).status == 200


@pytest.mark.parametrize("assertion", ["", "x", "a.b.c", "." * 9000, "e30.e30.e30", "e30.eyJpc3MiOjF9.e30"])
def test_what_is_no_assertion_names_no_document(unknown: Strangers, app: KeyApplication, assertion: str) -> None:
    with unknown.deployment.nothing_spent():
        asked = {"client_assertion": assertion, "client_assertion_type": ASSERTION_TYPE}
        answer = app.token(grant_type="refresh_token", refresh_token="x", client_id=None, **asked)
    refused(answer, 401, "invalid_client")
    assert unknown.asked == 0


def test_keys_that_cannot_be_fetched_again_serve_for_a_day(
    unknown: Strangers, browser: Browser, app: KeyApplication
) -> None:
    publish(unknown, app, "jwks")
    token = tokens_of(browser, app)["refresh_token"]
    unknown.answer(CHATGPT, b"", status="500 Broken")
    unknown.deployment.clock.advance(DAY - 10)
    token = app.refresh(token, client_id=CHATGPT).json()["refresh_token"]
    unknown.deployment.clock.advance(20)
    with unknown.deployment.nothing_spent(but=("document#",)):
        refused(app.refresh(token, client_id=CHATGPT), 401, "invalid_client")


def test_a_key_makes_up_for_no_page_where_any_program_may_get_the_answer(
    unknown: Strangers, browser: Browser, app: KeyApplication
) -> None:
    publish(unknown, app, "jwks", redirect_uris=["http://127.0.0.1/cb"])
    local = key_application(app, unknown.deployment.clock, key=app.key, redirect_uri="http://127.0.0.1:7/cb")
    tokens_of(browser, local)
    assert browser.open(local.ask(resource=API).url).is_page


def test_it_introspects_nothing(unknown: Strangers, browser: Browser, app: KeyApplication) -> None:
    publish(unknown, app, "jwks")
    tokens = tokens_of(browser, app)
    with unknown.deployment.nothing_spent():
        refused(app.introspect(tokens["access_token"]), 401, "invalid_client")


@pytest.mark.parametrize(
    "changes",
    [
        {"jwks_uri": "https://evil.example/jwks.json"},
        {"jwks_uri": "https://chatgpt.com.evil.example/jwks.json"},
        {"jwks_uri": "https://chatgpt.com/jwks.json", "jwks": {"keys": []}},
        {"jwks": {"keys": [key_for("ES256").as_dict(private=True)]}},
        {"jwks": {"keys": [{"kty": "oct", "k": "c2VjcmV0"}]}},
        {"jwks": "none"},
    ],
)
def test_keys_that_are_not_its_own_or_not_public_refuse_the_document(
    unknown: Strangers, changes: dict[str, Any]
) -> None:
    unknown.publish(CHATGPT, redirect_uris=[REDIRECT], token_endpoint_auth_method="private_key_jwt", **changes)
    with unknown.deployment.nothing_spent(but=("document#", None)):
        assert unknown.invoke(CHATGPT) == "refused"
    assert not [item for item in unknown.stored() if "body" in item]


@pytest.mark.parametrize("body", [b"{}", b"[]", b" " * 30_000])
def test_a_document_whose_keys_cannot_be_had_is_not_kept(unknown: Strangers, app: KeyApplication, body: bytes) -> None:
    publish(unknown, app, "jwks_uri")
    unknown.behave(KEYS, page(body, "200 OK", JSON))
    assert unknown.invoke(CHATGPT) in ("refused", "unreachable")
    assert not [item for item in unknown.stored() if "body" in item]
