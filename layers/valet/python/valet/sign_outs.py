"""Signing out: announced first, then done (OpenID Connect RP-Initiated Logout §2).

Before a session ends, or an account's epoch is raised, a message says so. The function finish completes what an
invocation leaves that dies half-way, and lets the clients be told (valet.finishing).
"""

from typing import NamedTuple, Protocol

from valet import revocation
from valet.models.sessions import Session
from valet.people import announcing
from valet.people.announcing import announce_end
from valet.people.sessions import end_recorded
from valet.ports.sessions import HasSessions
from valet.revocation import end_grants


class Ports(revocation.Ports, announcing.Ports, HasSessions, Protocol):
    """The ports that the end of a session uses."""


class SignedOut(NamedTuple):
    """The number of grants or sessions that this call has ended itself."""

    session: bool
    grants: int


def end_session(ports: Ports, session: Session, issuer: str, now: float, revoked_for: str) -> SignedOut:
    """Announce the end of the session, end it, and every grant that lives by it. A grant that is being issued meanwhile
    meets a tombstone.

    The session ends before its grants, so that no new grant begins to live by it.
    """
    announce_end(ports, session, issuer, revoked_for)
    is_ours = end_recorded(ports, session, now)
    return SignedOut(is_ours, end_grants(ports, session, now, revoked_for))
