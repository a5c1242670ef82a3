"""A file of end-users to import: CSV with a header (RFC 4180), or a JSON array of objects.

The whole file is read and checked before any write.
"""

import csv
import io
import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from difflib import get_close_matches
from typing import Any, TextIO

from valet.handles import new_id
from valet.models.accounts import Account
from valet.people.identifiers import normal_username
from valet.ports.runtime import Random
from valet.registration.attributes import CLAIMS, FLAGS, parse_address
from valet.registration.people import refusal_of_hash, wrong_with_account

COLUMNS = ("username", *CLAIMS, "roles", "password_hash")
# Names that other systems give to a column.
_MEANT = {
    "avatar": "picture",
    "birthday": "birthdate",
    "dateofbirth": "birthdate",
    "displayname": "name",
    "firstname": "given_name",
    "fullname": "name",
    "groups": "roles",
    "language": "locale",
    "lastname": "family_name",
    "login": "username",
    "mail": "email",
    "mobile": "phone_number",
    "password": "password_hash",
    "phone": "phone_number",
    "photo": "picture",
    "preferredusername": "username",
    "street": "address",
    "surname": "family_name",
    "telephone": "phone_number",
    "timezone": "zoneinfo",
    "uid": "username",
    "url": "website",
    "user": "username",
}
_YES, _NO = ("true", "yes", "1"), ("false", "no", "0", "")

Fields = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Row:
    """A valid entry. If it has no hash, the command generates a password."""

    place: str  # in the file: line 2
    account: Account
    password_hash: str


def read(file: TextIO, random: Random) -> tuple[list[Row], list[str]]:
    """The valid rows, and everything that is wrong with the others."""
    try:
        text = file.read()
    except UnicodeDecodeError as error:
        return [], [f"the file is not UTF-8: {error}"]
    entries, wrong = _json_entries(text) if text.lstrip().startswith("[") else _csv_entries(text)
    rows: list[Row] = []
    for place, fields in entries:
        problems = list(_wrong_with(fields))
        wrong += [f"{place}: {problem}" for problem in problems]
        if not problems:
            rows.append(Row(place, _account(fields, random), fields.get("password_hash") or ""))
    return rows, [*wrong, *_repeated(rows)]


def _csv_entries(text: str) -> tuple[list[tuple[str, Fields]], list[str]]:
    reader = csv.DictReader(io.StringIO(text, newline=""), strict=True)
    entries: list[tuple[str, Fields]] = []
    try:
        header = [name.strip() for name in reader.fieldnames or ()]
        if problems := list(_wrong_with_names(header)):
            return [], [f"line 1, the header: {problem}" for problem in problems]
        reader.fieldnames = header
        entries += ((f"line {reader.line_num}", fields) for fields in reader)
    except csv.Error as error:
        return entries, [f"line {reader.line_num + 1}: {error}"]
    return entries, []


def _json_entries(text: str) -> tuple[list[tuple[str, Fields]], list[str]]:
    try:
        found = json.loads(text)
    except (ValueError, RecursionError) as error:
        return [], [f"the file is not JSON: {error}"]
    entries = [(f"entry {number}", fields) for number, fields in enumerate(found, 1)]
    wrong = [f"{place}: not an object" for place, fields in entries if not isinstance(fields, dict)]
    entries = [(place, fields) for place, fields in entries if isinstance(fields, dict)]
    unknown = {place: list(_wrong_with_names(fields)) for place, fields in entries}
    wrong += [f"{place}: {problem}" for place, problems in unknown.items() for problem in problems]
    return [(place, fields) for place, fields in entries if not unknown[place]], wrong


def _wrong_with_names(names: Any) -> Iterator[str]:
    """Problems of a header, or of the names of an object's members."""
    if "username" not in names:
        yield f"it must have username, and may have {', '.join(COLUMNS[1:])}"
    for name in names:
        if name not in COLUMNS:
            yield f"{name!r} is not one of {', '.join(COLUMNS)}{_hint(name)}"
    if len(set(names)) < len(names):
        yield "it has a column twice"


def _hint(name: str) -> str:
    plain = "".join(character for character in name.lower() if character.isalnum())
    meant = _MEANT.get(plain) or next(iter(get_close_matches(name.lower(), COLUMNS, 1)), None)
    return f"; did you mean {meant}?" if meant else ""


def _wrong_with(fields: Fields) -> Iterator[str]:
    if None in fields or None in fields.values():
        yield "the number of fields differs from the header's"
        return
    try:
        account = _account(fields, bytes)
    except ValueError as error:
        yield str(error)
        return
    yield from wrong_with_account(account)
    value = fields.get("password_hash") or ""
    # The message does not repeat the hash: it may be a password in the wrong column.
    if value and (reason := refusal_of_hash(str(value))):
        yield f"password_hash: {reason}"


def _account(fields: Fields, random: Random) -> Account:
    """The account. Raises ValueError for a value of another kind."""
    claims: dict[str, Any] = {}
    for claim in CLAIMS:
        if claim in fields:
            claims[claim] = _value(claim, fields[claim])
    roles = fields.get("roles", "")
    if isinstance(roles, list) and all(isinstance(role, str) for role in roles):
        roles = " ".join(roles)
    return Account(
        sub=new_id(random),
        username=normal_username(_text("username", fields["username"])),
        roles=frozenset(_text("roles", roles).replace(",", " ").split()),
        **claims,
    )


def _value(claim: str, value: Any) -> Any:
    if claim == "address":
        return parse_address(value)
    if claim not in FLAGS:
        return _text(claim, value).strip()
    if isinstance(value, bool):
        return value
    if not isinstance(value, str) or value.lower() not in (*_YES, *_NO):
        raise ValueError(f"{claim}: must be true or false")
    return value.lower() in _YES


def _text(name: str, value: Any) -> str:
    if not isinstance(value, str):
        raise ValueError(f"{name}: must be a text")
    return value


def _repeated(rows: list[Row]) -> Iterator[str]:
    first: dict[str, str] = {}
    for row in rows:
        known = first.setdefault(row.account.username, row.place)
        if known != row.place:
            yield f"{row.place}: {row.account.username} is in {known} already"
