"""What an examination says: what is wrong, why it matters, and the command that mends it; or what nobody looked at."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that is wrong, or with `is_error` False: that may well be meant, but should be known.

    What mends it is a command in backticks, or a sentence: nothing that looks like a command and cannot be run.
    """

    what: str
    why: str
    mend: str
    is_error: bool = True
    check: str = ""  # the check's name, filled in by who runs it


@dataclass(frozen=True, slots=True)
class Skipped:
    """A check that could not be made, and why: never the same as one that found nothing."""

    check: str
    reason: str


class CannotLook(Exception):
    """There is nothing to look at here, as in the local stack, which plays only what answers requests."""


def warning(what: str, why: str, mend: str) -> Finding:
    return Finding(what, why, mend, is_error=False)
