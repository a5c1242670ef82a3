"""Passwords that operators give, never as an argument: every process could read it (NIST SP 800-63B-4)."""

import re
import sys
from base64 import b64decode, b64encode

import click
from valet.handles import new_handle
from valet.people.passwords import HASH_PREFIX
from valet.ports.runtime import Random

from admin.terminal.endings import NotConfirmed, Wrong

LEAST = 15  # characters, of a password that is the only factor (NIST SP 800-63B-4 §3.1.1.2)
_MOST = 1024
# A salt of 8 to 48 bytes, a hash of 16 to 64 bytes.
_ARGON2ID = re.compile(
    r"(\$argon2id\$v=19\$m=\d{1,8},t=\d{1,3},p=\d{1,3}\$)([A-Za-z0-9+/]{11,64})\$([A-Za-z0-9+/]{22,86})"
)


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


def refusal_of_hash(value: str) -> str | None:
    """Why a hash cannot be imported; None if it can.

    For a username without an account, the login function checks a hash of Valet's own cost. A hash of another cost, or
    one that cannot be checked at all, takes another time, and so reveals to an attacker that the account exists.
    """
    found = _ARGON2ID.fullmatch(value)
    if found is None or not all(map(_is_base64, found.groups()[1:])):
        return "not an Argon2id hash in PHC form: $argon2id$v=19$m=…,t=…,p=…$salt$hash"
    if found[1] != HASH_PREFIX:
        return (
            f"not of the cost {HASH_PREFIX}, so that the time of a sign-in would reveal which accounts exist; "
            "leave it empty, and the command generates a password"
        )
    return None


def _is_base64(text: str) -> bool:
    """Whether the text is canonical base64 without padding, as PHC strings have it."""
    if len(text) % 4 == 1:
        return False
    return b64encode(b64decode(text + "=" * (-len(text) % 4))).decode().rstrip("=") == text
