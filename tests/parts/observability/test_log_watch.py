"""The watch over the logs: one that hears nothing would show nothing."""

from __future__ import annotations

import logging

import pytest

from local.demo_data import SECRETS, USERS
from local.stack import LocalStack
from tests.support.application import DemoApplications
from tests.support.browser import Browser
from tests.support.log_watch import Listener, LogWatch, heard_on_output, words_of
from tests.support.wire import over_http

SECRET = "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk"


@pytest.mark.parametrize("field", ["message", "extra"])
def test_a_secret_in_a_message_or_in_a_field_is_heard(field: str) -> None:
    watch = LogWatch()
    watch.keep([SECRET])
    record = logging.LogRecord("any", logging.INFO, __file__, 1, "said", None, None)
    vars(record)[{"message": "msg", "extra": "detail"}[field]] = f"the token is {SECRET}."
    Listener(watch).handle(record)
    assert set(watch.told()) == {SECRET}
    assert watch.told() == {}


def test_a_secret_that_becomes_known_after_it_was_logged_is_found_all_the_same() -> None:
    watch = LogWatch()
    heard_on_output(f'{{"reason": "{SECRET}"}}\nnot a log line', watch)
    watch.keep([SECRET])
    assert set(watch.told()) == {SECRET}


@pytest.mark.parametrize(
    ("value", "words"),
    [
        (f"grantgrantgrantgrant22.{SECRET}", [SECRET]),
        (f"grantgrantgrantgrant22.{SECRET}.{SECRET}", [SECRET, SECRET]),
        (f"eyJhbGciOiJSUzI1NiJ9.eyJzdWIiOiJqb2huIn0.{SECRET}", [SECRET]),
        ("password123", ["password123"]),
        ("web_app_123", []),
    ],
)
def test_what_is_secret_in_a_value(value: str, words: list[str]) -> None:
    assert list(words_of(value)) == words


def test_the_demo_datas_secrets_are_known_to_the_watch() -> None:
    chosen = {*SECRETS.values(), *(user.password for user in USERS)}
    assert all(list(words_of(secret)) == [secret] for secret in chosen)


def test_a_sign_in_leaves_secrets_in_the_watch_and_events_in_the_log(
    fresh_stack: LocalStack, log_watch: LogWatch
) -> None:
    issuer = fresh_stack.issuer
    web_app = DemoApplications(over_http, issuer).web_app
    browser, asked = Browser(over_http, issuer), web_app.ask()
    code = browser.decide(browser.sign_in(browser.open(asked.url))).answered["code"]
    tokens = web_app.redeem(code, asked.code_verifier).json()
    secrets = [code, tokens["access_token"], tokens["refresh_token"], tokens["id_token"], "password123"]
    secrets += ["web_secret_456", asked.code_verifier, *browser.cookies.values()]
    for secret in secrets:
        assert set(words_of(secret)) <= log_watch.secrets
    assert browser.cookies
    assert code.partition(".")[0] in log_watch.said  # the grant's id, which is no secret
