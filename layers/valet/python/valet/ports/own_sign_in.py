"""What an end-user changes of their own sign-in, apart from passkeys: the password and the address."""

from typing import Protocol

from valet.models.accounts import Account, Password


class OwnSignIn(Protocol):
    """`account` is the account as it was read. Each write on it is refused if its epoch is another by now: a thief's
    request that is still under way when the owner shuts them out comes too late.
    """

    def put_password(self, password: Password) -> None:
        """Keep a password. It is in force once the account names it."""

    def name_password(self, account: Account, password_id: str, now: float, *, is_short: bool = False) -> bool:
        """Put a password in force that is kept, and raise the epoch: the one before, every session and every grant
        until now is dead. `is_short`: it is enough only next to a second factor. False if the account was changed
        meanwhile, or has another password than was read.
        """

    def reset_password(self, account: Account, password_id: str, now: float, *, is_short: bool = False) -> bool:
        """Put a password in force for an end-user who has proven that the account's address is theirs, and raise the
        epoch, which spends every mail until now. `is_short`: as above. False if the epoch or the address is another by
        now, or if the account has no password to replace.
        """

    def drop_password(self, sub: str, password_id: str) -> None:
        """Delete a password that the account does not name."""

    def reserve_name(self, name: str, sub: str, now: float) -> bool:
        """Keep an address for the account, as if it had given the address up: it is the account's once that mark is
        taken off, and if that never happens, it is free again one day. False if another account has it, or gave it up
        lately.
        """

    def free_name(self, name: str, sub: str, now: float) -> None:
        """Take the mark off an address that the account names."""

    def release_name(self, name: str, sub: str, now: float) -> None:
        """Mark an address that the account no longer names. Others may have it one day."""

    def change_address(self, account: Account, changed: Account, now: float) -> bool:
        """Let the account have the address that `changed` has (identifiers.with_address). False if the account was
        changed meanwhile, or if the address that it had can still undo a change before: no second change may outrun the
        first one's undoing.
        """

    def undo_change(self, account: Account, after: Account, now: float) -> bool:
        """Let the account be as the owner of its address wants it back (undoing.undone), and raise the epoch. False if
        the account was changed meanwhile.
        """


class HasOwnSignIn(Protocol):
    @property
    def own_sign_in(self) -> OwnSignIn: ...
