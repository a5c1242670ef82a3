"""`valet users import`: adds the users in a file."""

from collections.abc import Sequence
from typing import TextIO

import click
from valet.handles import new_handle
from valet.people.passwords import hash_password

from admin.desk import Desk, counted
from admin.records import people_file
from admin.terminal.endings import Refused, refuse_if


@click.command("import", short_help="Add the users in a CSV or JSON file.")
@click.argument("file", type=click.File(encoding="utf-8-sig"))
@click.option("--skip-existing", is_flag=True, help="Skip users that exist already, instead of refusing the file.")
@click.option("--dry-run", is_flag=True, help="Check the file, and change nothing.")
@click.pass_obj
def import_(desk: Desk, file: TextIO, skip_existing: bool, dry_run: bool) -> None:
    """Add the users in FILE (- for standard input): a CSV file with a header, or a JSON array of objects.

    The columns or members are username, password_hash, roles, and the claims name, given_name, family_name,
    middle_name, nickname, profile, picture, website, gender, birthdate, zoneinfo, locale, email, email_verified,
    phone_number, phone_number_verified and address (a text, or a JSON object as in OpenID Connect Core section 5.1.1).

    A password_hash is an Argon2id hash in PHC form with the cost m=19456,t=2,p=1. Another cost is refused, because the
    time of a sign-in would reveal which accounts exist. For a user without a password_hash, the command generates a
    password and shows it only once. The command checks the whole file before it adds the first user.
    """
    rows, wrong = people_file.read(file, desk.random)
    refuse_if(wrong)
    known = {account.username for account in desk.people.accounts()}
    taken = sorted(row.account.username for row in rows if row.account.username in known)
    if taken and not skip_existing:
        raise Refused(
            f"The file names {_existing(len(taken))}, such as {taken[0]}. To skip them, pass --skip-existing."
        )
    new = [row for row in rows if row.account.username not in known]
    if dry_run:
        desk.done(f"{_users(len(new))} would be added. Nothing was changed.", would_add=len(new), dry_run=True)
        return
    added: list[dict[str, str]] = []
    try:
        _add_all(desk, new, added)
    finally:
        # Print them even after an error: the passwords that were generated until then exist nowhere else.
        _tell_import(desk, added, skipped=len(taken))


def _add_all(desk: Desk, rows: Sequence[people_file.Row], added: list[dict[str, str]]) -> None:
    """Add the users. Each one that was added goes into `added`, with the password if it was generated."""
    with desk.progress() as progress:
        for row in progress.track(rows, description="Importing"):
            password = "" if row.password_hash else new_handle(desk.random)
            if desk.people.add(row.account, row.password_hash or hash_password(password), "imported"):
                added.append({"username": row.account.username, "password": password})


def _tell_import(desk: Desk, added: list[dict[str, str]], *, skipped: int) -> None:
    drawn = [each for each in added if each["password"]]
    if desk.is_json:
        desk.show({"added": len(added), "skipped": skipped, "passwords": drawn})
        return
    desk.say(f"Added {_users(len(added))}." + (f" Skipped {_existing(skipped)}." if skipped else ""))
    if drawn:
        desk.list(drawn, "username", "password")
        desk.say("These passwords cannot be shown again.")


def _users(number: int) -> str:
    return counted(number, "user")


def _existing(number: int) -> str:
    return f"{_users(number)} that {'exists' if number == 1 else 'exist'} already"
