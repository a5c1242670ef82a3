"""The contract of the port Grants (one item each, every step one conditional write)."""

from dataclasses import replace

import pytest
from valet.models.grants import Grant, LiveToken
from valet.ports.grants import Done, Grants, Redemption, Refused, Revocation, Revoked

from tests.contract.conftest import Stores
from tests.contract.facts import (
    DAY,
    NOW,
    issue,
    live,
    new_grant,
    pointer_to,
    redemption,
    renewal_of,
    revocation,
    rotation_of,
)

LATER = NOW + 3600


@pytest.fixture
def grants(stores: Stores) -> Grants:
    return stores.grants


def issued(grants: Grants, **changes: object) -> Grant:
    grant = new_grant(**changes)
    assert issue(grants, grant) == Done()
    return grant


def redeemed(grants: Grants, first: Redemption | None = None, **changes: object) -> tuple[Grant, Redemption]:
    grant, first = issued(grants, **changes), first or redemption()
    assert grants.redeem(grant, first, NOW) == Done()
    return found(grants, grant), first


def found(grants: Grants, grant: Grant) -> Grant:
    found = grants.find(grant.grant_id)
    assert found is not None
    return found


def as_redeemed(grant: Grant, by: Redemption) -> Grant:
    return replace(
        grant,
        nonce=None,
        retry_key=b"",
        code_expires_at=0,
        redemption=by.attempt,
        redeemed_at_ms=by.redeemed_at_ms,
        family_digest=by.family_digest,
        refresh_digest=by.refresh_digest,
        generation=1,
        idle_expires_at=by.idle_expires_at,
        live=by.live,
        expires_at=by.expires_at,
    )


def as_revoked(grant: Grant, by: Revocation) -> Grant:
    return replace(
        grant,
        revoked_at=by.revoked_at,
        revoked_for=by.revoked_for,
        revocation=by.attempt,
        retry_key=b"",
        previous_digest=b"",
    )


def test_a_grant_is_found_as_it_was_issued(grants: Grants) -> None:
    with_nonce, without = issued(grants, nonce="n-0S6_WzA2Mj"), issued(grants)
    assert grants.find(with_nonce.grant_id) == with_nonce
    assert grants.find(without.grant_id) == without


def test_a_grant_that_was_never_issued_is_not_found(grants: Grants) -> None:
    assert grants.find("AAAAAAAAAAAAAAAAAAAAAA") is None


def test_a_grant_is_issued_once_and_the_second_is_shown_the_first(grants: Grants) -> None:
    first = issued(grants)
    second = new_grant(grant_id=first.grant_id)
    assert issue(grants, second) == Refused(first)
    assert grants.find(first.grant_id) == first


def test_redeeming_writes_what_the_redemption_says_and_forgets_what_only_the_code_needed(grants: Grants) -> None:
    grant, first = redeemed(grants, nonce="n-0S6_WzA2Mj")
    assert grants.find(grant.grant_id) == as_redeemed(grant, first)


def test_redeeming_without_a_refresh_token_leaves_no_trace_of_one(grants: Grants) -> None:
    grant = issued(grants)
    bare = replace(redemption(), family_digest=b"", refresh_digest=b"", idle_expires_at=0)
    assert grants.redeem(grant, bare, NOW) == Done()
    after = found(grants, grant)
    assert (after.family_digest, after.refresh_digest, after.idle_expires_at) == (b"", b"", 0)


def test_a_code_is_redeemed_once_and_the_second_is_shown_who_was_first(grants: Grants) -> None:
    grant, first = redeemed(grants)
    assert grants.redeem(grant, redemption(), NOW) == Refused(as_redeemed(grant, first))


def test_the_same_attempt_sent_twice_recognises_itself(grants: Grants) -> None:
    grant, first = redeemed(grants)
    outcome = grants.redeem(grant, first, NOW)
    assert isinstance(outcome, Refused)
    assert outcome.found is not None
    assert outcome.found.redemption == first.attempt


def test_another_code_than_the_grants_is_not_redeemed(grants: Grants) -> None:
    grant = issued(grants)
    assert grants.redeem(replace(grant, code_digest=bytes(32)), redemption(), NOW) == Refused(grant)


def test_a_code_is_not_redeemed_at_the_second_it_expires(grants: Grants) -> None:
    grant = issued(grants)
    assert grants.redeem(grant, redemption(), grant.code_expires_at) == Refused(grant)
    assert grants.redeem(grant, redemption(), grant.code_expires_at - 0.001) == Done()


def test_no_code_of_a_revoked_grant_is_redeemed(grants: Grants) -> None:
    grant = issued(grants)
    ending = revocation("logout")
    grants.revoke(grant.grant_id, ending)
    outcome = grants.redeem(grant, redemption(), NOW)
    assert outcome == Refused(as_revoked(grant, ending))


def test_a_grant_that_is_not_there_is_neither_redeemed_nor_refreshed(grants: Grants) -> None:
    grant = new_grant()
    assert grants.redeem(grant, redemption(), NOW) == Refused(None)
    assert grants.rotate(grant, rotation_of(b"x" * 32), NOW) == Refused(None)
    assert grants.renew(grant, renewal_of(b"x" * 32), NOW) == Refused(None)
    assert grants.find(grant.grant_id) is None


def test_rotating_writes_what_the_rotation_says_and_counts_the_generation(grants: Grants) -> None:
    grant, first = redeemed(grants)
    rotation = rotation_of(first.refresh_digest)
    assert grants.rotate(grant, rotation, NOW) == Done()
    assert grants.find(grant.grant_id) == replace(
        as_redeemed(grant, first),
        refresh_digest=rotation.refresh_digest,
        previous_digest=first.refresh_digest,
        retry_key=rotation.retry_key,
        rotated_at_ms=rotation.rotated_at_ms,
        live=rotation.live,
        idle_expires_at=rotation.idle_expires_at,
        expires_at=rotation.expires_at,
        generation=2,
    )


def test_a_refresh_token_has_one_successor(grants: Grants) -> None:
    grant, first = redeemed(grants)
    won, lost = rotation_of(first.refresh_digest), rotation_of(first.refresh_digest)
    assert grants.rotate(grant, won, NOW) == Done()
    outcome = grants.rotate(grant, lost, NOW)
    assert outcome == Refused(found(grants, grant))
    assert found(grants, grant).retry_key == won.retry_key


def test_a_code_that_is_not_redeemed_has_nothing_to_refresh(grants: Grants) -> None:
    grant = issued(grants)
    assert grants.rotate(grant, rotation_of(b"x" * 32), NOW) == Refused(grant)
    assert grants.renew(grant, renewal_of(b"x" * 32), NOW) == Refused(grant)


@pytest.mark.parametrize("expiry", ["idle_expires_at", "absolute_expires_at"])
def test_nothing_is_refreshed_at_the_second_it_expires(grants: Grants, expiry: str) -> None:
    end = int(NOW) + 1000
    first = replace(redemption(), idle_expires_at=end if expiry == "idle_expires_at" else end + 1000)
    absolute = end if expiry == "absolute_expires_at" else end + 1000
    grant, _ = redeemed(grants, first, absolute_expires_at=absolute)
    assert grants.rotate(grant, rotation_of(first.refresh_digest), end) == Refused(grant)
    assert grants.renew(grant, renewal_of(first.refresh_digest), end) == Refused(grant)
    assert grants.rotate(grant, rotation_of(first.refresh_digest), end - 0.001) == Done()
    kept, _ = redeemed(grants, first, absolute_expires_at=absolute)
    assert grants.renew(kept, renewal_of(first.refresh_digest), end - 0.001) == Done()


def test_nothing_of_a_revoked_grant_is_refreshed(grants: Grants) -> None:
    grant, first = redeemed(grants)
    grants.revoke(grant.grant_id, revocation())
    revoked = found(grants, grant)
    assert grants.rotate(grant, rotation_of(first.refresh_digest), NOW) == Refused(revoked)
    assert grants.renew(grant, renewal_of(first.refresh_digest), NOW) == Refused(revoked)
    assert found(grants, grant) == revoked


def test_renewing_writes_what_the_renewal_says_and_keeps_the_refresh_token(grants: Grants) -> None:
    grant, first = redeemed(grants)
    renewal = renewal_of(first.refresh_digest)
    assert grants.renew(grant, renewal, NOW) == Done()
    assert grants.find(grant.grant_id) == replace(
        as_redeemed(grant, first),
        live=renewal.live,
        idle_expires_at=renewal.idle_expires_at,
        expires_at=renewal.expires_at,
        paced_until=renewal.paced_until,
        generation=2,
    )


def test_a_renewal_leaves_what_an_earlier_rotation_wrote(grants: Grants) -> None:
    """The client may have changed from rotating, and may still try the lost rotation again."""
    grant, first = redeemed(grants)
    rotation = rotation_of(first.refresh_digest)
    grants.rotate(grant, rotation, NOW)
    rotated = found(grants, grant)
    renewal = renewal_of(rotation.refresh_digest, 3)
    assert grants.renew(rotated, renewal, NOW) == Done()
    assert found(grants, grant) == replace(rotated, live=renewal.live, paced_until=renewal.paced_until, generation=3)


def test_another_refresh_token_than_the_current_is_not_renewed(grants: Grants) -> None:
    grant, first = redeemed(grants)
    grants.rotate(grant, rotation_of(first.refresh_digest), NOW)
    rotated = found(grants, grant)
    assert grants.renew(rotated, renewal_of(first.refresh_digest), NOW) == Refused(rotated)


def test_of_two_refreshes_of_one_generation_the_second_is_shown_the_first(grants: Grants) -> None:
    """Each writes `live` as a whole: the second would forget the first one's access token."""
    grant, first = redeemed(grants)
    won = renewal_of(first.refresh_digest, 2)
    assert grants.renew(grant, won, NOW) == Done()
    renewed = found(grants, grant)
    assert grants.renew(grant, renewal_of(first.refresh_digest, 3), NOW) == Refused(renewed)
    assert grants.renew(grant, won, NOW) == Refused(renewed), "the same write, sent again"
    assert grants.rotate(grant, rotation_of(first.refresh_digest, 3), NOW) == Refused(renewed)
    assert found(grants, grant) == renewed


def test_who_revokes_is_shown_the_grant_as_it_was_and_who_comes_later_sees_it_revoked(grants: Grants) -> None:
    grant, first = redeemed(grants)
    before, first_of_all = as_redeemed(grant, first), revocation("refresh.reused")
    assert grants.revoke(grant.grant_id, first_of_all) == Revoked(before, is_ours=True)
    revoked = as_revoked(before, first_of_all)
    assert grants.find(grant.grant_id) == revoked
    later = Revoked(revoked, is_ours=False)
    assert grants.revoke(grant.grant_id, revocation(now=LATER)) == later
    assert grants.bury(grant.grant_id, grant.sub, revocation("logout", LATER)) == later
    assert grants.find(grant.grant_id) == revoked


def test_who_revokes_by_the_same_write_twice_knows_that_it_was_they(grants: Grants) -> None:
    """The answer was lost, and AWS's library sends the write again."""
    grant, _ = redeemed(grants)
    by_pointer = issued(grants)
    write = revocation()
    for _ in range(2):
        revoked = grants.revoke(grant.grant_id, write)
        assert revoked is not None
        assert revoked.is_ours
    for _ in range(2):
        revoked = grants.bury(by_pointer.grant_id, by_pointer.sub, write)
        assert revoked is not None
        assert revoked.is_ours


def test_a_revoked_grant_keeps_no_key_that_a_code_or_a_successor_is_made_of(grants: Grants) -> None:
    waiting = issued(grants)
    assert found(grants, waiting).retry_key
    grants.revoke(waiting.grant_id, revocation())
    assert not found(grants, waiting).retry_key
    grant, first = redeemed(grants)
    assert not found(grants, grant).retry_key
    grants.rotate(grant, rotation_of(first.refresh_digest), NOW)
    rotated = found(grants, grant)
    ending = revocation()
    assert grants.revoke(grant.grant_id, ending) == Revoked(rotated, is_ours=True)
    assert found(grants, grant) == as_revoked(rotated, ending)


def test_revoking_what_is_not_there_leaves_nothing(grants: Grants) -> None:
    assert grants.revoke("AAAAAAAAAAAAAAAAAAAAAA", revocation()) is None
    assert grants.find("AAAAAAAAAAAAAAAAAAAAAA") is None


def test_burying_a_grant_under_way_keeps_it_from_being_issued(grants: Grants) -> None:
    grant = new_grant()
    assert grants.bury(grant.grant_id, grant.sub, revocation("logout")) is None
    outcome = issue(grants, grant)
    assert isinstance(outcome, Refused)
    assert outcome.found is not None
    assert outcome.found.revoked_at == int(NOW)
    assert outcome.found.code_digest is None
    assert isinstance(grants.redeem(grant, redemption(), NOW), Refused)
    assert isinstance(grants.rotate(grant, rotation_of(b"x" * 32), NOW), Refused)


def test_nobody_buries_the_grant_of_somebody_else(grants: Grants) -> None:
    """Who answers a request that somebody answered before has a pointer to that grant, and no more than the pointer."""
    grant = issued(grants)
    assert grants.bury(grant.grant_id, "sub-of-somebody-else", revocation("logout")) is None
    assert found(grants, grant) == grant


def test_a_tombstone_names_its_grant_and_outlives_what_it_forbids(grants: Grants) -> None:
    assert grants.bury("A" * 22, "sub", revocation("logout")) is None
    tombstone = grants.find("A" * 22)
    assert tombstone is not None
    assert (tombstone.grant_id, tombstone.revoked_for, tombstone.live) == ("A" * 22, "logout", ())
    assert tombstone.client_id is None
    assert tombstone.expires_at == int(NOW) + 86_400
    assert grants.bury("A" * 22, "sub", revocation("user", LATER)) is None
    assert grants.find("A" * 22) == tombstone


def test_pointers_are_there_before_and_without_their_grant(grants: Grants) -> None:
    grant = issued(grants)
    grants.bury("B" * 22, "sub", revocation("logout"))
    refused = new_grant(grant_id="B" * 22)
    issue(grants, refused)
    assert set(grants.pointers(grant.sub)) == {pointer_to(grant), pointer_to(refused)}


def test_a_pointer_of_before_the_redemption_that_comes_late_takes_no_place(grants: Grants) -> None:
    """It expires with the code, and the grant could not be found any more."""
    grant = issued(grants)
    lasting = replace(pointer_to(grant), expires_at=int(NOW) + 95 * DAY, redeemed_at=int(NOW))
    grants.point_to(lasting)
    grants.point_to(pointer_to(grant))
    assert grants.pointers(grant.sub) == (lasting,)
    again = replace(lasting, expires_at=lasting.expires_at + 1, redeemed_at=int(NOW) + 1)
    grants.point_to(again)  # by another try of the redemption
    assert grants.pointers(grant.sub) == (again,)


def test_pointers_are_all_of_a_person_or_those_of_one_session(grants: Grants) -> None:
    here, there = issued(grants, sid="sid-1"), issued(grants, sid="sid-10")
    somebody_elses = issued(grants, sub="sub-of-jane")
    assert set(grants.pointers(here.sub)) == {pointer_to(here), pointer_to(there)}
    assert grants.pointers(here.sub, "sid-1") == (pointer_to(here),)
    assert grants.pointers("sub-of-jane") == (pointer_to(somebody_elses),)
    assert grants.pointers("nobody") == ()


def test_live_tokens_keep_their_order_and_their_kinds(grants: Grants) -> None:
    grant = issued(grants)
    many = (live(9), live(3), LiveToken(int(NOW) + 5000, "aosu", 0), live(7), live(2**32 - 1))
    grants.redeem(grant, replace(redemption(), live=many), NOW)
    assert found(grants, grant).live == many
