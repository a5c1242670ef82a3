"""Browser sessions: opened by a sign-in, prolonged by use, ended by signing out (OpenID Connect Session Management)."""

from typing import Protocol

from valet.handles import digest
from valet.http import Request
from valet.models.sessions import Session
from valet.people.cookies import Cookies, session_secret
from valet.ports.runtime import HasAudit, HasRandom
from valet.ports.sessions import HasSessions, Sessions
from valet.settings import Settings

_MOST_REPLACED = 5  # further ones end by themselves
_PROLONGED = 12  # the most times that a session is written within its idle lifetime


def current_session(
    request: Request, cookies: Cookies, sessions: Sessions, settings: Settings, now: float
) -> Session | None:
    """The session that the request's cookie names, prolonged by this use; None if there is none or it is over."""
    secret = session_secret(request, cookies)
    session = sessions.find_session(digest(secret)) if secret else None
    if session is None or is_over(session, now):
        return None
    idle_expires_at = min(int(now) + settings.session_idle_lifetime, session.absolute_expires_at)
    if idle_expires_at - session.idle_expires_at >= settings.session_idle_lifetime // _PROLONGED:
        sessions.prolong(session.digest, idle_expires_at)
    return session


def is_over(session: Session, now: float) -> bool:
    return bool(session.ended_at) or min(session.idle_expires_at, session.absolute_expires_at) <= now


class EndPorts(HasRandom, HasSessions, HasAudit, Protocol):
    """The ports that the end of a session uses."""


def end_recorded(ports: EndPorts, session: Session, now: float) -> bool:
    """End the session, and record it; whether this call did. False: it had ended before."""
    attempt = ports.random(16)
    ended = ports.sessions.end(session.digest, attempt, now)
    is_ours = ended is not None and ended.ending == attempt
    if is_ours:
        ports.audit.record("session.ended", sub=session.sub)
    return is_ours


def replaced_by(session: Session, sessions: Sessions) -> tuple[Session, ...]:
    """The sessions of this browser that wait for this one to stand at its account's level, the latest first."""
    found: list[Session] = []
    latest: Session | None = session
    while latest is not None and latest.instead_of and len(found) < _MOST_REPLACED:
        latest = sessions.find_session(latest.instead_of)
        if latest is not None:
            found.append(latest)
    return tuple(found)


def has_ended(session: Session, sessions: Sessions) -> bool:
    """Whether the session was ended by a sign-out or a new sign-in since it was read."""
    found = sessions.find_session(session.digest)
    return found is None or bool(found.ended_at)
