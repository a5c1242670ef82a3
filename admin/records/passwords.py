"""Passwords that operators give, never as an argument: every process could read it (NIST SP 800-63B-4)."""

import sys
from collections.abc import Iterable

import click
from valet.handles import new_handle
from valet.people.password_rules import MAXIMUM, refusal
from valet.people.password_rules import Refused as Reason
from valet.ports.runtime import Random

from admin.terminal.endings import NotConfirmed, Wrong


def read_password(*, is_stdin: bool, is_generated: bool, random: Random, minimum: int, names: Iterable[str]) -> str:
    """Read the password from standard input, generate it, or let the operator type it twice. Raises Wrong.

    `minimum`: characters. `names`: of the person, which their password must not be.
    """
    if is_stdin and is_generated:
        raise Wrong("Pass --password-stdin or --generate, not both.")
    if is_generated:
        return new_handle(random)
    password = sys.stdin.readline().rstrip("\r\n") if is_stdin else _typed()
    reason = refusal(password, minimum, names)
    if reason in (Reason.TOO_SHORT, Reason.TOO_LONG):
        raise Wrong(f"The password must have {minimum} to {MAXIMUM} characters. --generate makes one.")
    if reason is not None:
        raise Wrong(f"The password is {reason.value}: attackers guess it. Choose another; --generate makes one.")
    return password


def _typed() -> str:
    if not sys.stdin.isatty():
        raise Wrong("Standard input is not a terminal: pass --password-stdin or --generate.")
    try:
        password: str = click.prompt("Password", hide_input=True, confirmation_prompt=True, err=True)
    except click.Abort:
        click.echo(err=True)
        raise NotConfirmed("Stopped at the password, so nothing was changed.") from None
    return password
