"""User codes and device codes: how they are drawn, read and derived (RFC 8628 §6.1)."""

import os
from collections import Counter
from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st
from valet.front_channel.device import Answer, answered_before
from valet.grant_types.device_code import Polled, polled
from valet.handles import Code, digest
from valet.models.clients import Client
from valet.models.device_codes import DeviceCode
from valet.models.grants import Grant
from valet.protocol.device_code import (
    ALPHABET,
    device_grant_id,
    device_id_of,
    grant_id_of_device,
    new_user_code,
    shown,
    typed_code,
)

NOW, SECRET = 1_800_000_000, "s" * 43
TV, CODE = Client("tv", "TV"), Code("d" * 22, SECRET)
DEVICE = DeviceCode("d" * 22, "tv", ("openid",), digest(SECRET), NOW * 1000, NOW + 600, NOW + 90_000)


def test_a_letter_is_as_likely_as_any_other() -> None:
    """A byte that would make some letters likelier is drawn again: 240 to 255 leave nothing."""
    assert len(ALPHABET) == len(set(ALPHABET)) == 20
    drawn = Counter(letter for letter in ALPHABET for _ in range(12))
    every = Counter(new_user_code(_repeating(bytes(range(first, first + 8)))) for first in range(0, 240, 8))
    assert Counter("".join(every.elements())) == drawn
    assert new_user_code(_repeating(bytes([240, 255, 250, 0, 20, 40, 60, 80]))) == "BBBBBBBB"
    assert len({new_user_code(os.urandom) for _ in range(1000)}) == 1000


def _repeating(given_bytes: bytes) -> Callable[[int], bytes]:
    return lambda length: (given_bytes * length)[:length]


@given(st.text(alphabet=ALPHABET, min_size=8, max_size=8), st.text(alphabet=" -.\t_aeiouy0123456789é", max_size=5))
def test_a_code_is_read_however_it_is_typed(code: str, between: str) -> None:
    for typed in (shown(code), code.lower(), between.join(f" {code.title()} ")[:64]):
        assert typed_code(typed) == code


@given(st.text(max_size=80))
def test_what_is_read_is_a_code_or_nothing(text: str) -> None:
    code = typed_code(text)
    assert code == "" or (len(code) == 8 and set(code) <= set(ALPHABET))


_LATE = "B" + "-" * 60 + "BBBBBBB"  # what is far behind is not looked at


@pytest.mark.parametrize("text", ["", "BBBBBBB", "BBBBBBBBB", "ＢＢＢＢＢＢＢＢ", "ſ" * 8, "ĸ" * 8, _LATE])
def test_look_alikes_and_codes_of_other_lengths_are_none(text: str) -> None:
    assert typed_code(text) == ""


def test_ids_are_derived_from_both_codes_and_differ() -> None:
    one, other = device_id_of("WDJBMJHT"), device_id_of("WDJBMJHV")
    grants = {grant_id_of_device(one, b"a"), grant_id_of_device(one, b"b"), grant_id_of_device(other, b"a")}
    assert len({one, other, *grants}) == 5
    assert {len(each) for each in (one, other, *grants)} == {22}
    assert device_grant_id(one, SECRET) == grant_id_of_device(one, digest(SECRET))


@pytest.mark.parametrize(
    ("found", "at", "outcome"),
    [
        (None, NOW, Polled.UNKNOWN),
        ({"client_id": "another"}, NOW, Polled.UNKNOWN),
        ({"secret_digest": digest("t" * 43)}, NOW, Polled.UNKNOWN),
        ({"secret_digest": b""}, NOW, Polled.UNKNOWN),
        ({"client_id": "another"}, NOW + 601, Polled.UNKNOWN),
        ({}, NOW + 599, Polled.TOO_FAST),
        ({}, NOW + 600, Polled.EXPIRED),
        ({"poll": b"mine"}, NOW, Polled.ASKED),
        ({"poll": b"mine"}, NOW + 601, Polled.ASKED),
        ({"poll": b"mine", "client_id": "another"}, NOW, Polled.UNKNOWN),
    ],
)
def test_a_poll_that_did_not_count_is_told_why(found: dict[str, object] | None, at: int, outcome: Polled) -> None:
    item = None if found is None else DeviceCode(**{**vars(DEVICE), **found})
    assert polled(item, TV, CODE, b"mine", at) is outcome


_GRANT = {
    **dict.fromkeys(Grant.FIELDS),
    **Grant.DEFAULTS,
    "client_id": "tv",
    "sub": "john",
}


@pytest.mark.parametrize(
    ("changes", "sub", "is_yes", "answer"),
    [
        ({}, "john", True, Answer.APPROVED),
        ({}, "john", False, Answer.APPROVED_BEFORE),
        ({}, "jane", True, Answer.ANSWERED),
        ({}, "jane", False, Answer.ANSWERED),
        ({"revoked_at": 1}, "john", True, Answer.ANSWERED),
        ({"revoked_at": 1}, "john", False, Answer.ANSWERED),
        ({"revoked_at": 1, "client_id": None}, "john", False, Answer.DENIED),
        ({"revoked_at": 1, "client_id": None}, "john", True, Answer.ANSWERED),
        ({"revoked_at": 1, "client_id": None}, "jane", False, Answer.ANSWERED),
        ({"revoked_at": 1, "client_id": None, "sub": None}, "john", False, Answer.ANSWERED),
    ],
)
def test_a_second_answer_is_told_what_became_of_the_first(
    changes: dict[str, object], sub: str, is_yes: bool, answer: Answer
) -> None:
    assert answered_before(Grant(**{**_GRANT, **changes}), sub, is_yes=is_yes) is answer
