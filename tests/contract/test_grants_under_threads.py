"""One winner, one successor: 64 threads on one grant (P1), in every implementation of the port Grants."""

import pytest
from valet.models.grants import Grant
from valet.ports.grants import Done, Grants, Refused, Revoked

from tests.contract.conftest import Stores
from tests.contract.facts import (
    NOW,
    THREADS,
    at_once,
    has_redeemed,
    has_rotated,
    issue,
    new_grant,
    redemption,
    renewal_of,
    revocation,
    rotation_of,
)


@pytest.fixture
def grants(stores: Stores) -> Grants:
    return stores.grants


@pytest.fixture
def grant(grants: Grants) -> Grant:
    grant = new_grant()
    issue(grants, grant)
    return grant


def found(grants: Grants, grant: Grant) -> Grant:
    found = grants.find(grant.grant_id)
    assert found is not None
    return found


def test_a_grant_is_issued_once(grants: Grants) -> None:
    rivals = [new_grant(grant_id="C" * 22) for _ in range(THREADS)]
    outcomes = at_once(lambda number: issue(grants, rivals[number]))
    kept = found(grants, rivals[0])
    won = [
        rival
        for rival, outcome in zip(rivals, outcomes, strict=True)
        if isinstance(outcome, Done) or (outcome.found is not None and outcome.found.code_digest == rival.code_digest)
    ]
    assert won == [kept]


def test_a_code_is_redeemed_once(grants: Grants, grant: Grant) -> None:
    rivals = [redemption(idx) for idx in range(THREADS)]
    outcomes = at_once(lambda number: grants.redeem(grant, rivals[number], NOW))
    won = [rival for rival, outcome in zip(rivals, outcomes, strict=True) if has_redeemed(outcome, rival)]
    assert len(won) == 1
    kept = found(grants, grant)
    assert (kept.redemption, kept.refresh_digest, kept.live) == (won[0].attempt, won[0].refresh_digest, won[0].live)
    assert kept.generation == 1


def test_a_refresh_token_has_one_successor_and_all_who_lose_are_shown_it(grants: Grants, grant: Grant) -> None:
    first = redemption()
    grants.redeem(grant, first, NOW)
    redeemed = found(grants, grant)
    rivals = [rotation_of(first.refresh_digest, idx) for idx in range(THREADS)]
    outcomes = at_once(lambda number: grants.rotate(redeemed, rivals[number], NOW))
    won = [rival for rival, outcome in zip(rivals, outcomes, strict=True) if has_rotated(outcome, rival)]
    assert len(won) == 1
    kept = found(grants, grant)
    assert (kept.refresh_digest, kept.retry_key, kept.generation) == (won[0].refresh_digest, won[0].retry_key, 2)
    assert all(isinstance(outcome, Done) or outcome.found == kept for outcome in outcomes)


def test_a_generation_has_one_renewal_and_all_who_lose_are_shown_it(grants: Grants, grant: Grant) -> None:
    first = redemption()
    grants.redeem(grant, first, NOW)
    redeemed = found(grants, grant)
    rivals = [renewal_of(first.refresh_digest, idx) for idx in range(THREADS)]
    outcomes = at_once(lambda number: grants.renew(redeemed, rivals[number], NOW))
    kept = found(grants, grant)
    assert (kept.refresh_digest, kept.generation) == (first.refresh_digest, 2)
    (won,) = [rival for rival in rivals if rival.live == kept.live]
    # The winner may be told that it lost: its write was sent again. The item is all that counts.
    assert all(isinstance(outcome, Refused) for rival, outcome in zip(rivals, outcomes, strict=True) if rival != won)
    assert all(isinstance(outcome, Done) or outcome.found == kept for outcome in outcomes)


def test_what_is_revoked_while_it_rotates_stays_revoked_and_whoever_came_first_is_seen(
    grants: Grants, grant: Grant
) -> None:
    first = redemption()
    grants.redeem(grant, first, NOW)
    redeemed = found(grants, grant)
    rivals = {number: rotation_of(first.refresh_digest, number) for number in range(1, THREADS, 2)}

    def race(number: int) -> Revoked | bool | None:
        if number in rivals:
            return has_rotated(grants.rotate(redeemed, rivals[number], NOW), rivals[number])
        return grants.revoke(grant.grant_id, revocation())

    answers = at_once(race)
    kept = found(grants, grant)
    assert kept.revoked_at == int(NOW)
    winners = [number for number in rivals if answers[number]]
    assert len(winners) <= 1
    before = [answer for number, answer in enumerate(answers) if number not in rivals]
    assert all(isinstance(answer, Revoked) for answer in before)
    revokers = [answer.grant for answer in before if isinstance(answer, Revoked) and answer.is_ours]
    assert len(revokers) == 1, "one of them is told that it was they who revoked it"
    # No token that the revocation misses: what rotated before is in the `live` that the revoker saw.
    assert revokers[0].live == kept.live
    if winners:
        assert kept.live == rivals[winners[0]].live


def test_what_is_buried_while_it_is_issued_is_revoked_either_way(grants: Grants) -> None:
    for number in range(8):
        grant = new_grant(grant_id=str(number) * 22)

        def race(half: int, grant: Grant = grant) -> bool:
            if half % 2:
                return isinstance(issue(grants, grant), Done)
            grants.bury(grant.grant_id, grant.sub, revocation("logout"))
            return False

        at_once(race, 4)
        assert found(grants, grant).revoked_at
