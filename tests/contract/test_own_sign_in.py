"""The contract of what an end-user changes of their own sign-in: each change is one write, which tells who won."""

from __future__ import annotations

import pytest
from valet.aws.dynamodb.table import item_from_model
from valet.frozen import replace
from valet.models.accounts import Account, Password

from tests.contract.conftest import Stores
from tests.contract.facts import NOW, THREADS, at_once

JOHN = Account("john-sub", "john", password_id="0000000001.old", epoch=3)
NEW = "0000000002.new"


def put(stores: Stores, account: Account) -> Account:
    stores.users.table.put(item_from_model(account, f"account#{account.sub}", "account"))
    return account


def found(stores: Stores) -> Account:
    account = stores.accounts.find_account(JOHN.sub)
    assert account is not None
    return account


def raised(account: Account) -> Account:
    """As every write leaves it that ends everything."""
    return replace(account, epoch=4, epoch_raised_at_ms=int(NOW * 1000), sessions_not_before_ms=int(NOW * 1000))


def test_a_password_is_kept_until_it_is_dropped(stores: Stores) -> None:
    password = Password(JOHN.sub, NEW, "hash", 5)
    stores.own_sign_in.put_password(password)
    assert stores.credentials.find_password(JOHN.sub, NEW) == password
    for _ in range(2):
        stores.own_sign_in.drop_password(JOHN.sub, NEW)
        assert stores.credentials.find_password(JOHN.sub, NEW) is None


@pytest.mark.parametrize("password_id", ["0000000001.old", ""])
def test_a_new_password_raises_the_epoch_in_the_same_write(stores: Stores, password_id: str) -> None:
    john = put(stores, replace(JOHN, password_id=password_id, has_no_password=not password_id))
    for _ in range(2):  # and the same write, sent again
        assert stores.own_sign_in.name_password(john, NEW, NOW)
    assert found(stores) == raised(replace(john, password_id=NEW, has_no_password=False))


@pytest.mark.parametrize(
    "now",
    [
        replace(JOHN, epoch=4),
        replace(JOHN, password_id="0000000002.another"),
        replace(JOHN, password_id=""),
        replace(JOHN, deleted_at=5),
    ],
)
def test_an_account_that_has_changed_keeps_its_password(stores: Stores, now: Account) -> None:
    put(stores, now)
    assert not stores.own_sign_in.name_password(JOHN, NEW, NOW)
    assert found(stores) == now


def test_an_account_that_is_not_there_is_not_made(stores: Stores) -> None:
    assert not stores.own_sign_in.name_password(JOHN, NEW, NOW)
    assert not stores.own_sign_in.name_password(replace(JOHN, password_id="", epoch=0), NEW, NOW)
    assert stores.accounts.find_account(JOHN.sub) is None


def test_of_many_passwords_at_once_one_wins(stores: Stores) -> None:
    john = put(stores, JOHN)
    ids = [f"0000000002.{number}" for number in range(THREADS)]
    outcomes = at_once(lambda number: stores.own_sign_in.name_password(john, ids[number], NOW))
    assert outcomes.count(True) == 1
    assert found(stores).password_id == ids[outcomes.index(True)]
    assert found(stores).epoch == 4
