"""From an authorization request to its code: the code, or the redirect to the step that has to come before it."""

from typing import Protocol

from valet.errors import LoginRequired
from valet.front_channel import code, opening
from valet.front_channel.assurance import level_for, told_of
from valet.front_channel.code import Allowed, issue_code
from valet.front_channel.interaction import Level, Step, next_step, step_to_show
from valet.front_channel.opening import Opened, open_by_proof
from valet.front_channel.saved_requests import RequestTooOld, Saved, find_to_resume, save_request
from valet.frozen import replace
from valet.http import Request, Response, redirect
from valet.models.accounts import Account
from valet.models.saved_requests import AuthorizationRequest
from valet.models.sessions import Session
from valet.people.cookies import browser_or_new
from valet.people.sessions import current_session
from valet.ports.clients import HasRegistry
from valet.ports.providers import HasProviders
from valet.ports.saved_requests import HasSavedRequests
from valet.protocol.account_visit import PASSKEYS, PROVIDERS, RECOVERY
from valet.protocol.authorization_request import Destination
from valet.protocol.supported import PASSKEY_ACR
from valet.standing import account_stands, is_time_taken_as_told


class Ports(code.Ports, opening.Ports, HasSavedRequests, HasRegistry, HasProviders, Protocol):
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
    session, account = (opened.session, opened.account) if opened else _standing_session(ports, request, now)
    is_told = opened is not None and bool(opened.session.link)
    level = _level(ports, asked, destination, session, account, is_told=is_told)
    consent = ports.consents.find_consent(session.sub, asked.client_id) if session else None
    session = _as_taken(asked, session, account)
    try:
        step = next_step(
            asked,
            destination.client,
            session,
            consent,
            asked_at_ms,
            now,
            is_local=ports.settings.is_plain_http,
            level=level,
            is_new=is_told,
        )
    except LoginRequired:
        if not is_told or saved is None or session is None or not destination.is_account_page:
            raise
        from valet.front_channel.upstream import to_other_means

        return to_other_means(saved, session, request.issuer)
    if saved is not None and opened is not None and opened.session.is_recovered:
        return _to_section(saved, request.issuer, _after_recovery(opened.session))
    if step is Step.ENROL and account is not None:
        ports.audit.record("enrolment.required", client_id=asked.client_id, sub=account.sub, acr=level.required)
    if step in (Step.ISSUE, Step.CONSENT) and (link := _to_link(ports, request, saved, opened, now)) is not None:
        return link
    # The device page asks itself, so that a visit of it that knows its client needs no consent here.
    if step in (Step.ISSUE, Step.CONSENT) and destination.is_account_page:
        return redirect(destination.redirect_uri)
    if step in (Step.ISSUE, Step.CONSENT) and saved is not None and _is_passkey_offered(ports, request, opened):
        return _to_section(saved, request.issuer, PASSKEYS)
    if step is Step.ISSUE and session is not None:
        return issue_code(ports, Allowed(asked, destination, session, saved, was_asked=False), now)
    step, hint = step_to_show(step, asked, session, asked_at_ms, level)
    if saved is not None:
        return _to_step(step, saved, request.issuer, hint)
    return _save_and_go_to_step(ports, step, asked, request, asked_at_ms, hint)


def _to_link(ports: Ports, request: Request, saved: Saved | None, opened: Opened | None, now: float) -> Response | None:
    """The page on which an identity at another provider is linked, if this sign-in is for that."""
    if saved is None or opened is None or PROVIDERS not in ports.settings.features:
        return None
    from valet.front_channel.upstream import to_link

    return to_link(ports, saved, opened, request.issuer, now)


def _as_taken(asked: AuthorizationRequest, session: Session | None, account: Account | None) -> Session | None:
    """The session as the account page takes it."""
    if session is None or account is None or not asked.section or not is_time_taken_as_told(account):
        return session
    return replace(session, is_time_unknown=False)


def _level(
    ports: Ports,
    asked: AuthorizationRequest,
    destination: Destination,
    session: Session | None,
    account: Account | None,
    *,
    is_told: bool,
) -> Level:
    """The level that the request needs. `is_told`: a provider's word has just opened the session, so that another trip
    would reach nothing else.
    """
    features, told = ports.settings.features, told_of(session, account)
    level = level_for(asked, destination.client, account, ports.registry, features, told)
    if level.enough or is_told or PROVIDERS not in features or (account is not None and not account.links):
        return level
    from valet.front_channel.upstream import levels_elsewhere

    told = replace(told, levels=levels_elsewhere(ports, account))
    return level_for(asked, destination.client, account, ports.registry, features, told)


def _is_passkey_offered(ports: Ports, request: Request, opened: Opened | None) -> bool:
    """Whether the end-user, who has just signed in without a passkey, is offered to make one. A cookie remembers for
    some weeks that they did not want to. Or whether they are shown those that they have.
    """
    if opened is None or opened.has_joined or not ports.settings.rp_id:
        return False
    if opened.account.passkeys:
        # A mail has given back the password: at the next sign-in by a passkey, is each of them the end-user's own?
        return bool(opened.account.recovered_at) and opened.session.acr == PASSKEY_ACR
    return ports.cookies.declined_passkey not in request.cookies


def _after_recovery(session: Session) -> str:
    """The section of the account page that a recovery code leads to: new codes, and from there new means. After a mail
    it is a new passkey alone.
    """
    return PASSKEYS if session.is_by_mail else RECOVERY


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


def _standing_session(ports: Ports, request: Request, now: float) -> tuple[Session | None, Account | None]:
    """The browser's session and its account, if an operator has not ended it. Its level is judged with the request's:
    a session below its account's own level is no session for any other endpoint.
    """
    session = current_session(request, ports.cookies, ports.sessions, ports.settings, now)
    account = ports.accounts.find_account(session.sub) if session else None
    if session is None or not account_stands(account, session.epoch, session.auth_time_ms):
        return None, None
    return session, account


def _save_and_go_to_step(
    ports: Ports, step: Step, asked: AuthorizationRequest, request: Request, asked_at_ms: int, hint: str
) -> Response:
    """Save the request for this browser, which gets a cookie if it has none."""
    browser, cookies = browser_or_new(request, ports.cookies, ports.random)
    saved = save_request(asked, browser, ports.saved_requests, ports.settings, ports.random, created_at_ms=asked_at_ms)
    return _to_step(step, saved, request.issuer, hint).with_cookies(*cookies)


def _to_section(saved: Saved, issuer: str, section: str, more: str = "") -> Response:
    return redirect(f"{issuer}/account/{section}?request={saved.handle}{more}")


def _to_step(step: Step, saved: Saved, issuer: str, hint: str) -> Response:
    """`hint` is the section where means are made, or the level that a sign-in has to reach. It only says which way the
    page offers: what is enough is decided here, afterwards.
    """
    if step is Step.ENROL:
        return _to_section(saved, issuer, hint, "&required=yes")
    return redirect(f"{issuer}/{step.value}?request={saved.handle}{f'&acr={hint}' if hint else ''}")
