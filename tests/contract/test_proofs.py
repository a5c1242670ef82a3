"""The contract of Proofs: the last one who proved is the one who signs in, and each proof is spent once."""

import pytest
from valet.frozen import replace
from valet.models.proofs import Place, Proof
from valet.ports.proofs import Proofs

from tests.contract.conftest import Stores
from tests.contract.facts import NOW, THREADS, at_once, random

PLACE = Place("password", b"digest of a browser and its request")
AT_MS = int(NOW * 1000)
PROOF = Proof("proof-of-john", "sub-of-john", 3, "0000000001.first", ("pwd",), AT_MS, int(NOW) + 660)
OF_JANE = replace(PROOF, proof_id="proof-of-jane", sub="sub-of-jane", at_ms=AT_MS + 1)


@pytest.fixture
def proofs(stores: Stores) -> Proofs:
    return stores.proofs


def test_a_proof_is_found_as_it_was_left(proofs: Proofs) -> None:
    assert proofs.find_proof(PLACE) is None
    assert proofs.put_proof(PLACE, PROOF) == 0
    assert proofs.find_proof(PLACE) == PROOF


@pytest.mark.parametrize(
    "other", [Place("passkey", PLACE.digest), Place("password", PLACE.digest[1:])], ids=["kind", "browser or request"]
)
def test_a_proof_is_in_its_own_place_only(proofs: Proofs, other: Place) -> None:
    proofs.put_proof(PLACE, PROOF)
    assert proofs.find_proof(other) is None
    assert not proofs.spend_proof(other, PROOF, random(16), NOW)
    assert proofs.find_proof(PLACE) == PROOF


def test_a_proof_that_was_put_twice_is_one(proofs: Proofs) -> None:
    assert proofs.put_proof(PLACE, PROOF) == 0
    assert proofs.put_proof(PLACE, PROOF) == 0
    assert proofs.find_proof(PLACE) == PROOF


def test_a_first_proof_takes_no_place_whether_the_proof_there_is_spent_or_not(proofs: Proofs) -> None:
    """That somebody has joined is proven once: the link in their mail must not sign them in again."""
    proofs.put_first_proof(PLACE, PROOF)
    assert proofs.find_proof(PLACE) == PROOF
    proofs.put_first_proof(PLACE, OF_JANE)
    assert proofs.find_proof(PLACE) == PROOF
    attempt = random(16)
    assert proofs.spend_proof(PLACE, PROOF, attempt, NOW)
    for late in (PROOF, OF_JANE):
        proofs.put_first_proof(PLACE, late)
        assert proofs.find_proof(PLACE) == replace(PROOF, spent_by=attempt)


def test_a_newer_proof_takes_the_place(proofs: Proofs) -> None:
    proofs.put_proof(PLACE, PROOF)
    assert proofs.spend_proof(PLACE, PROOF, random(16), NOW)
    assert proofs.put_proof(PLACE, OF_JANE) == 0
    assert proofs.find_proof(PLACE) == OF_JANE


def test_a_late_copy_takes_no_place_whether_the_proof_there_is_spent_or_not(proofs: Proofs) -> None:
    """The first try of a write may arrive after the second, and after what others wrote since."""
    proofs.put_proof(PLACE, OF_JANE)
    assert proofs.put_proof(PLACE, PROOF) == OF_JANE.at_ms
    assert proofs.find_proof(PLACE) == OF_JANE
    attempt = random(16)
    assert proofs.spend_proof(PLACE, OF_JANE, attempt, NOW)
    for late in (PROOF, OF_JANE):
        proofs.put_proof(PLACE, late)
        assert proofs.find_proof(PLACE) == replace(OF_JANE, spent_by=attempt)


def test_of_two_proofs_of_the_same_moment_the_first_stands_and_the_second_is_told(proofs: Proofs) -> None:
    proofs.put_proof(PLACE, PROOF)
    assert proofs.put_proof(PLACE, replace(OF_JANE, at_ms=AT_MS)) == AT_MS
    assert proofs.find_proof(PLACE) == PROOF


def test_a_proof_is_spent_once_and_by_the_same_attempt_again(proofs: Proofs) -> None:
    proofs.put_proof(PLACE, PROOF)
    attempt = random(16)
    assert proofs.spend_proof(PLACE, PROOF, attempt, NOW)
    assert proofs.spend_proof(PLACE, PROOF, attempt, NOW)
    assert not proofs.spend_proof(PLACE, PROOF, random(16), NOW)
    assert proofs.find_proof(PLACE) == replace(PROOF, spent_by=attempt)


def test_of_many_spendings_at_once_one_wins(proofs: Proofs) -> None:
    proofs.put_proof(PLACE, PROOF)
    outcomes = at_once(lambda _: proofs.spend_proof(PLACE, PROOF, random(16), NOW))
    assert sorted(outcomes) == [False] * (THREADS - 1) + [True]


def test_a_proof_is_not_spent_at_its_end_nor_after(proofs: Proofs) -> None:
    proofs.put_proof(PLACE, PROOF)
    for now in (PROOF.expires_at, PROOF.expires_at + 60):
        assert not proofs.spend_proof(PLACE, PROOF, random(16), now)
    assert proofs.find_proof(PLACE) == PROOF
    assert proofs.spend_proof(PLACE, PROOF, random(16), PROOF.expires_at - 1)


def test_a_proof_that_was_replaced_since_it_was_read_is_not_spent(proofs: Proofs) -> None:
    proofs.put_proof(PLACE, PROOF)
    read = proofs.find_proof(PLACE)
    assert read is not None
    proofs.put_proof(PLACE, OF_JANE)
    assert not proofs.spend_proof(PLACE, read, random(16), NOW)
    assert proofs.find_proof(PLACE) == OF_JANE


def test_what_is_not_there_is_not_spent(proofs: Proofs) -> None:
    assert not proofs.spend_proof(PLACE, PROOF, random(16), NOW)
    assert proofs.find_proof(PLACE) is None
