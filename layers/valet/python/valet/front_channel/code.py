"""The authorization code: what the end-user allowed the client becomes a grant, and the grant a code (RFC 6749 §4.1.2).

/authorize and /consent issue every code through `issue_code`, so that neither can leave out a check or an audit line.
"""

from collections.abc import Mapping
from contextlib import suppress
from typing import Protocol

from valet.errors import TemporarilyUnavailable, TooManyRequests
from valet.front_channel.consent import remaining, remember
from valet.front_channel.saved_requests import AlreadyAnswered, Answered, Saved
from valet.frozen import Frozen
from valet.handles import Code, code_of, digest, is_digest_of, new_handle, new_id
from valet.http import Response
from valet.models.clients import Client
from valet.models.grants import Grant
from valet.models.saved_requests import AuthorizationRequest
from valet.models.sessions import Session
from valet.people.sessions import has_ended
from valet.ports.accounts import HasConsents
from valet.ports.clients import HasRegistry
from valet.ports.grants import Done, HasGrants, Refused
from valet.ports.runtime import HasAudit, HasRandom, HasSettings
from valet.ports.sessions import HasSessions
from valet.ports.throttles import HasThrottles
from valet.protocol.authorization_request import Destination
from valet.protocol.claims import consent_scope
from valet.protocol.scope import OFFLINE_ACCESS, api_of
from valet.standing import pointer_to

_DAY = 86_400
_LATEST_REDEMPTION = 600  # seconds that a pointer outlives its code: a redemption may be under way, by another clock
# How many codes one client may be given for one person in a window (docs/decisions/pace-of-a-grant.md).
_CODES, _WINDOW = 200, 900
# How long a request that is sent again gets the code that it got before: a double click, the back button.
_REPEATED_MS = 10_000


class GrantPorts(HasRegistry, HasGrants, HasSessions, Protocol):
    """The ports that a grant is issued through."""


class Ports(HasSettings, HasRandom, HasRegistry, HasConsents, HasGrants, HasAudit, HasSessions, HasThrottles, Protocol):
    """The ports that a code is issued through."""


class Allowed(Frozen):
    """An authorization request that is allowed: no step stands between it and its code."""

    request: AuthorizationRequest
    destination: Destination
    session: Session
    saved: Saved | None  # the request as it waited for this browser; None: it did not wait
    was_asked: bool  # the end-user allowed it on the consent page just now


def issue_code(ports: Ports, allowed: Allowed, now: float) -> Response:
    """Issue the code, and redirect to the client with it. The same browser's second request, a moment later, gets the
    same code (docs/decisions/repeated-answers.md).

    Raises TooManyRequests and InvalidScope, and no grant is issued; raises AlreadyAnswered if the request got its code
    before and cannot get it again, or if the grant or the session ended meanwhile.
    """
    client, session, saved = allowed.destination.client, allowed.session, allowed.saved
    # Random for each invocation: the code that it makes marks the write as this invocation's own.
    retry_key = ports.random(32) if saved else b""
    code = _code(saved, retry_key) if saved else Code(new_id(ports.random), new_handle(ports.random))
    grant = new_grant(
        ports,
        allowed.request,
        client,
        session,
        now,
        grant_id=code.grant_id,
        code_digest=digest(code.secret),
        code_expires_at=int(now) + ports.settings.code_lifetime,
        retry_key=retry_key,
    )
    _count(ports, allowed, now)
    outcome = issue_grant(ports, grant, session)
    answer = code if isinstance(outcome, Done) else code_to_answer(outcome.found, code, allowed, now)
    facts = {"client_id": client.client_id, "sub": session.sub, "grant_id": code.grant_id}
    if isinstance(outcome, Done) or _is_of(code, outcome.found):
        _record(ports, allowed, facts, now)
    elif isinstance(answer, Code):
        ports.audit.record("code.repeated", **facts)
    if isinstance(answer, Answered):
        raise AlreadyAnswered(client.client_id, answer)
    return allowed.destination.answer({"code": str(answer)})


def issue_grant(ports: GrantPorts, grant: Grant, session: Session) -> Done | Refused:
    """Issue the grant, which can be found from then on. Raises AlreadyAnswered if the session ended meanwhile."""
    # Write the pointer first: without its grant it is harmless, but a grant without a pointer cannot be found and
    # revoked. A logout that ends the session before the session is read again is seen here; a later logout finds the
    # pointer.
    ports.grants.point_to(pointer_to(grant, grant.code_expires_at + _LATEST_REDEMPTION))
    if OFFLINE_ACCESS not in grant.scope and has_ended(session, ports.sessions):
        raise AlreadyAnswered(grant.client_id, Answered.ENDED)
    return ports.grants.issue(grant)


def code_to_answer(found: Grant | None, code: Code, allowed: Allowed, now: float) -> Code | Answered:
    """The code to answer where `found` stands in the place of the grant of `code`; or why there is none.

    It is `code` if that is the grant's: our own first try, whose answer was lost, is recognised by the code that only
    this invocation can have made. Else the request was answered before, and the same browser and session get the same
    code again. What decides is that the code is not redeemed and the grant not revoked: a code that the client presents
    after it was redeemed counts as stolen. The time only bounds for how long a page that was left open answers by
    itself.
    """
    if found is None:
        return Answered.LATE
    if found.revoked_at:
        return Answered.ENDED
    if found.redeemed_at_ms:
        return Answered.REDEEMED if found.sub == allowed.session.sub else Answered.LATE
    if _is_of(code, found):
        return code
    is_of_session = (found.sub, found.sid) == (allowed.session.sub, allowed.session.sid)
    if allowed.saved is None or not is_of_session or now * 1000 - found.issued_at_ms > _REPEATED_MS:
        return Answered.LATE
    again = _code(allowed.saved, found.retry_key)
    return again if _is_of(again, found) else Answered.LATE


def _record(ports: Ports, allowed: Allowed, facts: Mapping[str, str], now: float) -> None:
    """The code is issued: remember the consent that it was issued by, and record both."""
    client, sub = allowed.destination.client, allowed.session.sub
    if allowed.was_asked:
        with suppress(TemporarilyUnavailable):  # the code is issued: an end-user who is not remembered is asked again
            is_local = ports.settings.is_plain_http
            remember(allowed.request, client, sub, ports.consents, now, is_local=is_local)
        ports.audit.record("consent.granted", **facts, scope=" ".join(sorted(consent_scope(allowed.request))))
    ports.audit.record("code.issued", **facts)


def _is_of(code: Code, grant: Grant | None) -> bool:
    return grant is not None and is_digest_of(grant.code_digest, code.secret)


def _code(saved: Saved, retry_key: bytes) -> Code:
    return code_of(saved.handle, saved.browser, saved.grant_id, retry_key)


def new_grant(
    ports: GrantPorts,
    asked: AuthorizationRequest,
    client: Client,
    session: Session,
    now: float,
    *,
    grant_id: str,
    code_digest: bytes,
    code_expires_at: int,
    retry_key: bytes,
) -> Grant:
    """The grant that a code stands for, built from the request and never from a form. Raises InvalidScope."""
    # The registration may have changed since the page was shown: the grant may have less than its scope, never more.
    known = ports.registry.scopes()
    request = remaining(asked, client, known)
    scope = request.scope
    apis = request.resource
    if not apis:
        api = api_of(scope, known)
        apis = (api.audience,) if api else ()
    absolute_expires_at = int(now) + client.refresh_absolute_lifetime
    if OFFLINE_ACCESS not in scope:
        absolute_expires_at = min(absolute_expires_at, session.absolute_expires_at)
    return Grant(
        grant_id=grant_id,
        client_id=client.client_id,
        sub=session.sub,
        sid=session.sid,
        scope=scope,
        aud=apis if len(apis) == 1 else (),
        auth_time=session.auth_time,
        acr=session.acr,
        amr=session.amr,
        nonce=request.nonce,
        redirect_uri=request.redirect_uri,
        code_challenge=request.code_challenge,
        issued_at_ms=int(now * 1000),
        code_digest=code_digest,
        retry_key=retry_key,
        code_expires_at=code_expires_at,
        absolute_expires_at=absolute_expires_at,
        expires_at=code_expires_at + _DAY,  # until it is redeemed
        epoch=session.epoch,
        client_epoch=client.epoch,
        userinfo_claims=request.userinfo_claims,
        id_token_claims=request.id_token_claims,
        resources=apis if len(apis) > 1 else (),
        dpop_jkt=request.dpop_jkt,
        link=session.link,
        roles=session.roles,
        is_device=asked.is_device,
    )


def _count(ports: Ports, allowed: Allowed, now: float) -> None:
    """Count the code to come. The count belongs to the person and not to the session: a new sign-in must not begin a
    new count. Each client has its own: a client in a loop must not keep the person out of the others.
    """
    sub, client_id = allowed.session.sub, allowed.request.client_id
    number = int(now) // _WINDOW
    ends_at = (number + 1) * _WINDOW
    if ports.throttles.count(f"codes#{sub}#{client_id}#{number}", ends_at) > _CODES:
        ports.audit.record("code.throttled", client_id=client_id, sub=sub)
        raise TooManyRequests(
            "Too many codes were issued to this client for this end-user.", retry_after=ends_at - int(now)
        )
