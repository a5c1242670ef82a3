"""Bound tokens: a client that holds a key, thieves who lack it, and thieves who send a captured request again."""

from collections.abc import Callable
from dataclasses import replace

from tests.promises.model import acts
from tests.promises.model.acts import KEYS, Act
from tests.promises.model.run import Run, Scenario, Sender
from tests.promises.model.stage import Stage

_OWNER, _OTHER, _THIEF = "owner", "other", "thief"

# Who sends what.


def _proven(run: Run, act: Act, key: str, nonce: str | None = None) -> Act:
    """With a new proof: its jti is the sender's own, so that it does not depend on who came first."""
    nth = sum(each.act.actor == act.actor and each.act.kind == act.kind for each in run.processes.values())
    return acts.proven(act, key, f"{act.actor}-{act.kind}-{nth}", run.world.now, nonce)


def owner_redeems(run: Run) -> Act | None:
    return None if run.held else _proven(run, acts.redeem(run.stage.client_id, run.stage.code), _OWNER)


def client_refreshes(key: str) -> Callable[[Run], Act | None]:
    """With what it holds, and this key."""

    def act(run: Run) -> Act | None:
        if not run.held or run.is_busy_with_another():
            return None
        return _proven(run, acts.refresh(run.stage.client_id, run.held), key)

    return act


def thief_refreshes(run: Run) -> Act | None:
    """With a copy of the refresh token, and a key of their own."""
    return _proven(run, acts.refresh(run.stage.client_id, run.stolen[0], actor="thief"), _THIEF)


def thief_sends_no_proof(run: Run) -> Act | None:
    return acts.refresh(run.stage.client_id, run.stolen[0], actor="thief")


def thief_redeems(run: Run) -> Act | None:
    """With the code and even its verifier, and a key of their own."""
    return _proven(run, acts.redeem(run.stage.client_id, run.stage.code, actor="thief"), _THIEF)


def thief_replays(run: Run) -> Act | None:
    """The first request that the client sent, to the last byte."""
    captured = run.processes.get((0, 0))
    return replace(captured.act, actor="thief") if captured is not None else None


def client_has_no_nonce(run: Run) -> Act | None:
    return client_refreshes(_OWNER)(run)


def client_has_the_nonce(run: Run) -> Act | None:
    if not run.held or run.is_busy_with_another():
        return None
    nonce = run.world.nonces.current(acts.ISSUER, run.world.now)
    return _proven(run, acts.refresh(run.stage.client_id, run.held), _OWNER, nonce)


# Where it begins.


def bound() -> Stage:
    """A public client, whose refresh token is bound to its key."""
    return Stage.empty("app").with_key(_OWNER).issued().redeemed().a_minute_old()


def bound_and_rotated() -> Stage:
    return bound().rotated()


def issued() -> Stage:
    """A code of a public client, whose request named no key."""
    return Stage.empty("app").with_key(_OWNER).issued()


def issued_for_the_key() -> Stage:
    return Stage.empty("app").with_key(_OWNER).issued(KEYS[_OWNER].jkt)


def confidential() -> Stage:
    """A confidential client, which names a key at each refresh."""
    return Stage.empty().with_key(_OWNER).issued().redeemed().a_minute_old()


def with_nonces() -> Stage:
    return Stage.empty("app").with_key(_OWNER, nonces=True).issued().redeemed().a_minute_old()


_SEEN = ("once",)

PROOF_SCENARIOS = (
    Scenario(
        "bound-thief",
        "a thief with a copy of a bound refresh token, with a key of their own or none, time passing",
        bound,
        (
            Sender("client", 1, client_refreshes(_OWNER)),
            Sender("thief", 1, thief_refreshes),
            Sender("thief without proof", 1, thief_sends_no_proof),
        ),
        ticks=(61.0,),
        seen=_SEEN,
    ),
    Scenario(
        "bound-thief-old",
        "a thief with a copy of a bound refresh token that was used before, and a fault",
        bound_and_rotated,
        (Sender("client", 2, client_refreshes(_OWNER)), Sender("thief", 1, thief_refreshes)),
        faults=1,
        seen=_SEEN,
    ),
    Scenario(
        "bound-code",
        "a thief with the code, its verifier and a key of their own, of a request that named the owner's key",
        issued_for_the_key,
        (Sender("client", 1, owner_redeems), Sender("thief", 1, thief_redeems)),
        ticks=(11.0,),
        seen=_SEEN,
    ),
    Scenario(
        "bound-retry",
        "lost answers of a confidential client that changes its key",
        confidential,
        (Sender("client", 1, client_refreshes(_OWNER)), Sender("client again", 1, client_refreshes(_OTHER))),
        faults=1,
        seen=_SEEN,
    ),
    Scenario(
        "replay-refresh",
        "a refresh that was captured is sent again, while the client goes on",
        bound,
        (Sender("client", 2, client_refreshes(_OWNER)), Sender("thief", 1, thief_replays)),
        seen=_SEEN,
    ),
    Scenario(
        "replay-last-second",
        "a refresh that was captured is sent again in the last second of its proof, and a second later",
        bound,
        (Sender("client", 1, client_refreshes(_OWNER)), Sender("thief", 1, thief_replays)),
        ticks=(60.0, 1.0),
        seen=_SEEN,
    ),
    Scenario(
        "replay-refresh-faults",
        "a refresh that was captured is sent again, twice, with a fault",
        bound,
        (Sender("client", 1, client_refreshes(_OWNER)), Sender("thief", 2, thief_replays)),
        faults=1,
        seen=_SEEN,
    ),
    Scenario(
        "replay-code",
        "a redemption that was captured is sent again when a second use would end the grant",
        issued,
        (Sender("client", 1, owner_redeems), Sender("thief", 1, thief_replays)),
        ticks=(11.0,),
        seen=_SEEN,
    ),
    Scenario(
        "nonce",
        "a refresh without the nonce, and one with it",
        with_nonces,
        (Sender("client", 1, client_has_no_nonce), Sender("client again", 1, client_has_the_nonce)),
        faults=1,
        seen=_SEEN,
    ),
)
DEEP_PROOF_SCENARIOS = (
    Scenario(
        "deep-replay",
        "a captured refresh against two refreshes of the client, with a fault",
        bound,
        (Sender("client", 2, client_refreshes(_OWNER)), Sender("thief", 2, thief_replays)),
        faults=1,
        seen=_SEEN,
    ),
)
