"""What an end-user may change of their own account, each by one conditional write."""

from collections.abc import Mapping
from typing import Protocol

from valet.models.accounts import Account


class OwnAccount(Protocol):
    """`account` is the account as it was read. Each write is refused if its epoch is another by now."""

    def change_claims(self, account: Account, claims: Mapping[str, str | bool], updated_at: int) -> bool:
        """Change claims; an empty one is removed. False if the account was changed since it was read."""

    def end_everything(self, account: Account, now: float) -> bool:
        """Raise the epoch: every session and grant until now is dead. False if the account was changed meanwhile."""

    def delete(self, account: Account, now: float) -> bool:
        """Mark the account as deleted, raise its epoch, and remove what is known about the person, but for the
        names. False if the account was changed meanwhile.
        """


class HasOwnAccount(Protocol):
    @property
    def own_account(self) -> OwnAccount: ...
