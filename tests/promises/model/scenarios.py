"""The scenarios whose every interleaving is walked: who sends what, what may go wrong, how time passes."""

from collections.abc import Callable

from tests.promises.model import acts
from tests.promises.model.acts import Act
from tests.promises.model.device_scenarios import DEEP_DEVICE_SCENARIOS, DEVICE_SCENARIOS
from tests.promises.model.operator_scenarios import DEEP_OPERATOR_SCENARIOS, OPERATOR_SCENARIOS
from tests.promises.model.owner_scenarios import DEEP_OWNER_SCENARIOS, OWNER_SCENARIOS
from tests.promises.model.processes import Fate
from tests.promises.model.proof_scenarios import DEEP_PROOF_SCENARIOS, PROOF_SCENARIOS
from tests.promises.model.pushed_scenarios import DEEP_PUSHED_SCENARIOS, PUSHED_SCENARIOS
from tests.promises.model.reference_scenarios import REFERENCE_SCENARIOS
from tests.promises.model.renew_scenarios import DEEP_RENEW_SCENARIOS, RENEW_SCENARIOS
from tests.promises.model.repeat_scenarios import DEEP_REPEAT_SCENARIOS, REPEAT_SCENARIOS
from tests.promises.model.run import Run, Scenario, Sender
from tests.promises.model.second_scenarios import SECOND_SCENARIOS
from tests.promises.model.sign_in_scenarios import DEEP_SIGN_IN_SCENARIOS, SIGN_IN_SCENARIOS
from tests.promises.model.stage import SESSION, Stage

_SECRET = "never-a-secret-of-anybody".ljust(43, "x")
_SESSION_BOUND = "openid items"


# Who sends what.


def client_redeems(run: Run) -> Act | None:
    return None if run.held else acts.redeem(run.stage.client_id, run.stage.code)


def client_redeems_again(run: Run) -> Act | None:
    return acts.redeem(run.stage.client_id, run.stage.code)


def client_refreshes(run: Run) -> Act | None:
    """With what it holds; a client does not use a successor while an older request of its own is under way."""
    return run.stage.refresh(run.held) if run.held and not run.is_busy_with_another() else None


def client_refreshes_for(api: str) -> Callable[[Run], Act | None]:
    """For one of the APIs of its grant."""

    def act(run: Run) -> Act | None:
        return acts.refresh(run.stage.client_id, run.held, resource=api) if run.held else None

    return act


def client_mistakes_the_api(run: Run) -> Act | None:
    """With a refresh token that it has used before."""
    return acts.refresh(run.stage.client_id, run.stage.retired[-1], resource="https://elsewhere.example")


def client_revokes(run: Run) -> Act | None:
    return acts.revoke(run.stage.client_id, run.held) if run.held else None


def client_revokes_access_token(run: Run) -> Act | None:
    return acts.revoke(run.stage.client_id, run.stage.access_token)


def end_user_logs_out(run: Run) -> Act | None:
    return acts.logout(SESSION, run.stage.id_token)


def end_user_authorizes(run: Run) -> Act | None:
    return acts.authorize(run.stage.client_id, SESSION, run.stage.scope)


def thief_refreshes(which: int) -> Callable[[Run], Act | None]:
    """With the token that was stolen, or the `which`-th that it was answered since."""

    def act(run: Run) -> Act | None:
        return run.stage.refresh(run.stolen[which], actor="thief") if which < len(run.stolen) else None

    return act


def stranger_refreshes(run: Run) -> Act | None:
    """Everybody who saw an access token knows the grant's id."""
    return acts.refresh(run.stage.client_id, f"{_grant_id(run)}.{_SECRET}.{_SECRET}", actor="stranger")


def stranger_redeems(run: Run) -> Act | None:
    """The code was in a URL; the verifier was not."""
    return acts.redeem(run.stage.client_id, run.stage.code, actor="stranger", verifier=_SECRET)


def other_client_refreshes(run: Run) -> Act | None:
    return acts.refresh("strict", run.held, actor="stranger") if run.held else None


def stranger_revokes(run: Run) -> Act | None:
    return acts.revoke(run.stage.client_id, f"{_grant_id(run)}.{_SECRET}.{_SECRET}", actor="stranger")


def _grant_id(run: Run) -> str:
    return next(iter(run.ledger.grants))


# Where it begins.


def issued() -> Stage:
    return Stage.empty().issued()


def redeemed() -> Stage:
    return Stage.empty().issued().redeemed().a_minute_old()


def just_redeemed() -> Stage:
    """The next access token shares the place of the first."""
    return Stage.empty().issued().redeemed()


def rotated() -> Stage:
    return redeemed().rotated()


def one_time() -> Stage:
    """A client whose refresh tokens have no retry window."""
    return Stage.empty("strict").issued().redeemed().a_minute_old()


def for_two_apis() -> Stage:
    """Each access token is for one of them."""
    return Stage.empty(scope="openid items orders offline_access").issued().redeemed().rotated().a_minute_old()


def bound_to_session() -> Stage:
    """A grant that ends with the session."""
    return Stage.empty(scope=_SESSION_BOUND).issued().redeemed()


def issued_and_bound() -> Stage:
    """... of which a second code has just been answered; the first gave the ID token that a logout shows."""
    return bound_to_session().issued().not_redeemed()


def _clients(count: int) -> Sender:
    return Sender("client", count, client_refreshes)


_SETTLED = (Fate.RESENT, Fate.DELAYED)

SCENARIOS = (
    Scenario(
        "redeem-race",
        "parallel redemptions by the rightful client, a stranger with the bare code",
        issued,
        (Sender("client", 2, client_redeems), Sender("stranger", 1, stranger_redeems)),
        faults=1,
    ),
    Scenario(
        "redeem-race-3",
        "three redemptions at once, nothing goes wrong",
        issued,
        (Sender("client", 3, client_redeems_again),),
    ),
    Scenario(
        "redeem-then-refresh",
        "a code, a lost answer, then refreshes of what was received",
        issued,
        (Sender("client", 1, client_redeems), _clients(2)),
        faults=1,
    ),
    Scenario(
        "redeem-late",
        "a second use after ten seconds revokes; the first use keeps its tokens inside them",
        issued,
        (Sender("client", 2, client_redeems_again),),
        ticks=(6.0, 6.0),
    ),
    Scenario(
        "redeem-late-stranger",
        "a stranger with the bare code, long after it was redeemed, can end nothing",
        issued,
        (Sender("client", 1, client_redeems), Sender("stranger", 1, stranger_redeems)),
        ticks=(11.0,),
    ),
    Scenario(
        "redeem-logout",
        "a logout while the code is redeemed",
        issued_and_bound,
        (Sender("client", 1, client_redeems), Sender("logout", 1, end_user_logs_out)),
        faults=1,
    ),
    Scenario(
        "redeem-revoke",
        "a second use revokes while the first one's tokens are used and revoked",
        issued,
        (Sender("client", 2, client_redeems_again), Sender("revoke", 1, client_revokes)),
        ticks=(11.0,),
    ),
    Scenario("refresh-race", "two refreshes at once, two faults", redeemed, (_clients(2),), faults=2),
    Scenario("refresh-race-3", "three refreshes in any overlap", redeemed, (_clients(3),)),
    Scenario(
        "refresh-two-apis",
        "one refresh token at once for each of two APIs, and an old one for a third: one successor, and nothing ends",
        for_two_apis,
        (
            *(Sender(api, 1, client_refreshes_for(api)) for api in acts.APIS),
            Sender("mistake", 1, client_mistakes_the_api),
        ),
    ),
    Scenario(
        "refresh-window-off",
        "no retry window: an unknown outcome is still settled, and the SDK's own second try is no theft",
        one_time,
        (_clients(1),),
        faults=1,
        fates=_SETTLED,
        is_answer_lost=False,
    ),
    Scenario(
        "refresh-slow",
        "slow requests, retries late but inside the window",
        redeemed,
        (_clients(2),),
        faults=1,
        fates=(Fate.KILLED,),
        ticks=(40.0, 40.0),
    ),
    Scenario(
        "revoke-race",
        "revocations against rotations and retries",
        redeemed,
        (_clients(1), Sender("revoke", 1, client_revokes)),
        faults=1,
    ),
    Scenario(
        "revoke-race-2",
        "a revocation against two refreshes, nothing goes wrong",
        redeemed,
        (_clients(2), Sender("revoke", 1, client_revokes)),
    ),
    Scenario(
        "revoke-again",
        "a revocation that was killed is finished by the next",
        redeemed,
        (Sender("revoke", 2, client_revokes),),
        faults=1,
    ),
    Scenario(
        "revoke-access-token",
        "one access token is revoked while its grant goes on",
        redeemed,
        (_clients(2), Sender("revoke", 1, client_revokes_access_token)),
        faults=1,
    ),
    Scenario(
        "revoke-shared-place",
        "the access token is revoked whose place the next would share; the client refreshes meanwhile, and again",
        just_redeemed,
        (_clients(2), Sender("revoke", 1, client_revokes_access_token)),
        faults=1,
    ),
    Scenario(
        "revoke-grant-shared-place",
        "the grant is revoked while access tokens of it share a place",
        just_redeemed,
        (_clients(1), Sender("revoke", 1, client_revokes)),
        faults=1,
    ),
    Scenario(
        "revoke-shared-place-and-grant",
        "the access token is revoked whose place the next would share; the client refreshes, and revokes its grant",
        just_redeemed,
        (_clients(1), Sender("revoke token", 1, client_revokes_access_token), Sender("revoke", 1, client_revokes)),
        faults=1,
    ),
    Scenario(
        "shared-place-later",
        "tokens that share a place, their grant revoked, a while apart",
        just_redeemed,
        (_clients(2), Sender("revoke", 1, client_revokes)),
        ticks=(40.0,),
    ),
    Scenario(
        "stranger",
        "strangers with the grant's id against the client",
        redeemed,
        (
            _clients(2),
            Sender("stranger", 1, stranger_refreshes),
            Sender("other client", 1, other_client_refreshes),
            Sender("revoking stranger", 1, stranger_revokes),
        ),
    ),
    Scenario(
        "thief",
        "a thief with a copy of the current token, time passing",
        redeemed,
        (_clients(1), Sender("thief", 1, thief_refreshes(0)), Sender("thief again", 1, thief_refreshes(1))),
        ticks=(61.0,),
    ),
    Scenario(
        "thief-faults",
        "the same at once, with a fault",
        redeemed,
        (_clients(2), Sender("thief", 1, thief_refreshes(0))),
        faults=1,
    ),
    Scenario(
        "thief-revoke",
        "thief, client and revocation",
        rotated,
        (_clients(1), Sender("thief", 1, thief_refreshes(0)), Sender("revoke", 1, client_revokes)),
    ),
    Scenario(
        "logout-race",
        "a logout while a code is issued and redeemed, and another grant is refreshed",
        bound_to_session,
        (Sender("logout", 1, end_user_logs_out), Sender("authorize", 1, end_user_authorizes), _clients(1)),
    ),
    Scenario(
        "logout-faults",
        "a logout that is killed, and repeated",
        bound_to_session,
        (Sender("logout", 2, end_user_logs_out),),
        faults=1,
    ),
)
# With a second fault, or one more request: minutes, not seconds.
DEEP_SCENARIOS = (
    Scenario("deep-redeem", "three redemptions", issued, (Sender("client", 3, client_redeems_again),), faults=2),
    Scenario("deep-refresh", "three refreshes in any overlap, two faults", redeemed, (_clients(3),), faults=2),
    Scenario(
        "deep-revoke",
        "two revocations against two refreshes",
        redeemed,
        (_clients(2), Sender("revoke", 2, client_revokes)),
        faults=1,
    ),
    Scenario(
        "deep-thief",
        "a thief, who has three requests, and time",
        redeemed,
        (_clients(2), *(Sender(f"thief {number}", 1, thief_refreshes(number)) for number in range(3))),
        ticks=(61.0,),
    ),
    Scenario(
        "deep-thief-revoke",
        "thief, client and revocation, with a fault",
        rotated,
        (_clients(2), Sender("thief", 1, thief_refreshes(0)), Sender("revoke", 1, client_revokes)),
        faults=1,
    ),
    Scenario(
        "deep-logout",
        "two logouts against a refresh, an authorization request and a redemption",
        issued_and_bound,
        (
            Sender("logout", 2, end_user_logs_out),
            Sender("authorize", 1, end_user_authorizes),
            Sender("client", 1, client_redeems),
        ),
        faults=1,
    ),
)
ALL = (
    *SCENARIOS,
    *OPERATOR_SCENARIOS,
    *REPEAT_SCENARIOS,
    *PROOF_SCENARIOS,
    *PUSHED_SCENARIOS,
    *RENEW_SCENARIOS,
    *REFERENCE_SCENARIOS,
    *SIGN_IN_SCENARIOS,
    *OWNER_SCENARIOS,
    *SECOND_SCENARIOS,
    *DEVICE_SCENARIOS,
)
ALL_DEEP = (
    *DEEP_SCENARIOS,
    *DEEP_OPERATOR_SCENARIOS,
    *DEEP_REPEAT_SCENARIOS,
    *DEEP_PROOF_SCENARIOS,
    *DEEP_PUSHED_SCENARIOS,
    *DEEP_RENEW_SCENARIOS,
    *DEEP_SIGN_IN_SCENARIOS,
    *DEEP_OWNER_SCENARIOS,
    *DEEP_DEVICE_SCENARIOS,
)
BY_NAME = {scenario.name: scenario for scenario in (*ALL, *ALL_DEEP)}
