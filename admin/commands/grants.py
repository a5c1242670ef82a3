"""`valet grants`: what people allowed, and the ending of it."""

from collections.abc import Callable, Iterable, Iterator
from typing import Any

import click
from valet.models import Account, Client, Grant
from valet.tokens.access_token import still_live

from admin import revocation
from admin.desk import Desk, counted, moment
from admin.options import MOMENT, confirmed


@click.group()
def grants() -> None:
    """What people allowed to clients: list it, end it."""


@grants.command("list")
@click.option("--user", "username", help="Only this person's. Quick: by their pointers.")
@click.option("--client", "client_id", help="Only this client's. Reads the whole table.")
@click.option("--all", "is_all", is_flag=True, help="Dead ones too, as long as they are kept.")
@click.pass_obj
def list_(desk: Desk, username: str | None, client_id: str | None, is_all: bool) -> None:
    """List the grants that are alive, of a user or of a client."""
    if not username and not client_id:
        raise click.UsageError("Say --user or --client.")
    known, now = _Clients(desk), desk.clock()
    found = _of_person(desk, username) if username else revocation.all_grants(desk.deployment)
    rows = []
    for grant in found:
        state = revocation.state_of(grant, known(grant.client_id), now)
        if (client_id in (None, grant.client_id)) and (is_all or revocation.is_alive(state)):
            rows.append(_facts_of(grant, state, now))
    rows.sort(key=lambda row: str(row["issued_at"]))
    desk.list(rows, "grant_id", "client_id", "sub", "state", "scope", "issued_at", "ends_at", spare="scope ends_at")


@grants.command(short_help="End grants and refuse their access tokens.")
@click.option("--user", "username", help="This person's.")
@click.option("--client", "client_id", help="This client's, and the access tokens it has for itself.")
@click.option("--all", "is_all", is_flag=True, help="Everybody's.")
@click.option("--before", type=MOMENT, help="Only those issued before then; now if nobody says otherwise.")
@click.option("--dry-run", is_flag=True, help="Count what would end, and change nothing.")
@confirmed
@click.pass_obj
def revoke(
    desk: Desk, username: str | None, client_id: str | None, is_all: bool, before: float | None, dry_run: bool
) -> None:
    """End grants and refuse their access tokens: of a user, of a client, or all before a time."""
    if [bool(username), bool(client_id), is_all].count(True) != 1:
        raise click.UsageError("Say one of --user, --client and --all.")
    now = desk.clock()
    if before is not None and before > now:
        raise click.UsageError("--before is yet to come: what will be issued cannot be ended.")
    clients = [desk.register.client(client_id)] if client_id else list(desk.register.clients()) if is_all else []
    before_ms = int((before if before is not None else now) * 1000)
    found = _of_person(desk, username) if username else revocation.all_grants(desk.deployment)
    alive = _alive(desk, found, {client_id} if client_id else None, before_ms, now)
    whose = username or client_id or "everybody"
    if dry_run:
        desk.done(
            f"{counted(alive, 'live grant')} of {whose} would end. Nothing was changed.", would_end=alive, dry_run=True
        )
        return
    desk.confirm(f"End {counted(alive, 'live grant')} of {whose}? Nobody can undo it.")
    if username:
        account = desk.people.account(username)
        ended = (
            end_everything(desk, account)
            if before is None
            else revocation.end_person(desk.deployment, account, before_ms, now)
        )
        _tell(desk, ended, "Their access tokens are refused everywhere within 5 seconds.", now + 5)
    elif before is None:
        revoke_clients(desk, clients, is_told=True)
    else:
        ended = revocation.end_old_grants(desk.deployment, clients, before_ms, now, desk.watch)
        longest = "Access tokens that clients got for themselves are not of a grant, and end by themselves."
        _tell(desk, ended, f"Their access tokens are refused everywhere within 5 seconds. {longest}", now + 5)


def end_everything(desk: Desk, account: Account) -> revocation.Ended:
    """Every session and every grant of a person up to now: who holds a session could get new grants with it."""
    now = desk.clock()
    desk.people.end_sessions(account, int(now * 1000))
    return revocation.end_person(desk.deployment, account, int(now * 1000), now)


def revoke_clients(desk: Desk, clients: Iterable[Client], *, is_told: bool = False) -> None:
    """End everything that the clients hold, by one mark on each and its blocks of status indices; tells the bound."""
    now = desk.clock()
    done_by = now + revocation.BOUND
    desk.watch(f"Everything issued until now is refused everywhere by {moment(done_by)} ({revocation.BOUND} seconds).")
    ended = revocation.end_clients(desk.deployment, clients, now, desk.sleep, desk.watch)
    if is_told:
        _tell(desk, ended, f"Everything issued before is refused everywhere by {moment(done_by)}.", done_by)


def _tell(desk: Desk, ended: revocation.Ended, bound: str, refused_by: float) -> None:
    if ended.clients and not ended.grants:
        did = (
            f"Ended the grants of {counted(ended.clients, 'client')}, and "
            f"{counted(ended.blocks, 'block')} of access tokens."
        )
    else:
        did = f"Ended {counted(ended.grants, 'grant')}."
    desk.done(
        f"{did} {bound}",
        grants=ended.grants,
        clients=ended.clients,
        blocks=ended.blocks,
        refused_by=moment(refused_by),
    )


class _Clients:
    """Clients by id, each read once."""

    def __init__(self, desk: Desk) -> None:
        self._find: Callable[[str], Client | None] = desk.register.find_client
        self._known: dict[str, Client | None] = {}

    def __call__(self, client_id: str) -> Client | None:
        if client_id not in self._known:
            self._known[client_id] = self._find(client_id)
        return self._known[client_id]


def _of_person(desk: Desk, username: str) -> Iterator[Grant]:
    return revocation.grants_of(desk.people.account(username), desk.deployment)


def _alive(desk: Desk, found: Iterable[Grant], client_ids: set[str] | None, before_ms: int, now: float) -> int:
    known = _Clients(desk)
    return sum(
        grant.issued_at_ms < before_ms
        and (client_ids is None or grant.client_id in client_ids)
        and revocation.is_alive(revocation.state_of(grant, known(grant.client_id), now))
        for grant in found
    )


def _facts_of(grant: Grant, state: str, now: float) -> dict[str, Any]:
    ends_at = min(grant.idle_expires_at, grant.absolute_expires_at) if grant.family_digest else grant.code_expires_at
    return {
        "grant_id": grant.grant_id,
        "client_id": grant.client_id,
        "sub": grant.sub,
        "state": state,
        "scope": list(grant.scope),
        "issued_at": moment(grant.issued_at_ms / 1000),
        "ends_at": moment(ends_at),
        "generation": grant.generation,
        "access_tokens": len(still_live(grant.live, now)),
        "revoked_at": moment(grant.revoked_at),
        "revoked_for": grant.revoked_for,
    }
