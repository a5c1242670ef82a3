"""What an account must be, and a password hash that comes from elsewhere (RFC 9106, PHC strings)."""

import re
from base64 import b64decode, b64encode
from collections.abc import Iterator

from valet.models.accounts import Account
from valet.people.identifiers import normal_username
from valet.people.passwords import HASH_PREFIX
from valet.protocol.supported import ACR_VALUES
from valet.registration.attributes import wrong_with_claims

_LONGEST = 256
# A salt of 8 to 48 bytes, a hash of 16 to 64 bytes.
_ARGON2ID = re.compile(
    r"(\$argon2id\$v=19\$m=\d{1,8},t=\d{1,3},p=\d{1,3}\$)([A-Za-z0-9+/]{11,64})\$([A-Za-z0-9+/]{22,86})"
)


def wrong_with_account(account: Account) -> Iterator[str]:
    """What is wrong with an account, from the command line or from a file."""
    name = account.username
    if name != normal_username(name) or not name.isprintable() or len(name) > _LONGEST:
        yield f"username {name!r}: must be printable, lower case, at most {_LONGEST} characters"
    if not (name or account.email_verified or account.links):
        yield "username: an account without one needs a proven address, or nobody can sign in to it"
    yield from wrong_with_claims(account)
    if account.required_acr not in ("", *ACR_VALUES):
        yield f"required_acr {account.required_acr!r}: must be one of {', '.join(ACR_VALUES)}"
    for role in sorted(account.roles):
        if not role.isprintable() or " " in role or not 0 < len(role) <= _LONGEST:
            yield f"role {role!r}: must be one printable word, at most {_LONGEST} characters"


def refusal_of_hash(value: str) -> str | None:
    """Why a hash cannot be imported; None if it can.

    For a username without an account, the login function checks a hash of Valet's own cost. A hash of another cost, or
    one that cannot be checked at all, takes another time, and so reveals to an attacker that the account exists.
    """
    found = _ARGON2ID.fullmatch(value)
    if found is None or not all(map(_is_base64, found.groups()[1:])):
        return "not an Argon2id hash in PHC form: $argon2id$v=19$m=…,t=…,p=…$salt$hash"
    if found[1] != HASH_PREFIX:
        return (
            f"not of the cost {HASH_PREFIX}, so that the time of a sign-in would reveal which accounts exist; "
            "leave it empty, and the command generates a password"
        )
    return None


def _is_base64(text: str) -> bool:
    """Whether the text is canonical base64 without padding, as PHC strings have it."""
    if len(text) % 4 == 1:
        return False
    return b64encode(b64decode(text + "=" * (-len(text) % 4))).decode().rstrip("=") == text
