"""End-users' accounts, credentials and consents."""

from typing import Protocol

from valet.models.accounts import Account, Consent, Credential, Identifier, Password


class Accounts(Protocol):
    def find_account(self, sub: str) -> Account | None: ...


class Identifiers(Protocol):
    def find_identifier(self, name: str) -> Identifier | None:
        """The identifier of that name, as it is compared. Strongly consistent."""


class Credentials(Identifiers, Protocol):
    def find_credentials(self, username: str) -> tuple[Credential, ...]:
        """The credentials of that username: one, or several while a password is being changed. The account says which
        one is in force. Strongly consistent.
        """

    def find_password(self, sub: str, password_id: str) -> Password | None:
        """The account's password of that id. Strongly consistent."""


class Consents(Protocol):
    def find_consent(self, sub: str, client_id: str) -> Consent | None: ...
    def remember_consent(self, consent: Consent) -> None:
        """Store the consent; scopes that were allowed before stay allowed."""

    def consents_of(self, sub: str) -> tuple[Consent, ...]:
        """Every consent of the end-user. Strongly consistent."""

    def forget_consent(self, sub: str, client_id: str) -> None:
        """Delete the consent: the client has to ask again. Idempotent."""


class HasAccounts(Protocol):
    @property
    def accounts(self) -> Accounts: ...


class HasIdentifiers(Protocol):
    @property
    def identifiers(self) -> Identifiers: ...


class HasConsents(Protocol):
    @property
    def consents(self) -> Consents: ...
