"""Notices: mails that tell an end-user what was changed about their account, with a link that undoes it.

The notice is sent to the queue before the write that it is about, so that no change goes without one. The mailer looks
whether the account shows the change, and drops the notice of one that was never made.
"""

from collections.abc import Callable, Mapping
from typing import Protocol

from valet.errors import TemporarilyUnavailable
from valet.models.accounts import Account
from valet.models.mails import NOTICE, Letter
from valet.people.identifiers import normal_address, proven_addresses
from valet.ports.mails import HasLetters
from valet.ports.runtime import HasAudit


class Ports(HasLetters, HasAudit, Protocol):
    """The ports that a notice is sent through."""


DELETED = "account.deleted"
# By what happened: whether the account shows it, by the notice's mark.
NOTICES: Mapping[str, Callable[[Account, str], bool]] = {
    "password.changed": lambda account, mark: account.password_id == mark,
    "passkey.added": lambda account, mark: mark in account.passkeys,
    "passkey.removed": lambda account, mark: mark not in account.passkeys,
    "second.added": lambda account, mark: account.totp_id == mark,
    "second.removed": lambda account, mark: account.totp_id != mark,
    "second.guessed": lambda account, mark: True,  # somebody else knows the password
    "recovery.made": lambda account, mark: account.recovery_id == mark,
    "recovery.used": lambda account, mark: True,
    "address.changed": lambda account, mark: normal_address(account.email) == mark,
    "link.added": lambda account, mark: mark in account.links,
    "link.removed": lambda account, mark: mark not in account.links,
    DELETED: lambda account, mark: bool(account.deleted_at),
    "browser.new": lambda account, mark: True,
}


def notify(ports: Ports, account: Account, what: str, issuer: str, now: float, mark: str = "") -> None:
    """Have the end-user told, before the write that the notice is about. `account` is as it was read.

    If the queue is out of reach, the change is made all the same, and the log has it: an end-user must not be kept from
    removing a stolen passkey because no mail can be sent.
    """
    if ports.letters is None:
        return
    # The mailer reads the addresses, except of an account that no longer has one when the mailer looks.
    addresses = proven_addresses(account, now) if what == DELETED else ("",)
    try:
        for address in addresses:
            ports.letters.send(
                Letter(
                    NOTICE,
                    issuer,
                    int(now * 1000),
                    address=address,
                    sub=account.sub,
                    epoch=account.epoch,
                    what=what,
                    mark=mark,
                    locale=account.locale,
                )
            )
    except TemporarilyUnavailable as error:
        ports.audit.record("mail.failed", sub=account.sub, purpose=NOTICE, what=what, detail=error.detail)
