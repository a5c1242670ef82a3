"""End-users' accounts, credentials and consents."""

from typing import Protocol

from valet.models.accounts import Account, Consent, Credential


class Accounts(Protocol):
    def find_account(self, sub: str) -> Account | None: ...


class Credentials(Protocol):
    def find_credentials(self, username: str) -> tuple[Credential, ...]:
        """What is kept under that username: the credential, and others while a password is changed. The account says
        which one is in force. Strongly consistent."""


class Consents(Protocol):
    def find_consent(self, sub: str, client_id: str) -> Consent | None: ...
    def remember_consent(self, consent: Consent) -> None:
        """Keep it; what was allowed before stays allowed."""


class HasAccounts(Protocol):
    @property
    def accounts(self) -> Accounts: ...


class HasConsents(Protocol):
    @property
    def consents(self) -> Consents: ...
