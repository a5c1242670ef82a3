"""Recovery codes: ten of 80 bits, kept as salted hashes, typed as people type (NIST SP 800-63B-4 §3.1.2)."""

from __future__ import annotations

import os
import re

import pytest
from valet.frozen import replace
from valet.people.recovery_codes import MANY, is_code, left, make, parse


def test_there_are_ten_and_each_is_one_of_them() -> None:
    made = make(os.urandom, 5.5)
    assert len(set(made.codes)) == len(made.kept.hashes) == MANY == 10
    assert made.kept.made_at == 5
    for number, code in enumerate(made.codes, 1):
        assert re.fullmatch(rf"{number}(-[0-9A-HJKMNP-TV-Z]{{4}}){{4}}", code)
        typed = parse(code)
        assert typed is not None
        assert typed.number == number
        assert is_code(typed, made.kept)


def test_a_code_has_80_bits_of_the_random_source() -> None:
    drawn: list[int] = []

    def random(length: int) -> bytes:
        drawn.append(length)
        return b"\xff" * length

    made = make(random, 0)
    assert drawn == [16] + [10] * 10
    assert made.codes[0] == "1-ZZZZ-ZZZZ-ZZZZ-ZZZZ"


def test_no_two_hashes_share_a_salt() -> None:
    """The same secret under two numbers has two hashes."""
    made = make(lambda length: b"\x00" * length, 0)
    assert len(set(made.kept.hashes)) == MANY
    assert make(os.urandom, 0).kept.salt != make(os.urandom, 0).kept.salt


def test_a_code_of_another_number_or_set_is_none() -> None:
    made, other = make(os.urandom, 0), make(os.urandom, 0)
    typed = parse(made.codes[0])
    assert typed is not None
    assert not is_code(replace(typed, number=2), made.kept)
    assert not is_code(typed, other.kept)
    assert not is_code(replace(typed, number=10), replace(made.kept, hashes=made.kept.hashes[:5]))


@pytest.mark.parametrize(
    "written",
    [
        "3-K7QD-9FXA-22MN-P0TV",
        "3k7qd9fxa22mnp0tv",
        " 3 k7qd 9fxa 22mn potv ",
        "3–K7QD–9FXA–22MN–P0TV",
        "３－Ｋ７ＱＤ－９ＦＸＡ－２２ＭＮ－Ｐ０ＴＶ",
    ],
)
def test_a_code_may_be_typed_in_many_ways(written: str) -> None:
    typed = parse(written)
    assert typed is not None
    assert (typed.number, typed.secret) == (3, "K7QD9FXA22MNP0TV")


def test_letters_that_look_like_digits_are_digits() -> None:
    typed = parse("lO-OIL0-0000-0000-0000")
    assert typed is not None
    assert (typed.number, typed.secret) == (10, "0110000000000000")


@pytest.mark.parametrize(
    "written",
    ["", "123456", "K7QD-9FXA-22MN-P0TV", "0-K7QD-9FXA-22MN-P0TV", "11-K7QD-9FXA-22MN-P0TV", "3-K7QD", "A" * 99],
)
def test_what_cannot_be_a_code_is_none(written: str) -> None:
    assert parse(written) is None


def test_how_many_are_left() -> None:
    kept = make(os.urandom, 0).kept
    assert left(kept) == 10
    assert left(replace(kept, spent=frozenset({1, 7}))) == 8


def test_no_secret_is_in_what_a_log_might_print() -> None:
    made = make(os.urandom, 0)
    typed = parse(made.codes[3])
    assert made.codes[3].partition("-")[2][:4] not in f"{made} {typed} {made.kept}"
