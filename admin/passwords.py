"""Passwords as operators give them: never as an argument, which the whole machine can read (NIST SP 800-63B-4)."""

import re
import sys

import click
from valet.handles import new_handle
from valet.ports import Random

from admin.endings import Wrong

LEAST = 15  # characters, of a password that stands alone (NIST SP 800-63B-4 §3.1.1.2)
_MOST = 1024
_ARGON2ID = re.compile(r"\$argon2id\$v=19\$m=(\d{1,8}),t=(\d{1,3}),p=(\d{1,3})\$[A-Za-z0-9+/]{11,}\$[A-Za-z0-9+/]{22,}")
_LEAST_MEMORY, _MOST_MEMORY = 7168, 65_536  # KiB: OWASP's least, and what a function of 1,769 MB can bear in parallel
_MOST_PASSES, _MOST_LANES = 10, 4


def read_password(*, is_stdin: bool, is_generated: bool, random: Random) -> str:
    """From standard input, drawn, or typed twice. Raises Wrong."""
    if is_stdin and is_generated:
        raise Wrong("Say one of --password-stdin and --generate.")
    if is_generated:
        return new_handle(random)
    if is_stdin:
        password = sys.stdin.readline().rstrip("\r\n")
    else:
        password = click.prompt("Password", hide_input=True, confirmation_prompt=True, err=True)
    if not LEAST <= len(password) <= _MOST:
        raise Wrong(f"A password has {LEAST} to {_MOST} characters; --generate draws one.")
    return password


def refusal_of_hash(value: str) -> str | None:
    """Why a hash cannot be taken over; None if it can. One that costs too much would stop the sign-in of everybody."""
    found = _ARGON2ID.fullmatch(value)
    if found is None:
        return "no Argon2id hash in PHC form: $argon2id$v=19$m=…,t=…,p=…$salt$hash"
    memory, passes, lanes = map(int, found.groups())
    if not _LEAST_MEMORY <= memory <= _MOST_MEMORY or not 1 <= passes <= _MOST_PASSES or not 1 <= lanes <= _MOST_LANES:
        return (
            f"costs out of bounds: m from {_LEAST_MEMORY} to {_MOST_MEMORY} KiB, t up to {_MOST_PASSES}, "
            f"p up to {_MOST_LANES}"
        )
    return None
