"""`valet apply` and `valet export`: the configuration as a file (docs/configuration.md)."""

import os
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import click
from valet.log import printable
from valet.models.accounts import Account

from admin.commands.applying import Applying, listed
from admin.desk import Desk, counted
from admin.options import confirmed
from admin.records.plan import Current, Planner, Step
from admin.terminal.endings import refuse_if
from configuration import schema, writing
from configuration.document import Malformed
from configuration.reading import Configuration, read
from configuration.table import CLIENTS, PEOPLE

_SIGNS = {"add": "+", "change": "~", "delete": "-"}


@click.command(short_help="Make the deployment as a configuration file says.")
@click.argument("file", type=click.Path(exists=True, dir_okay=False, allow_dash=True, path_type=Path))
@click.option("--dry-run", is_flag=True, help="Show what would be changed, and change nothing.")
@click.option(
    "--prune", is_flag=True, help="Delete what is registered and not in the file, in the sections that the file has."
)
@confirmed
@click.pass_obj
def apply(desk: Desk, file: Path, dry_run: bool, prune: bool) -> None:
    """Set the policy, scopes, APIs, clients and people as FILE says (YAML or JSON; - for standard input).

    The command checks the whole file before it changes anything. A key that the file leaves out has its default. A
    second run changes nothing. Generated secrets and passwords are shown only once. With --prune the command asks
    before it deletes. docs/configuration.md describes the file.
    """
    wanted = _read(file)
    planner = Planner(
        _current(desk, wanted),
        desk.deployment.issuer,
        desk.random,
        lambda reference: reference.resolve(desk.environment, file.parent),
        desk.register.is_spent,
    )
    steps = planner.steps(wanted, prune=prune)
    refuse_if(planner.problems)
    if dry_run or not steps:
        _tell(desk, steps, dry_run=dry_run)
        return
    if deleted := [step for step in steps if step.action == "delete"]:
        desk.confirm(f"Of {counted(len(steps), 'change')}, these delete: {listed(deleted)}. Make all of them?")
    applying = Applying(desk)
    try:
        applying.make(steps)
    finally:
        # After an error as well: the secrets that were generated until then exist nowhere else.
        _tell(desk, applying.done)


def _read(file: Path) -> Configuration:
    try:
        return read(sys.stdin.read() if file == Path("-") else file.read_text(encoding="utf-8-sig"))
    except Malformed as error:
        refuse_if(error.problems)
    except UnicodeDecodeError:
        refuse_if([f"{file} is not in UTF-8."])
    except OSError as error:
        refuse_if([f"{file} cannot be read: {error.strerror}."])
    raise AssertionError  # refuse_if has raised


def _current(desk: Desk, wanted: Configuration) -> Current:
    return Current(
        desk.register.scopes(),
        {client.client_id: client for client in desk.register.clients()},
        _registered_people(desk) if wanted.people is not None else {},
        desk.deployment.key_records.key_ring().keys,
        desk.register.policy(),
    )


def _registered_people(desk: Desk) -> dict[str, Account]:
    """Those that an operator added. People who joined have no username, and no file says anything about them."""
    return {account.username: account for account in desk.people.accounts() if account.username}


def _tell(desk: Desk, steps: Sequence[Step], *, dry_run: bool = False) -> None:
    secrets = [{"client_id": step.name, "client_secret": step.generated} for step in _generated(steps, CLIENTS.name)]
    passwords = [{"username": step.name, "password": step.generated} for step in _generated(steps, PEOPLE.name)]
    if desk.is_json:
        shown = {} if dry_run else {"secrets": secrets, "passwords": passwords}
        desk.show({"changes": [_facts_of(step) for step in steps], "dry_run": dry_run, **shown})
        return
    for step in steps:
        desk.say(f"{_SIGNS[step.action]} {printable(str(step))}")
        for key, before, after in step.differences():
            desk.say(f"    {key}: {_said(before)} → {_said(after)}")
    if not steps:
        desk.say("No change: everything is as the file says.")
    elif dry_run:
        desk.say(f"{counted(len(steps), 'change')} would be made. Nothing was changed.")
    else:
        desk.say(f"Made {counted(len(steps), 'change')}. Within 10 seconds every function uses the new values.")
        if secrets:
            desk.list(secrets, "client_id", "client_secret")
        if passwords:
            desk.list(passwords, "username", "password")
        if secrets or passwords:
            desk.say("These cannot be shown again. Store them now.")


def _generated(steps: Sequence[Step], section: str) -> list[Step]:
    return [step for step in steps if step.generated and step.section.name == section]


def _facts_of(step: Step) -> dict[str, Any]:
    differences = {key: {"before": before, "after": after} for key, before, after in step.differences()}
    return {"action": step.action, "kind": step.section.one, "name": step.name, "differences": differences}


def _said(value: Any) -> str:
    if isinstance(value, list):
        value = " ".join(map(str, value))
    if isinstance(value, bool):
        return "true" if value else "false"
    return "–" if value is None or value == "" else printable(str(value))


@click.command(short_help="Write the deployment's configuration as a file for `valet apply`.")
@click.option(
    "--people",
    "is_with_people",
    is_flag=True,
    help="Write people as well, except those who joined: names, addresses, roles, subs.",
)
@click.option(
    "--with-credentials",
    is_flag=True,
    help="Write digests of the clients' secrets, and with --people password hashes, so that the same secrets and "
    "passwords are accepted elsewhere. Keep the file secret.",
)
@click.option(
    "--output", type=click.Path(dir_okay=False, path_type=Path), help="Write to this file (default: standard output)."
)
@click.pass_obj
def export(desk: Desk, is_with_people: bool, with_credentials: bool, output: Path | None) -> None:
    """Write the configuration as YAML, or as JSON with --json. `valet apply` reads both.

    Secrets and passwords are stored as digests and hashes only, so nobody can export them in clear.
    """
    known = desk.register.scopes()
    said = writing.document(
        desk.register.policy(),
        known.scopes.values(),
        known.apis.values(),
        desk.register.clients(),
        desk.people.accounts_with_hashes() if is_with_people else None,
        with_credentials=with_credentials,
    )
    nearby = os.path.relpath(schema.FILE, output.parent if output else None)
    text = f"{writing.json_of(said)}\n" if desk.is_json else writing.yaml_of(said, nearby)
    if output is None:
        click.echo(text, nl=False)
        return
    _write(output, text, is_secret=with_credentials or is_with_people)
    desk.watch(f"Wrote {output}." + (" Keep it secret: it has credentials." if with_credentials else ""))


def _write(path: Path, text: str, *, is_secret: bool) -> None:
    """Write the file; a secret one is its owner's alone before the first byte is in it."""
    try:
        handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600 if is_secret else 0o666)
    except OSError as error:
        raise click.UsageError(f"{path} cannot be written: {error.strerror}.") from None
    with open(handle, "w", encoding="utf-8") as file:
        if is_secret:
            os.fchmod(handle, 0o600)
        file.write(text)
