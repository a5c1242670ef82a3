"""Undoing a change by mail: "this was not me" (docs/people.md).

A link in a notice takes back an address and a password, and never a passkey or a second factor: the mailbox alone must
not open what these protect (promise P15).
"""

from valet.frozen import replace
from valet.models.accounts import Account
from valet.people.identifiers import normal_address


def is_of(account: Account, address: str, now: float) -> bool:
    """Whether the account has this proven address, or had it before a change that can be undone."""
    if account.deleted_at:
        return False  # a deletion is not undone
    is_own = account.email_verified and normal_address(account.email) == normal_address(address)
    return is_own or _is_former(account, address, now)


def undone(account: Account, address: str, password_id: str, now: float) -> Account:
    """The account once the owner of this address has undone whatever was changed: nobody is signed in, the password is
    void, and the address is theirs again. `password_id`: of no password that there is.

    Only the former address takes the account back. The new one may undo as well, and signs everybody out: it never
    takes the way back from the former one.
    """
    after = replace(account, epoch=account.epoch + 1, recovered_at=int(now))
    if not account.has_no_password:  # a mail gives no password to an account that has none
        after = replace(after, password_id=password_id)
    is_own = normal_address(account.email) == normal_address(address)
    if is_own or not _is_former(account, address, now):
        return after
    updated_at = max(int(now), account.updated_at + 1)
    return replace(
        after,
        email=account.former_email,
        email_verified=True,
        former_email="",
        former_until=0,
        updated_at=updated_at,
    )


def _is_former(account: Account, address: str, now: float) -> bool:
    return account.former_until > now and normal_address(account.former_email) == normal_address(address)
