"""Ending what was granted: the grant first, then the status bits of its access tokens (RFC 7009 §2.1)."""

from typing import Protocol

from valet.audit import EventName
from valet.models import Grant, Session
from valet.ports import Audit, Grants, StatusLists
from valet.tokens.access_token import still_live


class Outside(Protocol):
    """The ports that a revocation uses."""

    @property
    def grants(self) -> Grants: ...
    @property
    def status_lists(self) -> StatusLists: ...
    @property
    def audit(self) -> Audit: ...


def finish_revocation(outside: Outside, grant: Grant, now: float) -> None:
    """Set the status bit of every access token of a revoked grant that may be alive.

    Whoever meets a revoked grant does it again: the one who revoked it may have been killed before he was done.
    """
    outside.status_lists.put_bits(still_live(grant.live, now))


def revoke(outside: Outside, grant: Grant, now: float, event: EventName) -> None:
    """The grant first, then the bits: a token issued in between would otherwise be missed."""
    before = outside.grants.revoke(grant.grant_id, now, event)
    if before is not None:
        if not before.revoked_at:
            outside.audit.record(event, client_id=grant.client_id, sub=grant.sub, grant_id=grant.grant_id)
        finish_revocation(outside, before, now)


def end_grants_of_session(outside: Outside, session: Session, now: float) -> None:
    """Revoke every grant that lives by the session; one that is just being issued meets a tombstone."""
    for pointer in outside.grants.pointers(session.sub, session.sid):
        if pointer.ends_with_session:
            before = outside.grants.bury(pointer.grant_id, session.sub, now, "logout")
            if before is not None:
                if not before.revoked_at:
                    facts = {"client_id": before.client_id, "sub": session.sub, "grant_id": pointer.grant_id}
                    outside.audit.record("grant.revoked", **facts, revoked_for="logout")
                finish_revocation(outside, before, now)
