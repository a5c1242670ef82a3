"""What an end-user allowed a client becomes a grant, and the grant a code (RFC 6749 §4.1.2)."""

from dataclasses import replace
from typing import Protocol

from valet.errors import TooManyRequests
from valet.front_channel.consent import remaining_scope
from valet.handles import Code, digest, is_digest_of, new_handle
from valet.models.clients import Client
from valet.models.grants import Grant, GrantPointer
from valet.models.saved_requests import AuthorizationRequest
from valet.models.sessions import Session
from valet.people.sessions import has_ended
from valet.ports.clients import Registry
from valet.ports.grants import Done, Grants
from valet.ports.runtime import Audit, Random
from valet.ports.sessions import Sessions
from valet.ports.throttles import Throttles
from valet.protocol.scope import OFFLINE_ACCESS, api_of
from valet.settings import Settings

_DAY = 86_400
_LATEST_REDEMPTION = 600  # seconds that a pointer outlives its code: a redemption may be under way, by another clock
# How many codes one person may be given in a window (docs/decisions/pace-of-a-grant.md).
_CODES, _WINDOW = 200, 900


class Outside(Protocol):
    """The ports that a consent uses."""

    @property
    def settings(self) -> Settings: ...
    @property
    def random(self) -> Random: ...
    @property
    def registry(self) -> Registry: ...
    @property
    def grants(self) -> Grants: ...
    @property
    def sessions(self) -> Sessions: ...
    @property
    def throttles(self) -> Throttles: ...
    @property
    def audit(self) -> Audit: ...


def issue_code(
    outside: Outside, request: AuthorizationRequest, client: Client, session: Session, grant_id: str, now: float
) -> Code | None:
    """The code for the request, whose grant is `grant_id`; None if that was answered before, or revoked meanwhile.

    Raises TooManyRequests, before anything is spent.
    """
    # What was shown may be less than what was asked for, where a registration changed in between; it is never more.
    known = outside.registry.scopes()
    request = replace(request, scope=remaining_scope(request.scope, client, known))
    api = api_of(request.scope, known)
    code = Code(grant_id, new_handle(outside.random))
    is_offline = OFFLINE_ACCESS in request.scope
    absolute_expires_at = int(now) + client.refresh_absolute_lifetime
    if not is_offline:
        absolute_expires_at = min(absolute_expires_at, session.absolute_expires_at)
    code_expires_at = int(now) + outside.settings.code_lifetime
    grant = Grant(
        grant_id=grant_id,
        client_id=client.client_id,
        sub=session.sub,
        sid=session.sid,
        scope=request.scope,
        aud=(api.audience,) if api else (),
        auth_time=session.auth_time,
        acr=session.acr,
        amr=session.amr,
        nonce=request.nonce,
        redirect_uri=request.redirect_uri,
        code_challenge=request.code_challenge,
        issued_at_ms=int(now * 1000),
        code_digest=digest(code.secret),
        code_expires_at=code_expires_at,
        absolute_expires_at=absolute_expires_at,
        expires_at=code_expires_at + _DAY,  # until it is redeemed
        epoch=session.epoch,
        client_epoch=client.epoch,
    )
    _count(outside, client, session, now)
    # The pointer first: without its grant it is harmless, and a grant that nobody can find to revoke is not. A logout
    # that ends the session before we look again is seen here; one that ends it later finds the pointer.
    outside.grants.point_to(pointer_to(grant, code_expires_at + _LATEST_REDEMPTION))
    if not is_offline and has_ended(session, outside.sessions):
        return None
    outcome = outside.grants.issue(grant)
    if not isinstance(outcome, Done):
        # Our own first try, whose answer was lost, is recognised by the code that only it can have drawn.
        found = outcome.found
        if found is None or found.revoked_at or not is_digest_of(found.code_digest, code.secret):
            return None
    return code


def pointer_to(grant: Grant, expires_at: int, redeemed_at: int = 0) -> GrantPointer:
    """Where the grant can be found until then, to be revoked."""
    return GrantPointer(
        sub=grant.sub,
        sid=grant.sid,
        grant_id=grant.grant_id,
        ends_with_session=OFFLINE_ACCESS not in grant.scope,
        expires_at=expires_at,
        redeemed_at=redeemed_at,
    )


def _count(outside: Outside, client: Client, session: Session, now: float) -> None:
    """Count the code to come. By the person, not by the session: signing in again must not begin a new count."""
    number = int(now) // _WINDOW
    ends_at = (number + 1) * _WINDOW
    if outside.throttles.count(f"codes#{session.sub}#{number}", ends_at) > _CODES:
        outside.audit.record("code.throttled", client_id=client.client_id, sub=session.sub)
        raise TooManyRequests("Too many codes were issued to this end-user.", retry_after=ends_at - int(now))
