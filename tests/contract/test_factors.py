"""The contract of second factors: a code is used once, guesses are counted before they are looked at, and each change
of an account is one write.
"""

from __future__ import annotations

import pytest
from valet.aws.dynamodb.table import item_from_model
from valet.frozen import replace
from valet.models.accounts import Account
from valet.models.factors import Device, RecoveryCodes, Totp
from valet.models.proofs import Place, Proof
from valet.ports.factors import MOST_FAILURES

from tests.contract.conftest import Stores
from tests.contract.facts import NOW, at_once, random

JOHN = Account("john-sub", "john", epoch=3)
APP, OTHER_APP, CODES = "app-of-john", "another-app", "codes-of-john"
TOTP = Totp(b"sealed", last_step=100, added_at=int(NOW))
KEPT = RecoveryCodes(b"salt", tuple(bytes([number]) * 32 for number in range(1, 11)), made_at=int(NOW))


@pytest.fixture
def totp(stores: Stores) -> Totp:
    stores.factors.put_totp(JOHN.sub, APP, TOTP)
    return TOTP


@pytest.fixture
def codes(stores: Stores) -> RecoveryCodes:
    stores.factors.put_recovery_codes(JOHN.sub, CODES, KEPT)
    return KEPT


def put(stores: Stores, account: Account) -> Account:
    stores.users.table.put(item_from_model(account, f"account#{account.sub}", "account"))
    return account


def found(stores: Stores) -> Account:
    account = stores.accounts.find_account(JOHN.sub)
    assert account is not None
    return account


def test_factors_are_found_as_they_were_kept_and_by_their_account(
    stores: Stores, totp: Totp, codes: RecoveryCodes
) -> None:
    assert stores.factors.find_totp(JOHN.sub, APP) == totp
    assert stores.factors.find_recovery_codes(JOHN.sub, CODES) == codes
    for sub, factor_id in (("jane-sub", APP), (JOHN.sub, OTHER_APP), (JOHN.sub, "")):
        assert stores.factors.find_totp(sub, factor_id) is None
        assert stores.factors.find_recovery_codes(sub, factor_id) is None
        assert stores.factors.try_totp(sub, factor_id or "none") is None
    stores.factors.delete_factor(JOHN.sub, APP)
    stores.factors.delete_factor(JOHN.sub, APP)
    assert stores.factors.find_totp(JOHN.sub, APP) is None
    assert stores.factors.find_recovery_codes(JOHN.sub, CODES) == codes


def test_nothing_is_made_of_a_factor_that_is_gone(stores: Stores) -> None:
    assert stores.factors.try_totp(JOHN.sub, APP) is None
    assert not stores.factors.accept_totp(JOHN.sub, APP, 101, random(16))
    assert not stores.factors.spend_recovery_code(JOHN.sub, CODES, 1, random(16))
    assert list(stores.users.table.query(f"factor#{JOHN.sub}")) == []


def test_an_attempt_is_counted_and_an_accepted_code_begins_anew(stores: Stores, totp: Totp) -> None:
    for failures in (1, 2, 3):
        assert stores.factors.try_totp(JOHN.sub, APP) == replace(totp, failures=failures)
    assert stores.factors.accept_totp(JOHN.sub, APP, 101, random(16))
    assert stores.factors.find_totp(JOHN.sub, APP) == replace(totp, last_step=101)


def test_after_a_hundred_failures_in_a_row_nothing_is_tried(stores: Stores) -> None:
    stores.factors.put_totp(JOHN.sub, APP, replace(TOTP, failures=MOST_FAILURES - 1))
    assert stores.factors.try_totp(JOHN.sub, APP) is not None
    assert stores.factors.try_totp(JOHN.sub, APP) is None
    assert stores.factors.find_totp(JOHN.sub, APP) == replace(TOTP, failures=MOST_FAILURES)


def test_no_more_than_a_hundred_are_tried_at_once(stores: Stores) -> None:
    stores.factors.put_totp(JOHN.sub, APP, replace(TOTP, failures=MOST_FAILURES - 5))
    tried = at_once(lambda _: stores.factors.try_totp(JOHN.sub, APP))
    assert sum(each is not None for each in tried) == 5


def test_a_code_is_accepted_once_and_steps_go_forward(stores: Stores, totp: Totp) -> None:
    attempt = random(16)
    assert stores.factors.accept_totp(JOHN.sub, APP, 101, attempt)
    assert stores.factors.accept_totp(JOHN.sub, APP, 101, attempt)  # the same write, sent again
    for step in (101, 100, 1):
        assert not stores.factors.accept_totp(JOHN.sub, APP, step, random(16)), step
    assert stores.factors.accept_totp(JOHN.sub, APP, 102, random(16))


def test_of_many_who_use_a_code_at_once_one_does(stores: Stores, totp: Totp, codes: RecoveryCodes) -> None:
    factors = stores.factors
    assert at_once(lambda _: factors.accept_totp(JOHN.sub, APP, 101, random(16))).count(True) == 1
    assert at_once(lambda _: factors.spend_recovery_code(JOHN.sub, CODES, 4, random(16))).count(True) == 1


def test_a_recovery_code_is_spent_once_and_the_others_stay(stores: Stores, codes: RecoveryCodes) -> None:
    attempt = random(16)
    assert stores.factors.spend_recovery_code(JOHN.sub, CODES, 7, attempt)
    assert stores.factors.spend_recovery_code(JOHN.sub, CODES, 7, attempt)  # the same write, sent again
    assert not stores.factors.spend_recovery_code(JOHN.sub, CODES, 7, random(16))
    assert stores.factors.spend_recovery_code(JOHN.sub, CODES, 10, random(16))
    assert stores.factors.find_recovery_codes(JOHN.sub, CODES) == replace(codes, spent=frozenset({7, 10}))


def test_an_account_names_one_factor_of_each_kind(stores: Stores) -> None:
    put(stores, JOHN)
    for _ in range(2):  # the second is the same write, sent again
        assert stores.factors.name_totp(JOHN, APP)
        assert stores.factors.name_recovery_codes(JOHN, CODES)
    assert found(stores) == replace(JOHN, totp_id=APP, recovery_id=CODES)
    assert not stores.factors.name_totp(JOHN, OTHER_APP)  # as the account was read
    assert not stores.factors.name_recovery_codes(JOHN, "others")
    read = found(stores)
    assert stores.factors.name_totp(read, OTHER_APP)
    assert stores.factors.name_recovery_codes(read, "others")
    assert not stores.factors.name_totp(read, "a third app")
    assert not stores.factors.name_recovery_codes(read, "yet others")
    assert found(stores) == replace(JOHN, totp_id=OTHER_APP, recovery_id="others")


def test_of_many_who_name_a_factor_at_once_one_does(stores: Stores) -> None:
    put(stores, JOHN)
    named = at_once(lambda number: stores.factors.name_totp(JOHN, f"app-{number}"))
    assert named.count(True) == 1
    assert found(stores).totp_id == f"app-{named.index(True)}"


@pytest.mark.parametrize(
    "account",
    [replace(JOHN, epoch=4), replace(JOHN, epoch=2), replace(JOHN, deleted_at=int(NOW))],
    ids=["revoked since", "another", "deleted"],
)
def test_an_account_that_was_revoked_or_deleted_since_is_given_nothing(stores: Stores, account: Account) -> None:
    put(stores, replace(account, totp_id=APP))
    read = replace(JOHN, totp_id=APP)
    assert not stores.factors.name_totp(read, OTHER_APP)
    assert not stores.factors.name_recovery_codes(read, CODES)
    assert not stores.factors.drop_totp(read)
    assert found(stores) == replace(account, totp_id=APP)


def test_a_factor_is_dropped_that_the_account_names(stores: Stores) -> None:
    put(stores, replace(JOHN, totp_id=APP))
    assert not stores.factors.drop_totp(replace(JOHN, totp_id=OTHER_APP))
    read = found(stores)
    for _ in range(2):  # the second is the same write, sent again
        assert stores.factors.drop_totp(read)
    assert found(stores) == JOHN


def test_nobody_is_made_by_naming_a_factor(stores: Stores) -> None:
    assert not stores.factors.name_totp(JOHN, APP)
    assert not stores.factors.drop_totp(replace(JOHN, totp_id=APP))
    assert stores.accounts.find_account(JOHN.sub) is None


def test_all_of_an_account_is_forgotten_and_nothing_of_another(
    stores: Stores, totp: Totp, codes: RecoveryCodes
) -> None:
    stores.factors.put_totp("jane-sub", APP, TOTP)
    stores.factors.forget_factors(JOHN.sub)
    assert list(stores.users.table.query(f"factor#{JOHN.sub}")) == []
    assert stores.factors.find_totp("jane-sub", APP) == TOTP


def test_a_browser_is_remembered_for_one_account_at_a_time_each(stores: Stores) -> None:
    device = Device("john-sub", 3, APP, int(NOW), int(NOW) + 86_400)
    of_jane = replace(device, sub="jane-sub", totp_id=OTHER_APP)
    stores.devices.put_device(b"browser", device)
    stores.devices.put_device(b"browser", of_jane)
    assert stores.devices.find_device(b"browser", "john-sub") == device
    assert stores.devices.find_device(b"browser", "jane-sub") == of_jane
    assert stores.devices.find_device(b"browser", "jim-sub") is None
    assert stores.devices.find_device(b"another", "john-sub") is None
    stores.devices.put_device(b"browser", replace(device, totp_id=OTHER_APP))
    assert stores.devices.find_device(b"browser", "john-sub") == replace(device, totp_id=OTHER_APP)


def test_a_proof_of_a_second_factor_keeps_the_session_that_it_is_for(stores: Stores) -> None:
    place = Place("second", b"digest of a browser and its request")
    proof = Proof("proof", "john-sub", 3, APP, ("otp",), int(NOW * 1000), int(NOW) + 660, on=b"digest of a session")
    assert stores.proofs.put_proof(place, proof) == 0
    assert stores.proofs.find_proof(place) == proof
