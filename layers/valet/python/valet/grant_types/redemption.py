"""Redeeming a grant, which the grant types for end-users share: once, for the grant's first tokens (RFC 6749 §4.1.3).

A grant type says what it takes to redeem a grant. This module holds what is the same for each of them: the second use,
the signatures before the commit, and the commit.
"""

from collections.abc import Callable
from enum import Enum

from valet.errors import InvalidGrant, OAuthError
from valet.frozen import Frozen, replace
from valet.grant_types.issue import ends_at, for_one_api, picks_no_api, sign_tokens
from valet.grant_types.request import Ports, TokenRequest
from valet.handles import RefreshToken, digest, new_handle
from valet.models.accounts import Account
from valet.models.clients import Client
from valet.models.grants import Grant, LiveToken, Tokens
from valet.ports.grants import Done, Redemption
from valet.revocation import finish_revocation, revoke
from valet.standing import grant_stands, pointer_to
from valet.tokens import access_token

# A second use within this time is a double submit or an SDK's retry; the tokens from the first use must stay good.
_DOUBLE_SUBMIT_MS = 10_000


class Decision(Enum):
    UNKNOWN = "this client has no such code: refuse"
    OTHER_KEY = "the DPoP proof is missing, or by another key than the authorization request named"
    OTHER_ADDRESS = "the redirect_uri is not the one that the code was sent to"
    UNPROVEN = "the code_verifier, or without PKCE the redirect_uri, is not that of the authorization request"
    OTHER_API = "the resource is none of the grant's APIs, or several of them"
    EXPIRED = "the code has expired"
    ENDED = "the client or the account is disabled, or an operator ended what was begun before"
    FINISH = "the grant is revoked: finish that, and refuse"
    WON = "this very attempt redeemed it"
    RESUBMITTED = "a second use, a moment after the first: refuse"
    REPLAY = "a second use: revoke, and refuse"
    REDEEM = "redeem"


# Why a genuine code is refused, which the client does not learn and its developer finds in the log. A guessed code
# writes no line.
_LOGGED = (Decision.OTHER_KEY, Decision.OTHER_ADDRESS, Decision.UNPROVEN, Decision.EXPIRED, Decision.ENDED)


class Use(Frozen):
    """One use of a code of any kind."""

    attempt: bytes  # random, one an invocation: marks the write as ours
    resource: tuple[str, ...] = ()  # which of the grant's APIs the token is for (RFC 8707 §2.2)


def decide_use(grant: Grant, account: Account | None, client: Client, use: Use, now: float) -> Decision:
    """Decide what a genuine code of this client gets, whose grant type has found nothing wrong with the request."""
    # A wrong resource is a mistake of the code's own client. Its request spends nothing and counts as no use.
    if picks_no_api(use.resource, grant):
        return Decision.OTHER_API
    if grant.revoked_at:
        return Decision.FINISH
    if grant.redeemed_at_ms:
        if grant.redemption == use.attempt:
            return Decision.WON
        # A used code counts as used before it counts as expired.
        return Decision.RESUBMITTED if now * 1000 - grant.redeemed_at_ms <= _DOUBLE_SUBMIT_MS else Decision.REPLAY
    if grant.code_expires_at <= now:
        return Decision.EXPIRED
    return Decision.REDEEM if grant_stands(grant, client, account) else Decision.ENDED


def redeem_grant(
    request: TokenRequest,
    ports: Ports,
    grant: Grant | None,
    account: Account | None,
    use: Use,
    judge: Callable[[Grant | None], Decision],
    *,
    refusal: str,
) -> Tokens:
    """Tokens for the grant as it was read.

    `judge` is asked for the grant as read, and again for the one that made the condition fail, so that both are judged
    by the same rules. Raises InvalidTarget, InvalidScope, and InvalidGrant with the one wording `refusal` for every
    other reason that depends on what is stored.
    """
    if judge(grant) is not Decision.REDEEM or grant is None or account is None:
        raise _refused(request, ports, grant, use, judge(grant), refusal)
    tokens, redemption = _prepare(request, ports, grant, account, use)
    outcome = ports.grants.redeem(grant, redemption, request.now)
    if not isinstance(outcome, Done):
        found = outcome.found
        if (decision := judge(found)) is not Decision.WON:
            raise _refused(request, ports, found, use, decision, refusal)
    ports.audit.record(
        "token.issued",
        client_id=grant.client_id,
        sub=grant.sub,
        grant_id=grant.grant_id,
        grant_type=request.form.require("grant_type"),
        scope=" ".join(tokens.scope),
    )
    return tokens


def _prepare(
    request: TokenRequest, ports: Ports, grant: Grant, account: Account, use: Use
) -> tuple[Tokens, Redemption]:
    """Everything that the answer needs, signed before anything is spent; then the request's one use is spent, and the
    pointer renewed by which the grant is found.
    """
    client, now = request.client, request.now
    scope, known = for_one_api(use.resource, grant, grant.scope, ports.registry.scopes(), client)
    exp = int(now) + access_token.lifetime(scope, known, ports.settings)
    live = (ports.status_indices.allot(client.holder, exp, grant.client_epoch),)
    tokens = sign_tokens(request, ports, grant, account, scope, known, live[0], is_first=True)
    refresh = None
    if "refresh_token" in client.grant_types:
        refresh = RefreshToken(grant.grant_id, new_handle(ports.random), new_handle(ports.random))
        tokens = replace(tokens, refresh_token=str(refresh))
    request.one_use.spend()
    # Until now the pointer expires with the code. Renew it before the commit, so that every redeemed grant has one, and
    # before the time of the commit is drawn, because these writes may be slow. It lives as long as the session may:
    # when that ends, the client may have to be told, even if it holds nothing any more.
    opened_by = grant.auth_time + ports.settings.saved_request_lifetime  # the proof of a sign-in waits for no longer
    session_ends_at = opened_by + ports.settings.session_absolute_lifetime
    ports.grants.point_to(pointer_to(grant, max(ends_at(grant, live), session_ends_at), int(now)))
    redemption = _redemption(grant, client, use.attempt, live, refresh, now, ports.clock())
    # A confidential client's refresh tokens are bound to it by its authentication (RFC 9449 §5).
    is_bound = request.jkt and refresh is not None and not client.is_confidential
    return tokens, replace(redemption, jkt=request.jkt) if is_bound else redemption


def _redemption(
    grant: Grant,
    client: Client,
    attempt: bytes,
    live: tuple[LiveToken, ...],
    refresh: RefreshToken | None,
    now: float,
    redeemed_at: float,
) -> Redemption:
    return Redemption(
        attempt=attempt,
        # Draw the time now, not at the request's start: the ten seconds for a second submit begin with the write.
        redeemed_at_ms=int(redeemed_at * 1000),
        live=live,
        family_digest=digest(refresh.family) if refresh else b"",
        refresh_digest=digest(refresh.secret) if refresh else b"",
        idle_expires_at=min(int(now) + client.refresh_idle_lifetime, grant.absolute_expires_at) if refresh else 0,
        expires_at=ends_at(grant, live),
    )


def _refused(
    request: TokenRequest, ports: Ports, grant: Grant | None, use: Use, decision: Decision, refusal: str
) -> OAuthError:
    """Revoke or log as the refusal requires, and return its error."""
    if grant is not None and decision is Decision.OTHER_API:
        from valet.protocol.resource import not_picked

        return not_picked(use.resource, grant)
    if grant is not None and decision is Decision.REPLAY:
        request.one_use.spend()
        # A second use by the rightful client, long after the first, means that the code leaked (RFC 6749 §4.1.2).
        revoke(ports, grant, request.now, "code.replayed")
    elif grant is not None and decision is Decision.FINISH:
        request.one_use.spend()
        finish_revocation(ports, grant, request.now)
    elif grant is not None and decision is Decision.RESUBMITTED:
        ports.audit.record("code.resubmitted", client_id=grant.client_id, sub=grant.sub, grant_id=grant.grant_id)
    return InvalidGrant(
        refusal, detail=decision.value if decision in _LOGGED else "", client_id=request.client.client_id
    )
