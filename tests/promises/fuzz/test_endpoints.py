"""Bad input gets the specification's error: never a 5xx, never a traceback, never a secret, and nothing is spent."""

from collections.abc import Callable

import pytest
from hypothesis import event, given, settings
from valet.people import passwords

from tests.endpoints import ENDPOINTS, endpoint_at
from tests.promises.fuzz.deployment import deployment
from tests.promises.fuzz.good_requests import Sent, good_requests
from tests.promises.fuzz.mutations import nearly_good, raw_bytes
from tests.support import profiles

IS_DEEP = profiles.load()
DEPLOYMENT = deployment()
GOODS = good_requests(DEPLOYMENT.secrets)
_SMALL = frozenset(each.function for each in ENDPOINTS if each.readable_by == "anybody")  # documents: they take nothing
FUNCTIONS = sorted({each.function for each in ENDPOINTS})


@pytest.fixture(autouse=True)
def no_password_is_right(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(passwords, "_is_password", lambda *_: False)


def _goods(function: str) -> tuple[Sent, ...]:
    return tuple(sent for sent in GOODS if sent.function == function)


def test_every_endpoint_has_a_good_request() -> None:
    assert {endpoint_at(sent.path) for sent in GOODS} == set(ENDPOINTS)


@pytest.mark.parametrize("sent", GOODS, ids=lambda sent: f"{sent.method} {sent.path}")
def test_what_the_others_are_made_from_is_understood(sent: Sent) -> None:
    DEPLOYMENT.answer(sent)


@pytest.mark.parametrize("function", FUNCTIONS)
def test_a_nearly_good_request_is_answered_in_the_specifications_words(
    function: str, record_property: Callable[[str, object], None]
) -> None:
    count = 0

    @settings(max_examples=20_000 if IS_DEEP else 40 if function in _SMALL else 150)
    @given(nearly_good(_goods(function)))
    def fuzz(sent: Sent) -> None:
        nonlocal count
        count += 1
        event(f"{function} {DEPLOYMENT.answer(sent)['statusCode']}")

    fuzz()
    record_property("explored", f"{function}: {count:,} nearly good requests")


@pytest.mark.parametrize("function", FUNCTIONS)
def test_raw_bytes_are_refused(function: str) -> None:
    @settings(max_examples=5_000 if IS_DEEP else 40)
    @given(raw_bytes(_goods(function)))
    def fuzz(sent: Sent) -> None:
        DEPLOYMENT.answer(sent)

    fuzz()
