"""A simulated month of rotations, with verifiers that keep the JWK Set for up to two hours and never fetch it early.

Between the records and a verifier lie every cache that may lie there: ours for ten seconds, and HTTP's for as long as
the answer allows. Signers remember the records as long as readers do. Runs of the schedule come late, or not at all.
"""

from bisect import bisect_right
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from random import Random

import pytest
from valet.keys.plan import ANNOUNCED_FOR, MARGIN, VERIFIER_CACHE
from valet.keys.ring import jwk_set, signing_key
from valet.keys.rotation import Rotation
from valet.models.keys import SigningKey
from valet.settings import LONGEST_ACCESS_TOKEN

from tests.parts.keys.fakes import DAY, HOUR, SETTINGS, MemoryAudit, MemoryKeyMaker, MemoryKeyRecords

START = 1_800_000_000
MINUTE = 60
REMEMBERED = 10  # seconds that a function remembers the records
OWN_CACHES = MARGIN  # what the answers' Cache-Control and our memory may add to a verifier's own cache, at most


@dataclass
class World:
    """The records through time, as each reader may see them."""

    seed: int
    rotation_period: int
    now: int = START
    records: MemoryKeyRecords = field(default_factory=MemoryKeyRecords)
    maker: MemoryKeyMaker = field(default_factory=MemoryKeyMaker)
    times: list[int] = field(default_factory=list)
    rings: list[tuple[SigningKey, ...]] = field(default_factory=list)
    chance: Random = field(init=False)

    def __post_init__(self) -> None:
        self.chance = Random(self.seed)

    def rotation(self) -> Rotation:
        settings = replace(SETTINGS, rotation_period=self.rotation_period)
        return Rotation(self.records, self.maker, MemoryAudit(), lambda: self.now, settings)

    def run(self) -> None:
        self.rotation().rotate()
        self.note()

    def drop_current(self) -> str:
        kid = signing_key(self.records.ring.keys).kid
        self.rotation().drop(kid)
        self.note()
        return kid

    def note(self) -> None:
        if not self.rings or self.rings[-1] != self.records.ring.keys:
            self.times.append(self.now)
            self.rings.append(self.records.ring.keys)

    def ring_at(self, time: int) -> tuple[SigningKey, ...]:
        return self.rings[max(0, bisect_right(self.times, time) - 1)]

    def minutes(self, days: int) -> Iterator[int]:
        """Every minute; the schedule runs each hour, save one in ten that AWS forgets, up to five minutes late."""
        next_run = self.now
        for self.now in range(START, START + days * DAY, MINUTE):
            if self.now >= next_run:
                next_run += HOUR + self.chance.randrange(5) * MINUTE - self.chance.randrange(2) * MINUTE
                if self.now == START or self.chance.random() < 0.9:
                    self.run()
            yield self.now


@dataclass
class Verifier:
    """Keeps the JWK Set for its whole `cache`, whatever it meets, as API Gateway's own authorizers do."""

    world: World
    cache: int
    fetched_at: int = -1
    kids: frozenset[str] = frozenset()

    def accepts(self, kid: str) -> bool:
        now = self.world.now
        if self.fetched_at < 0 or now - self.fetched_at >= self.cache:
            self.fetched_at = now
            staleness = self.world.chance.randrange(OWN_CACHES)
            self.kids = frozenset(key["kid"] for key in jwk_set(self.world.ring_at(now - staleness))["keys"])
        return kid in self.kids


@dataclass(frozen=True)
class Token:
    kid: str
    exp: int


def issue(world: World) -> Token:
    signer = signing_key(world.ring_at(world.now - world.chance.randrange(REMEMBERED + 1)))
    assert world.maker.states[signer.kid] == "Enabled"
    return Token(signer.kid, world.now + world.chance.choice([15 * MINUTE, HOUR, LONGEST_ACCESS_TOKEN]))


def verifiers(world: World) -> list[Verifier]:
    return [Verifier(world, cache) for cache in (0, 300, HOUR, VERIFIER_CACHE, VERIFIER_CACHE)]


@pytest.mark.parametrize("rotation_period", [HOUR, DAY, 7 * DAY, 30 * DAY])
@pytest.mark.parametrize("seed", [1, 2])
def test_in_a_month_of_rotations_no_verifier_refuses_a_good_token(seed: int, rotation_period: int) -> None:
    world = World(seed, rotation_period)
    everybody, alive = verifiers(world), []
    for minute, now in enumerate(world.minutes(days=32)):
        if minute % 10 == 0:
            alive.append(issue(world))
        if minute % 30 == 0:
            alive = [token for token in alive if token.exp > now]
            for verifier in everybody:
                for token in {token.kid: token for token in alive}.values():
                    assert verifier.accepts(token.kid), (now - START, verifier.cache)
    rotations = {signing_key(ring).kid for ring in world.rings}
    assert len(rotations) >= 32 * DAY // (max(rotation_period, ANNOUNCED_FOR) + 3 * HOUR)


@pytest.mark.parametrize("seed", [1, 2, 3])
def test_a_dropped_key_is_refused_by_everybody_within_its_cache_and_ours_and_nothing_good_is(seed: int) -> None:
    world = World(seed, 30 * DAY)
    everybody = verifiers(world)
    dropped: dict[str, int] = {}
    longest = dict.fromkeys(range(len(everybody)), 0)
    for minute, now in enumerate(world.minutes(days=16)):
        if minute and minute % (2 * DAY // MINUTE) == 0:
            dropped[world.drop_current()] = now
        good = issue(world) if now - max(dropped.values(), default=0) > REMEMBERED else None
        for index, verifier in enumerate(everybody):
            assert good is None or verifier.accepts(good.kid)
            for kid, dropped_at in dropped.items():
                if verifier.accepts(kid):  # the thief signs any token with the stolen key
                    assert now - dropped_at <= verifier.cache + OWN_CACHES
                    longest[index] = max(longest[index], now - dropped_at)
    assert len(dropped) == 7
    assert longest[0] < OWN_CACHES
    assert longest[4] > HOUR  # the bound is no exaggeration


def test_a_retired_key_is_in_the_jwk_set_for_its_longest_token_and_a_verifiers_cache() -> None:
    world = World(1, DAY)
    last_signed: dict[str, int] = {}
    for now in world.minutes(days=8):
        last_signed[signing_key(world.records.ring.keys).kid] = now
        published = {key["kid"] for key in jwk_set(world.records.ring.keys)["keys"]}
        for kid, signed_at in last_signed.items():
            assert kid in published or now - signed_at > LONGEST_ACCESS_TOKEN + VERIFIER_CACHE
