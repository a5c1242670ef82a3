"""The refresh token grant (RFC 6749 §6), rotating at every use (RFC 9700 §4.14.2) unless the client is registered to
keep its refresh tokens (FAPI 2.0 Security Profile §5.3.2.1).

`decide` is a pure function of the grant as it is stored, the request and the time. It is asked on the item read, and
again on the item that made a condition fail, so that both are judged by the same rules.
"""

from collections.abc import Sequence
from enum import Enum

from valet.audit import EventName
from valet.errors import InvalidGrant, InvalidScope, OAuthError, TooManyRequests
from valet.frozen import Frozen, replace
from valet.grant_types import pace
from valet.grant_types.issue import ends_at, for_one_api, nothing_left, picks_no_api, sign_tokens
from valet.grant_types.request import Ports, TokenRequest
from valet.handles import RefreshToken, digest, is_digest_of, parse_refresh_token, successor
from valet.models.accounts import Account
from valet.models.clients import Client, Scopes
from valet.models.grants import Grant, LiveToken, Tokens
from valet.ports.grants import Done, Refused, Renewal, Rotation
from valet.protocol.scope import OFFLINE_ACCESS, OPENID, closure, narrowed_scope, parse_scope, the_scopes, understood
from valet.revocation import finish_revocation, revoke
from valet.settings import Settings
from valet.standing import grant_stands
from valet.tokens import access_token


class Decision(Enum):
    REFUSE = "refuse; nothing changes"
    OTHER_KEY = "the DPoP proof is missing, or by another key than the refresh token is bound to"
    TOO_MUCH_SCOPE = "refuse: the scope is more than was granted"
    OTHER_API = "refuse: the resource is none of the grant's APIs, or several of them"
    EXPIRED = "the grant has expired"
    FINISH = "the grant is revoked: finish that, and refuse"
    END = "an operator ended it: revoke, and refuse"
    ROTATE = "rotate"
    RENEW = "answer without a new refresh token"
    TOO_OFTEN = "refuse for the moment; nothing changes"
    RETRY = "answer with the successor that is already stored"
    THEFT = "an older token: revoke, and refuse"


_IS_CURRENT = (Decision.ROTATE, Decision.RENEW)


class Presented(Frozen):
    """What the client presents at the token endpoint."""

    token: RefreshToken
    scope: tuple[str, ...] | None  # None: all that was granted
    retry_key: bytes  # random, one an invocation: makes the successor, and marks the write as ours
    resource: tuple[str, ...] = ()  # which of the grant's APIs the token is for (RFC 8707 §2.2)
    jkt: str = ""  # the thumbprint of the key that signed the DPoP proof; empty: there is no proof


def decide(
    grant: Grant | None, account: Account | None, client: Client, presented: Presented, window: int, now: float
) -> Decision:
    """Decide what the refresh token gets; `window` is the retry window in seconds."""
    token = presented.token
    if grant is None or grant.client_id != client.client_id or not is_digest_of(grant.family_digest, token.family):
        return Decision.REFUSE
    if unanswerable := _unanswerable(grant, presented):
        return unanswerable
    if grant.revoked_at:
        return Decision.FINISH
    if min(grant.idle_expires_at, grant.absolute_expires_at) <= now:
        return Decision.EXPIRED
    if not grant_stands(grant, client, account):
        return Decision.END
    if is_digest_of(grant.refresh_digest, token.secret):
        if pace.seconds_to_wait(grant.paced_until, now):
            return Decision.TOO_OFTEN
        # A public client's rotates whatever is registered: only a second use shows that somebody else has a copy (RFC
        # 9700 §4.14.2).
        is_kept = not client.refresh_token_rotation and client.is_confidential
        return Decision.RENEW if is_kept else Decision.ROTATE
    if is_digest_of(grant.previous_digest, token.secret):
        age_ms = now * 1000 - grant.rotated_at_ms  # negative if another machine's clock is ahead; counts as young
        if grant.retry_key == presented.retry_key or (window and age_ms <= window * 1000):
            return Decision.RETRY
    # The family secret shows that the token was genuine once, so another party holds a copy.
    return Decision.THEFT


def _unanswerable(grant: Grant, presented: Presented) -> Decision | None:
    """Why no refresh token of the grant would get this request an answer; None if one would.

    Such a request counts as no second use, which would end the grant: it may be a mistake, or a thief without the key.
    """
    if grant.jkt and grant.jkt != presented.jkt:
        return Decision.OTHER_KEY
    if presented.scope is not None and not set(presented.scope) <= set(grant.scope):
        return Decision.TOO_MUCH_SCOPE
    return Decision.OTHER_API if picks_no_api(presented.resource, grant) else None


def redeem(request: TokenRequest, ports: Ports) -> Tokens:
    """New tokens for the refresh token.

    Raises InvalidScope, InvalidTarget, TooManyRequests, and InvalidGrant with one wording for every other reason that
    depends on what is stored.
    """
    form = request.form
    token = parse_refresh_token(form.require("refresh_token"))
    asked = parse_scope(form["scope"]) if "scope" in form else ()
    if token is None:
        raise InvalidGrant(
            "The refresh token is not one that this server issues. It may be cut short, or encoded twice."
        )
    grant = ports.grants.find(token.grant_id)
    scope = _understood(asked, grant, ports) if asked else None
    presented = Presented(token, scope, ports.random(32), resource=form.every("resource"), jkt=request.jkt)
    account = ports.accounts.find_account(grant.sub) if grant is not None and grant.sub else None
    window = retry_window(request.client, ports.settings)
    decision = decide(grant, account, request.client, presented, window, request.now)
    if decision in _IS_CURRENT and grant is not None and account is not None:
        rotates = decision is Decision.ROTATE
        tokens, outcome = _refresh(request, ports, grant, account, presented, rotates=rotates)
        if isinstance(outcome, Done):
            _record(request, ports, grant, "token.refreshed")
            return tokens
        # Another request was faster, or it was our own first try: the item as found shows which.
        grant = outcome.found
        decision = decide(grant, account, request.client, presented, window, ports.clock())
        # The faster one kept the refresh token. The pace counts it alone: this one takes no place of its own.
        if grant is not None and decision in (*_IS_CURRENT, Decision.TOO_OFTEN):
            tokens = _signed_again(request, ports, grant, account, presented)
            _record(request, ports, grant, "refresh.retried")
            return tokens
    if decision is Decision.RETRY and grant is not None and account is not None:
        return _retry(request, ports, grant, account, presented)
    raise _refused(request, ports, grant, presented, decision)


def _understood(asked: tuple[str, ...], grant: Grant | None, ports: Ports) -> tuple[str, ...]:
    """The scopes of the request that count: a library that repeats the scope of its authorization request repeats the
    names that were ignored in it.
    """
    if grant is None:
        return asked
    # If nothing is left, the names stay, so that the refusal can say which.
    if OPENID in grant.scope:
        return understood(asked, grant.scope, ports.registry.scopes()) or asked
    return tuple(name for name in asked if name != OFFLINE_ACCESS or name in grant.scope) or asked


def retry_window(client: Client, settings: Settings) -> int:
    """Seconds in which a client that lost an answer gets the same refresh token again; 0 turns it off."""
    return settings.retry_window if client.retry_window is None else client.retry_window


def _refresh(
    request: TokenRequest, ports: Ports, grant: Grant, account: Account, presented: Presented, *, rotates: bool
) -> tuple[Tokens, Done | Refused]:
    """The tokens, signed before anything is spent, and the outcome of the write without which they may not be answered.
    Before the write, the request's one use is spent.
    """
    now, client = request.now, request.client
    scope, known = _scope(request, ports, grant, presented)
    exp = int(now) + access_token.lifetime(scope, known, ports.settings)
    live = _live_with_next(request, ports, grant, exp)
    # A shared place may last longer than this token's API allows: the token expires at the earlier of the two times.
    newest = live[-1]._replace(exp=min(exp, live[-1].exp))
    tokens = sign_tokens(request, ports, grant, account, scope, known, newest, is_first=False)
    idle_expires_at = min(int(now) + client.refresh_idle_lifetime, grant.absolute_expires_at)
    expires_at, paced_until = ends_at(grant, live), pace.paced_until(grant.paced_until, now)
    presented_digest = digest(presented.token.secret)
    request.one_use.spend()
    # Draw the time now, not at the request's start nor before the spending, which may be slow: the client's time to
    # retry begins with the write.
    written_at = ports.clock()
    if not rotates:
        renewal = Renewal(presented_digest, live, idle_expires_at, expires_at, paced_until)
        return tokens, ports.grants.renew(grant, renewal, written_at)
    following = successor(presented.token, presented.retry_key)
    rotation = Rotation(
        presented_digest=presented_digest,
        refresh_digest=digest(following.secret),
        retry_key=presented.retry_key,
        rotated_at_ms=int(written_at * 1000),
        live=live,
        idle_expires_at=idle_expires_at,
        expires_at=expires_at,
        paced_until=paced_until,
    )
    return replace(tokens, refresh_token=str(following)), ports.grants.rotate(grant, rotation, written_at)


def _live_with_next(request: TokenRequest, ports: Ports, grant: Grant, exp: int) -> tuple[LiveToken, ...]:
    """The places in status lists that the grant has to remember; the last is the next token's."""
    now = request.now
    live = access_token.still_live(grant.live, now)
    shared = access_token.place_to_share(live, exp - int(now), now)
    if shared is not None:
        live = tuple(token for token in live if token != shared)
        # A client or an operator may have revoked this one access token: the next must not be refused from the start.
        if not ports.status_lists.is_set(shared):
            return (*live, shared)
        # The invocation that set the bit may have died before a list showed it. Set it again: then the grant need not
        # remember this place any more.
        ports.status_lists.put_bits((shared,))
    return (*live, ports.status_indices.allot(request.client.holder, exp, grant.client_epoch))


def _retry(request: TokenRequest, ports: Ports, grant: Grant, account: Account, presented: Presented) -> Tokens:
    """Sign the lost answer again, with the same successor."""
    tokens = _signed_again(request, ports, grant, account, presented)
    # If the answer to our own write was lost, it is logged as the rotation that it is.
    is_ours = grant.retry_key == presented.retry_key
    _record(request, ports, grant, "token.refreshed" if is_ours else "refresh.retried")
    return replace(tokens, refresh_token=str(successor(presented.token, grant.retry_key)))


def _signed_again(request: TokenRequest, ports: Ports, grant: Grant, account: Account, presented: Presented) -> Tokens:
    """The tokens of the generation that is stored, with its place in the status list, for the key of this request."""
    scope, known = _scope(request, ports, grant, presented)
    # The request may ask for another part of the scope than the one before, whose API may ask for shorter lifetimes.
    exp = int(request.now) + access_token.lifetime(scope, known, ports.settings)
    live = grant.live[-1]._replace(exp=min(exp, grant.live[-1].exp))
    tokens = sign_tokens(request, ports, grant, account, scope, known, live, is_first=False)
    request.one_use.spend()
    return tokens


def _scope(request: TokenRequest, ports: Ports, grant: Grant, presented: Presented) -> tuple[Sequence[str], Scopes]:
    """The scope of this access token, a subset of the grant's scope, which does not change; and the registered scopes,
    as `for_one_api` answers them.
    """
    known, asked = ports.registry.scopes(), grant.scope
    if presented.scope is not None:
        asked = tuple(name for name in closure(presented.scope, known) if name in grant.scope)
    scope = narrowed_scope(asked, request.client, known)
    if not scope:
        raise nothing_left(asked)
    return for_one_api(presented.resource, grant, scope, known, request.client)


def _record(request: TokenRequest, ports: Ports, grant: Grant, event: EventName) -> None:
    ports.audit.record(
        event,
        client_id=grant.client_id,
        sub=grant.sub,
        grant_id=grant.grant_id,
        source_ip=request.source_ip,
        user_agent=request.user_agent,
    )


def _refused(
    request: TokenRequest, ports: Ports, grant: Grant | None, presented: Presented, decision: Decision
) -> OAuthError:
    """Revoke or log as the refusal requires, and return its error."""
    if grant is not None and decision is Decision.TOO_MUCH_SCOPE:
        more = [name for name in presented.scope or () if name not in grant.scope]
        return InvalidScope(f"{the_scopes(more)} not granted: a refresh may ask for less, never for more.", names=more)
    if grant is not None and decision is Decision.OTHER_API:
        from valet.protocol.resource import not_picked

        return not_picked(presented.resource, grant)
    if grant is not None and decision is Decision.TOO_OFTEN:
        _record(request, ports, grant, "refresh.throttled")
        seconds = pace.seconds_to_wait(grant.paced_until, request.now)
        return TooManyRequests("This grant is refreshed too often. The refresh token stays good.", retry_after=seconds)
    if decision in (Decision.FINISH, Decision.THEFT, Decision.END):
        request.one_use.spend()
    if grant is not None and decision is Decision.FINISH:
        finish_revocation(ports, grant, request.now)
    elif grant is not None and decision is Decision.THEFT:
        revoke(ports, grant, request.now, "refresh.reused")
    elif grant is not None and decision is Decision.END:
        revoke(ports, grant, request.now, "grant.revoked", revoked_for="operator")
    return InvalidGrant(
        "The refresh token is unknown, used, revoked, expired, or was issued to another client.",
        # A guessed token writes no line.
        detail=decision.value if decision in (Decision.EXPIRED, Decision.OTHER_KEY) else "",
        client_id=request.client.client_id,
    )
