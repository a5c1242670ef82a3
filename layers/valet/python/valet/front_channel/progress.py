"""From an authorization request to its code: the code, or the redirect to the step that has to come before it."""

from typing import Protocol

from valet.front_channel import code, opening
from valet.front_channel.code import Allowed, issue_code
from valet.front_channel.interaction import Step, next_step
from valet.front_channel.opening import Opened, open_by_proof
from valet.front_channel.saved_requests import RequestTooOld, Saved, find_to_resume, save_request
from valet.http import Request, Response, redirect
from valet.models.saved_requests import AuthorizationRequest
from valet.models.sessions import Session
from valet.people.cookies import browser_or_new
from valet.people.sessions import current_session
from valet.ports.saved_requests import HasSavedRequests
from valet.protocol.authorization_request import Destination
from valet.standing import session_stands


class Ports(code.Ports, opening.Ports, HasSavedRequests, Protocol):
    """The ports that an authorization request goes on through."""


def go_on(
    ports: Ports,
    request: Request,
    asked: AuthorizationRequest,
    saved: Saved | None,
    destination: Destination,
    now: float,
    opened: Opened | None = None,
) -> Response:
    """Issue the code, or redirect to the step that has to come before it.

    `saved` is the request as it waits for this browser, None if it does not wait yet. `opened` is the session that this
    very request has opened. Raises OAuthErrors for the client, and AlreadyAnswered.
    """
    answer = _next(ports, request, asked, saved, destination, now, opened)
    return answer.with_cookies(opened.cookie) if opened else answer


def find_to_go_on(
    ports: Ports, request: Request, handle: str, proven_by: str, now: float
) -> tuple[Saved, bool, Opened | None]:
    """The saved request by that handle; whether it is bound to this browser; and the session, if the proof of the kind
    `proven_by` opens one. A request whose pages are too old is begun anew. Raises RequestLost.
    """
    try:
        saved, is_bound = find_to_resume(handle, request, ports.cookies, ports.saved_requests, now)
    except RequestTooOld as error:
        # The proof is of the request that is too old: a sign-in at the last moment still counts.
        opened = open_by_proof(ports, request, error.saved, proven_by, now)
        return _begun_anew(ports, error.saved, now), True, opened
    return saved, is_bound, open_by_proof(ports, request, saved, proven_by, now) if is_bound else None


def _next(
    ports: Ports,
    request: Request,
    asked: AuthorizationRequest,
    saved: Saved | None,
    destination: Destination,
    now: float,
    opened: Opened | None,
) -> Response:
    asked_at_ms = saved.created_at_ms if saved else int(now * 1000)
    session = opened.session if opened else _standing_session(ports, request, now)
    consent = ports.consents.find_consent(session.sub, asked.client_id) if session else None
    step = next_step(
        asked, destination.client, session, consent, asked_at_ms, now, is_local=ports.settings.is_plain_http
    )
    if step is Step.ISSUE and destination.is_account_page:
        return redirect(destination.redirect_uri)
    if step is Step.ISSUE and session is not None:
        return issue_code(ports, Allowed(asked, destination, session, saved, was_asked=False), now)
    if saved is not None:
        return _to_step(step, saved, request.issuer)
    return _save_and_go_to_step(ports, step, asked, request, asked_at_ms)


def _begun_anew(ports: Ports, old: Saved, now: float) -> Saved:
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
