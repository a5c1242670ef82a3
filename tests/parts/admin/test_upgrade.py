"""`valet users upgrade`, and the names that operators give and take (docs/people.md)."""

from __future__ import annotations

import pytest
from valet.aws.dynamodb.accounts import DynamoUsers

from admin.records.deployment import Deployment
from admin.terminal.spelling import Where
from tests.conftest import MovableClock
from tests.parts.admin.conftest import Operator
from tests.parts.admin.test_users import can_sign_in


@pytest.fixture
def users(valet: Operator) -> DynamoUsers:
    where = Where(is_local=True, aws_port=int(valet.stack.aws_url.rpartition(":")[2]))
    return DynamoUsers(Deployment(where, bytes, valet.clock).users)


def as_the_release_before_wrote_it(users: DynamoUsers) -> None:
    for each in ("john", "jane", "jim"):
        users.forget_passwords(f"demo-{each}")
        users.forget_identifier(each, f"demo-{each}")
        users.forget_identifier(f"{each}@example.com", f"demo-{each}")


def names(users: DynamoUsers, *looked_up: str) -> list[str]:
    found = ((name, users.find_identifier(name)) for name in looked_up)
    return [name for name, identifier in found if identifier and not identifier.released_at]


def test_an_upgrade_gives_every_account_its_names_and_its_password_and_can_be_repeated(
    valet: Operator, users: DynamoUsers, clock: MovableClock
) -> None:
    as_the_release_before_wrote_it(users)
    assert can_sign_in(valet, "john", "password123")
    for _ in range(2):
        assert valet.json("users", "upgrade") == {"users": 3, "taken": []}
    assert names(users, "john", "john@example.com", "jane@example.com", "jim") == [
        "john", "john@example.com", "jane@example.com", "jim",
    ]  # fmt: skip
    valet("people", "set", "--sign-in-with", "email")
    clock.advance(11)
    assert can_sign_in(valet, "john@example.com", "password123")
    assert not can_sign_in(valet, "john", "password123")


def test_an_address_that_two_accounts_have_is_told_and_stays_with_the_first(
    valet: Operator, users: DynamoUsers
) -> None:
    valet("users", "change", "jim", "--email", "JOHN@example.com", "--email-verified")
    ran = valet("users", "upgrade")
    assert "jim: another user signs in with john@example.com" in ran.err
    found = users.find_identifier("john@example.com")
    assert found is not None
    assert found.sub == "demo-john"


def test_a_changed_address_is_a_name_once_it_is_proven_and_the_old_one_is_none(
    valet: Operator, users: DynamoUsers
) -> None:
    valet("users", "change", "john", "--email", "new@example.com")
    assert names(users, "john@example.com", "new@example.com") == []
    valet("users", "change", "john", "--email-verified")
    assert names(users, "john@example.com", "new@example.com") == ["new@example.com"]
    valet("users", "change", "jane", "--email", "john@example.com", "--email-verified")  # an operator may, at once
    assert names(users, "john@example.com", "jane@example.com") == ["john@example.com"]


def test_a_user_is_found_by_their_address_too(valet: Operator) -> None:
    assert valet.json("users", "show", "John@Example.com")["username"] == "john"


def test_a_user_is_found_by_an_address_whose_change_died_half_way(valet: Operator, users: DynamoUsers) -> None:
    users.release_identifier("john@example.com", "demo-john", 1.0)
    assert valet.json("users", "show", "john@example.com")["username"] == "john"
    users.table.update("account#demo-john", "account", "SET #email = :new", {":new": "new@example.com"})
    valet("users", "show", "john@example.com", status=3)


def test_a_new_password_is_in_force_for_this_release_and_the_one_before(valet: Operator, users: DynamoUsers) -> None:
    valet("users", "set-password", "john", "--password-stdin", typed="a password of many words\n")
    account = users.find_account("demo-john")
    assert account is not None
    kept = users.find_password("demo-john", account.password_id)
    (credential,) = users.find_credentials("john")
    assert kept is not None
    assert (credential.password_id, credential.password_hash) == (account.password_id, kept.password_hash)
    assert users.find_password("demo-john", "") is None
    assert can_sign_in(valet, "john", "a password of many words")


@pytest.mark.parametrize("password", ["john@example.com", "aaaaaaaaaaaaaaaaaaaa", "abcabcabcabcabcabc"])
def test_an_operator_gives_no_password_that_attackers_guess(refused: Operator, password: str) -> None:
    ran = refused("users", "set-password", "john", "--password-stdin", typed=f"{password}\n", status=2)
    assert "Choose another" in ran.err
    assert password not in ran.err
    assert can_sign_in(refused, "john", "password123")


@pytest.mark.parametrize("is_void", [True, False])
def test_an_operator_gives_a_password_to_an_account_that_has_none_in_force(
    valet: Operator, users: DynamoUsers, is_void: bool
) -> None:
    """Its end-user has undone a change by mail, or joined by other means."""
    change = "SET #password_id = :given" if is_void else "SET #has_no_password = :given"
    given = "0000000001.void" if is_void else True
    users.table.update("account#demo-john", "account", change, {":given": given})
    users.forget_passwords("demo-john")
    valet("users", "set-password", "john", "--password-stdin", typed="a password of many words\n")
    account = users.find_account("demo-john")
    assert account is not None
    assert not account.has_no_password
    assert can_sign_in(valet, "john", "a password of many words")


def test_an_operator_gives_no_password_to_an_account_that_its_end_user_has_deleted(
    refused: Operator, valet: Operator, users: DynamoUsers
) -> None:
    users.table.update(
        "account#demo-john", "account", "SET #deleted_at = :at, #is_disabled = :yes", {":at": 1, ":yes": True}
    )
    ran = refused("users", "set-password", "john", "--password-stdin", typed="a password of many words\n", status=3)
    assert "has deleted the account" in ran.err
