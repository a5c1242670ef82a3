"""The authorization code grant (RFC 6749 §4.1.3, RFC 7636 §4.5): a code, once, for tokens.

`decide` is a pure function of the grant as it is stored, the request and the time. It is asked on the item read, and
again on the item that made a condition fail, so that both are judged by the same rules.
"""

from enum import Enum

from valet.errors import InvalidGrant, OAuthError
from valet.frozen import Frozen, replace
from valet.grant_types.issue import ends_at, for_one_api, picks_no_api, sign_tokens
from valet.grant_types.request import Ports, TokenRequest
from valet.handles import Code, RefreshToken, digest, is_digest_of, new_handle, parse_code
from valet.models.accounts import Account
from valet.models.clients import Client
from valet.models.grants import Grant, LiveToken, Tokens
from valet.ports.grants import Done, Redemption
from valet.protocol.pkce import check_verifier, is_verified
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


class Presented(Frozen):
    """What the client presents at the token endpoint."""

    code: Code
    redirect_uri: str | None
    code_verifier: str | None  # None: only of a client that may leave out PKCE
    attempt: bytes  # random, one an invocation: marks the write as ours
    resource: tuple[str, ...] = ()  # which of the grant's APIs the token is for (RFC 8707 §2.2)
    jkt: str = ""  # the thumbprint of the key that signed the DPoP proof; empty: there is no proof


def decide(grant: Grant | None, account: Account | None, client: Client, presented: Presented, now: float) -> Decision:
    """Decide what the code gets. Everything else is checked before a second use counts as one, so that a sender who
    holds only the code can revoke nothing.
    """
    if (
        grant is None
        or grant.client_id != client.client_id
        or not is_digest_of(grant.code_digest, presented.code.secret)
    ):
        return Decision.UNKNOWN
    # The grant's `jkt` has no say here. If a thief redeemed the code first, by a key of his own, the owner's use has to
    # count as the second, which ends the grant.
    if grant.dpop_jkt and grant.dpop_jkt != presented.jkt:
        return Decision.OTHER_KEY
    # OAuth 2.1 clients do not send it, because PKCE binds the code. If it is sent, it must be the same (RFC 6749
    # §4.1.3).
    if presented.redirect_uri not in (None, grant.redirect_uri):
        return Decision.OTHER_ADDRESS
    if not _is_proven(grant, client, presented):
        return Decision.UNPROVEN
    # A wrong resource is a mistake of the code's own client. Its request spends nothing and counts as no use.
    if picks_no_api(presented.resource, grant):
        return Decision.OTHER_API
    if grant.revoked_at:
        return Decision.FINISH
    if grant.redeemed_at_ms:
        if grant.redemption == presented.attempt:
            return Decision.WON
        # A used code counts as used before it counts as expired.
        return Decision.RESUBMITTED if now * 1000 - grant.redeemed_at_ms <= _DOUBLE_SUBMIT_MS else Decision.REPLAY
    if grant.code_expires_at <= now:
        return Decision.EXPIRED
    return Decision.REDEEM if grant_stands(grant, client, account) else Decision.ENDED


def _is_proven(grant: Grant, client: Client, presented: Presented) -> bool:
    """Whether the token request comes from the client instance that sent the authorization request.

    A challenge that was sent is enforced, also where PKCE is optional.
    """
    verifier = presented.code_verifier
    if grant.code_challenge:
        return verifier is not None and is_verified(grant.code_challenge, verifier)
    # A verifier shows that the client did send a challenge, which an attacker took out of the request: the downgrade
    # attack of RFC 9700 §2.1.1.
    if verifier is not None or not client.may_omit_pkce:
        return False
    # The redirect URI binds the code where no verifier does (RFC 6749 §4.1.3). A client may leave it out if it has only
    # one: the code cannot have been sent anywhere else.
    return presented.redirect_uri is not None or client.redirect_uris == (grant.redirect_uri,)


def redeem(request: TokenRequest, ports: Ports) -> Tokens:
    """Tokens for the code.

    Raises InvalidRequest for a malformed verifier, InvalidTarget, InvalidScope, and InvalidGrant with one wording for
    every other reason that depends on what is stored.
    """
    form = request.form
    code = parse_code(form.require("code"))
    code_verifier = form.get("code_verifier") if request.client.may_omit_pkce else form.require("code_verifier")
    if code_verifier is not None:
        check_verifier(code_verifier)
    if code is None:
        raise InvalidGrant("The code is not one that this server issues. It may be cut short, or encoded twice.")
    resource = form.every("resource")
    presented = Presented(
        code, form.get("redirect_uri"), code_verifier, ports.random(16), resource=resource, jkt=request.jkt
    )
    grant = ports.grants.find(code.grant_id)
    account = ports.accounts.find_account(grant.sub) if grant is not None and grant.sub else None
    if (
        decide(grant, account, request.client, presented, request.now) is not Decision.REDEEM
        or grant is None
        or account is None
    ):
        raise _refused(request, ports, grant, account, presented)
    tokens, redemption = _prepare(request, ports, grant, account, presented)
    outcome = ports.grants.redeem(grant, redemption, request.now)
    if not isinstance(outcome, Done):
        found = outcome.found
        if decide(found, account, request.client, presented, request.now) is not Decision.WON:
            raise _refused(request, ports, found, account, presented)
    ports.audit.record(
        "token.issued",
        client_id=grant.client_id,
        sub=grant.sub,
        grant_id=grant.grant_id,
        grant_type="authorization_code",
        scope=" ".join(tokens.scope),
    )
    return tokens


def _prepare(
    request: TokenRequest, ports: Ports, grant: Grant, account: Account, presented: Presented
) -> tuple[Tokens, Redemption]:
    """Everything that the answer needs, signed before anything is spent; then the request's one use is spent, and the
    pointer renewed by which the grant is found.
    """
    client, now = request.client, request.now
    scope, known = for_one_api(presented.resource, grant, grant.scope, ports.registry.scopes())
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
    redemption = _redemption(grant, client, presented.attempt, live, refresh, now, ports.clock())
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
    request: TokenRequest, ports: Ports, grant: Grant | None, account: Account | None, presented: Presented
) -> OAuthError:
    """Revoke or log as the refusal requires, and return its error."""
    decision = decide(grant, account, request.client, presented, request.now)
    if grant is not None and decision is Decision.OTHER_API:
        from valet.protocol.resource import not_picked

        return not_picked(presented.resource, grant)
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
        "The code is unknown, used, expired, or was issued to another client or for another request.",
        detail=decision.value if decision in _LOGGED else "",
        client_id=request.client.client_id,
    )
