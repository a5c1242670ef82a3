"""The results of an audit: findings (what is wrong, why it matters, what mends it) and skipped checks."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that is wrong; or, if `is_error` is False, that may be intended but should be known.

    `mend` is a command in backticks, or a sentence. Text that looks like a command must run.
    """

    what: str
    why: str
    mend: str
    is_error: bool = True
    check: str = ""  # the check's name, which `examine` fills in


@dataclass(frozen=True, slots=True)
class Skipped:
    """A check that could not be made, and why. It must not count as one that found nothing."""

    check: str
    reason: str


class CannotLook(Exception):
    """A check has nothing to look at. For instance, the local stack has no alarms."""


def warning(what: str, why: str, mend: str) -> Finding:
    return Finding(what, why, mend, is_error=False)
