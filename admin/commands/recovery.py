"""`valet users recover`: for an end-user who has lost every way to sign in, and whom the operator knows."""

from dataclasses import replace

import click
from valet.people.identifiers import called
from valet.people.notices import notify
from valet.people.passwords import hash_password, next_password_id

from admin.commands.grants import end_everything
from admin.commands.users import GENERATE, STDIN, once, password_of
from admin.desk import Desk, counted
from admin.options import confirmed
from admin.records import factors, links, passkeys, revocation
from admin.records.people import revoked
from admin.terminal.endings import Refused


@click.command(short_help="Let a user back in who has lost every way to sign in.")
@click.argument("username")
@STDIN
@GENERATE
@confirmed
@click.pass_obj
def recover(desk: Desk, username: str, is_stdin: bool, is_generated: bool) -> None:
    """Give a user who has lost every way to sign in a password, and remove all other ways: passkeys, authenticator app,
    recovery codes, and other providers. End everything that they are signed in to.

    Make sure that it is them who asks: see them, or call them back. USERNAME may be their address. Once they have
    signed in, they set a password of their own on the account page. What you require of their sign-ins stays required:
    they add the means for it at the next one. A notice goes to their address.
    """
    before = desk.people.account(username)
    if before.is_disabled:
        raise Refused(f"{called(before)} is disabled, so no password lets them in. `valet users enable` comes first.")
    desk.confirm(
        f"Give {called(before)} another password, remove every other way to sign in, and end everything that they are "
        "signed in to?"
    )
    password = password_of(desk, before, is_stdin=is_stdin, is_generated=is_generated)
    password_hash, now = hash_password(password), desk.clock()
    password_id = next_password_id(before.password_id, desk.random)
    revocation.announce_end(desk.deployment, before)
    notify(desk.deployment, before, "password.changed", desk.deployment.issuer, now, mark=password_id)
    nothing = frozenset[str]()
    after = replace(
        revoked(before, now),
        password_id=password_id,
        passkeys=nothing,
        links=nothing,
        totp_id="",
        recovery_id="",
    )
    account = desk.people.set_password(before, after, password_hash)
    for each in (passkeys, factors, links):
        each.forget(desk.people, before)
    ended = end_everything(desk, account, keep_consents=True)
    shown = {"password": password} if is_generated else {}
    desk.done(
        f"{called(account)} signs in with the new password alone; {counted(ended.grants, 'grant')} ended."
        + once(shown),
        username=account.username,
        sub=account.sub,
        recovered=True,
        grants_ended=ended.grants,
        **shown,
    )


COMMANDS = (recover,)
