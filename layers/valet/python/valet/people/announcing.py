"""What is about to end is announced before it is written (valet.sign_outs, valet.finishing).

The function finish completes what an invocation leaves that dies half-way, and lets the clients be told.
"""

from typing import Protocol

from valet.errors import TemporarilyUnavailable
from valet.models.sessions import Session
from valet.models.sign_outs import SignOut
from valet.ports.runtime import HasAudit
from valet.ports.sign_outs import HasSignOuts


class Ports(HasSignOuts, HasAudit, Protocol):
    """The ports that an announcement uses."""


def announce(ports: Ports, sign_out: SignOut, sid: str = "") -> None:
    """Say what is about to end, before the write that ends it.

    If the queue is out of reach, the end-user is signed out all the same. That is logged: no client will be told.
    """
    try:
        ports.sign_outs.send(sign_out)
    except TemporarilyUnavailable as error:
        ports.audit.record("logout.unannounced", sub=sign_out.sub, sid=sid, detail=error.detail)


def announce_end(ports: Ports, session: Session, issuer: str, revoked_for: str) -> None:
    """Say that the session is about to end. Not of one that has ended: that was said before, and each time that it is
    said, clients whose grants live on are told once more.
    """
    if not session.ended_at:
        announce(ports, SignOut(session.sub, issuer, revoked_for, session=session.digest.hex()), session.sid)
