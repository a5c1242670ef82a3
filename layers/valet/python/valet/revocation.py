"""Ending what was granted: the grant first, then the status bits of its access tokens (RFC 7009 §2.1)."""

from typing import Protocol

from valet.audit import EventName
from valet.models.grants import Grant, LiveToken
from valet.models.sessions import Session
from valet.ports.grants import HasGrants, Revocation, Revoked
from valet.ports.runtime import HasAudit, HasRandom
from valet.ports.status_lists import HasStatusLists
from valet.settings import LEEWAY
from valet.tokens.access_token import still_live


class Ports(HasRandom, HasGrants, HasStatusLists, HasAudit, Protocol):
    """The ports that a revocation uses."""


def finish_revocation(ports: Ports, grant: Grant, now: float) -> None:
    """Set the status bit of every access token of a revoked grant that may be alive.

    Repeat this on every access to a revoked grant: the invocation that revoked it may have died half-way.
    """
    ports.status_lists.put_bits(maybe_live(grant, now))


def maybe_live(grant: Grant, now: float) -> tuple[LiveToken, ...]:
    """The grant's access tokens that a verifier may still accept, whose clock is somewhat behind this one."""
    return still_live(grant.live, now - LEEWAY)


def revocation_for(ports: Ports, now: float, revoked_for: str) -> Revocation:
    """The write to come, with a mark of its own."""
    return Revocation(ports.random(16), int(now), revoked_for)


def revoke(ports: Ports, grant: Grant, now: float, event: EventName, **fields: str) -> None:
    """Revoke the grant, then set the bits of its access tokens: in the other order, a token issued in between would be
    missed.

    The reason is kept with the grant: `revoked_for`, or else the name of the event.
    """
    revoked = ports.grants.revoke(grant.grant_id, revocation_for(ports, now, fields.get("revoked_for", event)))
    if revoked is not None:
        finish(ports, revoked, now, event, **fields)


def end_grants(ports: Ports, session: Session, now: float, revoked_for: str) -> int:
    """End every grant that lives by a session that has ended; how many this call ended.

    The pointers stay. The function finish needs them to tell the clients, and goes on where this call was stopped.
    """
    grants = 0
    for pointer in ports.grants.pointers(session.sub, session.sid):
        if pointer.ends_with_session:
            revoked = ports.grants.bury(pointer.grant_id, session.sub, revocation_for(ports, now, revoked_for))
            if revoked is not None:
                finish(ports, revoked, now, revoked_for=revoked_for)
                grants += revoked.is_ours
    return grants


def finish(ports: Ports, revoked: Revoked, now: float, event: EventName = "grant.revoked", **fields: str) -> None:
    """Do what follows the write: record it if this call's write revoked the grant, and set the bits in any case."""
    grant = revoked.grant
    if revoked.is_ours:
        ports.audit.record(event, client_id=grant.client_id, sub=grant.sub, grant_id=grant.grant_id, **fields)
    finish_revocation(ports, grant, now)
