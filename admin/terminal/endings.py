"""The errors that end a command, each with its exit status for scripts.

0 done · 1 `doctor` found something wrong · 2 wrong usage or an invalid value · 3 refused in the present state · 4 AWS
or the issuer could not be reached, or did not answer · 5 not confirmed · 6 `apply` stopped half-way · 130 stopped by
Ctrl-C. After 2, 3 and 5 nothing was changed.
"""

from collections.abc import Collection

import click
from valet.log import printable

FOUND_WRONG = 1


class Refused(click.ClickException):
    """The named thing does not exist, exists already, or is still needed."""

    exit_code = 3


class Unreachable(click.ClickException):
    """AWS or the issuer could not be reached, or IAM does not allow the operator to do this."""

    exit_code = 4


class NotConfirmed(click.ClickException):
    """The operator did not answer the question with yes."""

    exit_code = 5

    def __init__(self, why: str = "Not confirmed, so nothing was changed. To skip the question, pass --yes.") -> None:
        super().__init__(why)


class Unfinished(click.ClickException):
    """Some of the changes of a file were made, and then one failed. The same command completes them."""

    exit_code = 6


class Stopped(click.ClickException):
    """The operator pressed Ctrl-C while the command ran."""

    exit_code = 130

    def __init__(self) -> None:
        super().__init__("Stopped. Changes that were made until then stay: check them and run the command again.")


class Wrong(click.UsageError):
    """Invalid values, with everything that is wrong with them. A reason may quote a file that others wrote."""

    def __init__(self, *reasons: str) -> None:
        super().__init__("\n       ".join(map(printable, reasons)))


def refuse_if(reasons: Collection[str]) -> None:
    """Raises Wrong if there is any reason."""
    if reasons:
        raise Wrong(*reasons)
