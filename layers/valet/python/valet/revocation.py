"""Ending what was granted: the grant first, then the status bits of its access tokens (RFC 7009 §2.1)."""

from typing import NamedTuple, Protocol

from valet.audit import EventName
from valet.models.grants import Grant
from valet.models.sessions import Session
from valet.ports.grants import Grants, Revocation, Revoked
from valet.ports.runtime import Audit, Random
from valet.ports.sessions import Sessions
from valet.ports.status_lists import StatusLists
from valet.tokens.access_token import still_live


class Outside(Protocol):
    """The ports that a revocation uses."""

    @property
    def random(self) -> Random: ...
    @property
    def grants(self) -> Grants: ...
    @property
    def status_lists(self) -> StatusLists: ...
    @property
    def audit(self) -> Audit: ...


class OutsideOfSessions(Outside, Protocol):
    """And those that the end of a session uses."""

    @property
    def sessions(self) -> Sessions: ...


class SignedOut(NamedTuple):
    """What this call has ended, and nobody before it."""

    session: bool
    grants: int


def finish_revocation(outside: Outside, grant: Grant, now: float) -> None:
    """Set the status bit of every access token of a revoked grant that may be alive.

    Whoever meets a revoked grant does it again: the one who revoked it may have been killed before he was done.
    """
    outside.status_lists.put_bits(still_live(grant.live, now))


def revocation_for(outside: Outside, now: float, revoked_for: str) -> Revocation:
    """The write to come, with a mark of its own."""
    return Revocation(outside.random(16), int(now), revoked_for)


def revoke(outside: Outside, grant: Grant, now: float, event: EventName, **fields: str) -> None:
    """The grant first, then the bits: a token issued in between would otherwise be missed.

    Why it was revoked is kept: `revoked_for`, or else the event itself.
    """
    revoked = outside.grants.revoke(grant.grant_id, revocation_for(outside, now, fields.get("revoked_for", event)))
    if revoked is not None:
        finish(outside, revoked, now, event, **fields)


def end_session(outside: OutsideOfSessions, session: Session, now: float, revoked_for: str) -> SignedOut:
    """End the session, and every grant that lives by it; one that is just being issued meets a tombstone.

    The session first, so that no new grant begins to live by it. If the invocation dies in between, the browser comes
    back with the same session, which still says which grants to end.
    """
    attempt = outside.random(16)
    ended = outside.sessions.end(session.digest, attempt, now)
    is_ours = ended is not None and ended.ending == attempt
    if is_ours:
        outside.audit.record("session.ended", sub=session.sub)
    return SignedOut(is_ours, end_grants(outside, session, now, revoked_for))


def end_grants(outside: Outside, session: Session, now: float, revoked_for: str) -> int:
    """End every grant that lives by a session that has ended; how many this call ended.

    Each pointer goes when its grant is done with: a session may have more grants than one request has the time for, and
    the next request for the same session goes on where this one was stopped.
    """
    grants = 0
    for pointer in outside.grants.pointers(session.sub, session.sid):
        if pointer.ends_with_session:
            revoked = outside.grants.bury(pointer.grant_id, session.sub, revocation_for(outside, now, revoked_for))
            if revoked is not None:
                finish(outside, revoked, now, revoked_for=revoked_for)
                grants += revoked.is_ours
            outside.grants.forget(pointer)
    return grants


def finish(outside: Outside, revoked: Revoked, now: float, event: EventName = "grant.revoked", **fields: str) -> None:
    """What follows the write: one line by whoever did it, and the bits by everybody who meets it."""
    grant = revoked.grant
    if revoked.is_ours:
        outside.audit.record(event, client_id=grant.client_id, sub=grant.sub, grant_id=grant.grant_id, **fields)
    finish_revocation(outside, grant, now)
