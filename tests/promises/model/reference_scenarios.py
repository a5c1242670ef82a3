"""Access tokens that are references: each is there before it is answered, and ends with its grant."""

from tests.promises.model import acts
from tests.promises.model.acts import Act
from tests.promises.model.run import Run, Scenario, Sender
from tests.promises.model.stage import Stage

_SCOPE = "openid orders offline_access"  # of the API that has them

# Who sends what.


def client_redeems(run: Run) -> Act | None:
    return acts.redeem(run.stage.client_id, run.stage.code)


def client_refreshes(run: Run) -> Act | None:
    """With what it holds; a client does not use a successor while an older request of its own is under way."""
    return run.stage.refresh(run.held) if run.held and not run.is_busy_with_another() else None


def client_revokes(run: Run) -> Act | None:
    return acts.revoke(run.stage.client_id, run.held) if run.held else None


def client_revokes_access_token(run: Run) -> Act | None:
    return acts.revoke(run.stage.client_id, run.stage.access_token)


# Where it begins.


def issued() -> Stage:
    return Stage.empty(scope=_SCOPE).issued()


def just_redeemed() -> Stage:
    """The next access token shares the place of the first."""
    return issued().redeemed()


def redeemed() -> Stage:
    return just_redeemed().a_minute_old()


REFERENCE_SCENARIOS = (
    Scenario(
        "reference-redeem",
        "a code for a reference token, sent twice, with a fault: no answer holds a token that is not there",
        issued,
        (Sender("client", 2, client_redeems),),
        faults=1,
        seen=("reference",),
    ),
    Scenario(
        "reference-revoke",
        "two refreshes for reference tokens and a revocation, with a fault: the revocation reaches what was answered",
        redeemed,
        (Sender("client", 2, client_refreshes), Sender("revoke", 1, client_revokes)),
        faults=1,
        seen=("reference",),
    ),
    Scenario(
        "reference-shared-place",
        "a reference token is revoked whose place the next would share",
        just_redeemed,
        (Sender("client", 1, client_refreshes), Sender("revoke", 1, client_revokes_access_token)),
        faults=1,
        seen=("reference",),
    ),
)
