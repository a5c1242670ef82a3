"""What docs/operations.md says of money is what bench/costs.py works out, from calls that are counted here."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Callable
from pathlib import Path

import pytest

from bench.costs import MIX, REFERENCES, SIGN_IN, STEPS, references, starts, tables
from local.aws.calls import Call
from local.stack import LocalStack
from tests.conftest import MovableClock
from tests.promises.counts.reference_tokens import ROWS
from tests.support.application import Application, DemoApplications
from tests.support.browser import Browser
from tests.support.wire import over_http

ROOT = Path(__file__).resolve().parents[3]
READS, SIGNATURES = frozenset({"GetItem", "Query"}), frozenset({"Sign"})


@pytest.mark.parametrize(
    ("step", "kind"),
    [
        ("client_credentials", "client_credentials, kms"),
        ("refresh", "refresh, kms"),
        ("code, with an ID token", "code with ID token, kms"),
    ],
)
def test_the_milliseconds_are_those_of_the_latest_measurement(step: str, kind: str) -> None:
    latest = json.loads((ROOT / "bench" / "results" / "latest.json").read_text(encoding="utf-8"))
    milliseconds, _ = latest["figures"]["token function, warm, ms and $ a million by memory"][kind]["512"]
    assert STEPS[step].milliseconds == pytest.approx(milliseconds, rel=0.15), "round bench/costs.py's figures anew"


def test_the_tables_are_the_scripts_own() -> None:
    text = (ROOT / "docs" / "operations.md").read_text(encoding="utf-8")
    for table in (tables(), references(), starts()):
        assert "\n".join(table) in text, "run `python bench/costs.py`, and put what it prints into docs/operations.md"
    assert sum(MIX.values()) == 100


@pytest.mark.parametrize(
    ("step", "row"),
    [
        ("a reference token instead", "client_credentials_as_reference"),
        ("its introspection, at each call", "introspect_reference"),
        ("what a stranger made up", "introspect_unknown_reference"),
    ],
)
def test_the_prices_of_reference_tokens_are_of_the_calls_that_are_counted(step: str, row: str) -> None:
    calls = Counter(call.split()[0] for each in ROWS if each.name == row for call in each.warm_calls)
    said = REFERENCES[step]
    assert calls == Counter(GetItem=said.reads, PutItem=said.writes, Sign=said.signatures)


@pytest.fixture
def counted(fresh_stack: LocalStack) -> Callable[[Callable[[], None]], tuple[int, int, int]]:
    """Reads, writes and signatures of what is done, once everything is warm."""

    def count(deed: Callable[[], None]) -> tuple[int, int, int]:
        deed()
        with fresh_stack.aws.recorded() as calls:
            deed()
        return _kinds(calls)

    return count


def _kinds(calls: list[Call]) -> tuple[int, int, int]:
    actions = [call.action for call in calls if call.function != "status_list"]
    reads = sum(action in READS for action in actions)
    signatures = sum(action in SIGNATURES for action in actions)
    return reads, len(actions) - reads - signatures, signatures


def _expected(step: str) -> tuple[int, int, int]:
    return STEPS[step].reads, STEPS[step].writes, STEPS[step].signatures


@pytest.fixture
def web_app(fresh_stack: LocalStack) -> Application:
    return DemoApplications(over_http, fresh_stack.issuer).web_app


def test_client_credentials_cost_one_signature(
    counted: Callable[[Callable[[], None]], tuple[int, int, int]], fresh_stack: LocalStack
) -> None:
    service = DemoApplications(over_http, fresh_stack.issuer).service

    def deed() -> None:
        assert service.client_credentials().status == 200

    assert counted(deed) == _expected("client_credentials")


def test_a_sign_in_a_code_and_a_refresh_cost_what_is_said(
    fresh_stack: LocalStack, web_app: Application, clock: MovableClock
) -> None:
    def code(username: str) -> tuple[str, str]:
        browser, asked = Browser(over_http, fresh_stack.issuer), web_app.ask()
        answer = browser.decide(browser.sign_in(browser.open(asked.url), username))
        return answer.answered["code"], asked.code_verifier

    tokens = web_app.redeem(*code("john")).json()
    johns = web_app.refresh(tokens["refresh_token"]).json()
    with fresh_stack.aws.recorded() as calls:
        redeemable = code("jane")
    # Where people sign in with other providers, a sign-in also looks whether an identity waits to be linked.
    assert _kinds([call for call in calls if call.partition_prefix != "proof-upstream#"]) == _expected(SIGN_IN)
    with fresh_stack.aws.recorded() as calls:
        tokens = web_app.redeem(*redeemable).json()
    assert _kinds(calls) == _expected("code, with an ID token")
    clock.advance(60)  # sooner, the access token would share a place, which is one read more
    web_app.refresh(johns["refresh_token"])  # what is remembered for ten seconds is read again
    with fresh_stack.aws.recorded() as calls:
        assert web_app.refresh(tokens["refresh_token"]).status == 200
    assert _kinds(calls) == _expected("refresh")
