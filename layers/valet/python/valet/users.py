"""End-users' passwords: Argon2id, counted before they are checked (RFC 9106, NIST SP 800-63B §5.2.2)."""

import unicodedata
from dataclasses import dataclass
from functools import cache
from hashlib import sha256
from typing import TYPE_CHECKING

from valet.models import Account
from valet.ports import Accounts, Credentials, Throttles
from valet.settings import Settings

if TYPE_CHECKING:
    from argon2 import PasswordHasher

ACR = "urn:valet:acr:password"
AMR = ("pwd",)

_ATTEMPTS_PER_ACCOUNT = 10
_ATTEMPTS_PER_ADDRESS = 100
_KNOWN_BROWSER_LIFETIME = 90 * 86_400
_MAXIMUM_USERNAME = 256  # characters, once normal
_MAXIMUM_TYPED = 1024  # before: normalizing takes the square of what is typed, and nobody has been counted yet
_MAXIMUM_PASSWORD = 1024  # characters; hashing more would cost us and protect nobody
# Of no password anybody has: checked where there is no account, so that both cost the same.
_NOBODYS_HASH = "$argon2id$v=19$m=19456,t=2,p=1$i2K/5ZQxsCQ1DU9+mKurkQ$sij3uqKsWe/Mrk9PwvxztqSw9M9bd9B1NDdtXJKo0DE"


@dataclass(frozen=True, slots=True)
class Attempt:
    """Somebody tries to sign in."""

    username: str
    password: str
    source_ip: str
    browser_digest: bytes


@dataclass(frozen=True, slots=True)
class WrongPassword:
    """Or no such account: nobody is told which."""


@dataclass(frozen=True, slots=True)
class Throttled:
    """Too many wrong passwords; `retry_after` seconds until the next try counts."""

    retry_after: int


def hash_password(password: str) -> str:
    """An Argon2id hash, as a PHC string."""
    return _hasher().hash(_normal(password))


def normal_username(username: str) -> str:
    """Usernames that look the same are the same (RFC 8265 §3.3, in short)."""
    return unicodedata.normalize("NFKC", username).strip().casefold()


def authenticate(
    attempt: Attempt, credentials: Credentials, accounts: Accounts, throttles: Throttles, settings: Settings, now: float
) -> Account | WrongPassword | Throttled:
    """The account whose password this is.

    Every attempt is counted before its password is looked at, so that guesses sent in parallel count as well. A browser
    that has signed in to the account before has a count of its own: else anybody could lock anybody out.
    """
    username = normal_username(attempt.username[:_MAXIMUM_TYPED])[:_MAXIMUM_USERNAME]
    # The name is counted as its digest: it may be of no account, or a password typed into the wrong field.
    account_key = sha256(username.encode()).hexdigest()
    credential = credentials.find_credential(username) if username and username.isprintable() else None
    throttle = _count(attempt, account_key, throttles, settings, now)
    if isinstance(throttle, Throttled):
        return throttle
    matches = _is_password(credential.password_hash if credential else _NOBODYS_HASH, attempt.password)
    if credential is None or not matches:
        return WrongPassword()
    account = accounts.find_account(credential.sub)
    if account is None or account.is_disabled:
        return WrongPassword()
    throttles.forget(throttle)
    throttles.remember_browser(attempt.browser_digest, account_key, int(now) + _KNOWN_BROWSER_LIFETIME)
    return account


def _count(attempt: Attempt, account_key: str, throttles: Throttles, settings: Settings, now: float) -> str | Throttled:
    """Count the attempt. Answers the name of the count, to be forgotten after a success.

    The same reads and writes whether or not there is such an account.
    """
    window = settings.login_throttle_window
    number = int(now) // window
    ends_at = (number + 1) * window
    if throttles.count(f"address#{attempt.source_ip}#{number}", ends_at) > _ATTEMPTS_PER_ADDRESS:
        return Throttled(ends_at - int(now))
    counted = f"account#{account_key}#{number}"
    if throttles.knows_browser(attempt.browser_digest, account_key, now):
        counted += f"#{attempt.browser_digest.hex()}"
    if throttles.count(counted, ends_at) > _ATTEMPTS_PER_ACCOUNT:
        return Throttled(ends_at - int(now))
    return counted


@cache
def _hasher() -> "PasswordHasher":
    from argon2 import PasswordHasher  # the login function alone pays for it, and only when somebody signs in

    return PasswordHasher(time_cost=2, memory_cost=19_456, parallelism=1)


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
