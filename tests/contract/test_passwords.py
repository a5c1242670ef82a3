"""A password is changed by one write on the account: until then the old one is in force, from then on the new one."""

from __future__ import annotations

import pytest
from valet.aws.dynamodb.accounts import DynamoUsers
from valet.aws.dynamodb.table import Table
from valet.models.accounts import Account, Credential
from valet.people.passwords import credential_in_force, next_password_id

from tests.contract.facts import NOW
from tests.contract.test_releases import table

__all__ = ["table"]
JOHN = Account("sub-of-john", "john")
FIRST, SECOND = "0000000001.first", "0000000002.second"


def credential(password_hash: str, password_id: str) -> Credential:
    return Credential("john", JOHN.sub, password_hash, password_id)


@pytest.fixture
def users(table: Table) -> DynamoUsers:
    made = DynamoUsers(table)
    assert made.add_user(JOHN, "old", NOW)
    return made


def in_force(users: DynamoUsers, password_id: str) -> str | None:
    """The hash that a sign-in compares while the account names that id."""
    account = Account(JOHN.sub, JOHN.username, password_id=password_id)
    found = credential_in_force(users.find_credentials("john"), account)
    return found.password_hash if found else None


def test_a_prepared_password_is_worth_nothing_until_the_account_names_it(users: DynamoUsers) -> None:
    users.prepare_credential(credential("new", FIRST))
    assert in_force(users, "") == "old"
    assert in_force(users, FIRST) == "new"  # from the account's write on, whether or not it is settled yet


def test_a_settled_password_stands_where_the_release_before_reads_it_and_the_old_one_is_gone(
    users: DynamoUsers, table: Table
) -> None:
    users.prepare_credential(credential("new", FIRST))
    for _ in range(2):  # a second time, as after an answer that was lost
        users.settle_credential(credential("new", FIRST))
        assert users.find_credentials("john") == (credential("new", FIRST),)
    assert (table.get("credential#john", "credential") or {})["password_hash"] == "new"
    assert in_force(users, "") is None


def test_a_late_settling_brings_no_older_password_back(users: DynamoUsers) -> None:
    for each in (credential("new", FIRST), credential("newer", SECOND)):
        users.prepare_credential(each)
        users.settle_credential(each)
    users.prepare_credential(credential("new", FIRST))
    users.settle_credential(credential("new", FIRST))
    assert users.find_credentials("john") == (credential("newer", SECOND),)


def test_a_late_settling_leaves_the_username_of_another_end_user_alone(users: DynamoUsers, table: Table) -> None:
    table.delete("credential#john", "credential")
    other = Account("sub-of-another", "john")
    assert users.add_user(other, "another's", NOW)
    users.settle_credential(credential("new", FIRST))
    assert users.find_credentials("john") == (Credential("john", other.sub, "another's"),)


def test_a_dropped_password_leaves_the_one_in_force(users: DynamoUsers) -> None:
    users.prepare_credential(credential("new", FIRST))
    users.drop_credential(credential("new", FIRST))
    assert users.find_credentials("john") == (credential("old", ""),)


def test_each_password_id_is_a_greater_string_than_the_one_before() -> None:
    ids = [""]
    for number in range(2000):
        ids.append(next_password_id(ids[-1], lambda length, number=number: bytes([255 - number % 256]) * length))
    assert ids == sorted(ids)
    assert len(set(ids)) == len(ids)
