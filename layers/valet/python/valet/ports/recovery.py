"""A new password for an end-user who has proven that the account's address is theirs."""

from typing import Protocol

from valet.models.accounts import Account, Password


class Recovery(Protocol):
    """`account` is the account as it was read."""

    def keep_password(self, password: Password) -> None:
        """Keep a password. It is in force once the account names it."""

    def drop_password(self, sub: str, password_id: str) -> None:
        """Delete a password that is not in force."""

    def reset_password(self, account: Account, password_id: str, now: float, *, is_short: bool = False) -> bool:
        """Put the password in force, and raise the epoch: every session, grant and mail until now is dead.
        `is_short`: the password is enough only next to a second factor. False if the
        epoch or the address is another by now, or if the account has no password to replace.
        """


class HasRecovery(Protocol):
    @property
    def recovery(self) -> Recovery: ...
