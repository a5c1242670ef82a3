"""How a command ends other than well, and the exit status that says so to a script.

0 done · 1 `doctor` found something that is wrong · 2 used wrongly, or a value that cannot be · 3 refused, as things
are · 4 AWS or the issuer could not be reached, or would not answer · 5 not confirmed · 130 stopped by Ctrl-C. After 2,
3 and 5 nothing was changed.
"""

from collections.abc import Collection

import click

FOUND_WRONG = 1


class Refused(click.ClickException):
    """There is no such thing, it is there already, or something still needs it."""

    exit_code = 3


class Unreachable(click.ClickException):
    """AWS or the issuer could not be reached, or the operator may not do this."""

    exit_code = 4


class NotConfirmed(click.ClickException):
    """The question was not answered with yes."""

    exit_code = 5

    def __init__(self, why: str = "Not confirmed, so nothing was changed. --yes confirms without a question.") -> None:
        super().__init__(why)


class Stopped(click.ClickException):
    """By Ctrl-C, in the middle of it."""

    exit_code = 130

    def __init__(self) -> None:
        super().__init__("Stopped. What was done until then stays: look, and run it again.")


class Wrong(click.UsageError):
    """Values that cannot be; all that is wrong with them."""

    def __init__(self, *reasons: str) -> None:
        super().__init__("\n       ".join(reasons))


def refuse_if(reasons: Collection[str]) -> None:
    """Raises Wrong if there is any reason."""
    if reasons:
        raise Wrong(*reasons)
