"""Refreshes that keep their refresh token: lost and repeated writes, revocations, and a setting that changes."""

from collections.abc import Callable

from tests.promises.model import acts
from tests.promises.model.acts import Act
from tests.promises.model.run import Run, Scenario, Sender
from tests.promises.model.stage import Stage

# Who sends what.


def client_refreshes(run: Run) -> Act | None:
    """With what it holds; a client does not use a successor while an older request of its own is under way."""
    return run.stage.refresh(run.held) if run.held and not run.is_busy_with_another() else None


def client_revokes(run: Run) -> Act | None:
    return acts.revoke(run.stage.client_id, run.held)


def client_revokes_access_token(run: Run) -> Act | None:
    return acts.revoke(run.stage.client_id, run.stage.access_token)


def thief_refreshes(run: Run) -> Act | None:
    """With a copy of the token that stays."""
    return run.stage.refresh(run.stolen[0], actor="thief")


# Where it begins.


def just_redeemed() -> Stage:
    """A client that keeps its refresh token; the next access token shares the place of the first."""
    stage = Stage.empty().issued().redeemed()
    stage.world.put_client("web", refresh_token_rotation=False)
    return stage


def redeemed() -> Stage:
    return just_redeemed().a_minute_old()


def changed(*of_old: int) -> Callable[[], Stage]:
    """A client that rotated until now: these sandboxes go on by its old record."""

    def stage() -> Stage:
        stage = Stage.empty().issued().redeemed().a_minute_old()
        for sandbox in of_old:
            stage.world.go_stale(sandbox)
        stage.world.put_client("web", refresh_token_rotation=False)
        return stage

    return stage


def _clients(count: int) -> Sender:
    return Sender("client", count, client_refreshes)


_REVOKES = Sender("revoke", 1, client_revokes)

RENEW_SCENARIOS = (
    Scenario("renew-race", "two renewals at once, two faults", redeemed, (_clients(2),), faults=2),
    Scenario(
        "renew-revoke",
        "three renewals in any overlap, and a revocation",
        redeemed,
        (_clients(3), _REVOKES),
    ),
    Scenario(
        "renew-revoke-faults",
        "two renewals and a revocation, with a fault",
        redeemed,
        (_clients(2), _REVOKES),
        faults=1,
    ),
    Scenario(
        "renew-shared-place",
        "an access token is revoked whose place the next would share; its grant is renewed",
        just_redeemed,
        (_clients(2), Sender("revoke", 1, client_revokes_access_token)),
        faults=1,
    ),
    Scenario(
        "renew-thief",
        "a thief with a copy of the token that stays: the revocation reaches what the thief was given",
        redeemed,
        (_clients(1), Sender("thief", 1, thief_refreshes), _REVOKES),
        faults=1,
    ),
    Scenario(
        "renew-changed",
        "one sandbox rotates still, another renews, and the grant is revoked",
        changed(0),
        (_clients(2), _REVOKES),
        faults=1,
    ),
)
DEEP_RENEW_SCENARIOS = (
    Scenario(
        "deep-renew",
        "three renewals in any overlap and a revocation, with a fault",
        redeemed,
        (_clients(3), _REVOKES),
        faults=1,
    ),
    Scenario(
        "deep-renew-changed",
        "one sandbox rotates still, two renew, and the grant is revoked",
        changed(0),
        (_clients(3), _REVOKES),
        faults=1,
    ),
)
