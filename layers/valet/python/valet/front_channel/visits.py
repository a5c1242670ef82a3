"""Who is at the account page: the end-user of the browser's session, or the way to the sign-in page and back."""

from typing import Protocol

from valet.front_channel.assurance import level_for_visit, told_of
from valet.front_channel.saved_requests import save_request
from valet.front_channel.steps import back_to_authorize
from valet.frozen import Frozen
from valet.http import Request, Response, redirect
from valet.models.accounts import Account
from valet.models.sessions import Session
from valet.people.cookies import HasCookies, browser_or_new, session_secret
from valet.people.sessions import current_session
from valet.ports.accounts import HasAccounts
from valet.ports.clients import HasRegistry
from valet.ports.runtime import HasRandom, HasSettings
from valet.ports.saved_requests import HasSavedRequests
from valet.ports.sessions import HasSessions
from valet.protocol.account_visit import FRESH, PASSKEYS, SECTIONS, account_visit, address
from valet.standing import account_stands, has_reached, is_time_taken_as_told


class Ports(HasSettings, HasRandom, HasCookies, HasSessions, HasAccounts, HasSavedRequests, HasRegistry, Protocol):
    """The ports that a visit of the account page uses."""


class Visitor(Frozen):
    """An end-user at the account page, and the browser that they are signed in with."""

    session: Session
    account: Account
    secret: str  # the value of the session's cookie

    def __repr__(self) -> str:
        return f"Visitor({self.account.sub!r})"  # the cookie is a secret


def find_visitor(ports: Ports, request: Request, section: str, now: float) -> Visitor | None:
    """The end-user of the browser's session, if it stands, and if the sign-in is fresh where the section needs that."""
    session = current_session(request, ports.cookies, ports.sessions, ports.settings, now)
    secret = session_secret(request, ports.cookies)
    account = ports.accounts.find_account(session.sub) if session else None
    if session is None or account is None or secret is None:
        return None
    if not account_stands(account, session.epoch, session.auth_time_ms):
        return None
    if SECTIONS[section].needs_fresh_sign_in and not is_fresh(session, account, now):
        return None
    visitor = Visitor(session, account, secret)
    if session.is_recovered and SECTIONS[section].makes_means:
        # After a mail, which has no level, a recovery code opens the way to a new passkey alone.
        return visitor if not session.is_by_mail or section == PASSKEYS else None
    told = told_of(session, account)
    level = level_for_visit(section, account, ports.registry.policy(), ports.settings.features, told)
    return visitor if has_reached(session, level.required, level.own, level.totp_id) else None


def is_fresh(session: Session, account: Account, now: float) -> bool:
    """Whether the end-user has signed in so lately that they may do what is dangerous."""
    return now - session.auth_time <= FRESH and (not session.is_time_unknown or is_time_taken_as_told(account))


def to_sign_in(ports: Ports, request: Request, section: str, now: float) -> Response:
    """Save a visit of the section for this browser, and redirect to /authorize, which asks for the sign-in that the
    section needs, and then redirects to it.

    A form leads to the section's page first. One of another site carries no cookies of this server (SameSite=Lax), and
    the browser's own must not be replaced for that: the GET carries it.
    """
    if request.method == "POST":
        return redirect(address(request.issuer, section))
    browser, cookies = browser_or_new(request, ports.cookies, ports.random)
    now_ms = int(now * 1000)
    saved = save_request(
        account_visit(section), browser, ports.saved_requests, ports.settings, ports.random, created_at_ms=now_ms
    )
    return back_to_authorize(saved, request.issuer).with_cookies(*cookies)
