"""End-users' passwords: Argon2id, counted before they are checked (RFC 9106, NIST SP 800-63B §5.2.2)."""

import unicodedata
from collections.abc import Sequence
from functools import cache
from hashlib import sha256
from typing import TYPE_CHECKING

from valet.frozen import Frozen
from valet.handles import new_id
from valet.models.accounts import Account, Credential
from valet.people.identifiers import USERNAME, is_found_by, normal_username
from valet.people.throttling import KNOWN_BROWSER_LIFETIME, Attempt, Counted, Throttled, count
from valet.ports.accounts import Accounts, Credentials
from valet.ports.runtime import Random
from valet.ports.throttles import Throttles
from valet.settings import Settings

if TYPE_CHECKING:
    from argon2 import PasswordHasher

AMR = ("pwd",)
_MAXIMUM_USERNAME = 256  # characters, once normal
_MAXIMUM_TYPED = 1024  # before: normalizing takes the square of what is typed, and nobody has been counted yet
_MAXIMUM_PASSWORD = 1024  # characters; hashing more would cost us and protect nobody
_MEMORY_COST, _TIME_COST, _PARALLELISM = 19_456, 2, 1  # KiB, passes, lanes
# The beginning of every hash, also of imported ones: with another cost, the time of a sign-in would reveal which
# accounts exist.
HASH_PREFIX = f"$argon2id$v=19$m={_MEMORY_COST},t={_TIME_COST},p={_PARALLELISM}$"
# If there is no account, read one and compare one hash anyway, so that both cases take the same time.
_NO_SUB = "-"
_NOBODYS_HASH = f"{HASH_PREFIX}i2K/5ZQxsCQ1DU9+mKurkQ$sij3uqKsWe/Mrk9PwvxztqSw9M9bd9B1NDdtXJKo0DE"


class RightPassword(Frozen):
    """Whose password it is. The account is as it was before the password was compared."""

    account: Account
    name_key: str  # what the throttles call the name that was typed
    is_new_browser: bool  # nobody has given the account's password by this name in this browser lately


class WrongPassword(Frozen):
    """A wrong password, or no such account. The answer does not say which."""


def hash_password(password: str) -> str:
    """An Argon2id hash, as a PHC string."""
    return _hasher().hash(_normal(password))


def authenticate(
    attempt: Attempt,
    credentials: Credentials,
    accounts: Accounts,
    throttles: Throttles,
    settings: Settings,
    now: float,
    kinds: Sequence[str],
) -> RightPassword | WrongPassword | Throttled:
    """The account whose password this is. `kinds`: of identifiers that
    people may sign in with.

    Every attempt is counted before its password is looked at, so that guesses sent in parallel count as well. A browser
    that has signed in to the account before has a count of its own, and no other. Any other browser has the share of
    its network, so that a stranger elsewhere cannot lock a person's first sign-in. A success is no guess, and is taken
    off the counts again.
    """
    name = normal_username(attempt.username[:_MAXIMUM_TYPED])[:_MAXIMUM_USERNAME]
    kept, account = _find(name if name.isprintable() else "", kinds, credentials, accounts)
    # Each name has its own count: with one count for an account, wrong passwords for an address would tell whether a
    # username belongs to the same person. The name is counted as its digest: it may be a password in the wrong field.
    account_key = sha256(name.encode()).hexdigest()
    counted = count(attempt, account_key, throttles, settings, now)
    if isinstance(counted, Throttled):
        return counted
    # The account was read before the comparison: its epoch becomes the session's, so a revocation during the comparison
    # ends the session.
    sub, password_id = (account.sub, account.password_id) if account else (_NO_SUB, _NO_SUB)
    password = credentials.find_password(sub, password_id) or credential_in_force(kept, account)
    matches = _is_password(password.password_hash if password else _NOBODYS_HASH, attempt.password)
    if password is None or account is None or account.is_disabled or not matches:
        return WrongPassword()
    _take_off(counted, throttles)
    return RightPassword(account, account_key, is_new_browser=bool(counted.network))


def remember_browser(right: RightPassword, browser_digest: bytes, throttles: Throttles, now: float) -> None:
    """Let the browser have a count of its own from now on. Its end-user is told of a new one before that."""
    throttles.remember_browser(browser_digest, right.name_key, int(now) + KNOWN_BROWSER_LIFETIME)


def _find(
    name: str, kinds: Sequence[str], credentials: Credentials, accounts: Accounts
) -> tuple[tuple[Credential, ...], Account | None]:
    """The credentials of that username, and the account of that name: by the same reads whether or not there is one."""
    kept = credentials.find_credentials(name or _NO_SUB) if USERNAME in kinds else ()
    identifier = credentials.find_identifier(name or _NO_SUB)
    if not name or (identifier is not None and identifier.kind not in kinds):
        kept, identifier = (), None
    # The release before knows usernames by their credentials alone: these come first.
    sub = kept[0].sub if kept else identifier.sub if identifier else _NO_SUB
    account = accounts.find_account(sub)
    if kept or (account is not None and identifier is not None and is_found_by(account, name, identifier)):
        return kept, account
    return (), None


def credential_in_force(kept: Sequence[Credential], account: Account | None) -> Credential | None:
    """The credential that the account names. While a password is being changed there is another one, which is not in
    force.
    """
    if account is None:
        return None
    named = (each for each in kept if each.sub == account.sub and each.password_id == account.password_id)
    return next(named, None)


def next_password_id(former: str, random: Random) -> str:
    """The id of the credential that follows the one with the id `former`: a greater string, and unlike any other's."""
    number, _, _ = former.partition(".")
    return f"{int(number or 0) + 1:010}.{new_id(random)}"


def _take_off(counted: Counted, throttles: Throttles) -> None:
    """Take the attempt that succeeded off the counts it was added to."""
    if not counted.network:
        throttles.forget(counted.account)
        return
    # Take only this attempt off the account's count: a person who signs in all day must not give an attacker new
    # guesses.
    throttles.forget_share(counted.account, counted.network)
    # Take only this attempt off the address's count: an attacker must not erase guesses at others by their own sign-in.
    throttles.take_back(counted.address)


@cache
def _hasher() -> "PasswordHasher":
    from argon2 import PasswordHasher  # only the login function imports it, and only for a sign-in

    return PasswordHasher(_TIME_COST, _MEMORY_COST, _PARALLELISM)


def _is_password(password_hash: str, password: str) -> bool:
    from argon2.exceptions import VerificationError

    if len(password) > _MAXIMUM_PASSWORD:
        password = ""
    try:
        return _hasher().verify(password_hash, _normal(password))
    except VerificationError:
        return False


def _normal(password: str) -> str:
    """The same password from any keyboard (NIST SP 800-63B §5.1.1.2)."""
    return unicodedata.normalize("NFKC", password)
