"""A code of an authenticator app or a recovery code, tried: counted before it is looked at, and good once (RFC 6238
§5.2, NIST SP 800-63B-4 §3.1.2.2 and §3.2.2).
"""

from enum import Enum
from typing import Protocol

from valet.frozen import Frozen
from valet.models.accounts import Account
from valet.people import notices, recovery_codes, totp
from valet.people.throttling import KNOWN_BROWSER_LIFETIME, Throttled
from valet.ports.factors import HasFactors
from valet.ports.runtime import HasRandom, HasSettings
from valet.ports.sealing import SECOND_FACTOR, HasSealing
from valet.ports.throttles import HasThrottles

# Attempts in a window of login_throttle_window: of all browsers that have not passed before, and of each that has.
_MOST_ATTEMPTS = 5
_GUESSED = 10  # failures in a row after which the end-user is told: somebody else knows the first factor


class Ports(HasSettings, HasRandom, HasThrottles, HasFactors, HasSealing, notices.Ports, Protocol):
    """The ports that a second factor is tried through."""


class Refused(Enum):
    """Why a code is refused."""

    WRONG = "wrong, or used before"
    LOCKED = "too many wrong codes in a row"


class Given(Frozen):
    """A second factor was given: the id of what it rests on."""

    means: str
    left: int | None = None  # of recovery codes, if it was one


class Attempt(Frozen):
    """What was typed, and where."""

    typed: str
    browser_digest: bytes
    issuer: str  # for a notice

    def __repr__(self) -> str:
        return "Attempt()"


def try_code(ports: Ports, account: Account, attempt: Attempt, now: float) -> Given | Refused | Throttled:
    """Try what was typed as a code of the account's authenticator app, or as a recovery code if it is written as one.

    Raises TemporarilyUnavailable.
    """
    typed = recovery_codes.parse(attempt.typed) if account.recovery_id else None
    if typed is not None:
        return _try_recovery_code(ports, account, typed, attempt, now)
    return _try_totp(ports, account, attempt, now) if account.totp_id else Refused.WRONG


def _try_totp(ports: Ports, account: Account, attempt: Attempt, now: float) -> Given | Refused | Throttled:
    # A browser that has given this account's second factor before has a count of its own: a stranger who knows the
    # password cannot keep its owner out of it.
    whose, window = f"second#{account.sub}", ports.settings.login_throttle_window
    ends_at = (int(now) // window + 1) * window
    count, is_known = f"{whose}#{ends_at}", ports.throttles.knows_browser(attempt.browser_digest, whose, now)
    if is_known:
        count += f"#{attempt.browser_digest.hex()}"
    if ports.throttles.count(count, ends_at) > _MOST_ATTEMPTS:
        return Throttled(ends_at - int(now))
    factor = ports.factors.try_totp(account.sub, account.totp_id)
    if factor is None:
        return Refused.LOCKED
    seed = ports.sealing.open(SECOND_FACTOR, account.sub, factor.sealed_seed)
    step = totp.step_of(seed, attempt.typed, now)
    accepted = step is not None and ports.factors.accept_totp(account.sub, account.totp_id, step, ports.random(16))
    if not accepted:
        if factor.failures == _GUESSED:
            notices.notify(ports, account, "second.guessed", attempt.issuer, now)
        return Refused.WRONG
    # A success is no guess.
    if is_known:
        ports.throttles.forget(count)
    else:
        ports.throttles.take_back(count)
    ports.throttles.remember_browser(attempt.browser_digest, whose, int(now) + KNOWN_BROWSER_LIFETIME)
    return Given(account.totp_id)


def _try_recovery_code(
    ports: Ports, account: Account, typed: recovery_codes.Typed, attempt: Attempt, now: float
) -> Given | Refused:
    """Not counted: nobody guesses 80 bits (§3.1.2.2 asks for it below 64). A count would let a stranger who knows the
    password keep the owner from the last way in.
    """
    kept = ports.factors.find_recovery_codes(account.sub, account.recovery_id)
    if kept is None or typed.number in kept.spent or not recovery_codes.is_code(typed, kept):
        return Refused.WRONG
    notices.notify(ports, account, "recovery.used", attempt.issuer, now)
    if not ports.factors.spend_recovery_code(account.sub, account.recovery_id, typed.number, ports.random(16)):
        return Refused.WRONG
    return Given(account.recovery_id, recovery_codes.left(kept) - 1)
