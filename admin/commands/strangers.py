"""`valet clients hosts`, `invite` and `unknown`: clients that no operator registered (docs/agents.md)."""

import re
from collections import Counter
from typing import Any

import click
from valet.aws.dynamodb.accounts import DynamoUsers
from valet.models.unknown_clients import Hosts
from valet.registration.unknown_clients import host_of, is_document_url, parse_kept

from admin.desk import Desk, counted, moment
from admin.options import SPAN, confirmed
from admin.records import revocation
from admin.records.strangers import Strangers, unknown_client, with_host
from admin.terminal.endings import Refused
from admin.terminal.spelling import command

_DAY = 86_400
_MOST_USES = 100
_LONGEST_INVITE = 90 * _DAY
_NAME = re.compile(r"[a-z0-9]([a-z0-9-]*[a-z0-9])?(\.[a-z0-9]([a-z0-9-]*[a-z0-9])?)*")


def strangers(desk: Desk) -> Strangers:
    return Strangers(desk.deployment, desk.deployment.audit)


@click.group()
def hosts() -> None:
    """Trust or refuse hosts of unknown clients."""


@hosts.command("list")
@click.pass_obj
def list_(desk: Desk) -> None:
    """List the hosts that are trusted or refused."""
    found = strangers(desk).hosts()
    rows = [{"host": host, "is": "trusted"} for host in sorted(found.trusted)]
    desk.list([*rows, *({"host": host, "is": "refused"} for host in sorted(found.refused))], "host", "is")


@hosts.command(short_help="Trust a host.")
@click.argument("host")
@click.pass_obj
def add(desk: Desk, host: str) -> None:
    """Trust HOST: every address of it.

    Its documents name clients also where ClientIdMetadata is listed, they count in no bound that all clients share, and
    answers may go to any https address of it. So trust no host that serves files of other people, or that passes on
    what it gets.
    """
    _say(desk, host, "is trusted", trusted=True)


@hosts.command(short_help="Refuse a host, and all below it.")
@click.argument("host")
@confirmed
@click.pass_obj
def refuse(desk: Desk, host: str) -> None:
    """Refuse HOST and every host below it. Clients that are named by its documents end."""
    desk.confirm(f"Refuse {host} and every host below it? Its clients get no more tokens.")
    _say(desk, host, "is refused, with every host below it", refused=True)


@hosts.command()
@click.argument("host")
@click.pass_obj
def delete(desk: Desk, host: str) -> None:
    """Neither trust HOST any more nor refuse it."""
    _say(desk, host, "is neither trusted nor refused")


def _say(desk: Desk, host: str, what: str, **to: bool) -> None:
    if not _NAME.fullmatch(host):
        raise Refused(f"{host} is not the name of a host in small letters, such as claude.ai.")
    records = strangers(desk)
    before: Hosts = records.hosts()
    after = with_host(before, host, **to)
    if before == after:
        raise Refused(f"No change: {host} {what} already.")
    records.change_hosts(before, after)
    desk.done(f"{host} {what}. It is in force everywhere within 10 seconds.", host=host, **to)


@click.command(short_help="Make a token by which clients register themselves.")
@click.option("--uses", type=click.IntRange(1, _MOST_USES), default=1, show_default=True,
              help="Let so many clients register with it.")  # fmt: skip
@click.option("--lifetime", type=SPAN, default="7d", show_default=True, help="Let it be good for so long.")
@click.option("--owner", default="", help="Say which team it is for. The log shows it, and nothing else does.")
@click.pass_obj
def invite(desk: Desk, uses: int, lifetime: int, owner: str) -> None:
    """Make an initial access token (RFC 7591) for ClientRegistration=token. It is shown this once."""
    if not 0 < lifetime <= _LONGEST_INVITE:
        raise Refused("An initial access token is good for 90 days at most.")
    made, token = strangers(desk).invite(uses, owner, lifetime)
    facts = {"invite_id": made.invite_id, "uses": uses, "expires_at": moment(made.expires_at)}
    if not desk.is_json:
        desk.say(f"{counted(uses, 'client')} may register with this token. It cannot be shown again.")
    desk.show({**facts, "initial_access_token": token})


@click.command(short_help="List unknown clients, or end the grants of one.")
@click.option("--revoke", "client_id", help="End every grant of this client.")
@confirmed
@click.pass_obj
def unknown(desk: Desk, client_id: str | None) -> None:
    """List the clients that nobody registered, with their grants that are alive. Reads the whole table."""
    if client_id is not None:
        _revoke(desk, client_id)
        return
    records, now, find_account = strangers(desk), desk.clock(), DynamoUsers(desk.people.table).find_account
    alive = Counter(
        grant.client_id
        for grant in records.grants()
        if revocation.is_alive(
            revocation.state_of(grant, unknown_client(grant.client_id), find_account(grant.sub), now)
        )
    )
    rows: dict[str, dict[str, Any]] = {}
    for document in records.documents():
        rows[document.url] = _row(document.url, parse_kept(document.body).client_name, "document", alive)
    for registered in records.registered():
        name = parse_kept(registered.body).client_name
        rows[registered.client_id] = _row(registered.client_id, name, "registration", alive)
    for each in alive.keys() - rows.keys():
        rows[each] = _row(each, "", "gone", alive)
    desk.list([rows[each] for each in sorted(rows)], "client_id", "calls_itself", "by", "grants", spare="calls_itself")


def _row(client_id: str, name: str, by: str, alive: Counter[str]) -> dict[str, Any]:
    return {"client_id": client_id, "calls_itself": name, "by": by, "grants": alive[client_id]}


def _revoke(desk: Desk, client_id: str) -> None:
    if unknown_client(client_id) is None or desk.register.find_client(client_id) is not None:
        raise Refused(f"{client_id} is the address of no document, and no id that /register gives.")
    is_document = is_document_url(client_id, is_local=True)
    for_good = "" if is_document else " Its registration is deleted as well."
    desk.confirm(f"End every grant of {client_id}?{for_good}")
    records, now = strangers(desk), desk.clock()
    records.forget(client_id)
    ended = records.revoke(client_id, int(now * 1000), now)
    desk.people.forget_consents_to(frozenset({client_id}), None)
    how = f" It may ask again: {command('valet clients hosts refuse', host_of(client_id))} ends it for good."
    desk.done(
        f"Ended {counted(ended, 'grant')} of {client_id}.{how if is_document else for_good}",
        client_id=client_id,
        grants=ended,
    )


COMMANDS = (hosts, invite, unknown)
