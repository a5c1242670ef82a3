"""Passwords as operators give them: never as an argument, which the whole machine can read (NIST SP 800-63B-4)."""

import re
import sys
from base64 import b64decode, b64encode

import click
from valet.handles import new_handle
from valet.people.passwords import HASH_PREFIX
from valet.ports.runtime import Random

from admin.terminal.endings import NotConfirmed, Wrong

LEAST = 15  # characters, of a password that stands alone (NIST SP 800-63B-4 §3.1.1.2)
_MOST = 1024
# Of 8 to 48 bytes salt, 16 to 64 bytes hash.
_ARGON2ID = re.compile(
    r"(\$argon2id\$v=19\$m=\d{1,8},t=\d{1,3},p=\d{1,3}\$)([A-Za-z0-9+/]{11,64})\$([A-Za-z0-9+/]{22,86})"
)


def read_password(*, is_stdin: bool, is_generated: bool, random: Random) -> str:
    """From standard input, drawn, or typed twice. Raises Wrong."""
    if is_stdin and is_generated:
        raise Wrong("Say one of --password-stdin and --generate.")
    if is_generated:
        return new_handle(random)
    password = sys.stdin.readline().rstrip("\r\n") if is_stdin else _typed()
    if not LEAST <= len(password) <= _MOST:
        raise Wrong(f"A password has {LEAST} to {_MOST} characters; --generate draws one.")
    return password


def _typed() -> str:
    if not sys.stdin.isatty():
        raise Wrong("Standard input is no terminal: say --password-stdin or --generate.")
    try:
        password: str = click.prompt("Password", hide_input=True, confirmation_prompt=True, err=True)
    except click.Abort:
        click.echo(err=True)
        raise NotConfirmed("Stopped at the password, so nothing was changed.") from None
    return password


def refusal_of_hash(value: str) -> str | None:
    """Why a hash cannot be taken over; None if it can.

    What nobody has is checked at our cost. A hash of another cost, or one that cannot be checked at all, takes another
    time, and so tells a stranger that there is such an account.
    """
    found = _ARGON2ID.fullmatch(value)
    if found is None or not all(map(_is_base64, found.groups()[1:])):
        return "no Argon2id hash in PHC form: $argon2id$v=19$m=…,t=…,p=…$salt$hash"
    if found[1] != HASH_PREFIX:
        return (
            f"of another cost than {HASH_PREFIX}, so that the time a sign-in takes would tell who has an account; "
            "leave it empty, and a password is drawn"
        )
    return None


def _is_base64(text: str) -> bool:
    """Whether it is what some bytes are written as, in this one way (PHC: without padding)."""
    if len(text) % 4 == 1:
        return False
    return b64encode(b64decode(text + "=" * (-len(text) % 4))).decode().rstrip("=") == text
