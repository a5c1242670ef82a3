"""Passwords that operators give, never as an argument: every process could read it (NIST SP 800-63B-4)."""

import sys

import click
from valet.handles import new_handle
from valet.ports.runtime import Random

from admin.terminal.endings import NotConfirmed, Wrong

LEAST = 15  # characters, of a password that is the only factor (NIST SP 800-63B-4 §3.1.1.2)
_MOST = 1024


def read_password(*, is_stdin: bool, is_generated: bool, random: Random) -> str:
    """Read the password from standard input, generate it, or let the operator type it twice. Raises Wrong."""
    if is_stdin and is_generated:
        raise Wrong("Pass --password-stdin or --generate, not both.")
    if is_generated:
        return new_handle(random)
    password = sys.stdin.readline().rstrip("\r\n") if is_stdin else _typed()
    if not LEAST <= len(password) <= _MOST:
        raise Wrong(f"The password must have {LEAST} to {_MOST} characters. --generate makes one.")
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
