"""Accounts that people make: with an address that they have proven, or by signing in with another provider."""

from typing import Protocol

from valet.models.accounts import Account, Identifier


class Newcomers(Protocol):
    def find_identifier(self, name: str) -> Identifier | None:
        """The identifier of that name, as it is compared. Strongly consistent."""

    def keep_account(self, account: Account) -> None:
        """Keep a new account, whose `sub` was drawn for it. Nobody can reach it before a name or a link leads to it."""

    def drop_account(self, sub: str) -> None:
        """Delete an account that was kept a moment ago, and that nothing leads to."""

    def take_identifier(self, name: str, identifier: Identifier, released_before: int) -> bool:
        """Give the name to the account; False if another one has it, or gave it up no earlier than at that time."""

    def forget_address(self, account: Account) -> None:
        """Take its address from the account: another one has the name. Nothing if it has another address by now."""


class HasNewcomers(Protocol):
    @property
    def newcomers(self) -> Newcomers: ...
