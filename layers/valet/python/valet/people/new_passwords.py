"""A password that a person sets: how long it has to be, and what is wrong with one, in words (NIST SP 800-63B-4
§3.1.1.2)."""

from valet.models.accounts import Account
from valet.models.policy import Policy
from valet.pages.words import Sentence
from valet.people.password_rules import MAXIMUM, Refused, length_of, refusal
from valet.ports.breaches import HasBreaches

_WITH_SECOND_FACTOR = 8  # characters, where the password alone signs nobody in
_KEYS = {
    Refused.TOO_SHORT: "new_password.too_short",
    Refused.TOO_LONG: "new_password.too_long",
    Refused.REPEATED: "new_password.repeated",
    Refused.NAME: "new_password.name",
    Refused.COMMON: "new_password.common",
    Refused.BREACHED: "new_password.breached",
}


def minimum_for(account: Account | None, policy: Policy) -> int:
    """The least number of characters. `account`: None for one that is being made."""
    has_second_factor = account is not None and bool(account.totp_id)
    return min(_WITH_SECOND_FACTOR, policy.password_minimum) if has_second_factor else policy.password_minimum


def is_short(password: str, policy: Policy) -> bool:
    """Whether the password is enough only next to a second factor."""
    return length_of(password) < policy.password_minimum


def names_known_of(account: Account, policy: Policy) -> tuple[str, ...]:
    """What others know of the person and of these pages, and guess first."""
    own = (account.username, account.email, account.name, account.given_name, account.family_name, account.nickname)
    return tuple(name for name in (*own, policy.brand_name) if name)


def wrong_with(
    ports: HasBreaches, password: str, account: Account, policy: Policy, *other_names: str
) -> Sentence | None:
    """Why the person cannot choose this password; None if they can. `other_names`: the app's, for instance.

    Pwned Passwords is asked only if the policy says so, and only about a password that is good otherwise.
    """
    minimum, names = minimum_for(account, policy), (*names_known_of(account, policy), *filter(None, other_names))
    reason = refusal(password, minimum, names)
    if reason is None and policy.breached_passwords and ports.breaches.has(password):
        reason = Refused.BREACHED
    return Sentence(_KEYS[reason], {"minimum": minimum, "maximum": MAXIMUM}) if reason else None
