"""From an authorization request to its code: the code, or the redirect to the step that has to come before it."""

from typing import Protocol

from valet.front_channel import code
from valet.front_channel.code import Allowed, issue_code
from valet.front_channel.interaction import Step, next_step
from valet.front_channel.saved_requests import Saved, save_request
from valet.http import Request, Response, redirect
from valet.models.saved_requests import AuthorizationRequest
from valet.models.sessions import Session
from valet.people.cookies import HasCookies, browser_or_new
from valet.people.sessions import current_session
from valet.ports.accounts import HasAccounts
from valet.ports.saved_requests import HasSavedRequests
from valet.protocol.authorization_request import Destination
from valet.standing import session_stands


class Ports(code.Ports, HasCookies, HasAccounts, HasSavedRequests, Protocol):
    """The ports that an authorization request goes on through."""


def go_on(
    ports: Ports,
    request: Request,
    asked: AuthorizationRequest,
    saved: Saved | None,
    destination: Destination,
    now: float,
) -> Response:
    """Issue the code, or redirect to the step that has to come before it.

    `saved` is the request as it waits for this browser, None if it does not wait yet. Raises OAuthErrors for the
    client, and AlreadyAnswered.
    """
    asked_at_ms = saved.created_at_ms if saved else int(now * 1000)
    session = _standing_session(ports, request, now)
    consent = ports.consents.find_consent(session.sub, asked.client_id) if session else None
    step = next_step(
        asked, destination.client, session, consent, asked_at_ms, now, is_local=ports.settings.is_plain_http
    )
    if step is Step.ISSUE and session is not None:
        return issue_code(ports, Allowed(asked, destination, session, saved, was_asked=False), now)
    if saved is not None:
        return _to_step(step, saved, request.issuer)
    return _save_and_go_to_step(ports, step, asked, request, asked_at_ms)


def begun_anew(ports: Ports, old: Saved, now: float) -> Saved:
    """The request again, for the same browser, with pages that are young: a login that it asks for has to be new."""
    return save_request(
        old.request,
        old.browser,
        ports.saved_requests,
        ports.settings,
        ports.random,
        created_at_ms=int(now * 1000),
        follows=old,
    )


def _standing_session(ports: Ports, request: Request, now: float) -> Session | None:
    """The browser's session, if an operator has not ended it."""
    session = current_session(request, ports.cookies, ports.sessions, ports.settings, now)
    if session is None or not session_stands(session, ports.accounts.find_account(session.sub)):
        return None
    return session


def _save_and_go_to_step(
    ports: Ports, step: Step, asked: AuthorizationRequest, request: Request, asked_at_ms: int
) -> Response:
    """Save the request for this browser, which gets a cookie if it has none."""
    browser, cookies = browser_or_new(request, ports.cookies, ports.random)
    saved = save_request(asked, browser, ports.saved_requests, ports.settings, ports.random, created_at_ms=asked_at_ms)
    return _to_step(step, saved, request.issuer).with_cookies(*cookies)


def _to_step(step: Step, saved: Saved, issuer: str) -> Response:
    return redirect(f"{issuer}/{step.value}?request={saved.handle}")
