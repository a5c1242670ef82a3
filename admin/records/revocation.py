"""Revoking what many clients or end-users hold, without an index (RFC 7009 §2.1; docs/cli.md has the bounds).

One write raises the epoch of an account or a client, and every endpoint refuses what was issued under an older epoch.
Then the command sets the status bits of access tokens that live. It finds an end-user's by the pointers to the grants,
and a client's by the blocks of status indices that were leased to it. A request in progress may have read the record
just before. So the command looks at both again, after the longest time that a function may run or cache a client.
"""

from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import cache
from typing import TypeVar

from valet.aws.dynamodb.grants import grant_from_item
from valet.aws.dynamodb.table import model_from_item
from valet.models.accounts import Account
from valet.models.clients import Client
from valet.models.grants import Grant, GrantPointer
from valet.models.sessions import Session
from valet.models.sign_outs import SignOut
from valet.people.announcing import announce
from valet.revocation import finish, maybe_live, revocation_for
from valet.settings import LEEWAY, LONGEST_ACCESS_TOKEN
from valet.sign_outs import end_session
from valet.standing import grant_stands
from valet.tokens.access_token import still_live
from valet.tokens.status_index import list_ends_at

from admin.records.deployment import Deployment
from admin.records.register import Register

CLIENT_CACHE = 10  # seconds that a function may use an old record
FUNCTION_TIMEOUT = 10  # seconds that a request in progress may take
VERIFIERS_LEARN = 5  # seconds until every authorizer has the status list
BOUND = CLIENT_CACHE + FUNCTION_TIMEOUT + VERIFIERS_LEARN
_BATCH = 100  # items that one BatchGetItem reads
_AT_ONCE = 8  # requests in progress

Argument = TypeVar("Argument")
Answer = TypeVar("Answer")
Watch = Callable[[str], None]
Sleep = Callable[[float], None]


@dataclass(slots=True)
class Ended:
    """What a revocation did."""

    grants: int = 0  # that lived, as `grants list` counts them; ended by one write each
    over: int = 0  # that were over already, by this clock or with their client; marked as revoked all the same
    sessions: int = 0  # browser sessions, ended by one write each
    clients: int = 0  # whose grants are dead from now on
    blocks: int = 0  # of status indices, revoked as ranges
    consents: int = 0  # forgotten: the client has to ask again

    def count(self, *, is_live: bool) -> None:
        """Count a grant that was ended."""
        self.grants += is_live
        self.over += not is_live


def state_of(grant: Grant, client: Client | None, account: Account | None, now: float) -> str:
    """The state of a grant in a word or two."""
    if grant.revoked_at:
        return "revoked"
    if client is None:
        return "client deleted"
    if not grant_stands(grant, client, account):
        return "ended"
    if not grant.redeemed_at_ms:
        return "code" if grant.code_expires_at > now else "expired"
    if grant.family_digest and min(grant.idle_expires_at, grant.absolute_expires_at) > now:
        return "live"
    return "access token" if still_live(grant.live, now) else "expired"


def is_alive(state: str) -> bool:
    return state in ("code", "live", "access token")


def grants_of(sub: str, deployment: Deployment) -> list[Grant]:
    """An end-user's grants, by their pointers, the ones redeemed last first. Strongly consistent.

    A pointer may lead to another end-user's grant, who was the first of two to answer the same request.
    """
    return [grant for grant in _read(deployment.grants.pointers(sub), deployment) if grant.sub == sub]


def all_grants(deployment: Deployment) -> Iterator[Grant]:
    """Every grant, by reading the table from end to end."""
    for item in deployment.grants_table.scan("grant#"):
        grant = grant_from_item(item)
        if grant is not None and grant.client_id:  # a tombstone has no client_id
            yield grant


def revoke_grant(deployment: Deployment, grant_id: str, sub: str, now: float) -> bool:
    """Revoke the grant, then set the status bits of its tokens. True if this call ended it.

    If the grant does not exist yet, a tombstone keeps a consent in progress from creating it.
    """
    revoked = deployment.grants.bury(grant_id, sub, revocation_for(deployment, now, "operator"))
    if revoked is None:
        return False
    finish(deployment, revoked, now, revoked_for="operator")
    return revoked.is_ours


def announce_end(deployment: Deployment, *accounts: Account) -> None:
    """Say that everything the accounts have opened is about to end, before the writes that raise their epochs.

    The function finish then tells the clients, and ends what this command leaves if it is stopped.
    """
    for account in accounts:
        announce(deployment, SignOut(account.sub, deployment.issuer, "operator", epoch=account.epoch))


def end_person(deployment: Deployment, account: Account, now: float, before_ms: int | None = None) -> Ended:
    """Revoke an end-user's grants that the account ended, or those issued before that time.

    `account` is the account after the operator's write. A grant of its epoch, or of a later one, comes from a sign-in
    after the write, and goes on.
    Grants whose access tokens live come first, the one redeemed last at the front. So tokens that an attacker has just
    got are refused before the codes that were never redeemed are read: there may be thousands.
    """
    sub = account.sub
    ended, done = Ended(), set[str]()
    find_client = cache(Register.of(deployment).find_client)
    for read in (deployment.grants.redeemed_pointers, deployment.grants.pointers):
        grants = _read([pointer for pointer in read(sub) if pointer.grant_id not in done], deployment)
        done |= {grant.grant_id for grant in grants}
        meant = [grant for grant in grants if _is_meant(grant, account, before_ms)]
        alive = [grant for grant in meant if maybe_live(grant, now)]
        idle = [grant for grant in meant if not maybe_live(grant, now) and _may_be_exchanged(grant, now)]
        for found in (alive, idle):
            is_ended = _at_once(lambda grant: revoke_grant(deployment, grant.grant_id, sub, now), found)
            for grant in (grant for grant, is_ours in zip(found, is_ended, strict=True) if is_ours):
                ended.count(is_live=_lived(grant, find_client(grant.client_id), now))
    return ended


def _lived(grant: Grant, client: Client | None, now: float) -> bool:
    """Whether the grant lived before the operator's write, which the account shows by now."""
    return is_alive(state_of(grant, client, Account(grant.sub, "", epoch=grant.epoch), now))


def _is_meant(grant: Grant, account: Account, before_ms: int | None) -> bool:
    if before_ms is not None:
        return grant.issued_at_ms < before_ms
    return account.is_disabled or grant.epoch < account.epoch


def _read(pointers: Sequence[GrantPointer], deployment: Deployment) -> list[Grant]:
    """The grants behind the pointers, the ones redeemed last first; a pointer without a grant is skipped."""
    batches = [pointers[start : start + _BATCH] for start in range(0, len(pointers), _BATCH)]
    table = deployment.grants_table
    read = _at_once(lambda batch: table.get_many([(f"grant#{each.grant_id}", "grant") for each in batch]), batches)
    found = (grant_from_item(item) for items in read for item in items)
    grants = [grant for grant in found if grant is not None and grant.client_id]
    return sorted(grants, key=lambda grant: grant.redeemed_at_ms, reverse=True)


def _may_be_exchanged(grant: Grant, now: float) -> bool:
    """Whether a code or a refresh token of the grant may still be exchanged, allowing for clock skew."""
    ends_at = min(grant.idle_expires_at, grant.absolute_expires_at) if grant.redeemed_at_ms else grant.code_expires_at
    return not grant.revoked_at and ends_at + LEEWAY > now


def _at_once(do: Callable[[Argument], Answer], each: Sequence[Argument]) -> list[Answer]:
    """Call `do` with each argument, some in parallel, because most of the time is waiting. Raises the first error."""
    with ThreadPoolExecutor(_AT_ONCE) as pool:
        return list(pool.map(do, each))


def sign_out(deployment: Deployment, account: Account, now: float) -> Ended:
    """End every browser session of an end-user and the grants that depend on it, as if they had signed out themselves.

    Reads the whole table.
    """
    ended = Ended()
    for item in deployment.grants_table.scan("session#"):
        session = model_from_item(Session, item)
        # Repeat this for a session that has ended: the invocation that ended it may have died half-way.
        if session.sub == account.sub and session.absolute_expires_at + LONGEST_ACCESS_TOKEN > now:
            signed_out = end_session(deployment, session, deployment.issuer, now, "operator")
            ended.sessions += signed_out.session
            ended.grants += signed_out.grants
    return ended


def refuse_live_tokens(deployment: Deployment, account: Account, now: float) -> int:
    """The access tokens that say what is no longer true of a person; their grants live on. How many there were."""
    tokens = tuple(token for grant in grants_of(account.sub, deployment) for token in maybe_live(grant, now))
    deployment.status_lists.put_bits(tokens)
    return len(tokens)


def end_clients(deployment: Deployment, clients: Iterable[Client], now: float, sleep: Sleep, watch: Watch) -> Ended:
    """End every grant and every access token that the clients have until now."""
    register = Register.of(deployment)
    revoked = [register.revoke(client, now) for client in clients]
    watch("Revoking the access tokens, first time …")
    _sweep(deployment, revoked, now)
    watch(
        f"Waiting {CLIENT_CACHE + FUNCTION_TIMEOUT} seconds until every function knows it, then revoking them again …"
    )
    sleep(CLIENT_CACHE + FUNCTION_TIMEOUT)
    return Ended(clients=len(revoked), blocks=_sweep(deployment, revoked, now))


def end_old_grants(
    deployment: Deployment, clients: Iterable[Client], before_ms: int, now: float, watch: Watch
) -> Ended:
    """End the clients' grants that were issued before a past time. Newer grants and their tokens go on."""
    register = Register.of(deployment)
    ended, before = Ended(), dict[str, Client]()
    for client in clients:
        before[client.client_id] = client
        register.end_grants(client, before_ms)
    ended.clients = len(before)
    watch("Reading every grant …")
    for grant in all_grants(deployment):
        is_meant = grant.client_id in before and grant.issued_at_ms < before_ms
        if is_meant and revoke_grant(deployment, grant.grant_id, grant.sub, now):
            ended.count(is_live=_lived(grant, before[grant.client_id], now))
    return ended


def _sweep(deployment: Deployment, clients: Iterable[Client], now: float) -> int:
    """Revoke every block that was leased under an older epoch, in every status list that a verifier may still use."""
    swept = 0
    for client in clients:
        blocks = tuple(
            lease
            for lease in deployment.status_lists.leases(client.client_id)
            if lease.client_epoch < client.epoch and list_ends_at(lease.list_id) + LEEWAY > now
        )
        deployment.status_lists.put_ranges(blocks)
        swept += len(blocks)
    return swept
