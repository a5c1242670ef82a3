"""The contract of Once: a value is spent once, also by many requests at the same time."""

import pytest
from valet.models.once import OneTimeValue

from tests.contract.conftest import Stores
from tests.contract.facts import NOW, THREADS, at_once, random

PROOF = OneTimeValue("proof", "thumbprint", "jti", int(NOW) + 150)


def test_a_value_is_spent_once(stores: Stores) -> None:
    assert stores.once.spend(PROOF, random(16))
    assert not stores.once.spend(PROOF, random(16))


def test_a_spending_that_was_sent_twice_is_one(stores: Stores) -> None:
    attempt = random(16)
    assert stores.once.spend(PROOF, attempt)
    assert stores.once.spend(PROOF, attempt)
    assert not stores.once.spend(PROOF, random(16))


@pytest.mark.parametrize(
    "other",
    [
        OneTimeValue("assertion", "thumbprint", "jti", int(NOW) + 150),
        OneTimeValue("proof", "another", "jti", int(NOW) + 150),
        OneTimeValue("proof", "thumbprint", "another", int(NOW) + 150),
        OneTimeValue("proof", "thumbprint", "JTI", int(NOW) + 150),
        OneTimeValue("proof", "thumbprint", "jti\0", int(NOW) + 150),
    ],
    ids=["kind", "sender", "jti", "case", "nul"],
)
def test_values_that_differ_are_spent_each(stores: Stores, other: OneTimeValue) -> None:
    assert stores.once.spend(PROOF, random(16))
    assert stores.once.spend(other, random(16))


def test_of_many_spendings_at_once_one_wins(stores: Stores) -> None:
    outcomes = at_once(lambda _: stores.once.spend(PROOF, random(16)))
    assert sorted(outcomes) == [False] * (THREADS - 1) + [True]


def test_a_long_jti_of_any_characters_is_spent(stores: Stores) -> None:
    value = OneTimeValue("assertion", "client", "ü€\U0001f511" * 85, int(NOW) + 150)
    assert stores.once.spend(value, random(16))
    assert not stores.once.spend(value, random(16))
