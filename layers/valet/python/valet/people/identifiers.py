"""Names by which people sign in, as they are compared: usernames (RFC 8265) and addresses."""

import unicodedata

from valet.models.accounts import Account, Identifier

USERNAME, EMAIL = "username", "email"  # kinds of identifiers
# What people may type next to their password, by the policy's word.
SIGN_IN_WITH = {"username": (USERNAME,), "email": (EMAIL,), "either": (USERNAME, EMAIL)}


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
    """Whether the account still has this name."""
    return not identifier.released_at and names_of(account).get(name) == identifier.kind
