"""Promise S10: each algorithm's keys rotate alone, and no verifier refuses a good token while a lane comes or goes."""

from dataclasses import replace
from itertools import product

import pytest
from valet.aws.dynamodb.key_records import item_from_ring, ring_from_items
from valet.errors import SigningFailed
from valet.keys import plan as planning
from valet.keys.plan import ANNOUNCED_FOR, Situation, plan
from valet.keys.ring import ANNOUNCED, DROPPED, RETIRED, SIGNING, signing_algs, signing_key
from valet.keys.rotation import CURRENT, Rotation
from valet.models.keys import KeyRing, SigningKey

from tests.parts.keys.fakes import (
    SETTINGS,
    MemoryAudit,
    MemoryKeyMaker,
    MemoryKeyRecords,
    assert_settled,
    in_state,
    lane,
)
from tests.parts.keys.walks import (
    CHANGES,
    CHOICES,
    START,
    Lanes,
    Walk,
    assert_clients_know_the_default,
    assert_lanes_hand_over,
    assert_no_good_token_is_refused,
    assert_sound,
    changed,
)

# -- the walk ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("before", "after"), CHANGES, ids=lambda lanes: "+".join(lanes))
def test_no_good_token_is_refused_while_the_algorithms_change(before: Lanes, after: Lanes) -> None:
    walk = changed(before, after)
    assert signing_algs(walk.ring.keys) == after
    assert_lanes_hand_over(walk, before, after)
    walk.pass_hours(30)  # the former keys leave the JWK Set
    assert {key.alg for key in walk.ring.keys} == {*after}
    assert_sound(walk)
    assert_settled(walk.ring, walk.maker.states)


@pytest.mark.parametrize(("before", "after"), CHANGES, ids=lambda lanes: "+".join(lanes))
def test_nor_if_the_operator_changes_their_mind_at_any_hour(before: Lanes, after: Lanes) -> None:
    for hours, last in product(range(6), CHOICES):
        walk = changed(before, after, hours)
        walk.set(*last)
        walk.pass_hours(6)
        assert signing_algs(walk.ring.keys) == last
        assert_sound(walk)
        assert_settled(walk.ring, walk.maker.states)


@pytest.mark.parametrize(("before", "after"), CHANGES, ids=lambda lanes: "+".join(lanes))
def test_nor_after_an_emergency_at_any_hour_for_any_key_that_signs(before: Lanes, after: Lanes) -> None:
    for hours in range(6):
        for alg in signing_algs(changed(before, after, hours).ring.keys):
            walk = changed(before, after, hours)
            others = {each: signing_key(walk.ring.keys, each).kid for each in signing_algs(walk.ring.keys)}
            kid = others.pop(alg)
            walk.drop(kid)
            assert in_state(walk.ring, DROPPED)[:1] == [kid]
            # It concerns one lane: the others sign with the keys that they had.
            assert {each: signing_key(walk.ring.keys, each).kid for each in others} == others
            walk.pass_hours(6)
            assert_sound(walk)
            assert_settled(walk.ring, walk.maker.states)


def test_each_lane_rotates_alone() -> None:
    walk = Walk(("RS256", "PS256"))
    walk.pass_hours(3)
    first = signing_key(walk.ring.keys).kid
    second = signing_key(walk.ring.keys, "PS256").kid
    walk.run("PS256")
    assert signing_key(walk.ring.keys).kid == first
    assert signing_key(walk.ring.keys, "PS256").kid != second
    assert in_state(walk.ring, RETIRED) == [second]
    assert signing_algs(walk.ring.keys) == ("RS256", "PS256")
    assert_sound(walk)


# -- the faults that the walk finds ------------------------------------------------------------------------------------


def test_it_finds_a_lane_that_is_dropped_before_the_wanted_one_signs(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(planning, "lanes", lambda at: at.settings.signing_algs)
    walk = changed(("RS256", "PS256"), ("RS256", "ES256"))
    with pytest.raises(AssertionError, match="sign between"):
        assert_lanes_hand_over(walk, ("RS256", "PS256"), ("RS256", "ES256"))
    with pytest.raises(AssertionError):  # here no key would sign at all, which no write may bring about
        changed(("RS256",), ("ES256",))


def test_it_finds_a_lane_that_signs_before_it_was_announced_long_enough(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(planning, "ANNOUNCED_FOR", 3600)
    walk = changed(("RS256",), ("RS256", "PS256"))
    with pytest.raises(AssertionError, match="PS256 signs before verifiers know"):
        assert_no_good_token_is_refused(walk)


def test_it_finds_a_key_that_signs_with_two_algorithms(monkeypatch: pytest.MonkeyPatch) -> None:
    """KMS would sign both by one RSA key, and its thumbprint would be the kid of both."""
    make_key = MemoryKeyMaker.make_key

    def shared(maker: MemoryKeyMaker, alg: str, now: float) -> SigningKey:
        key = make_key(maker, alg, now)
        return replace(key, kid="key-1") if alg == "PS256" else key

    monkeypatch.setattr(MemoryKeyMaker, "make_key", shared)
    with pytest.raises(AssertionError):
        Walk(("RS256", "PS256"))


def test_it_finds_a_default_that_clients_do_not_know(monkeypatch: pytest.MonkeyPatch) -> None:
    def at_once(at: Situation) -> bool:
        return {*at.settings.signing_algs} <= {*signing_algs(at.keys)}

    monkeypatch.setattr(planning, "_is_in_force", at_once)
    with pytest.raises(AssertionError, match="do not know the default"):
        assert_clients_know_the_default(changed(("RS256",), ("ES256",)))


def test_it_finds_a_new_lane_without_a_standby_that_verifiers_know(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(planning, "_most_standbys", lambda at, alg: 1)
    walk = changed(("RS256",), ("RS256", "PS256"), 4)
    walk.drop(signing_key(walk.ring.keys, "PS256").kid)
    walk.pass_hours(1)
    with pytest.raises(AssertionError, match="PS256 signs before verifiers know"):
        assert_no_good_token_is_refused(walk)


# -- one step at a time ------------------------------------------------------------------------------------------------


def test_the_first_ring_of_two_lanes_is_one_write_and_signs_at_once() -> None:
    walk = Walk(("RS256", "PS256"))
    writes: list[KeyRing] = []
    records = MemoryKeyRecords()
    change_ring = records.change_ring

    def watch(before: KeyRing, keys: tuple[SigningKey, ...]) -> bool:
        done = change_ring(before, keys)
        writes.append(records.ring)
        return done

    records.change_ring = watch  # type: ignore[method-assign]
    Rotation(
        records, MemoryKeyMaker(), MemoryAudit(), lambda: START, replace(SETTINGS, signing_algs=walk.wanted)
    ).rotate()
    # A verifier that fetched the JWK Set between two writes would not know the second lane's key for two hours.
    assert signing_algs(writes[0].keys) == signing_algs(walk.ring.keys) == ("RS256", "PS256")
    assert [in_state(lane(walk.ring, alg), ANNOUNCED) for alg in walk.wanted] == [["key-3"], ["key-4"]]


def test_a_new_lane_signs_after_2_h_15_min_and_by_default_after_as_long_again() -> None:
    walk = Walk()
    walk.set("ES256")
    assert signing_algs(walk.ring.keys) == ("RS256",)
    assert len(in_state(lane(walk.ring, "ES256"), ANNOUNCED)) == 2
    walk.now = START + ANNOUNCED_FOR - 1
    walk.run()
    assert signing_algs(walk.ring.keys) == ("RS256",)
    walk.now = START + ANNOUNCED_FOR
    walk.run()
    assert signing_algs(walk.ring.keys) == ("RS256", "ES256")
    walk.now = START + 2 * ANNOUNCED_FOR - 1
    walk.run()
    assert signing_algs(walk.ring.keys) == ("RS256", "ES256")
    walk.now = START + 2 * ANNOUNCED_FOR
    walk.run()
    assert signing_algs(walk.ring.keys) == ("ES256",)
    assert in_state(lane(walk.ring, "RS256"), RETIRED) == ["key-1"]
    assert in_state(lane(walk.ring, "RS256"), DROPPED) == ["key-2"]  # it never signed
    changes = [facts for name, facts in walk.audit.events if name == "lane.changed"]
    assert [(facts["reason"], facts["alg"], facts["signing"]) for facts in changes] == [
        ("begun", "ES256", "key-3"),
        ("first", "ES256", "key-3"),
        ("ended", "RS256", "key-3"),
    ]


def test_a_lane_for_which_kms_makes_no_keys_holds_up_no_other() -> None:
    walk = Walk(("RS256", "PS256"))
    walk.pass_hours(3)
    make_key = walk.maker.make_key

    def only_rs256(alg: str, now: float) -> SigningKey:
        if alg != "RS256":
            raise SigningFailed(detail="KMS CreateKey: LimitExceededException")
        return make_key(alg, now)

    walk.maker.make_key = only_rs256  # type: ignore[method-assign]
    before = signing_key(walk.ring.keys).kid
    with pytest.raises(SigningFailed):
        walk.run("RS256", "PS256")
    assert signing_key(walk.ring.keys).kid != before
    assert signing_key(walk.ring.keys, "PS256").kid != "key-2"


def test_who_asks_for_a_lane_that_does_not_sign_gets_no_other_lanes_key() -> None:
    walk = Walk()
    walk.set("RS256", "PS256")
    with pytest.raises(SigningFailed) as refused:
        signing_key(walk.ring.keys, "PS256")
    assert "no key signs with PS256, only with RS256" in refused.value.detail
    assert signing_key(walk.ring.keys).alg == signing_key(walk.ring.keys, "RS256").alg == "RS256"


def test_current_names_no_key_where_the_keys_of_two_lanes_sign() -> None:
    walk = Walk(("RS256", "PS256"))
    with pytest.raises(LookupError, match="RS256 and PS256 sign"):
        walk.drop(CURRENT)
    assert in_state(walk.ring, DROPPED) == []


# -- the release before ------------------------------------------------------------------------------------------------


def test_a_ring_of_the_release_before_goes_on_unchanged() -> None:
    """It wrote one lane, in the order in which it made the keys."""
    walk = Walk()
    walk.pass_hours(3)
    walk.drop("key-1")
    walk.pass_hours(3)
    item = {**item_from_ring(walk.ring, b"attempt")}
    ring = ring_from_items([item])
    assert [key.kid for key in ring.keys] == ["key-1", "key-2", "key-3"]
    assert plan(Situation(ring.keys, walk.now, SETTINGS)) is None


def test_the_release_before_finds_the_first_lanes_keys_first() -> None:
    """It takes the first key that signs, whichever way the lanes have rotated, and also after it has rotated once."""
    walk = Walk(("RS256", "ES256"))
    walk.pass_hours(3)
    for alg in ("RS256", "ES256", "RS256"):
        walk.run(alg)
        walk.pass_hours(3)
        in_use = [key.alg for key in walk.ring.keys if key.state in (SIGNING, ANNOUNCED)]
        assert in_use == ["RS256", "RS256", "ES256", "ES256"]


def test_two_keys_of_a_lane_that_the_release_before_left_signing_become_one() -> None:
    """It sees no lanes: it may let an announced key of the one sign in place of the other's."""
    walk = Walk(("RS256", "PS256"))
    walk.pass_hours(3)
    signing, standby = (key for key in walk.ring.keys if key.alg == "RS256")
    left = tuple(replace(key, state=SIGNING, signing_since=1) if key is standby else key for key in walk.ring.keys)
    walk.records.ring = replace(walk.ring, keys=left)
    walk.run()
    assert in_state(lane(walk.ring, "RS256"), SIGNING) == [signing.kid]
    assert in_state(lane(walk.ring, "RS256"), RETIRED) == [standby.kid]
    assert_settled(walk.ring, walk.maker.states)
