"""Ending what was granted, for many at once and without an index (RFC 7009 §2.1; docs/cli.md says what each bound is).

A person's grants are found by their pointers and ended one by one. A client's end by one mark on its record, the time
before which its grants are dead; its access tokens by the blocks of status indices that were leased to it. A function
may know the client's record for ten seconds, and be at work for ten more, so the blocks are swept at once and again
when nobody can lease by the old record any more.
"""

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass

from valet.aws.dynamodb.grants import grant_from_item
from valet.aws.dynamodb.table import model_from_item
from valet.models import Account, Client, Grant, Session
from valet.revocation import end_session, finish, revocation_for
from valet.settings import LONGEST_ACCESS_TOKEN
from valet.tokens.access_token import still_live
from valet.tokens.status_index import list_ends_at

from admin.deployment import Deployment
from admin.register import Register

CLIENT_CACHE = 10  # seconds that a function may go by an old record
FUNCTION_TIMEOUT = 10  # seconds that a request under way may take
VERIFIERS_LEARN = 5  # seconds until every authorizer has the status list
BOUND = CLIENT_CACHE + FUNCTION_TIMEOUT + VERIFIERS_LEARN
_LEEWAY = 300  # seconds that a verifier's clock may be behind

Watch = Callable[[str], None]
Sleep = Callable[[float], None]


@dataclass(slots=True)
class Ended:
    """What a revocation did."""

    grants: int = 0  # ended by a write of their own
    sessions: int = 0  # of browsers, likewise
    clients: int = 0  # whose grants are dead from now on
    blocks: int = 0  # of status indices, revoked as ranges


def state_of(grant: Grant, client: Client | None, now: float) -> str:
    """What a grant is worth, in a word."""
    if grant.revoked_at:
        return "revoked"
    if client is None:
        return "client deleted"
    if grant.issued_at_ms < client.grants_not_before_ms:
        return "ended"
    if not grant.redeemed_at_ms:
        return "code" if grant.code_expires_at > now else "expired"
    if grant.family_digest and min(grant.idle_expires_at, grant.absolute_expires_at) > now:
        return "live"
    return "access token" if still_live(grant.live, now) else "expired"


def is_alive(state: str) -> bool:
    return state in ("code", "live", "access token")


def grants_of(account: Account, deployment: Deployment) -> Iterator[Grant]:
    """A person's grants, by their pointers. Strongly consistent."""
    for pointer in deployment.grants.pointers(account.sub):
        grant = deployment.grants.find(pointer.grant_id)
        if grant is not None and grant.client_id:
            yield grant


def all_grants(deployment: Deployment) -> Iterator[Grant]:
    """Every grant, by reading the table from end to end."""
    for item in deployment.grants_table.scan("grant#"):
        grant = grant_from_item(item)
        if grant is not None and grant.client_id:  # a tombstone has none
            yield grant


def revoke_grant(deployment: Deployment, grant_id: str, sub: str, now: float) -> bool:
    """The grant first, then the bits. True if this call ended it; one that is under way cannot be issued."""
    revoked = deployment.grants.bury(grant_id, sub, revocation_for(deployment, now, "operator"))
    if revoked is None:
        return False
    finish(deployment, revoked, now, revoked_for="operator")
    return revoked.is_ours


def end_person(deployment: Deployment, account: Account, before_ms: int, now: float) -> Ended:
    """Every grant of theirs that was issued before that time."""
    ended, is_of_now = Ended(), before_ms >= int(now * 1000)
    for pointer in deployment.grants.pointers(account.sub):
        grant = deployment.grants.find(pointer.grant_id)
        # One without its grant may be of a grant that is issued at this moment: up to now, that is meant as well.
        is_meant = grant.issued_at_ms < before_ms if grant is not None and grant.client_id else is_of_now
        if is_meant:
            ended.grants += revoke_grant(deployment, pointer.grant_id, account.sub, now)
    return ended


def sign_out(deployment: Deployment, account: Account, now: float) -> Ended:
    """Every browser session of theirs, found by reading the table, and what lives by it: as if they had signed out."""
    ended = Ended()
    for item in deployment.grants_table.scan("session#"):
        session = model_from_item(Session, item)
        # One that has ended, too: whoever ended it may have been killed before he had come to its grants.
        if session.sub == account.sub and session.absolute_expires_at + LONGEST_ACCESS_TOKEN > now:
            signed_out = end_session(deployment, session, now, "operator")
            ended.sessions += signed_out.session
            ended.grants += signed_out.grants
    return ended


def refuse_live_tokens(deployment: Deployment, account: Account, now: float) -> int:
    """The access tokens that say what is no longer true of a person; their grants live on. How many there were."""
    tokens = tuple(token for grant in grants_of(account, deployment) for token in still_live(grant.live, now))
    deployment.status_lists.put_bits(tokens)
    return len(tokens)


def end_clients(deployment: Deployment, clients: Iterable[Client], now: float, sleep: Sleep, watch: Watch) -> Ended:
    """Every grant and every access token of the clients up to now."""
    register, ended, at_ms = Register(deployment.registry, deployment.audit), Ended(), int(now * 1000)
    marked = []
    for client in clients:
        register.end_grants(client, at_ms)
        marked.append(client.client_id)
    ended.clients = len(marked)
    watch("First sweep of the access tokens …")
    _sweep(deployment, marked, at_ms, now)
    watch(f"{CLIENT_CACHE + FUNCTION_TIMEOUT} seconds until every function has heard of it, then the second sweep …")
    sleep(CLIENT_CACHE + FUNCTION_TIMEOUT)
    ended.blocks = _sweep(deployment, marked, at_ms, now)
    return ended


def end_old_grants(
    deployment: Deployment, clients: Iterable[Client], before_ms: int, now: float, watch: Watch
) -> Ended:
    """The grants of the clients that were issued before a time that is past: newer ones, and their tokens, live."""
    register, ended, of = Register(deployment.registry, deployment.audit), Ended(), set()
    for client in clients:
        of.add(client.client_id)
        register.end_grants(client, before_ms)
    ended.clients = len(of)
    watch("Reading every grant …")
    for grant in all_grants(deployment):
        if grant.client_id in of and grant.issued_at_ms < before_ms:
            ended.grants += revoke_grant(deployment, grant.grant_id, grant.sub, now)
    return ended


def _sweep(deployment: Deployment, client_ids: Iterable[str], at_ms: int, now: float) -> int:
    """Revoke every block that was leased by a record older than the mark, in every list that may still matter."""
    swept = 0
    for client_id in client_ids:
        blocks = tuple(
            lease
            for lease in deployment.status_lists.leases(client_id)
            if lease.not_before_ms < at_ms and list_ends_at(lease.list_id) + _LEEWAY > now
        )
        deployment.status_lists.put_ranges(blocks)
        swept += len(blocks)
    return swept
