"""What an end-user changes of the passkeys of their own account."""

from typing import Protocol

from valet.models.accounts import Account
from valet.models.passkeys import Passkey

MOST = 20  # passkeys of one account


class Enrolment(Protocol):
    """`account` is the account as it was read. Each write on it is refused if its epoch is another by now: a thief's
    request that is still under way when the owner signs out everywhere comes too late.
    """

    def find_passkey(self, digest: str) -> Passkey | None: ...
    def add_passkey(self, digest: str, passkey: Passkey) -> bool:
        """Keep a passkey that no account names yet. False: there is one with this credential id."""

    def name_passkey(self, account: Account, digest: str, user_handle: bytes) -> bool:
        """Let the account name the passkey: from now on it is in force. False if the account has another user handle or
        MOST passkeys by now, or its epoch is another.
        """

    def drop_passkey(self, account: Account, digest: str, now: float, *, is_lost: bool) -> bool:
        """Take a passkey out of force, unless it is the account's last means of signing in. If it is lost, raise the
        epoch as well: every session and grant until now is dead. False if the account was changed meanwhile.
        """

    def delete_passkey(self, digest: str) -> None:
        """Delete what is left of a passkey that no account names."""

    def rename_passkey(self, account: Account, digest: str, name: str) -> None: ...
    def confirm_passkeys(self, account: Account) -> None:
        """Remember that the end-user has looked through the passkeys, if nothing has given cause to since."""

    def keep_rp_id(self, rp_id: str) -> bool:
        """Keep the RP ID of the first enrolment. False: there are passkeys of another one."""


class HasEnrolment(Protocol):
    @property
    def enrolment(self) -> Enrolment: ...
