"""Design faults to be put into the running code on purpose: each breaks a promise, and the model has to say which.

The first sixteen are those that the design itself was checked against; the rest were real, or nearly.
"""

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

import pytest
from valet import consent, revocation
from valet.aws.dynamodb.grants import DynamoGrants
from valet.grant_types import authorization_code, refresh_token
from valet.grant_types.authorization_code import Decision as CodeDecision
from valet.grant_types.refresh_token import Decision
from valet.handles import digest, is_digest_of, successor
from valet.models import Grant
from valet.tokens import access_token
from valet.tokens.access_token import still_live

from tests.model.scenarios import BY_NAME

Patch = Callable[[pytest.MonkeyPatch], None]

FORK = "fork: one refresh token, two successors"
LOST_BIT = "revocation answered, yet an access token is on no status list"
FALSE_REVOCATION = "false revocation: nobody stole, nobody revoked"
REFUSED = "a genuine refresh token is refused while the grant lives on"
TWICE = "one code, redeemed twice"


@dataclass(frozen=True)
class Fault:
    name: str
    scenario: str  # one that finds it
    invariant: str
    patch: Patch

    def __post_init__(self) -> None:
        assert self.scenario in BY_NAME, self.scenario


def _without(*parts: str, step: str) -> Patch:
    """The conditional write of one step, without a part of its condition."""

    def patch(monkeypatch: pytest.MonkeyPatch) -> None:
        original = DynamoGrants._step

        def weakened(self: DynamoGrants, grant_id: str, expression: str, condition: str, values: Any) -> Any:
            if (step == "rotate") == ("previous_digest" in expression):
                for part in parts:
                    assert part in condition, condition
                    condition = condition.replace(part, "")
            return original(self, grant_id, expression, condition, values)

        monkeypatch.setattr(DynamoGrants, "_step", weakened)

    return patch


def _deciding(module: Any, change: Callable[..., Any]) -> Patch:
    """`change(decide, grant, account, client, presented, ...)` stands in for `decide`."""

    def patch(monkeypatch: pytest.MonkeyPatch) -> None:
        original = module.decide
        monkeypatch.setattr(module, "decide", lambda *arguments: change(original, *arguments))

    return patch


def _loser_answers_its_own(monkeypatch: pytest.MonkeyPatch) -> None:
    original = refresh_token._retry

    def retry(exchange: Any, outside: Any, grant: Any, account: Any, presented: Any) -> Any:
        tokens = original(exchange, outside, grant, account, presented)
        return replace(tokens, refresh_token=str(successor(presented.token, presented.retry_key)))

    monkeypatch.setattr(refresh_token, "_retry", retry)


def _retry_takes_its_own_index(monkeypatch: pytest.MonkeyPatch) -> None:
    original = refresh_token._retry

    def retry(exchange: Any, outside: Any, grant: Grant, account: Any, presented: Any) -> Any:
        own = outside.status_indices.allot(grant.client_id, grant.live[-1].exp)
        return original(exchange, outside, replace(grant, live=(*grant.live, own)), account, presented)

    monkeypatch.setattr(refresh_token, "_retry", retry)


def _redemption_forgets_itself(decide: Any, grant: Any, account: Any, client: Any, presented: Any, now: float) -> Any:
    decision = decide(grant, account, client, presented, now)
    return CodeDecision.RESUBMITTED if decision is CodeDecision.WON else decision


def _no_grace_and_forgets_itself(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(authorization_code, "_DOUBLE_SUBMIT_MS", -1)

    def change(decide: Any, grant: Any, account: Any, client: Any, presented: Any, now: float) -> Any:
        decision = decide(grant, account, client, presented, now)
        return CodeDecision.REPLAY if decision is CodeDecision.WON else decision

    _deciding(authorization_code, change)(monkeypatch)


def _rotation_forgets_itself(
    decide: Any, grant: Any, account: Any, client: Any, presented: Any, window: int, now: float
) -> Any:
    return decide(grant, account, client, replace(presented, retry_key=b"another's"), window, now)


def _bits_first(monkeypatch: pytest.MonkeyPatch) -> None:
    original = DynamoGrants.revoke_by_refresh_token

    def revoke(self: DynamoGrants, grant_id: str, client_id: str, family: bytes, now: float, why: str) -> Any:
        grant = self.find(grant_id)
        for token in still_live(grant.live, now) if grant else ():
            self.table.put({"pk": f"status#{token.list_id}", "sk": f"set#{token.idx}", "expires_at": token.exp})
        revoked = original(self, grant_id, client_id, family, now, why)
        return replace(revoked, live=()) if revoked else None

    monkeypatch.setattr(DynamoGrants, "revoke_by_refresh_token", revoke)


def _revoked_is_enough(monkeypatch: pytest.MonkeyPatch) -> None:
    original = DynamoGrants.revoke_by_refresh_token

    def revoke(self: DynamoGrants, *arguments: Any) -> Any:
        before = original(self, *arguments)
        return replace(before, live=()) if before and before.revoked_at else before

    monkeypatch.setattr(DynamoGrants, "revoke_by_refresh_token", revoke)
    monkeypatch.setattr(refresh_token, "finish_revocation", lambda *_: None)


def _unknown_is_theft(
    decide: Any, grant: Any, account: Any, client: Any, presented: Any, window: int, now: float
) -> Any:
    is_its = grant is not None and grant.client_id == client.client_id and not grant.revoked_at
    if is_its and not is_digest_of(grant.family_digest, presented.token.family):
        return Decision.THEFT
    return decide(grant, account, client, presented, window, now)


def _only_the_last_is_remembered(
    decide: Any, grant: Any, account: Any, client: Any, presented: Any, window: int, now: float
) -> Any:
    decision = decide(grant, account, client, presented, window, now)
    is_older = grant is not None and digest(presented.token.secret) != grant.previous_digest
    return Decision.REFUSE if decision is Decision.THEFT and is_older else decision


def _grandparent_is_denied(
    decide: Any, grant: Any, account: Any, client: Any, presented: Any, window: int, now: float
) -> Any:
    decision = decide(grant, account, client, presented, window, now)
    is_young = grant is not None and now * 1000 - grant.rotated_at_ms <= window * 1000
    is_older = grant is not None and digest(presented.token.secret) != grant.previous_digest
    return Decision.REFUSE if decision is Decision.THEFT and is_young and is_older else decision


def _second_use_revokes_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(authorization_code, "_DOUBLE_SUBMIT_MS", -1)


def _stamped_at_the_start(module: Any, field: str) -> Patch:
    def patch(monkeypatch: pytest.MonkeyPatch) -> None:
        original = module._prepare

        def prepare(exchange: Any, *arguments: Any) -> Any:
            tokens, write = original(exchange, *arguments)
            return tokens, replace(write, **{field: int(exchange.now * 1000)})

        monkeypatch.setattr(module, "_prepare", prepare)

    return patch


def _verifier_is_checked_last(decide: Any, grant: Any, account: Any, client: Any, presented: Any, now: float) -> Any:
    is_it = grant is not None and is_digest_of(grant.code_digest, presented.code.secret) and not grant.revoked_at
    if is_it and grant.redeemed_at_ms and now * 1000 - grant.redeemed_at_ms > 10_000:
        return CodeDecision.REPLAY
    return decide(grant, account, client, presented, now)


def _any_client_may_refresh(
    decide: Any, grant: Any, account: Any, client: Any, presented: Any, window: int, now: float
) -> Any:
    whose = replace(client, client_id=grant.client_id) if grant is not None else client
    return decide(grant, account, whose, presented, window, now)


def _logout_leaves_no_tombstone(monkeypatch: pytest.MonkeyPatch) -> None:
    _session_is_read_once(monkeypatch)  # which alone is enough to find the grant again
    monkeypatch.setattr(DynamoGrants, "bury", DynamoGrants.revoke)


def _session_is_read_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(consent, "has_ended", lambda *_: False)


def _committed_before_signed(monkeypatch: pytest.MonkeyPatch) -> None:
    """The redemption is written with a first draft of the tokens; what is answered is signed afterwards."""
    original = authorization_code._prepare

    def prepare(exchange: Any, outside: Any, grant: Any, account: Any, presented: Any) -> Any:
        _, redemption = original(exchange, outside, grant, account, presented)
        if grant.redeemed_at_ms == 0:
            outside.grants.redeem(grant, redemption, exchange.now)
        return original(exchange, outside, grant, account, presented)

    monkeypatch.setattr(authorization_code, "_prepare", prepare)


def _live_forgets_the_one_before(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(access_token, "with_next", lambda live, newest, now: ((newest,), ()))


def _theft_sets_no_bits(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(revocation, "finish_revocation", lambda *_: None)


# Either of the two would do: the redemption removes the code's expiry.
_REDEEMED = ("attribute_not_exists(#redeemed_at_ms) AND ", " AND #code_expires_at > :now")
_REVOKED = " AND attribute_not_exists(#revoked_at)"
_CURRENT = "#refresh_digest = :previous_digest AND "

FAULTS = (
    Fault("no condition on the rotation", "refresh-race", FORK, _without(_CURRENT, step="rotate")),
    Fault(
        "the rotation does not look at revoked_at",
        "revoke-race",
        "resurrected: rotated after revocation",
        _without(_REVOKED, step="rotate"),
    ),
    Fault(
        "the redemption does not look at revoked_at",
        "redeem-logout",
        "resurrected: redeemed after revocation",
        _without(_REVOKED, step="redeem"),
    ),
    Fault("no condition on the redemption", "redeem-race", TWICE, _without(*_REDEEMED, step="redeem")),
    Fault(
        "a loser answers the successor that it computed",
        "refresh-race",
        "answered a refresh token that was never stored",
        _loser_answers_its_own,
    ),
    Fault(
        "a retried answer takes an index of its own",
        "revoke-race",
        "an answer's access token has an index of its own",
        _retry_takes_its_own_index,
    ),
    Fault(
        "the second try of a redemption is not recognised, and revokes",
        "redeem-race",
        FALSE_REVOCATION,
        _no_grace_and_forgets_itself,
    ),
    Fault(
        "the second try of a redemption is not recognised, and the login is lost",
        "redeem-race",
        "the winner of the redemption is told invalid_grant",
        _deciding(authorization_code, _redemption_forgets_itself),
    ),
    Fault(
        "the second try of a rotation is not recognised",
        "refresh-window-off",
        "the winner of the rotation takes itself for a thief",
        _deciding(refresh_token, _rotation_forgets_itself),
    ),
    Fault(
        "revocation sets the bits first, the grant second",
        "revoke-race",
        "bits before the grant: an access token was revoked, and its grant lives",
        _bits_first,
    ),
    Fault("revoking a revoked grant answers at once", "revoke-again", LOST_BIT, _revoked_is_enough),
    Fault("any unknown secret is theft", "stranger", FALSE_REVOCATION, _deciding(refresh_token, _unknown_is_theft)),
    Fault(
        "only the last token is remembered, older ones are unknown",
        "thief",
        REFUSED,
        _deciding(refresh_token, _only_the_last_is_remembered),
    ),
    Fault(
        "a grandparent inside the window is merely denied",
        "thief",
        REFUSED,
        _deciding(refresh_token, _grandparent_is_denied),
    ),
    Fault("a second use of the code revokes at once", "redeem-race", FALSE_REVOCATION, _second_use_revokes_at_once),
    Fault(
        "rotated_at is the start of the request",
        "refresh-slow",
        FALSE_REVOCATION,
        _stamped_at_the_start(refresh_token, "rotated_at_ms"),
    ),
    Fault(
        "redeemed_at is the start of the request",
        "redeem-late",
        FALSE_REVOCATION,
        _stamped_at_the_start(authorization_code, "redeemed_at_ms"),
    ),
    Fault(
        "a code's second use counts before its verifier is checked",
        "redeem-late-stranger",
        FALSE_REVOCATION,
        _deciding(authorization_code, _verifier_is_checked_last),
    ),
    Fault(
        "a refresh token works for any client",
        "stranger",
        FALSE_REVOCATION,
        _deciding(refresh_token, _any_client_may_refresh),
    ),
    Fault(
        "a logout leaves no tombstone for the grant that is being issued",
        "logout-race",
        "logged out, and a grant that lives by the session lives on",
        _logout_leaves_no_tombstone,
    ),
    Fault(
        "a code is issued without a second look at the session",
        "logout-race",
        "logged out, and a grant that lives by the session lives on",
        _session_is_read_once,
    ),
    Fault(
        "the code is spent before the answer is signed",
        "redeem-race",
        "answered a refresh token that was never stored",
        _committed_before_signed,
    ),
    Fault("a rotation forgets the access token before", "revoke-race", LOST_BIT, _live_forgets_the_one_before),
    Fault("a theft ends the grant and no access token", "thief", LOST_BIT, _theft_sets_no_bits),
)
