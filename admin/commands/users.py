"""`valet users`: the end-users, who can sign in."""

from dataclasses import replace
from typing import Any

import click
from valet.handles import new_id
from valet.models.accounts import Account
from valet.people.identifiers import called, normal_username
from valet.people.passwords import hash_password, next_password_id
from valet.registration.people import wrong_with_account

from admin.commands.attributes import attributes, claims_from, claims_of
from admin.commands.grants import end_everything
from admin.desk import Desk, counted, moment
from admin.options import adjusted, confirmed, with_said, words
from admin.records import revocation
from admin.records.passwords import read_password
from admin.records.people import revoked
from admin.terminal.endings import Refused, refuse_if

STDIN = click.option("--password-stdin", "is_stdin", is_flag=True, help="Read the password from standard input.")
GENERATE = click.option("--generate", "is_generated", is_flag=True, help="Generate a password and show it only once.")


@click.group(short_help="Add users, give them roles, shut them out.")
def users() -> None:
    """Manage the users who can sign in: add them, give them roles, shut them out."""


@users.command()
@click.argument("username")
@attributes
@click.option(
    "--role", "roles", multiple=True, callback=words, help="Give these roles (repeat, or separate by spaces)."
)
@STDIN
@GENERATE
@click.pass_obj
def add(
    desk: Desk, /, username: str, roles: frozenset[str] | None, is_stdin: bool, is_generated: bool, **given: Any
) -> None:
    """Add the user USERNAME. The command asks for the password, reads it from standard input, or generates it."""
    nobody = Account(new_id(desk.random), normal_username(username), roles=roles or frozenset())
    account = with_said(nobody, claims_from(given, nobody))
    refuse_if(list(wrong_with_account(account)))
    if desk.people.find(account.username):
        raise Refused(f"There is a user {called(account)} already.")
    password = password_of(desk, account, is_stdin=is_stdin, is_generated=is_generated)
    if not desk.people.add(account, hash_password(password)):
        raise Refused(f"There is a user {called(account)} already.")
    _warn_of_roles(desk, account.roles)
    shown = {"password": password} if is_generated else {}
    desk.done(f"Added {called(account)}." + once(shown), username=account.username, sub=account.sub, **shown)


@users.command("set-password")
@click.argument("username")
@STDIN
@GENERATE
@click.option(
    "--revoke",
    is_flag=True,
    help="End their sessions and grants as well, for instance because somebody else knew the old password.",
)
@click.pass_obj
def set_password(desk: Desk, username: str, is_stdin: bool, is_generated: bool, revoke: bool) -> None:
    """Give a user another password."""
    before = desk.people.account(username)
    password = password_of(desk, before, is_stdin=is_stdin, is_generated=is_generated)
    password_hash = hash_password(password)
    # One write puts the new password in force and, with --revoke, ends what the old one opened: no crash can separate
    # the two.
    after = replace(before, password_id=next_password_id(before.password_id, desk.random))
    if revoke:
        after = revoked(after, desk.clock())
        revocation.announce_end(desk.deployment, before)
    account = desk.people.set_password(before, after, password_hash)
    ended = end_everything(desk, account) if revoke else revocation.Ended()
    shown = {"password": password} if is_generated else {}
    told = f" Ended {counted(ended.grants, 'grant')}." if revoke else ""
    desk.done(
        f"{called(account)} has a new password.{told}" + once(shown),
        username=account.username,
        grants_ended=ended.grants,
        **shown,
    )


@users.command(short_help="Show a user's roles, or change them.")
@click.argument("username")
@click.option("--add", "added", multiple=True, callback=words, help="Give these roles.")
@click.option("--remove", "removed", multiple=True, callback=words, help="Take these roles away.")
@click.option("--set", "exactly", multiple=True, callback=words, help="Replace the roles with these.")
@click.pass_obj
def roles(
    desk: Desk,
    username: str,
    added: frozenset[str] | None,
    removed: frozenset[str] | None,
    exactly: frozenset[str] | None,
) -> None:
    """Show a user's roles, or change them. Tokens with the old roles are refused; grants go on."""
    before = desk.people.account(username)
    after = replace(before, roles=adjusted(before.roles, exactly, added, removed, "--set --add --remove"))
    refuse_if(list(wrong_with_account(after)))
    if after.roles == before.roles:
        desk.show({"username": before.username, "roles": sorted(before.roles)})
        return
    _warn_of_roles(desk, after.roles - before.roles)
    desk.people.change(before, after)
    refused = revocation.refuse_live_tokens(desk.deployment, after, desk.clock())
    # A request that read the account just before may still sign the old roles into a token.
    desk.watch(f"Refused {counted(refused, 'access token')}. Looking again in {revocation.FUNCTION_TIMEOUT} seconds …")
    desk.sleep(revocation.FUNCTION_TIMEOUT)
    revocation.refuse_live_tokens(desk.deployment, after, desk.clock())
    desk.done(
        f"{called(after)} has the roles {' '.join(sorted(after.roles)) or '–'}. Tokens with other roles are "
        "refused everywhere within 5 seconds.",
        username=after.username,
        roles=sorted(after.roles),
        access_tokens_refused=refused,
    )


@users.command(short_help="Shut a user out and end their grants and tokens.")
@click.argument("username")
@confirmed
@click.pass_obj
def disable(desk: Desk, username: str) -> None:
    """Shut a user out. They cannot sign in, and their grants and access tokens end."""
    before = desk.people.account(username)
    desk.confirm(f"Disable {called(before)} and end everything that they are signed in to?")
    after = replace(revoked(before, desk.clock()), is_disabled=True)
    revocation.announce_end(desk.deployment, before)
    desk.people.change(before, after)
    ended = end_everything(desk, after, keep_consents=True)
    desk.done(
        f"{called(after)} is shut out; {counted(ended.grants, 'grant')} ended. Access tokens are refused everywhere "
        f"by {moment(desk.clock() + revocation.VERIFIERS_LEARN)}.",
        username=after.username,
        disabled=True,
        grants_ended=ended.grants,
    )


@users.command()
@click.argument("username")
@click.pass_obj
def enable(desk: Desk, username: str) -> None:
    """Let a disabled user sign in again. Sessions and grants that ended stay ended."""
    before = desk.people.account(username)
    if before.deleted_at:
        raise Refused(f"{called(before)} deleted the account themselves: delete the user, and add a new one.")
    desk.people.change(before, replace(before, is_disabled=False))
    desk.done(f"{called(before)} can sign in again.", username=before.username, disabled=False)


@users.command("sign-out", short_help="End a user's browser sessions.")
@click.argument("username")
@click.option(
    "--revoke", is_flag=True, help="End all their grants as well, so that every application has to ask them again."
)
@confirmed
@click.pass_obj
def sign_out(desk: Desk, username: str, revoke: bool) -> None:
    """End a user's browser sessions, as if they signed out themselves. Grants that depend on a session end with it.

    Applications with offline_access go on, unless --revoke. Without --revoke the command reads the whole table, because
    there is no index of sessions by user.
    """
    account = desk.people.account(username)
    desk.confirm(f"Sign {called(account)} out everywhere{', and end all their grants' if revoke else ''}?")
    if revoke:
        revocation.announce_end(desk.deployment, account)
        ended = end_everything(desk, desk.people.revoke(account, desk.clock()))
        browsers = "everywhere"
    else:
        ended = revocation.sign_out(desk.deployment, account, desk.clock())
        browsers = f"of {counted(ended.sessions, 'browser')}"
    desk.done(
        f"Signed {called(account)} out {browsers}; {counted(ended.grants, 'grant')} ended.",
        username=account.username,
        signed_out=True,
        grants_ended=ended.grants,
    )


@users.command(short_help="Give accounts of earlier releases their names and passwords.")
@click.pass_obj
def upgrade(desk: Desk) -> None:
    """Give every account its password and its names as this release keeps them. You can repeat the command.

    Accounts that an earlier release made sign in by username as before. Run this once, before you let people sign in
    with their addresses. Reads the whole table.
    """
    number, taken = desk.people.upgrade()
    for username, address in taken:
        desk.watch(f"{username}: another user signs in with {address}, so {username} cannot.")
    desk.done(
        f"{counted(number, 'user')} can be found by username and proven address.",
        users=number,
        taken=[{"username": username, "address": address} for username, address in taken],
    )


@users.command("list")
@click.pass_obj
def list_(desk: Desk) -> None:
    """List every user."""
    rows = sorted((facts_of(account) for account in desk.people.accounts()), key=lambda row: str(row["username"]))
    desk.list(
        rows,
        "username",
        "name",
        "email",
        "email_verified",
        "roles",
        "disabled",
        "sub",
        spare="sub roles email_verified",
    )


def password_of(desk: Desk, account: Account, *, is_stdin: bool, is_generated: bool) -> str:
    """The password that the operator gives the user. Raises Wrong."""
    minimum, names = desk.register.policy().password_minimum, (account.username, account.email, account.name)
    return read_password(is_stdin=is_stdin, is_generated=is_generated, random=desk.random, minimum=minimum, names=names)


def _warn_of_roles(desk: Desk, roles: frozenset[str]) -> None:
    told = frozenset[str]().union(*(api.roles for api in desk.register.scopes().apis.values()))
    unknown = roles - told
    if unknown:
        unknown -= frozenset[str]().union(*(client.roles for client in desk.register.clients()))
    if unknown:
        desk.watch(
            f"No protected API has the role {' '.join(sorted(unknown))}, and no client is told it, so no token will "
            "contain it. `valet apis change --help` and `valet clients change --help` tell how to add it."
        )


def once(shown: dict[str, str]) -> str:
    """A sentence with the password that was generated; empty if none was."""
    return f" The password, which cannot be shown again: {shown['password']}" if shown else ""


def facts_of(account: Account) -> dict[str, Any]:
    """An account as the commands show it."""
    return {
        "username": account.username,
        "sub": account.sub,
        "name": account.name,
        "email": account.email,
        "email_verified": account.email_verified,
        "roles": sorted(account.roles),
        "required_acr": account.required_acr,
        "disabled": account.is_disabled,
        "updated_at": moment(account.updated_at),
        **claims_of(account),
    }
