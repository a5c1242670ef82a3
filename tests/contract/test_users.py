"""The contracts of Accounts, Credentials and Consents."""

from valet.models.accounts import Account, Consent, Credential

from tests.contract.conftest import Stores
from tests.contract.facts import NOW, THREADS, at_once

JOHN = Account("sub-of-john", "john", "John Doe", "john@example.com", True, frozenset({"user", "admin"}))
JANE = Account("sub-of-jane", "jane", is_disabled=True)


def test_accounts_and_credentials_are_found_as_they_were_added(stores: Stores) -> None:
    for account in (JOHN, JANE):
        assert stores.users.add_user(account, Credential(account.username, account.sub, "$argon2id$"))
        assert stores.accounts.find_account(account.sub) == account
        kept = (Credential(account.username, account.sub, "$argon2id$"),)
        assert stores.credentials.find_credentials(account.username) == kept


def test_nobody_is_found_who_was_not_added(stores: Stores) -> None:
    assert stores.accounts.find_account("sub-of-john") is None
    assert stores.credentials.find_credentials("john") == ()
    assert stores.consents.find_consent("sub-of-john", "web_app_123") is None


def test_a_username_is_given_once(stores: Stores) -> None:
    stores.users.add_user(JOHN, Credential("john", JOHN.sub, "first"))
    impostor = Account("sub-of-another", "john")
    assert not stores.users.add_user(impostor, Credential("john", impostor.sub, "second"))
    assert stores.credentials.find_credentials("john") == (Credential("john", JOHN.sub, "first"),)
    assert stores.accounts.find_account(impostor.sub) is None


def test_what_was_allowed_before_stays_allowed(stores: Stores) -> None:
    stores.consents.remember_consent(Consent("sub", "web_app_123", frozenset({"openid", "items"}), 1))
    stores.consents.remember_consent(Consent("sub", "web_app_123", frozenset({"openid", "email"}), 2))
    stores.consents.remember_consent(Consent("sub", "mobile_app", frozenset({"profile"}), 3))
    assert stores.consents.find_consent("sub", "web_app_123") == Consent(
        "sub", "web_app_123", frozenset({"openid", "items", "email"}), 2
    )


def test_consents_given_at_once_lose_nothing_of_each_other(stores: Stores) -> None:
    at_once(
        lambda number: stores.consents.remember_consent(
            Consent("sub", "web_app_123", frozenset({f"scope-{number}"}), int(NOW))
        )
    )
    found = stores.consents.find_consent("sub", "web_app_123")
    assert found is not None
    assert found.scope == {f"scope-{number}" for number in range(THREADS)}
