"""How each seeded fault is put into the running code: a condition weakened, a decision or an order changed."""

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest
from valet import revocation
from valet.aws.dynamodb.grants import DynamoGrants
from valet.aws.dynamodb.status_lists import DynamoStatusLists
from valet.front_channel import code
from valet.grant_types import authorization_code, redemption, refresh_token
from valet.grant_types.redemption import Decision as CodeDecision
from valet.grant_types.refresh_token import Decision
from valet.handles import digest, is_digest_of, parse_refresh_token, successor
from valet.models.grants import Grant, LiveToken
from valet.ports.grants import Redemption, Revocation, Revoked
from valet.tokens import access_token
from valet.tokens.access_token import still_live

from tests.promises.model.processes import Invocation
from tests.support.memory_table import MemoryTable

Patch = Callable[[pytest.MonkeyPatch], None]
# How the expression of each step begins.
_WRITTEN = {
    "redeem": "SET #redemption",
    "rotate": "SET #refresh_digest",
    "renew": "SET #paced_until",
    "spend": "SET #spent_by",
}


def without(*parts: str, step: str) -> Patch:
    """The conditional write of one step, without a part of its condition."""
    written = _WRITTEN[step]
    return weakened(lambda pk, sk, expression: expression.startswith(written), *parts)


def weakened(is_meant: Callable[[str, str, str], bool], *parts: str) -> Patch:
    """The conditional updates that are meant, by key and expression, without parts of their condition."""

    def patch(monkeypatch: pytest.MonkeyPatch) -> None:
        original = MemoryTable.update

        def update(
            self: MemoryTable,
            pk: str,
            sk: str,
            expression: str,
            values: Any,
            condition: str = "",
            returned: str = "NONE",
        ) -> Any:
            if is_meant(pk, sk, expression):
                for part in parts:
                    assert part in condition, condition
                    condition = condition.replace(part, "")
            return original(self, pk, sk, expression, values, condition, returned)

        monkeypatch.setattr(MemoryTable, "update", update)

    return patch


def deciding(module: Any, change: Callable[..., Any]) -> Patch:
    """`change(decide, grant, account, client, presented, ...)` stands in for `decide`."""

    def patch(monkeypatch: pytest.MonkeyPatch) -> None:
        original = module.decide
        monkeypatch.setattr(module, "decide", lambda *arguments: change(original, *arguments))

    return patch


def loser_answers_its_own(monkeypatch: pytest.MonkeyPatch) -> None:
    original = refresh_token._retry

    def retry(exchange: Any, ports: Any, grant: Any, account: Any, presented: Any) -> Any:
        tokens = original(exchange, ports, grant, account, presented)
        return replace(tokens, refresh_token=str(successor(presented.token, presented.retry_key)))

    monkeypatch.setattr(refresh_token, "_retry", retry)


def retry_takes_its_own_index(monkeypatch: pytest.MonkeyPatch) -> None:
    original = refresh_token._retry

    def retry(exchange: Any, ports: Any, grant: Grant, account: Any, presented: Any) -> Any:
        own = ports.status_indices.allot(grant.client_id, grant.live[-1].exp)
        return original(exchange, ports, replace(grant, live=(*grant.live, own)), account, presented)

    monkeypatch.setattr(refresh_token, "_retry", retry)


def redemption_forgets_itself(decide: Any, grant: Any, account: Any, client: Any, presented: Any, now: float) -> Any:
    decision = decide(grant, account, client, presented, now)
    return CodeDecision.RESUBMITTED if decision is CodeDecision.WON else decision


def no_grace_and_forgets_itself(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(redemption, "_DOUBLE_SUBMIT_MS", -1)

    def change(decide: Any, grant: Any, account: Any, client: Any, presented: Any, now: float) -> Any:
        decision = decide(grant, account, client, presented, now)
        return CodeDecision.REPLAY if decision is CodeDecision.WON else decision

    deciding(authorization_code, change)(monkeypatch)


def rotation_forgets_itself(
    decide: Any, grant: Any, account: Any, client: Any, presented: Any, window: int, now: float
) -> Any:
    return decide(grant, account, client, replace(presented, retry_key=b"another's"), window, now)


def bits_first(monkeypatch: pytest.MonkeyPatch) -> None:
    original = DynamoGrants.revoke

    def revoke(self: DynamoGrants, grant_id: str, by: Revocation) -> Any:
        grant = self.find(grant_id)
        DynamoStatusLists(self.table).put_bits(still_live(grant.live, by.revoked_at) if grant else ())
        revoked = original(self, grant_id, by)
        return _without_live(revoked) if revoked else None

    monkeypatch.setattr(DynamoGrants, "revoke", revoke)


def _without_live(revoked: Revoked) -> Revoked:
    return replace(revoked, grant=replace(revoked.grant, live=()))


def revoked_is_enough(monkeypatch: pytest.MonkeyPatch) -> None:
    original = DynamoGrants.revoke

    def revoke(self: DynamoGrants, *arguments: Any) -> Any:
        revoked = original(self, *arguments)
        return _without_live(revoked) if revoked and revoked.grant.revoked_at else revoked

    monkeypatch.setattr(DynamoGrants, "revoke", revoke)
    monkeypatch.setattr(refresh_token, "finish_revocation", lambda *_: None)


def unknown_is_theft(
    decide: Any, grant: Any, account: Any, client: Any, presented: Any, window: int, now: float
) -> Any:
    is_its = grant is not None and grant.client_id == client.client_id and not grant.revoked_at
    if is_its and not is_digest_of(grant.family_digest, presented.token.family):
        return Decision.THEFT
    return decide(grant, account, client, presented, window, now)


def only_the_last_is_remembered(
    decide: Any, grant: Any, account: Any, client: Any, presented: Any, window: int, now: float
) -> Any:
    decision = decide(grant, account, client, presented, window, now)
    is_older = grant is not None and digest(presented.token.secret) != grant.previous_digest
    return Decision.REFUSE if decision is Decision.THEFT and is_older else decision


def grandparent_is_denied(
    decide: Any, grant: Any, account: Any, client: Any, presented: Any, window: int, now: float
) -> Any:
    decision = decide(grant, account, client, presented, window, now)
    is_young = grant is not None and now * 1000 - grant.rotated_at_ms <= window * 1000
    is_older = grant is not None and digest(presented.token.secret) != grant.previous_digest
    return Decision.REFUSE if decision is Decision.THEFT and is_young and is_older else decision


def second_use_revokes_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(redemption, "_DOUBLE_SUBMIT_MS", -1)


def stamped_at_the_start(step: str, field: str) -> Patch:
    def patch(monkeypatch: pytest.MonkeyPatch) -> None:
        original = getattr(DynamoGrants, step)

        def stamped(self: DynamoGrants, grant: Grant, write: Any, now: float) -> Any:
            return original(self, grant, replace(write, **{field: int(_running(self.table).started_at * 1000)}), now)

        monkeypatch.setattr(DynamoGrants, step, stamped)

    return patch


def _running(table: Any) -> Invocation:
    """The request that calls the table at this moment."""
    found: Invocation = table.wire.__self__.current  # `wire` is the world's
    return found


def verifier_is_checked_last(decide: Any, grant: Any, account: Any, client: Any, presented: Any, now: float) -> Any:
    is_it = grant is not None and is_digest_of(grant.code_digest, presented.code.secret) and not grant.revoked_at
    if is_it and grant.redeemed_at_ms and now * 1000 - grant.redeemed_at_ms > 10_000:
        return CodeDecision.REPLAY
    return decide(grant, account, client, presented, now)


def resource_is_looked_at_last(
    decide: Any, grant: Any, account: Any, client: Any, presented: Any, window: int, now: float
) -> Any:
    one = grant.resources[:1] if grant is not None else ()
    decision = decide(grant, account, client, replace(presented, resource=one), window, now)
    return decision if decision.name == "THEFT" else decide(grant, account, client, presented, window, now)


def any_client_may_refresh(
    decide: Any, grant: Any, account: Any, client: Any, presented: Any, window: int, now: float
) -> Any:
    whose = replace(client, client_id=grant.client_id) if grant is not None else client
    return decide(grant, account, whose, presented, window, now)


def logout_leaves_no_tombstone(monkeypatch: pytest.MonkeyPatch) -> None:
    session_is_read_once(monkeypatch)  # which alone is enough to find the grant again

    def bury(self: DynamoGrants, grant_id: str, sub: str, revocation: Revocation) -> Any:
        return self.revoke(grant_id, revocation)

    monkeypatch.setattr(DynamoGrants, "bury", bury)


def session_is_read_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(code, "has_ended", lambda *_: False)


def committed_before_signed(monkeypatch: pytest.MonkeyPatch) -> None:
    """The redemption is written with a first draft of the tokens; what is answered is made afterwards."""
    original = DynamoGrants.redeem

    def redeem(self: DynamoGrants, grant: Grant, redemption: Redemption, now: float) -> Any:
        draft = _running(self.table).server.random(32)
        return original(self, grant, replace(redemption, refresh_digest=draft), now)

    monkeypatch.setattr(DynamoGrants, "redeem", redeem)


def live_forgets_the_one_before(monkeypatch: pytest.MonkeyPatch) -> None:
    original = refresh_token._live_with_next
    monkeypatch.setattr(refresh_token, "_live_with_next", lambda *arguments: original(*arguments)[-1:])


def dead_place_is_shared(monkeypatch: pytest.MonkeyPatch) -> None:
    """The bit of the place that the next token shares is not looked at."""
    _sharing(monkeypatch, lambda *_: True)


def place_is_looked_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """The bit is looked at before the request that relies on it: what was found good once is taken for good."""

    def is_good(ports: Any, shared: LiveToken) -> bool:
        table, key = ports.grants.table, ("found-good", f"{shared.list_id}#{shared.idx}")
        if table.get(*key) is None and not ports.status_lists.is_set(shared):
            table.put({"pk": key[0], "sk": key[1]})
        return table.get(*key) is not None

    _sharing(monkeypatch, is_good)


def _sharing(monkeypatch: pytest.MonkeyPatch, is_good: Callable[[Any, LiveToken], bool]) -> None:
    original = refresh_token._live_with_next

    def live_with_next(exchange: Any, ports: Any, grant: Grant, exp: int) -> tuple[LiveToken, ...]:
        live = still_live(grant.live, exchange.now)
        shared = access_token.place_to_share(live, exp - int(exchange.now), exchange.now)
        if shared is not None and is_good(ports, shared):
            return (*(token for token in live if token != shared), shared)
        return original(exchange, ports, grant, exp)

    monkeypatch.setattr(refresh_token, "_live_with_next", live_with_next)


def dead_place_is_forgotten(monkeypatch: pytest.MonkeyPatch) -> None:
    """A place whose bit an exact read finds is taken for one that lists show."""
    original = refresh_token._live_with_next

    def live_with_next(exchange: Any, ports: Any, grant: Grant, exp: int) -> tuple[LiveToken, ...]:
        live = still_live(grant.live, exchange.now)
        shared = access_token.place_to_share(live, exp - int(exchange.now), exchange.now)
        if shared is None or not ports.status_lists.is_set(shared):
            return original(exchange, ports, grant, exp)
        own = ports.status_indices.allot(grant.client_id, exp, grant.client_epoch)
        return (*(token for token in live if token != shared), own)

    monkeypatch.setattr(refresh_token, "_live_with_next", live_with_next)


def token_outlives_its_place(monkeypatch: pytest.MonkeyPatch) -> None:
    module: Any = refresh_token
    original = module.sign_tokens

    def sign(
        exchange: Any, ports: Any, grant: Any, account: Any, scope: Any, known: Any, live: LiveToken, **named: Any
    ) -> Any:
        exp = int(exchange.now) + ports.settings.access_token_lifetime
        return original(exchange, ports, grant, account, scope, known, live._replace(exp=exp), **named)

    monkeypatch.setattr(module, "sign_tokens", sign)


def answered_before_its_bit(monkeypatch: pytest.MonkeyPatch) -> None:
    """The revocation of an access token leaves the bit to whatever runs after its answer."""
    original = DynamoStatusLists.put_bits

    def put_bits(self: DynamoStatusLists, tokens: tuple[LiveToken, ...]) -> None:
        act = _running(self.table).act
        if act.kind != "revoke" or parse_refresh_token(act.token) is not None:
            original(self, tokens)

    monkeypatch.setattr(DynamoStatusLists, "put_bits", put_bits)


def theft_sets_no_bits(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(revocation, "finish_revocation", lambda *_: None)
