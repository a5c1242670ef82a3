"""Two runs at once, and runs killed anywhere: every interleaving of their calls, one by one."""

from collections.abc import Callable
from dataclasses import replace
from functools import cache

import pytest
from valet.keys.plan import ANNOUNCED_FOR, KEPT_FOR
from valet.keys.ring import DROPPED, signing_algs, signing_key
from valet.keys.rotation import CURRENT, Rotation
from valet.models.keys import KeyRing
from valet.settings import Settings

from tests.parts.keys.fakes import ROLES, SETTINGS, assert_one_key_signs, assert_settled
from tests.parts.keys.interleavings import Deed, Played, World, interleaved

TWO_LANES = replace(SETTINGS, signing_algs=("RS256", "PS256"))
ES256 = replace(SETTINGS, signing_algs=("ES256",))
WRAPPED = replace(SETTINGS, signer="wrapped", wrapping_key="arn:aws:kms:eu-west-1:123456789012:key/1")


@cache
def every_interleaving(situation: str) -> tuple[Played, ...]:
    """Every world that the runs of a situation can bring about, each once."""
    make_start, settings, deeds = SITUATIONS[situation]
    return tuple(interleaved(make_start(), settings, deeds))


@cache
def every_world(situation: str) -> tuple[World, ...]:
    """The same, wherever the runs stand: what the next run does depends on the world alone."""
    return tuple({played.world.seen(): played.world for played in every_interleaving(situation)}.values())


def rotate(rotation: Rotation) -> KeyRing:
    return rotation.rotate()


def drop(which: str) -> Deed:
    return lambda rotation: rotation.drop(which)


def started() -> World:
    world = World()
    world.rotation(SETTINGS).rotate()
    world.now += ANNOUNCED_FOR
    return world


def due() -> World:
    world = started()
    world.now += SETTINGS.rotation_period
    return world


def over() -> World:
    """A retired key whose time is over, and another that was dropped."""
    world = due()
    world.rotation(SETTINGS).rotate()
    world.rotation(SETTINGS).drop(CURRENT)
    world.now += KEPT_FOR
    return world


def without_standby() -> World:
    world = started()
    world.records.ring = replace(world.records.ring, keys=world.records.ring.keys[:1])
    del world.maker.states["key-2"]
    return world


def disabled() -> World:
    world = started()
    world.maker.states["key-1"] = "Disabled"
    return world


def started_with_two_lanes() -> World:
    world = World()
    world.rotation(TWO_LANES).rotate()
    world.now += ANNOUNCED_FOR
    return world


def due_in_two_lanes() -> World:
    world = started_with_two_lanes()
    world.now += SETTINGS.rotation_period
    return world


def with_a_new_lane() -> World:
    """Its first key is about to sign."""
    world = started()
    world.rotation(TWO_LANES).rotate()
    world.now += ANNOUNCED_FOR
    return world


def about_to_take_over() -> World:
    """The algorithm that is wanted signs, and clients know it by now."""
    world = started()
    for _ in range(2):
        world.rotation(ES256).rotate()
        world.now += ANNOUNCED_FOR
    return world


SITUATIONS: dict[str, tuple[Callable[[], World], Settings, tuple[Deed, ...]]] = {
    "the first keys, twice": (World, SETTINGS, (rotate, rotate)),
    "the first wrapped keys, twice": (World, WRAPPED, (rotate, rotate)),
    "a rotation, twice": (due, SETTINGS, (rotate, rotate)),
    "records that are over, twice": (over, SETTINGS, (rotate, rotate)),
    "the same emergency, twice": (started, SETTINGS, (drop("key-1"), drop("key-1"))),
    "the current key's emergency, twice": (started, SETTINGS, (drop(CURRENT), drop(CURRENT))),
    "an emergency for both keys at once": (started, SETTINGS, (drop("key-1"), drop("key-2"))),
    "an emergency while the schedule rotates": (due, SETTINGS, (drop("key-1"), rotate)),
    "an emergency for the standby while it begins to sign": (due, SETTINGS, (drop("key-2"), rotate)),
    "an emergency without a standby": (without_standby, SETTINGS, (drop("key-1"), rotate)),
    "another algorithm": (started, ES256, (rotate, rotate)),
    "another algorithm and an emergency": (
        started,
        replace(SETTINGS, signing_algs=("ES256",)),
        (drop("key-1"), rotate),
    ),
    "the first keys of two lanes, twice": (World, TWO_LANES, (rotate, rotate)),
    "a rotation in both lanes, twice": (due_in_two_lanes, TWO_LANES, (rotate, rotate)),
    "a lane more": (started, TWO_LANES, (rotate, rotate)),
    "a lane more begins to sign": (with_a_new_lane, TWO_LANES, (rotate, rotate)),
    "a lane more begins to sign and an emergency in the other": (with_a_new_lane, TWO_LANES, (rotate, drop("key-1"))),
    "an emergency for the key that begins a lane": (with_a_new_lane, TWO_LANES, (rotate, drop("key-3"))),
    "a lane less": (started_with_two_lanes, SETTINGS, (rotate, rotate)),
    "a lane less and an emergency in it": (started_with_two_lanes, SETTINGS, (rotate, drop("key-2"))),
    "another algorithm takes over": (about_to_take_over, ES256, (rotate, rotate)),
    "another algorithm takes over and an emergency": (about_to_take_over, ES256, (rotate, drop("key-1"))),
    "a new role": (started, replace(SETTINGS, signing_role_arns=ROLES | {"arn:aws:iam::1:role/New"}), (rotate, rotate)),
    "a key that somebody disabled": (disabled, SETTINGS, (rotate, drop("key-2"))),
}


@pytest.mark.parametrize("situation", SITUATIONS)
def test_whatever_the_order_and_wherever_it_ends_one_key_signs_and_the_next_run_mends_the_rest(situation: str) -> None:
    assert len(every_interleaving(situation)) > 80
    for world in every_world(situation):
        if world.records.ring.keys:
            assert_one_key_signs(world.records.ring)
        assert_the_next_run_settles(world.copy(), SITUATIONS[situation][1])


@pytest.mark.parametrize("situation", [name for name in SITUATIONS if "emergency" in name])
def test_a_dropped_key_never_comes_back(situation: str) -> None:
    for each in every_world(situation):
        world, settings = each.copy(), SITUATIONS[situation][1]
        assert dropped(world.records.ring) <= dropped(world.rotation(settings).rotate())


@pytest.mark.parametrize(
    ("situation", "named"),
    [
        ("an emergency for both keys at once", {"key-1", "key-2"}),
        ("an emergency while the schedule rotates", {"key-1"}),
        ("an emergency for the standby while it begins to sign", {"key-2"}),
    ],
)
def test_an_emergency_that_came_to_its_end_dropped_what_it_named(situation: str, named: set[str]) -> None:
    for played in every_interleaving(situation):
        if not played.waiting:
            assert dropped(played.world.records.ring) == named


def test_two_emergencies_for_the_current_key_at_once_cost_one_key() -> None:
    for played in every_interleaving("the current key's emergency, twice"):
        if not played.waiting:
            assert dropped(played.world.records.ring) == {"key-1"}


@pytest.mark.parametrize("situation", SITUATIONS)
def test_every_key_that_two_runs_made_is_in_the_ring_or_ended(situation: str) -> None:
    # Unless a run is killed between making a key and announcing it, no key is left behind that costs a dollar a month.
    for played in every_interleaving(situation):
        if not played.waiting:
            in_ring = {key.kid for key in played.world.records.ring.keys}
            enabled = {kid for kid, state in played.world.maker.states.items() if state == "Enabled"}
            assert enabled <= in_ring


def dropped(ring: KeyRing) -> set[str]:
    return {key.kid for key in ring.keys if key.state == DROPPED}


def assert_the_next_run_settles(world: World, settings: Settings) -> None:
    ring = world.rotation(settings).rotate()
    assert_settled(ring, world.maker.states)
    assert world.rotation(settings).rotate() is ring
    for alg in signing_algs(ring.keys):
        assert signing_key(ring.keys, alg).signing_since
