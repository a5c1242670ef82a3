"""Names by which people sign in, as they are compared: usernames (RFC 8265) and addresses."""

import re
import unicodedata

from valet.models.accounts import Account, Identifier

USERNAME, EMAIL = "username", "email"  # kinds of identifiers
# What people may type next to their password, by the policy's word.
SIGN_IN_WITH = {"username": (USERNAME,), "email": (EMAIL,), "either": (USERNAME, EMAIL)}

TAKEN_AGAIN_AFTER = 90 * 86_400  # seconds for which a name that was given up is kept from other accounts
_LONGEST_ADDRESS = 254  # characters (RFC 5321 §4.5.3.1.3, less the angle brackets)
# The characters of an atom (RFC 5322 §3.2.3) and dots, then a domain in ASCII, which may be punycode.
_ADDRESS = re.compile(
    r"[A-Za-z0-9.!#$%&'*+/=?^_`{|}~-]{1,64}@"
    r"[A-Za-z0-9]([A-Za-z0-9-]{0,61}[A-Za-z0-9])?(\.[A-Za-z0-9]([A-Za-z0-9-]{0,61}[A-Za-z0-9])?)+"
)


def is_address(value: str) -> bool:
    """Whether mail can be sent to it: one address and nothing else, in ASCII. Only the mail tells whether it exists."""
    return len(value) <= _LONGEST_ADDRESS and _ADDRESS.fullmatch(value) is not None


def normal_username(username: str) -> str:
    """Usernames that look the same are the same (RFC 8265 §3.3, in short)."""
    return unicodedata.normalize("NFKC", username).strip().casefold()


def normal_address(address: str) -> str:
    """Addresses are compared whole and without upper case: no mailbox in use tells the two apart."""
    return normal_username(address)


def names_of(account: Account) -> dict[str, str]:
    """The names by which the account may be found, with their kinds. An address counts only once it is proven."""
    names = {account.username: USERNAME}
    if account.email and account.email_verified:
        names.setdefault(normal_address(account.email), EMAIL)
    return names


def is_found_by(account: Account, name: str, identifier: Identifier) -> bool:
    """Whether the account has this name: the account's word counts. A mark that says that the name was given up only
    keeps it from others, and may have been left by a change that died half-way.
    """
    return identifier.sub == account.sub and names_of(account).get(name) == identifier.kind


def proven_addresses(account: Account, now: float) -> tuple[str, ...]:
    """Where mail reaches the account's end-user: the address, if it is proven, and the one before, for as long as it
    can undo the change.
    """
    current = (account.email,) if account.email and account.email_verified else ()
    former = (account.former_email,) if account.former_email and account.former_until > now else ()
    return (*current, *former)
