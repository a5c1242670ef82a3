"""Browser sessions: opened by a sign-in, prolonged by use, ended by signing out (OpenID Connect Session Management)."""

from typing import NamedTuple

from valet.handles import digest, new_handle, new_id
from valet.http import Request
from valet.models.accounts import Account
from valet.models.sessions import Session
from valet.people.cookies import Cookies, session_secret
from valet.ports.runtime import Random
from valet.ports.sessions import Sessions
from valet.settings import Settings

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


def has_ended(session: Session, sessions: Sessions) -> bool:
    """Whether the session was ended by a sign-out or a new sign-in since it was read."""
    found = sessions.find_session(session.digest)
    return found is None or bool(found.ended_at)


def others_session(request: Request, account: Account, cookies: Cookies, sessions: Sessions) -> Session | None:
    """The browser's session if it is another end-user's, which a sign-in to this account is about to end."""
    secret = session_secret(request, cookies)
    session = sessions.find_session(digest(secret)) if secret else None
    return session if session is not None and session.sub != account.sub else None


class Opened(NamedTuple):
    """A session that was opened, and the browser's former session if it belonged to another end-user."""

    secret: str  # the value of its cookie
    other: Session | None
    has_ended_other: bool  # this sign-in did, and none before it


def open_session(
    request: Request,
    account: Account,
    acr: str,
    amr: tuple[str, ...],
    *,
    cookies: Cookies,
    sessions: Sessions,
    settings: Settings,
    random: Random,
    now: float,
) -> Opened:
    """Open a session. Its cookie's value is drawn now, so that no value from before the login is good after it.

    `account` is as it was read before the password was compared: its epoch is the session's. A revocation that came
    since has raised the account's, and the session is dead from its first moment.

    The browser's former session ends. If it was the same end-user's, the new one goes on under its public `sid`, so
    that a later logout reaches the grants of both. If it was another end-user's, the caller has to end the grants that
    depend on it.
    """
    former, attempt = session_secret(request, cookies), random(16)
    ended = sessions.end(digest(former), attempt, now) if former else None
    other = ended if ended is not None and ended.sub != account.sub else None
    # The new session gets another `sid` if an operator has revoked everything that the end-user held. A thief with a
    # copy of the former cookie can still sign out of the former session, and must not end grants of the new one.
    goes_on = ended is not None and other is None and ended.epoch == account.epoch
    secret = new_handle(random)
    session = Session(
        digest=digest(secret),
        sid=ended.sid if ended is not None and goes_on else new_id(random),
        sub=account.sub,
        auth_time_ms=int(now * 1000),
        acr=acr,
        amr=amr,
        idle_expires_at=int(now) + settings.session_idle_lifetime,
        absolute_expires_at=int(now) + settings.session_absolute_lifetime,
        epoch=account.epoch,
    )
    sessions.open(session)
    return Opened(secret, other, other is not None and other.ending == attempt)
