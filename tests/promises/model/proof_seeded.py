"""Design faults of bound tokens, put into the running code on purpose: the model has to say what each breaks."""

from dataclasses import replace
from typing import Any

import pytest
from valet.client_authentication.one_use import OneUse
from valet.errors import UseDpopNonce
from valet.grant_types import authorization_code, redemption, refresh_token
from valet.grant_types.redemption import Decision as CodeDecision
from valet.grant_types.refresh_token import Decision
from valet.protocol import dpop

from tests.promises.model.faults import FALSE_REVOCATION, Fault
from tests.promises.model.patches import deciding

_KEYLESS = "a sender without the key was given tokens"


def _key_after_theft(
    decide: Any, grant: Any, account: Any, client: Any, presented: Any, window: int, now: float
) -> Any:
    """Only a rotation or a retry looks at the key."""
    unbound = replace(grant, jkt="") if grant is not None and grant.jkt else grant
    decision = decide(unbound, account, client, presented, window, now)
    is_others = grant is not None and grant.jkt not in ("", presented.jkt)
    return Decision.OTHER_KEY if is_others and decision in (Decision.ROTATE, Decision.RETRY) else decision


def _key_after_replay(decide: Any, grant: Any, account: Any, client: Any, presented: Any, now: float) -> Any:
    unbound = replace(grant, dpop_jkt="") if grant is not None and grant.dpop_jkt else grant
    decision = decide(unbound, account, client, presented, now)
    is_others = grant is not None and grant.dpop_jkt not in ("", presented.jkt)
    return CodeDecision.OTHER_KEY if is_others and decision is CodeDecision.REDEEM else decision


def _no_key_at_a_retry(decide: Any, grant: Any, account: Any, client: Any, presented: Any, *rest: Any) -> Any:
    unbound = replace(grant, jkt="") if grant is not None and grant.jkt else grant
    decision = decide(unbound, account, client, presented, *rest)
    return decision if decision is Decision.RETRY else decide(grant, account, client, presented, *rest)


def _revoked_before_spent(monkeypatch: pytest.MonkeyPatch) -> None:
    """A second use counts, whether or not the request turns out to be a replay."""
    for module in (refresh_token, redemption):

        def refused(request: Any, *rest: Any, original: Any = module._refused) -> Any:
            return original(replace(request, one_use=_Unspent()), *rest)

        monkeypatch.setattr(module, "_refused", refused)


class _Unspent(OneUse):
    def __init__(self) -> None:
        pass

    def spend(self) -> None:
        pass


def _nothing_is_spent(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(OneUse, "spend", lambda self: None)


def _retry_keeps_the_first_key(monkeypatch: pytest.MonkeyPatch) -> None:
    """A retry is bound to the key of the request whose answer was lost."""
    original: Any = vars(refresh_token)["sign_tokens"]

    def sign(request: Any, ports: Any, *rest: Any, **named: Any) -> Any:
        table, key = ports.grants.table, ("first-key", request.form["refresh_token"])
        if (first := table.get(*key)) is None:
            first = {"pk": key[0], "sk": key[1], "jkt": request.jkt}
            table.put(first)
        return original(replace(request, jkt=first["jkt"]), ports, *rest, **named)

    monkeypatch.setattr(refresh_token, "sign_tokens", sign)


def _nonce_is_asked_for_after_spending(monkeypatch: pytest.MonkeyPatch) -> None:
    """The endpoint asks for the nonce where the proof is already spent."""
    original = OneUse.spend
    missing: list[UseDpopNonce] = []

    def challenge(headers: Any, original: Any = dpop._challenge) -> UseDpopNonce:
        return original(headers)  # type: ignore[no-any-return]

    def check(found: Any, headers: Any, *, is_required: bool, now: float) -> None:
        missing[:] = [challenge(headers)] if is_required else []

    def spend(self: OneUse) -> None:
        original(self)
        if missing:
            raise missing.pop()

    monkeypatch.setattr(dpop, "_check_nonce", check)
    monkeypatch.setattr(OneUse, "spend", spend)


PROOF_FAULTS = (
    Fault("the key is decided after theft", "bound-thief", FALSE_REVOCATION, deciding(refresh_token, _key_after_theft)),
    Fault(
        "the key is decided after the second use of a code",
        "bound-code",
        FALSE_REVOCATION,
        deciding(authorization_code, _key_after_replay),
    ),
    Fault("a retry asks for no key", "bound-thief", _KEYLESS, deciding(refresh_token, _no_key_at_a_retry)),
    Fault("a refresh that is replayed revokes first", "replay-refresh", FALSE_REVOCATION, _revoked_before_spent),
    Fault("a code that is replayed revokes first", "replay-code", FALSE_REVOCATION, _revoked_before_spent),
    Fault(
        "no proof is spent",
        "replay-refresh-faults",
        "one captured request, two answers with tokens",
        _nothing_is_spent,
    ),
    Fault(
        "a retry signs for the first request's key",
        "bound-retry",
        "an answer's access token is bound to another key than its request's",
        _retry_keeps_the_first_key,
    ),
    Fault(
        "the proof is spent before the nonce is asked for",
        "nonce",
        "a refusal by use_dpop_nonce spent something",
        _nonce_is_asked_for_after_spending,
    ),
)
