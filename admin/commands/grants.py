"""`valet grants`: list and end the grants that end-users gave to clients."""

from collections.abc import Iterable, Sequence
from functools import cache
from typing import Any

import click
from valet.aws.dynamodb.accounts import DynamoUsers
from valet.models.accounts import Account
from valet.models.clients import Client
from valet.models.grants import Grant
from valet.tokens.access_token import still_live

from admin.desk import Desk, counted, moment
from admin.options import MOMENT, confirmed
from admin.records import revocation
from admin.records.strangers import Strangers, unknown_client


@click.group()
def grants() -> None:
    """List and end the grants that users gave to clients."""


@grants.command("list")
@click.option("--user", "username", help="List only this user's grants. Quick, by an index.")
@click.option("--client", "client_id", help="List only this client's grants. Reads the whole table.")
@click.option("--all", "is_all", is_flag=True, help="List dead grants as well, as long as they are stored.")
@click.pass_obj
def list_(desk: Desk, username: str | None, client_id: str | None, is_all: bool) -> None:
    """List the grants that are alive, of a user or of a client."""
    if not username and not client_id:
        raise click.UsageError("Pass --user or --client.")
    now = desk.clock()
    standing = _Standing(desk, now)
    found = _of_person(desk, username) if username else revocation.all_grants(desk.deployment)
    rows = []
    for grant in found:
        state = standing.state_of(grant)
        if (client_id in (None, grant.client_id)) and (is_all or revocation.is_alive(state)):
            rows.append(_facts_of(grant, state, now))
    rows.sort(key=lambda row: str(row["issued_at"]))
    desk.list(
        rows, "grant_id", "client_id", "sub", "state", "device", "scope", "issued_at", "ends_at", spare="scope ends_at"
    )


@grants.command(short_help="End grants and refuse their access tokens.")
@click.option("--user", "username", help="End this user's grants.")
@click.option("--client", "client_id", help="End this client's grants and the access tokens that it has for itself.")
@click.option("--all", "is_all", is_flag=True, help="End the grants of every user and client.")
@click.option("--before", type=MOMENT, help="End only grants issued before this time (default: now).")
@click.option("--keep-consents", is_flag=True, help="Keep the consents, so that clients need not ask the users again.")
@click.option("--dry-run", is_flag=True, help="Count the grants that would end, and change nothing.")
@confirmed
@click.pass_obj
def revoke(
    desk: Desk,
    username: str | None,
    client_id: str | None,
    is_all: bool,
    before: float | None,
    keep_consents: bool,
    dry_run: bool,
) -> None:
    """End grants and refuse their access tokens: of a user, of a client, or all before a time.

    The consents are forgotten as well, so that every client has to ask its users again, unless --keep-consents.
    """
    if [bool(username), bool(client_id), is_all].count(True) != 1:
        raise click.UsageError("Pass exactly one of --user, --client and --all.")
    now = desk.clock()
    if before is not None and before > now:
        raise click.UsageError(
            "--before is in the future: only grants that exist can be ended. Pass a time that is past."
        )
    clients = [desk.register.client(client_id)] if client_id else list(desk.register.clients()) if is_all else []
    found = _of_person(desk, username) if username else revocation.all_grants(desk.deployment)
    alive = _alive(desk, found, {client_id} if client_id else None, before, now)
    whose = username or client_id or "everybody"
    if dry_run:
        desk.done(
            f"{counted(alive, 'live grant')} of {whose} would end. Nothing was changed.", would_end=alive, dry_run=True
        )
        return
    desk.confirm(f"End {counted(alive, 'live grant')} of {whose}? This cannot be undone.")
    if username:
        ended = _revoke_person(desk, desk.people.account(username), before, keep_consents=keep_consents)
        _tell(desk, ended, "Their access tokens are refused everywhere within 5 seconds.", desk.clock() + 5)
    elif before is None:
        if is_all:  # clients that nobody registered have no epoch, and end grant by grant
            Strangers(desk.deployment, desk.deployment.audit).revoke(None, int(now * 1000), now)
        revoke_clients(desk, clients, keep_consents=keep_consents, is_told=True)
    else:
        if is_all:
            Strangers(desk.deployment, desk.deployment.audit).revoke(None, int(before * 1000) - 1, now)
        ended = revocation.end_old_grants(desk.deployment, clients, int(before * 1000), now, desk.watch)
        ended.consents = _forget_consents_to(desk, clients, before, keep_consents=keep_consents)
        longest = "Access tokens that clients got for themselves belong to no grant: they expire by themselves."
        _tell(desk, ended, f"Their access tokens are refused everywhere within 5 seconds. {longest}", now + 5)


def _revoke_person(desk: Desk, account: Account, before: float | None, *, keep_consents: bool) -> revocation.Ended:
    if before is None:
        revocation.announce_end(desk.deployment, account)
        return end_everything(desk, desk.people.revoke(account, desk.clock()), keep_consents=keep_consents)
    ended = revocation.end_person(desk.deployment, account, desk.clock(), int(before * 1000))
    ended.consents = 0 if keep_consents else desk.people.forget_consents(account.sub, before)
    return ended


def end_everything(desk: Desk, *accounts: Account, keep_consents: bool = False) -> revocation.Ended:
    """End what end-users hold, after their accounts were written with a raised epoch or as disabled.

    Every endpoint refuses the grants already. APIs refuse the access tokens once their status bits are set. That is
    done at once, and again later for tokens that requests in progress were still given.
    """
    ended = revocation.Ended()
    for look in range(2):
        if look:
            seconds = revocation.FUNCTION_TIMEOUT
            desk.watch(f"Looking again in {seconds} seconds, for requests that are in progress now …")
            desk.sleep(seconds)
        for account in accounts:
            of_person = revocation.end_person(desk.deployment, account, desk.clock())
            ended.grants += of_person.grants
            ended.over += of_person.over
            ended.consents += 0 if keep_consents else desk.people.forget_consents(account.sub)
    return ended


def revoke_clients(
    desk: Desk, clients: Sequence[Client], *, keep_consents: bool = False, is_told: bool = False
) -> None:
    """End everything that the clients hold: raise the epoch of each, and revoke its blocks of status indices.

    The operator is told the time by which every verifier refuses it.
    """
    now = desk.clock()
    done_by = now + revocation.BOUND
    desk.watch(f"Everything issued until now is refused everywhere by {moment(done_by)} ({revocation.BOUND} seconds).")
    ended = revocation.end_clients(desk.deployment, clients, now, desk.sleep, desk.watch)
    ended.consents = _forget_consents_to(desk, clients, None, keep_consents=keep_consents)
    if is_told:
        _tell(desk, ended, f"Everything issued before is refused everywhere by {moment(done_by)}.", done_by)


def _forget_consents_to(desk: Desk, clients: Iterable[Client], before: float | None, *, keep_consents: bool) -> int:
    if keep_consents:
        return 0
    return desk.people.forget_consents_to(frozenset(client.client_id for client in clients), before)


def _tell(desk: Desk, ended: revocation.Ended, bound: str, refused_by: float) -> None:
    if ended.clients and not ended.grants and not ended.over:
        did = (
            f"Ended the grants of {counted(ended.clients, 'client')}, and "
            f"{counted(ended.blocks, 'block')} of access tokens."
        )
    else:
        did = f"Ended {counted(ended.grants, 'live grant')}."
    if ended.over:
        did += f" Marked {counted(ended.over, 'other')} as revoked as well: over already, to be sure."
    forgot = f" Forgot {counted(ended.consents, 'consent')}: the clients have to ask again." if ended.consents else ""
    desk.done(
        f"{did}{forgot} {bound}",
        grants=ended.grants,
        over_already=ended.over,
        clients=ended.clients,
        blocks=ended.blocks,
        consents_forgotten=ended.consents,
        refused_by=moment(refused_by),
    )


class _Standing:
    """The state of grants; each client and each account is read once."""

    def __init__(self, desk: Desk, now: float) -> None:
        self._now = now
        self._client = cache(lambda client_id: desk.register.find_client(client_id) or unknown_client(client_id))
        self._account = cache(DynamoUsers(desk.people.table).find_account)

    def state_of(self, grant: Grant) -> str:
        return revocation.state_of(grant, self._client(grant.client_id), self._account(grant.sub), self._now)


def _of_person(desk: Desk, username: str) -> Iterable[Grant]:
    return revocation.grants_of(desk.people.account(username).sub, desk.deployment)


def _alive(desk: Desk, found: Iterable[Grant], client_ids: set[str] | None, before: float | None, now: float) -> int:
    standing = _Standing(desk, now)
    return sum(
        (before is None or grant.issued_at_ms < before * 1000)
        and (client_ids is None or grant.client_id in client_ids)
        and revocation.is_alive(standing.state_of(grant))
        for grant in found
    )


def _facts_of(grant: Grant, state: str, now: float) -> dict[str, Any]:
    ends_at = min(grant.idle_expires_at, grant.absolute_expires_at) if grant.family_digest else grant.code_expires_at
    return {
        "grant_id": grant.grant_id,
        "client_id": grant.client_id,
        "sub": grant.sub,
        "state": state,
        "device": grant.is_device,
        "scope": list(grant.scope),
        "issued_at": moment(grant.issued_at_ms / 1000),
        "ends_at": moment(ends_at),
        "generation": grant.generation,
        "access_tokens": len(still_live(grant.live, now)),
        "revoked_at": moment(grant.revoked_at),
        "revoked_for": grant.revoked_for,
    }
