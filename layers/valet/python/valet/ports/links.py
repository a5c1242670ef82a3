"""Links between accounts and identities at other providers."""

from typing import Protocol

from valet.models.accounts import Account
from valet.models.providers import Link

MOST = 20  # links of one account


class Links(Protocol):
    """`name` is what an account calls an identity (people/linking.py). `account` is the account as it was read."""

    def find_link(self, name: str) -> Link | None:
        """The link of that identity, which its account may name no more. Strongly consistent."""

    def put_link(self, name: str, link: Link, found: Link | None) -> bool:
        """Keep the link, in place of `found`, which is not in force. False: another one stands there by now."""

    def name_link(self, account: Account, name: str) -> bool:
        """Let the account name the link: the write that counts. False if the account has MOST links by now, or its
        epoch is another, or it is deleted.
        """

    def settle_link(self, name: str, link: Link, now: float) -> bool:
        """Mark the link as named. False: another account's has taken its place before this one named it."""

    def refresh_link(self, name: str, link: Link) -> None:
        """Keep what the provider has told now, and when; only of the same account's link."""

    def drop_link(self, account: Account, name: str, now: float, *, is_lost: bool) -> bool:
        """Take a link out of force, unless it is the account's last means of signing in. If it is lost, raise the epoch
        as well: every session and grant until now is dead. False if the account was changed meanwhile.
        """

    def give_up_link(self, account: Account, name: str) -> None:
        """Take back a name that the account was given a moment ago, for a link that another account has."""

    def delete_link(self, name: str, link: Link) -> None:
        """Delete the link, if it is still as it was read."""


class HasLinks(Protocol):
    @property
    def links(self) -> Links: ...
