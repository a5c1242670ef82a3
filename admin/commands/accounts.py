"""`valet users show`, `change` and `delete`: what is kept of a person."""

from dataclasses import replace
from typing import Any

import click

from admin.commands.grants import end_everything
from admin.commands.users import facts_of
from admin.desk import Desk, counted
from admin.options import changed, confirmed
from admin.records import people_file, revocation
from admin.records.people import revoked
from admin.terminal.endings import refuse_if


@click.command()
@click.argument("username")
@click.pass_obj
def show(desk: Desk, username: str) -> None:
    """All that is kept of a user, save the password's hash."""
    desk.show(facts_of(desk.people.account(username)))


@click.command(short_help="Change what a user is called, or their address.")
@click.argument("username")
@click.option("--name", help="What they are called.")
@click.option("--email", help="Their address; another one counts as unverified, unless you know better.")
@click.option("--email-verified/--no-email-verified", default=None, help="You know that the address is theirs, or not.")
@click.pass_obj
def change(desk: Desk, /, username: str, **given: Any) -> None:
    """Change what a user is called, or their address. Applications see it when they next ask for userinfo."""
    before = desk.people.account(username)
    if given["email"] not in (None, before.email) and given["email_verified"] is None:
        given["email_verified"] = False
    after = changed(before, given)
    refuse_if([*people_file.wrong_with_account(after), *_unverifiable(after.email, is_verified=after.email_verified)])
    desk.people.change(before, after)
    desk.done(f"Changed {after.username}.", **facts_of(after))


def _unverifiable(email: str, *, is_verified: bool) -> list[str]:
    return ["email-verified: there is no address"] if is_verified and not email else []


@click.command(short_help="Delete a user, and all that they are signed in to.")
@click.argument("username")
@confirmed
@click.pass_obj
def delete(desk: Desk, username: str) -> None:
    """Delete a user: account, password and what they allowed. Ends their sessions and grants first.

    Nobody can undo it. The username can be given again; their sub never is.
    """
    before = desk.people.remains(username)
    desk.confirm(f"Delete {before.username} and end everything that they are signed in to? Nobody can undo it.")
    # One that is disabled is refused everywhere already, and so is what is left of one that is gone.
    disabled = before if before.is_disabled else replace(revoked(before, desk.clock()), is_disabled=True)
    desk.people.change(before, disabled)
    ended = end_everything(desk, disabled)
    desk.people.delete(disabled)
    desk.done(
        f"Deleted {disabled.username}; {counted(ended.grants, 'grant')} ended, whose access tokens are refused "
        f"everywhere within {revocation.VERIFIERS_LEARN} seconds.",
        username=disabled.username,
        sub=disabled.sub,
        deleted=True,
        grants_ended=ended.grants,
    )


COMMANDS = (show, change, delete)
