"""Step-up: what sign-in a token tells of, and the challenge that asks for another one (RFC 9470 §3, §6.1).

`told` is what the authorizer hands on to an API, and AccessToken.context: claims as text. The authorizer imports this
only if ROUTES asks for a sign-in.
"""

import re
from collections.abc import Mapping, Sequence

AHEAD = 60  # seconds that `auth_time` may be in the future, because clocks differ; verify.CLOCK_SKEW
NEVER = float("inf")

_SECONDS = re.compile(r"[0-9]{1,12}")
_MOST_TOLD, _LONGEST_TOLD = 8, 64  # acr values in a line of the log, and characters of each


def age_of(told: Mapping[str, str], now: float) -> float:
    """Seconds since the sign-in; NEVER if the token does not say when it was, or says a time that is yet to come."""
    auth_time = told.get("auth_time", "")
    if not _SECONDS.fullmatch(auth_time) or int(auth_time) > now + AHEAD:
        return NEVER
    return now - int(auth_time)


def members(acr: Sequence[str], max_age: int | None, lacks: tuple[bool, bool]) -> dict[str, str]:
    """The members of the challenge. `lacks`: whether another level is needed, and whether a newer sign-in is.

    They name all that the API asks for, whatever is lacking: the new sign-in has to be enough in every way.
    """
    found = {
        "error": "insufficient_user_authentication",
        "error_description": _DESCRIPTIONS[lacks],
        "acr_values": " ".join(acr),
        "max_age": "" if max_age is None else str(max_age),
    }
    return {name: value for name, value in found.items() if value}


def reason(acr: Sequence[str], max_age: int | None, lacks: tuple[bool, bool], told: Mapping[str, str]) -> str:
    """The reason for the log why this sign-in is not enough. It holds nothing of the token."""
    reasons = []
    if lacks[0]:
        wanted = " or ".join([each[:_LONGEST_TOLD] for each in acr[:_MOST_TOLD]])
        reasons.append(f"the sign-in is not of the level {wanted}" if told.get("acr") else "the token tells no acr")
    if lacks[1]:
        is_told = "auth_time" in told
        reasons.append(f"auth_time is not of the last {max_age} s" if is_told else "the token tells no auth_time")
    return "; ".join(reasons)


_DESCRIPTIONS = {
    (True, False): "The end-user has to sign in with another level.",
    (False, True): "The end-user has to sign in again.",
    (True, True): "The end-user has to sign in again, with another level.",
}
