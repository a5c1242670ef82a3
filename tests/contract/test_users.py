"""The contracts of Accounts, Credentials and Consents."""

from valet.frozen import replace
from valet.models.accounts import Account, Consent, Credential, Identifier, Password

from tests.contract.conftest import Stores
from tests.contract.facts import NOW, THREADS, at_once

JOHN = Account("sub-of-john", "john", "John Doe", "john@example.com", True, frozenset({"user", "admin"}))
JANE = Account("sub-of-jane", "jane", is_disabled=True)


def test_accounts_and_credentials_are_found_as_they_were_added(stores: Stores) -> None:
    for account in (JOHN, JANE):
        assert stores.users.add_user(account, "$argon2id$", NOW)
        assert stores.accounts.find_account(account.sub) == account
        kept = (Credential(account.username, account.sub, "$argon2id$"),)
        assert stores.credentials.find_credentials(account.username) == kept


def test_nobody_is_found_who_was_not_added(stores: Stores) -> None:
    assert stores.accounts.find_account("sub-of-john") is None
    assert stores.credentials.find_credentials("john") == ()
    assert stores.consents.find_consent("sub-of-john", "web_app_123") is None


def test_a_username_is_given_once(stores: Stores) -> None:
    stores.users.add_user(JOHN, "first", NOW)
    impostor = Account("sub-of-another", "john")
    assert not stores.users.add_user(impostor, "second", NOW)
    assert stores.credentials.find_credentials("john") == (Credential("john", JOHN.sub, "first"),)
    assert stores.accounts.find_account(impostor.sub) is None
    assert stores.credentials.find_password(impostor.sub, "") is None
    assert stores.credentials.find_password(JOHN.sub, "") == Password(JOHN.sub, "", "first", int(NOW))


def test_an_account_is_found_by_its_username_and_its_proven_address(stores: Stores) -> None:
    stores.users.add_user(replace(JOHN, email="John@Example.com"), "first", NOW)
    stores.users.add_user(replace(JANE, email="jane@example.com"), "second", NOW)
    assert stores.credentials.find_identifier("john") == Identifier(JOHN.sub, "username", int(NOW))
    assert stores.credentials.find_identifier("john@example.com") == Identifier(JOHN.sub, "email", int(NOW))
    assert stores.credentials.find_identifier("jane@example.com") is None


def test_an_address_is_the_name_of_one_account(stores: Stores) -> None:
    stores.users.add_user(JOHN, "first", NOW)
    twin = Account("sub-of-twin", "twin", email="JOHN@example.com", email_verified=True)
    stores.users.add_user(twin, "second", NOW)
    assert stores.users.name_account(twin, NOW) == ("john@example.com",)
    assert stores.credentials.find_identifier("john@example.com") == Identifier(JOHN.sub, "email", int(NOW))


def test_a_name_that_was_given_up_is_kept_for_as_long_as_its_taker_says(stores: Stores) -> None:
    users, name = stores.users, "john@example.com"
    another = Identifier("sub-of-another", "email")
    assert users.take_identifier(name, Identifier(JOHN.sub, "email"), int(NOW))
    users.release_identifier(name, "sub-of-another", NOW)
    assert not users.take_identifier(name, another, int(NOW) + 1)
    users.release_identifier(name, JOHN.sub, NOW)
    users.release_identifier(name, JOHN.sub, NOW + 50)  # a late copy moves nothing
    assert not users.take_identifier(name, another, int(NOW))
    assert users.take_identifier(name, another, int(NOW) + 1)
    assert stores.credentials.find_identifier(name) == another


def test_a_name_is_forgotten_for_the_account_that_has_it_alone(stores: Stores) -> None:
    identifier = Identifier(JOHN.sub, "email", int(NOW))
    stores.users.take_identifier("john@example.com", identifier, int(NOW))
    stores.users.forget_identifier("john@example.com", "sub-of-another")
    assert stores.credentials.find_identifier("john@example.com") == identifier
    stores.users.forget_identifier("john@example.com", JOHN.sub)
    assert stores.credentials.find_identifier("john@example.com") is None


def test_of_many_who_take_a_name_at_once_one_has_it(stores: Stores) -> None:
    taken = at_once(lambda number: stores.users.take_identifier("name", Identifier(f"sub-{number}", "email"), 0))
    assert sum(taken) == 1


def test_what_was_allowed_before_stays_allowed(stores: Stores) -> None:
    stores.consents.remember_consent(Consent("sub", "web_app_123", frozenset({"openid", "items"}), 1))
    stores.consents.remember_consent(Consent("sub", "web_app_123", frozenset({"openid", "email"}), 2))
    stores.consents.remember_consent(Consent("sub", "mobile_app", frozenset({"profile"}), 3))
    assert stores.consents.find_consent("sub", "web_app_123") == Consent(
        "sub", "web_app_123", frozenset({"openid", "items", "email"}), 2
    )
    assert stores.consents.find_consent("sub", "spa_demo") is None
    assert stores.consents.find_consent("another-sub", "web_app_123") is None


def test_consents_given_at_once_lose_nothing_of_each_other(stores: Stores) -> None:
    at_once(
        lambda number: stores.consents.remember_consent(
            Consent("sub", "web_app_123", frozenset({f"scope-{number}"}), int(NOW))
        )
    )
    found = stores.consents.find_consent("sub", "web_app_123")
    assert found is not None
    assert found.scope == {f"scope-{number}" for number in range(THREADS)}
