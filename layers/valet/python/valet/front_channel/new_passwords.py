"""A password that an end-user chooses: whether it is taken, and why not, in words (NIST SP 800-63B-4 §3.1.1.2)."""

from collections.abc import Callable, Iterable, Mapping

from valet.models.policy import Policy
from valet.pages.words import Sentence
from valet.people.password_rules import MAXIMUM, Refused, refusal

IsBreached = Callable[[str], bool]
"""Whether the password was stolen somewhere (outbound/breached_passwords.py); False where nobody can say."""

_KEYS: Mapping[Refused, str] = {
    Refused.TOO_SHORT: "password.too_short",
    Refused.TOO_LONG: "password.too_long",
    Refused.REPEATED: "password.repeated",
    Refused.NAME: "password.name",
    Refused.COMMON: "password.common",
    Refused.BREACHED: "password.breached",
}


def refusal_in_words(password: str, policy: Policy, names: Iterable[str], is_breached: IsBreached) -> Sentence | None:
    """Why the password cannot be chosen; None if it can. `names`: of the person, the app and the operator.

    Pwned Passwords is asked only if the policy says so, and only about a password that is good otherwise.
    """
    found = refusal(password, policy.password_minimum, filter(None, names))
    if found is None and policy.breached_passwords and is_breached(password):
        found = Refused.BREACHED
    if found is None:
        return None
    return Sentence(_KEYS[found], {"minimum": policy.password_minimum, "maximum": MAXIMUM})
