"""A file of end-users to import: CSV with a header, read and checked as a whole before any write (RFC 4180)."""

import csv
from collections.abc import Iterator
from dataclasses import dataclass
from typing import TextIO

from valet.handles import new_id
from valet.models.accounts import Account
from valet.people.identifiers import normal_username
from valet.ports.runtime import Random
from valet.registration.people import refusal_of_hash, wrong_with_account

COLUMNS = ("username", "name", "email", "email_verified", "roles", "password_hash")
_YES, _NO = ("true", "yes", "1"), ("false", "no", "0", "")


@dataclass(frozen=True, slots=True)
class Row:
    """A valid line. If it has no hash, the command generates a password."""

    line: int
    account: Account
    password_hash: str


def read(file: TextIO, random: Random) -> tuple[list[Row], list[str]]:
    """The valid rows, and everything that is wrong with the others."""
    reader = csv.DictReader(file, strict=True)
    rows: list[Row] = []
    wrong: list[str] = []
    try:
        header = [name.strip() for name in reader.fieldnames or ()]
        if "username" not in header or not set(header) <= set(COLUMNS):
            return [], [f"line 1: the header must have username, and may have only {', '.join(COLUMNS)}"]
        reader.fieldnames = header
        for fields in reader:
            line = reader.line_num
            problems = list(_wrong_with(fields))
            wrong += [f"line {line}: {problem}" for problem in problems]
            if not problems:
                rows.append(Row(line, _account(fields, random), fields.get("password_hash") or ""))
    except (csv.Error, UnicodeDecodeError) as error:
        wrong.append(f"line {reader.line_num + 1}: {error}")
    return rows, [*wrong, *_repeated(rows)]


def _wrong_with(fields: dict[str, str]) -> Iterator[str]:
    if None in fields or None in fields.values():
        yield "the number of fields differs from the header's"
        return
    if (fields.get("email_verified") or "").lower() not in (*_YES, *_NO):
        yield "email_verified: must be true or false"
    yield from wrong_with_account(_account(fields, lambda length: bytes(length)))
    value = fields.get("password_hash") or ""
    # The message does not repeat the hash: it may be a password in the wrong column.
    if value and (reason := refusal_of_hash(value)):
        yield f"password_hash: {reason}"


def _account(fields: dict[str, str], random: Random) -> Account:
    return Account(
        sub=new_id(random),
        username=normal_username(fields["username"]),
        name=fields.get("name", "").strip(),
        email=fields.get("email", "").strip(),
        email_verified=fields.get("email_verified", "").lower() in _YES,
        roles=frozenset(fields.get("roles", "").replace(",", " ").split()),
    )


def _repeated(rows: list[Row]) -> Iterator[str]:
    first: dict[str, int] = {}
    for row in rows:
        known = first.setdefault(row.account.username, row.line)
        if known != row.line:
            yield f"line {row.line}: {row.account.username} is in line {known} already"
