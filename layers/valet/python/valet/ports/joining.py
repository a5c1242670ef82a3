"""What makes an account of its own: prepared item by item, and put in force by the write of its name."""

from typing import Protocol

from valet.models.accounts import Account, Identifier, Password
from valet.models.passkeys import Passkey


class Joining(Protocol):
    """Each item is written only where there is none. Nobody reaches any of them before `take_name`."""

    def find_identifier(self, name: str) -> Identifier | None:
        """The identifier of that name, as it is compared. Strongly consistent."""

    def keep_password(self, password: Password) -> None: ...
    def keep_passkey(self, digest: str, passkey: Passkey) -> bool:
        """False: there is a passkey with this credential id."""

    def keep_account(self, account: Account) -> None: ...
    def take_name(self, name: str, identifier: Identifier, released_before: int) -> bool:
        """Give the name to the account. False if another one has it, or gave it up no earlier than at that time."""

    def drop(self, account: Account) -> None:
        """Delete an account that did not get its name, with the password or the passkey that it names."""

    def keep_rp_id(self, rp_id: str) -> bool:
        """Keep the RP ID of the first passkey. False: there are passkeys of another one."""


class HasJoining(Protocol):
    @property
    def joining(self) -> Joining: ...
