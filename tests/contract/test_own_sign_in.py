"""The contract of what an end-user changes of their own sign-in: each change is one write, which tells who won."""

from __future__ import annotations

import pytest
from valet.aws.dynamodb.table import item_from_model
from valet.frozen import replace
from valet.models.accounts import Account, Identifier, Password
from valet.people.identifiers import TAKEN_AGAIN_AFTER, UNDONE_WITHIN, with_address
from valet.people.undoing import undone

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


def test_a_password_that_is_short_is_marked_and_a_long_one_takes_the_mark_off(stores: Stores) -> None:
    john = put(stores, JOHN)
    for _ in range(2):
        assert stores.own_sign_in.name_password(john, NEW, NOW, is_short=True)
    short = found(stores)
    assert short == raised(replace(john, password_id=NEW, has_short_password=True))
    assert stores.own_sign_in.name_password(short, "0000000003.long", NOW)
    assert not found(stores).has_short_password


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


# A password that was forgotten ----------------------------------------------------------------------------------------

FORGOTTEN = replace(JOHN, email="John@example.com", email_verified=True)


@pytest.mark.parametrize("password_id", ["0000000001.old", ""])
@pytest.mark.parametrize("is_short", [True, False])
def test_a_password_that_was_forgotten_is_replaced_by_the_write_that_ends_everything(
    stores: Stores, password_id: str, is_short: bool
) -> None:
    """An account of the first release names no password, and has one."""
    john = put(stores, replace(FORGOTTEN, password_id=password_id, has_short_password=not is_short))
    for _ in range(2):  # and the same write, sent again
        assert stores.own_sign_in.reset_password(john, NEW, NOW, is_short=is_short)
    now = replace(john, password_id=NEW, has_short_password=is_short, recovered_at=int(NOW))
    assert found(stores) == raised(now)


@pytest.mark.parametrize(
    "now",
    [
        replace(FORGOTTEN, epoch=4),
        replace(FORGOTTEN, email="new@example.com"),
        replace(FORGOTTEN, email="john@example.com"),  # as another mail than this one says
        replace(FORGOTTEN, email_verified=False),
        replace(FORGOTTEN, email="", email_verified=False),
        replace(FORGOTTEN, password_id="", has_no_password=True),
        replace(FORGOTTEN, deleted_at=5),
    ],
    ids=["everything ended", "another address", "as typed anew", "not proven", "no address", "no password", "deleted"],
)
def test_an_account_that_has_changed_since_it_was_read_is_not_reset(stores: Stores, now: Account) -> None:
    put(stores, now)
    assert not stores.own_sign_in.reset_password(FORGOTTEN, NEW, NOW)
    assert found(stores) == now


def test_nobodys_password_is_not_reset(stores: Stores) -> None:
    assert not stores.own_sign_in.reset_password(FORGOTTEN, NEW, NOW)
    assert not stores.own_sign_in.reset_password(replace(FORGOTTEN, epoch=0), NEW, NOW)
    assert stores.accounts.find_account(JOHN.sub) is None


def test_of_many_resets_at_once_one_wins(stores: Stores) -> None:
    john = put(stores, FORGOTTEN)
    ids = [f"0000000002.{number}" for number in range(THREADS)]
    outcomes = at_once(lambda number: stores.own_sign_in.reset_password(john, ids[number], NOW))
    assert outcomes.count(True) == 1
    assert found(stores).password_id == ids[outcomes.index(True)]
    assert found(stores).epoch == 4


# The address ----------------------------------------------------------------------------------------------------------

OLD, ADDRESS = "john@example.com", "new@example.org"
PROVEN = replace(JOHN, email=OLD, email_verified=True, updated_at=7)


@pytest.mark.parametrize(
    "account",
    [PROVEN, replace(PROVEN, former_email="older@example.com", former_until=int(NOW))],
    ids=["the first change", "a change that nobody can undo any more"],
)
def test_a_changed_address_can_be_undone_by_the_one_before(stores: Stores, account: Account) -> None:
    john = put(stores, account)
    changed = with_address(john, ADDRESS, NOW)
    for _ in range(2):  # and the same write, sent again
        assert stores.own_sign_in.change_address(john, changed, NOW)
    assert found(stores) == changed
    assert (changed.former_email, changed.former_until) == (OLD, int(NOW) + UNDONE_WITHIN)
    assert changed.epoch == john.epoch


@pytest.mark.parametrize("account", [JOHN, replace(PROVEN, email_verified=False)], ids=["none", "not proven"])
def test_an_address_that_was_not_proven_undoes_nothing(stores: Stores, account: Account) -> None:
    john = put(stores, account)
    changed = with_address(john, ADDRESS, NOW)
    assert stores.own_sign_in.change_address(john, changed, NOW)
    assert found(stores) == changed
    assert (changed.former_email, changed.former_until) == ("", 0)


def test_an_address_is_proven_also_while_a_change_before_can_be_undone(stores: Stores) -> None:
    john = put(stores, replace(PROVEN, email_verified=False, former_email="older@example.com", former_until=2**40))
    changed = with_address(john, "John@example.com", NOW)
    assert stores.own_sign_in.change_address(john, changed, NOW)
    assert found(stores) == changed
    assert (changed.email, changed.email_verified) == ("John@example.com", True)
    assert (changed.former_email, changed.former_until) == ("older@example.com", 2**40)


@pytest.mark.parametrize(
    "now",
    [
        replace(PROVEN, epoch=4),
        replace(PROVEN, email="another@example.com"),
        replace(PROVEN, deleted_at=5),
        replace(PROVEN, former_email="older@example.com", former_until=int(NOW) + 1),
    ],
    ids=["everything ended", "another change", "deleted", "a change that can be undone"],
)
def test_an_account_that_has_changed_keeps_its_address(stores: Stores, now: Account) -> None:
    put(stores, now)
    assert not stores.own_sign_in.change_address(PROVEN, with_address(PROVEN, ADDRESS, NOW), NOW)
    assert found(stores) == now


def test_a_second_change_never_outruns_the_first_ones_undoing(stores: Stores) -> None:
    john = put(stores, PROVEN)
    addresses = [f"{number}@example.org" for number in range(THREADS)]
    changes = [with_address(john, address, NOW) for address in addresses]
    outcomes = at_once(lambda number: stores.own_sign_in.change_address(john, changes[number], NOW))
    assert outcomes.count(True) == 1
    after = found(stores)
    assert after == changes[outcomes.index(True)]
    assert not stores.own_sign_in.change_address(after, with_address(after, "again@example.org", NOW), NOW)
    assert found(stores).former_email == OLD


def test_an_address_is_kept_as_given_up_until_the_account_names_it(stores: Stores) -> None:
    writes, reserved = stores.own_sign_in, int(NOW) + TAKEN_AGAIN_AFTER
    for _ in range(2):  # and the same write, sent again
        assert writes.reserve_name(ADDRESS, JOHN.sub, NOW)
        assert stores.users.find_identifier(ADDRESS) == Identifier(JOHN.sub, "email", int(NOW), int(NOW), reserved)
    for _ in range(2):
        writes.free_name(ADDRESS, JOHN.sub, NOW + 1)
        assert stores.users.find_identifier(ADDRESS) == Identifier(JOHN.sub, "email", int(NOW) + 1)


def test_a_late_copy_marks_no_address_that_the_account_has_by_now(stores: Stores) -> None:
    stores.own_sign_in.reserve_name(ADDRESS, JOHN.sub, NOW)
    stores.own_sign_in.free_name(ADDRESS, JOHN.sub, NOW)
    assert stores.own_sign_in.reserve_name(ADDRESS, JOHN.sub, NOW)
    assert stores.users.find_identifier(ADDRESS) == Identifier(JOHN.sub, "email", int(NOW))


@pytest.mark.parametrize(
    ("seconds", "is_free"), [(0, False), (TAKEN_AGAIN_AFTER, False), (TAKEN_AGAIN_AFTER + 1, True)]
)
def test_an_address_that_was_given_up_is_kept_from_others_for_ninety_days(
    stores: Stores, seconds: int, is_free: bool
) -> None:
    assert stores.users.take_identifier(ADDRESS, Identifier("jane-sub", "email", 1), 0)
    assert not stores.own_sign_in.reserve_name(ADDRESS, JOHN.sub, NOW)
    stores.own_sign_in.release_name(ADDRESS, "jane-sub", NOW)
    given_up = stores.users.find_identifier(ADDRESS)
    assert given_up == Identifier("jane-sub", "email", 1, int(NOW), int(NOW) + TAKEN_AGAIN_AFTER)
    assert stores.own_sign_in.reserve_name(ADDRESS, JOHN.sub, NOW + seconds) is is_free
    kept = stores.users.find_identifier(ADDRESS)
    assert kept is not None
    assert kept.sub == (JOHN.sub if is_free else "jane-sub")


def test_nobody_frees_or_releases_the_address_of_another(stores: Stores) -> None:
    stores.own_sign_in.reserve_name(ADDRESS, "jane-sub", NOW)
    before = stores.users.find_identifier(ADDRESS)
    stores.own_sign_in.free_name(ADDRESS, JOHN.sub, NOW)
    assert stores.users.find_identifier(ADDRESS) == before
    stores.own_sign_in.free_name(ADDRESS, "jane-sub", NOW)
    stores.own_sign_in.release_name(ADDRESS, JOHN.sub, NOW)
    assert stores.users.find_identifier(ADDRESS) == Identifier("jane-sub", "email", int(NOW))
    stores.own_sign_in.free_name("unknown@example.org", JOHN.sub, NOW)
    assert stores.users.find_identifier("unknown@example.org") is None


def test_of_many_that_want_one_address_at_once_one_gets_it(stores: Stores) -> None:
    outcomes = at_once(lambda number: stores.own_sign_in.reserve_name(ADDRESS, f"sub-{number}", NOW))
    assert outcomes.count(True) == 1


# Undoing --------------------------------------------------------------------------------------------------------------

CHANGED = replace(PROVEN, email=ADDRESS, former_email=OLD, former_until=int(NOW) + 5)


@pytest.mark.parametrize(
    ("account", "address"),
    [(CHANGED, OLD), (CHANGED, ADDRESS), (PROVEN, OLD), (replace(PROVEN, password_id="", has_no_password=True), OLD)],
    ids=["by the former address", "by the new one", "by the only one", "without a password"],
)
def test_an_undoing_is_one_write(stores: Stores, account: Account, address: str) -> None:
    john = put(stores, account)
    after = undone(john, address, NEW, NOW)
    for _ in range(2):  # and the same write, sent again
        assert stores.own_sign_in.undo_change(john, after, NOW)
    assert found(stores) == raised(after)


def test_the_former_address_takes_the_account_back_and_the_new_one_does_not(stores: Stores) -> None:
    by_former, by_new = undone(CHANGED, OLD, NEW, NOW), undone(CHANGED, ADDRESS, NEW, NOW)
    assert (by_former.email, by_former.former_email, by_former.former_until) == (OLD, "", 0)
    assert (by_new.email, by_new.former_email, by_new.former_until) == (ADDRESS, OLD, int(NOW) + 5)
    late = undone(CHANGED, OLD, NEW, NOW + 5)
    assert (late.email, late.former_email) == (ADDRESS, OLD)


@pytest.mark.parametrize(
    "now",
    [
        replace(CHANGED, epoch=4),
        replace(CHANGED, email="again@example.org"),
        replace(CHANGED, former_email="", former_until=0),
        replace(CHANGED, former_until=CHANGED.former_until + 1),
        replace(CHANGED, former_email="before@example.org"),
        replace(CHANGED, deleted_at=5),
    ],
    ids=["everything ended", "another address", "undone already", "another change", "from elsewhere", "deleted"],
)
def test_an_undoing_of_an_account_that_has_changed_is_none(stores: Stores, now: Account) -> None:
    put(stores, now)
    assert not stores.own_sign_in.undo_change(CHANGED, undone(CHANGED, OLD, NEW, NOW), NOW)
    assert found(stores) == now


def test_an_account_that_is_not_there_is_not_made_by_an_undoing(stores: Stores) -> None:
    assert not stores.own_sign_in.undo_change(CHANGED, undone(CHANGED, OLD, NEW, NOW), NOW)
    assert stores.accounts.find_account(JOHN.sub) is None
