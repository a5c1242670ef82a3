"""`valet users show`, `change` and `delete`: what Valet stores about an end-user."""

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import click
from valet.models.accounts import Account
from valet.people.identifiers import called
from valet.registration.people import wrong_with_account

from admin.commands.attributes import attributes, claims_from
from admin.commands.grants import end_everything
from admin.commands.users import facts_of
from admin.desk import Desk, counted, moment
from admin.options import changed, confirmed
from admin.records import factors, links, revocation
from admin.records.passkeys import forget, passkeys_of, remove
from admin.records.people import revoked
from admin.terminal.endings import refuse_if


@click.command(short_help="Show a user's account and how they sign in.")
@click.argument("username")
@click.pass_obj
def show(desk: Desk, username: str) -> None:
    """Show a user's account, passkeys, second factor and identities at other providers. The password hash, keys and
    seeds are not shown.
    """
    account = desk.people.account(username)
    passkeys = [
        {
            "id": passkey_id,
            "name": passkey.name,
            "created_at": moment(passkey.created_at),
            "last_used_at": moment(passkey.last_used_at),
            "backed_up": passkey.backed_up,
        }
        for passkey_id, passkey in passkeys_of(desk.people, account)
    ]
    second = factors.shown(desk.people, account)
    second["second_factor_added_at"] = moment(second["second_factor_added_at"])
    linked = list(links.shown(desk.people, account))
    for link in linked:
        link.update({when: moment(link[when]) for when in ("linked_at", "last_used_at")})
    desk.show({**facts_of(account), "passkeys": passkeys, **second, "links": linked})


@click.command("remove-passkey", short_help="Remove a user's passkey.")
@click.argument("username")
@click.argument("passkey_id", metavar="ID")
@confirmed
@click.pass_obj
def remove_passkey(desk: Desk, username: str, passkey_id: str) -> None:
    """Remove a user's passkey, whose ID `valet users show` tells: they have lost it, for instance.

    What it has opened stays open. To end that as well, use `valet users sign-out --revoke` afterwards.
    """
    account = desk.people.account(username)
    desk.confirm(f"Remove the passkey {passkey_id} of {called(account)}?")
    remove(desk.people, account, passkey_id)
    desk.done(f"Removed the passkey {passkey_id} of {called(account)}.", username=account.username, removed=passkey_id)


@click.command(short_help="Remove a user's link to another provider.")
@click.argument("username")
@click.argument("link_id", metavar="ID")
@confirmed
@click.pass_obj
def unlink(desk: Desk, username: str, link_id: str) -> None:
    """Remove a user's link to an identity at another provider, whose ID `valet users show` tells: somebody else has it
    now, for instance. The user gets a mail.

    The roles that the provider gives end with it. What the link has opened stays open. To end that as well, use
    `valet users sign-out --revoke` afterwards. Without another way to sign in, the user needs one: see
    `valet users recover`.
    """
    account = desk.people.account(username)
    desk.confirm(f"Remove the link {link_id} of {called(account)}?")
    provider = links.unlink(desk.people, desk.deployment, account, link_id, desk.clock())
    desk.done(
        f"Removed the link {link_id} of {called(account)} to {provider}.",
        username=account.username,
        provider=provider,
        removed=link_id,
    )


@click.command("reset-second-factor", short_help="Remove a user's second factor and recovery codes.")
@click.argument("username")
@confirmed
@click.pass_obj
def reset_second_factor(desk: Desk, username: str) -> None:
    """Remove a user's authenticator app and recovery codes, and sign them out everywhere: they have lost their phone,
    for instance. Make sure that it is them who asks.

    Their password signs in by itself then, unless an operator requires more: then they add another app first.
    """
    before = desk.people.account(username)
    desk.confirm(f"Remove the second factor and the recovery codes of {called(before)}, and end everything?")
    revocation.announce_end(desk.deployment, before)
    after = factors.reset(desk.people, desk.deployment, before, desk.clock())
    ended = end_everything(desk, after, keep_consents=True)
    desk.done(
        f"{called(after)} has no second factor any more; {counted(ended.grants, 'grant')} ended.",
        username=after.username,
        second_factor=False,
        grants_ended=ended.grants,
    )


@click.command(short_help="Change a user's name, email address and other claims.")
@click.argument("username")
@attributes
@click.pass_obj
def change(desk: Desk, /, username: str, **given: Any) -> None:
    """Change a user's name, email address and other claims. An empty value removes the claim.

    Applications see the change at their next userinfo request, or in their next ID token. Roles: `valet users roles`.
    """
    before = desk.people.account(username)
    after = changed(before, claims_from(given, before))
    refuse_if(list(wrong_with_account(after)))
    after = desk.people.change(before, after)
    desk.done(f"Changed {called(after)}.", **facts_of(after))


@click.command(short_help="Delete a user and end everything that they are signed in to.")
@click.argument("username")
@confirmed
@click.pass_obj
def delete(desk: Desk, username: str) -> None:
    """Delete a user: account, password and consents. Their sessions and grants end first.

    This cannot be undone. The username can be used again; the sub is never used again.
    """
    before = desk.people.remains(username)
    desk.confirm(f"Delete {called(before)} and end everything that they are signed in to? This cannot be undone.")
    ended = end_and_delete(desk, [before])
    desk.done(
        f"Deleted {called(before)}; {counted(ended.grants, 'grant')} ended, whose access tokens are refused "
        f"everywhere within {revocation.VERIFIERS_LEARN} seconds.",
        username=before.username,
        sub=before.sub,
        deleted=True,
        grants_ended=ended.grants,
    )


def end_and_delete(desk: Desk, accounts: Sequence[Account]) -> revocation.Ended:
    """Shut users out, end what they hold, and delete their accounts."""
    # Every endpoint refuses a disabled account already, and also what is left of a deleted one.
    disabled = [
        each if each.is_disabled else replace(revoked(each, desk.clock()), is_disabled=True) for each in accounts
    ]
    revocation.announce_end(desk.deployment, *accounts)
    for before, after in zip(accounts, disabled, strict=True):
        desk.people.change(before, after)
    ended = end_everything(desk, *disabled)
    for account in disabled:
        forget(desk.people, account)
        factors.forget(desk.people, account)
        links.forget(desk.people, account)
        desk.people.delete(account)
    return ended


COMMANDS = (show, change, delete, remove_passkey, unlink, reset_second_factor)
