"""The contract of accounts that people make: a write that comes late changes nothing of an account in use."""

import pytest
from valet.frozen import replace
from valet.models.accounts import Account

from tests.contract.conftest import Stores

JOHN = Account("john-sub", "john", email="john@example.org", email_verified=True, passkeys=frozenset({"ab" * 32}))


@pytest.fixture
def account(stores: Stores) -> Account:
    stores.newcomers.keep_account(JOHN)
    return JOHN


def test_an_account_is_kept_as_it_was_made_until_it_is_dropped(stores: Stores, account: Account) -> None:
    assert stores.accounts.find_account(JOHN.sub) == account
    stores.newcomers.drop_account(JOHN.sub)
    assert stores.accounts.find_account(JOHN.sub) is None


def test_a_late_copy_brings_no_first_state_back(stores: Stores, account: Account) -> None:
    stores.users.table.update("account#john-sub", "account", "SET #epoch = :epoch", {":epoch": 4})
    stores.newcomers.keep_account(account)
    assert stores.accounts.find_account(JOHN.sub) == replace(account, epoch=4)


def test_an_address_that_another_has_is_taken_from_the_account(stores: Stores, account: Account) -> None:
    for _ in range(2):  # and the same write, sent again
        stores.newcomers.forget_address(account)
        assert stores.accounts.find_account(JOHN.sub) == replace(account, email="", email_verified=False)


def test_the_address_that_the_account_has_got_since_stays(stores: Stores, account: Account) -> None:
    stores.newcomers.forget_address(replace(account, email="before@example.org"))
    assert stores.accounts.find_account(JOHN.sub) == account


def test_no_account_is_made_by_taking_its_address(stores: Stores) -> None:
    stores.newcomers.forget_address(JOHN)
    assert stores.users.table.get("account#john-sub", "account") is None
