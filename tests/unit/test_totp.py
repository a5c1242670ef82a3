"""Codes of authenticator apps: RFC 6238's and RFC 4226's own vectors, another implementation, and what is typed."""

from __future__ import annotations

import base64
import os
from urllib.parse import parse_qs, urlsplit

import pyotp
import pytest
from hypothesis import given
from hypothesis import strategies as st
from valet.people.totp import (
    STEP,
    code_at,
    digits,
    new_seed,
    otpauth_uri,
    seed_from_base32,
    seed_in_base32,
    step_of,
)

RFC_SEED = b"12345678901234567890"
# RFC 6238, Appendix B, of whose eight digits these are the last six.
TIMES = {
    59: "287082",
    1111111109: "081804",
    1111111111: "050471",
    1234567890: "005924",
    2000000000: "279037",
    20000000000: "353130",
}
# RFC 4226, Appendix D.
COUNTERS = ("755224", "287082", "359152", "969429", "338314", "254676", "287922", "162583", "399871", "520489")


@pytest.mark.parametrize(("now", "code"), tuple(TIMES.items()))
def test_the_vectors_of_rfc_6238(now: int, code: str) -> None:
    assert code_at(RFC_SEED, now // STEP) == code
    assert step_of(RFC_SEED, code, now) == now // STEP


@pytest.mark.parametrize(("counter", "code"), tuple(enumerate(COUNTERS)))
def test_the_vectors_of_rfc_4226(counter: int, code: str) -> None:
    assert code_at(RFC_SEED, counter) == code


@given(st.binary(min_size=20, max_size=20), st.integers(60, 2**36))
def test_another_implementation_makes_the_same_codes(seed: bytes, now: int) -> None:
    other = pyotp.TOTP(base64.b32encode(seed).decode())
    assert code_at(seed, now // STEP) == other.at(now)
    assert step_of(seed, other.at(now), now) is not None


def test_another_implementation_reads_the_address() -> None:
    seed = os.urandom(20)
    read = pyotp.parse_uri(otpauth_uri(seed, "Harbour & Sons: Ltd", "jö:hn@example.com"))
    assert isinstance(read, pyotp.TOTP)
    assert (read.secret, read.issuer, read.name) == (
        seed_in_base32(seed),
        "Harbour & Sons  Ltd",
        "jö hn@example.com",
    )
    assert (read.digits, read.interval) == (6, 30)
    assert read.at(0) == code_at(seed, 0)


def test_no_name_adds_a_parameter_to_the_address() -> None:
    uri = urlsplit(otpauth_uri(RFC_SEED, "a&secret=AAAA", "b?secret=AAAA#"))
    assert parse_qs(uri.query)["secret"] == [seed_in_base32(RFC_SEED)]
    assert not uri.fragment


@pytest.mark.parametrize(("steps", "is_good"), [(-2, False), (-1, True), (0, True), (1, True), (2, False)])
def test_a_code_may_be_one_step_early_or_late(steps: int, is_good: bool) -> None:
    now = 1_800_000_000
    assert step_of(RFC_SEED, code_at(RFC_SEED, now // STEP + steps), now) == (now // STEP + steps if is_good else None)


def test_of_two_steps_with_one_code_the_later_counts(monkeypatch: pytest.MonkeyPatch) -> None:
    """Then the code is used up for both."""
    monkeypatch.setattr("valet.people.totp.code_at", lambda seed, step: "123456")
    assert step_of(RFC_SEED, "123456", 3000) == 101


@pytest.mark.parametrize("typed", ["", "12345", "1234567", "28708", "0287082", "287082287082", "abcdef", "-87082"])
def test_what_is_no_code_is_wrong(typed: str) -> None:
    assert step_of(RFC_SEED, typed, 59) is None


@pytest.mark.parametrize("typed", ["287082", "287 082", " 287-082\n", "２８７０８２", "٢٨٧٠٨٢"])
def test_a_code_may_be_typed_in_any_digits_and_with_spaces(typed: str) -> None:
    assert digits(typed) == "287082"
    assert step_of(RFC_SEED, typed, 59) == 1


def test_a_seed_has_160_bits_and_is_written_in_base_32() -> None:
    seed = new_seed(os.urandom)
    assert len(seed) == 20  # RFC 4226 §4, R6
    assert seed_from_base32(seed_in_base32(seed)) == seed
    for wrong in ("", "AAAA", seed_in_base32(seed) + "AAAAAAAA", seed_in_base32(seed).lower(), "1" * 32):
        with pytest.raises(ValueError):  # noqa: PT011 - binascii's own, and ours
            seed_from_base32(wrong)
