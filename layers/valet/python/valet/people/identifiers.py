"""Names by which people sign in, as they are compared: usernames (RFC 8265) and addresses."""

import re
import unicodedata

from valet.frozen import replace
from valet.models.accounts import Account, Identifier

USERNAME, EMAIL = "username", "email"  # kinds of identifiers
# What people may type next to their password, by the policy's word.
SIGN_IN_WITH = {"username": (USERNAME,), "email": (EMAIL,), "either": (USERNAME, EMAIL)}

UNDONE_WITHIN = 7 * 86_400  # seconds in which the address before can undo a change of address
TAKEN_AGAIN_AFTER = 90 * 86_400  # seconds for which a name that was given up is kept from other accounts
_LONGEST_ADDRESS = 254  # characters (RFC 5321 §4.5.3.1.3, less the angle brackets)
# The characters of an atom (RFC 5322 §3.2.3) and dots, then a domain in ASCII, which may be punycode.
_ADDRESS = (  # compiled where it is asked for
    r"[A-Za-z0-9.!#$%&'*+/=?^_`{|}~-]{1,64}@"
    r"[A-Za-z0-9]([A-Za-z0-9-]{0,61}[A-Za-z0-9])?(\.[A-Za-z0-9]([A-Za-z0-9-]{0,61}[A-Za-z0-9])?)+"
)


def is_address(value: str) -> bool:
    """Whether mail can be sent to it: one address and nothing else, in ASCII. Only the mail tells whether it exists."""
    return len(value) <= _LONGEST_ADDRESS and re.fullmatch(_ADDRESS, value) is not None


def called(account: Account) -> str:
    """What its own pages and operators call the account: by the name that its end-user signs in with, if it has one."""
    return account.username or account.email or account.name or account.sub


def normal_username(username: str) -> str:
    """Usernames that look the same are the same (RFC 8265 §3.3, in short)."""
    return unicodedata.normalize("NFKC", username).strip().casefold()


def normal_address(address: str) -> str:
    """Addresses are compared whole and without upper case: no mailbox in use tells the two apart."""
    return normal_username(address)


def names_of(account: Account) -> dict[str, str]:
    """The names by which the account may be found, with their kinds. An address counts only once it is proven."""
    names = {account.username: USERNAME} if account.username else {}
    if account.email and account.email_verified:
        names.setdefault(normal_address(account.email), EMAIL)
    return names


def is_found_by(account: Account, name: str, identifier: Identifier) -> bool:
    """Whether the account has this name: the account's word counts. A mark that says that the name was given up only
    keeps it from others, and may have been left by a change that died half-way.
    """
    return identifier.sub == account.sub and names_of(account).get(name) == identifier.kind


def with_address(account: Account, address: str, now: float) -> Account:
    """The account once it has this address, which is proven. The one that it had can undo that for a while, if it was
    proven too.
    """
    # Later than the former change, also by a clock that is behind: by this time a page knows whether it is out of date.
    updated_at = max(int(now), account.updated_at + 1)
    changed = replace(account, email=address, email_verified=True, updated_at=updated_at)
    if not account.email_verified or normal_address(address) == normal_address(account.email):
        return changed
    return replace(changed, former_email=account.email, former_until=int(now) + UNDONE_WITHIN)


def proven_addresses(account: Account, now: float) -> tuple[str, ...]:
    """Where mail reaches the account's end-user: the address, if it is proven, and the one before, for as long as it
    can undo the change.
    """
    current = (account.email,) if account.email and account.email_verified else ()
    former = (account.former_email,) if account.former_email and account.former_until > now else ()
    return (*current, *former)
