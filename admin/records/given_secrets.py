"""Secrets that providers gave the operator, never as an argument: every process could read it."""

import sys
from pathlib import Path

import click

from admin.terminal.endings import NotConfirmed, Wrong

_LARGEST = 10_000  # bytes


def read_secret(*, is_stdin: bool, file: str | None, is_file: bool) -> bytes:
    """Read the secret from a file or from standard input, or let the operator type it. `is_file`: it comes as a file.

    Raises Wrong.
    """
    if is_stdin and file:
        raise Wrong("Pass --secret-stdin or --secret-file, not both.")
    if is_stdin:
        return sys.stdin.buffer.read(_LARGEST).strip()
    if file:
        try:
            return Path(file).read_bytes()[:_LARGEST].strip()
        except OSError as error:
            raise Wrong(f"{file} cannot be read: {error.strerror}") from None
    if is_file:
        raise Wrong("Pass --secret-file, the .p8 file that Apple gave out.")
    if not sys.stdin.isatty():
        raise Wrong("Standard input is not a terminal: pass --secret-stdin or --secret-file.")
    try:
        secret: str = click.prompt("Secret", hide_input=True, err=True)
    except click.Abort:
        click.echo(err=True)
        raise NotConfirmed("Stopped at the secret, so nothing was changed.") from None
    return secret.strip().encode()
