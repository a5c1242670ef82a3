"""Hours of a deployment whose operator changes SigningAlgorithm, with a run of rotate_keys each hour.

The checks need no sample of verifiers. A verifier that keeps the JWK Set for two hours refuses no good token exactly if
each key was published that long, and the margin, before each signature, and stays until the token and that cache end.
"""

from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from itertools import product

from valet.keys.plan import ANNOUNCED_FOR, MARGIN, VERIFIER_CACHE
from valet.keys.ring import DROPPED, jwk_set, signing_algs, signing_key
from valet.keys.rotation import Rotation
from valet.models.keys import KeyRing, SigningKey
from valet.settings import LONGEST_ACCESS_TOKEN

from tests.parts.keys.fakes import DAY, HOUR, SETTINGS, MemoryAudit, MemoryKeyMaker, MemoryKeyRecords

START = 1_800_000_000
Lanes = tuple[str, ...]
CHOICES: tuple[Lanes, ...] = (("RS256",), ("ES256",), ("PS256",), ("RS256", "PS256"), ("RS256", "ES256"))
CHANGES = [(before, after) for before, after in product(CHOICES, CHOICES) if before != after]


@dataclass
class Walk:
    """A deployment through time, with all that its readers ever saw."""

    wanted: Lanes = ("RS256",)
    now: int = START
    records: MemoryKeyRecords = field(default_factory=MemoryKeyRecords)
    maker: MemoryKeyMaker = field(default_factory=MemoryKeyMaker)
    audit: MemoryAudit = field(default_factory=MemoryAudit)
    seen: list[tuple[int, tuple[SigningKey, ...]]] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.run()

    @property
    def ring(self) -> KeyRing:
        return self.records.ring

    def run(self, *due: str) -> None:
        self.rotation().rotate(frozenset(due))
        self.note()

    def drop(self, kid: str) -> None:
        self.rotation().drop(kid)
        self.note()

    def rotation(self) -> Rotation:
        settings = replace(SETTINGS, signing_algs=self.wanted)
        return Rotation(self.records, self.maker, self.audit, lambda: self.now, settings)

    def note(self) -> None:
        self.seen.append((self.now, self.ring.keys))

    def set(self, *wanted: str) -> None:
        """As an update of the stack does, which runs rotate_keys at once."""
        self.wanted = wanted
        self.run()

    def pass_hours(self, hours: int) -> None:
        for _ in range(hours):
            self.now += HOUR
            self.run()


def spans(walk: Walk) -> Iterator[tuple[int, int, tuple[SigningKey, ...]]]:
    """The ring from a time to the next."""
    ends = [time for time, _ in walk.seen[1:]] + [walk.now]
    for (begin, keys), end in zip(walk.seen, ends, strict=True):
        yield begin, end, keys


def published(walk: Walk) -> dict[str, tuple[int, int]]:
    """From when until when each key was in the JWK Set; the end of the walk is not an end."""
    found: dict[str, tuple[int, int]] = {}
    for begin, end, keys in spans(walk):
        for jwk in jwk_set(keys)["keys"]:
            since, until = found.get(jwk["kid"], (begin, begin))
            assert until == begin, "a key that left the JWK Set came back"
            found[jwk["kid"]] = since, end
    return {kid: (since, until if until < walk.now else until + 10 * DAY) for kid, (since, until) in found.items()}


def assert_no_good_token_is_refused(walk: Walk) -> None:
    """Whichever lane signs it, by whatever verifier that keeps the JWK Set for two hours; dropped keys apart."""
    dropped = {key.kid for key in walk.ring.keys if key.state == DROPPED}
    sets = published(walk)
    for begin, end, keys in spans(walk):
        for alg in signing_algs(keys):
            kid = signing_key(keys, alg).kid
            since, until = sets[kid]
            assert since == START or begin - since >= VERIFIER_CACHE + MARGIN, (
                f"{alg} signs before verifiers know {kid}"
            )
            assert kid in dropped or until - end >= LONGEST_ACCESS_TOKEN + VERIFIER_CACHE, f"{kid} is gone too early"


def assert_one_algorithm_a_key(walk: Walk) -> None:
    algs: dict[str, str] = {}
    for _, keys in walk.seen:
        for key in keys:
            assert algs.setdefault(key.kid, key.alg) == key.alg


def assert_clients_know_the_default(walk: Walk) -> None:
    """A client that keeps the metadata as long as a verifier keeps keys finds the first lane's algorithm in it."""
    since: dict[str, int] = {}
    for begin, _, keys in spans(walk):
        since = {alg: since.get(alg, begin) for alg in signing_algs(keys)}
        listed = since[signing_algs(keys)[0]]
        assert listed == START or begin - listed >= ANNOUNCED_FOR, "clients do not know the default algorithm"


def assert_lanes_hand_over(walk: Walk, before: Lanes, after: Lanes) -> None:
    """Each lane signs as long as it is wanted, and the former ones until every one that is wanted now signs."""
    for _, _, keys in spans(walk):
        signing = {*signing_algs(keys)}
        assert signing >= {*before} & {*after}
        assert signing >= {*before} or signing >= {*after}, f"only {signing} sign between {before} and {after}"


def changed(before: Lanes, after: Lanes, hours: int = 6) -> Walk:
    walk = Walk(before)
    walk.pass_hours(3)
    walk.set(*after)
    walk.pass_hours(hours)
    return walk


def assert_sound(walk: Walk) -> None:
    assert_no_good_token_is_refused(walk)
    assert_one_algorithm_a_key(walk)
    assert_clients_know_the_default(walk)
