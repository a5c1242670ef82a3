"""KeyRecords, KeyMaker and Audit in memory, for what has to be tried a thousand times."""

from dataclasses import dataclass, field, replace

from valet.keys.ring import ANNOUNCED, DROPPED, SIGNING, signing_algs
from valet.models.keys import KeyRing, SigningKey
from valet.settings import Settings

ROLES = frozenset({"arn:aws:iam::123456789012:role/Token", "arn:aws:iam::123456789012:role/StatusList"})
SETTINGS = Settings(
    signing_role_arns=ROLES,
    rotate_role_arn="arn:aws:iam::123456789012:role/RotateKeys",
    account_root_arn="arn:aws:iam::123456789012:root",
)
HOUR, DAY = 3600, 86_400


@dataclass
class MemoryKeyRecords:
    ring: KeyRing = field(default_factory=KeyRing)

    def key_ring(self) -> KeyRing:
        return self.ring

    def change_ring(self, before: KeyRing, keys: tuple[SigningKey, ...]) -> bool:
        if before.version != self.ring.version:
            return False
        self.ring = KeyRing(keys, before.version + 1)
        assert_one_key_signs(self.ring)
        return True


@dataclass
class MemoryKeyMaker:
    settings: Settings = SETTINGS
    states: dict[str, str] = field(default_factory=dict)

    def make_key(self, alg: str, now: float) -> SigningKey:
        kid = f"key-{len(self.states) + 1}"
        self.states[kid] = "Enabled"
        is_wrapped = self.settings.signer == "wrapped"
        return SigningKey(
            kid,
            alg,
            ANNOUNCED,
            {"kid": kid},
            key_id="" if is_wrapped else kid,
            signing_roles=self.settings.key_roles,
            wrapping_key=self.settings.wrapping_key if is_wrapped else "",
            wrapped_private_key=kid.encode() if is_wrapped else b"",
            created_at=int(now),
        )

    def is_usable(self, key: SigningKey) -> bool:
        return self.states[key.kid] == "Enabled"

    def end_key(self, key: SigningKey) -> bool:
        self.states[key.kid] = "PendingDeletion"
        return True


@dataclass
class MemoryAudit:
    events: list[tuple[str, dict[str, str | int | float | bool | None]]] = field(default_factory=list)

    def record(self, event: str, /, **fields: str | int | float | bool | None) -> None:
        self.events.append((event, fields))

    def names(self) -> list[str]:
        return [event for event, _ in self.events]


def in_state(ring: KeyRing, state: str) -> list[str]:
    return [key.kid for key in ring.keys if key.state == state]


def lane(ring: KeyRing, alg: str) -> KeyRing:
    return replace(ring, keys=tuple(key for key in ring.keys if key.alg == alg))


def assert_one_key_signs(ring: KeyRing) -> None:
    """Exactly one in each lane, and in one lane at least; each key has one record, and so one algorithm."""
    assert ring.keys == () or signing_algs(ring.keys)
    assert len(set(signing_algs(ring.keys))) == len(signing_algs(ring.keys))
    assert len({key.kid for key in ring.keys}) == len(ring.keys)


def assert_settled(ring: KeyRing, states: dict[str, str]) -> None:
    """What every run ends in, whatever happened before: in each lane one key signs, one stands by, and what is dropped
    has ended.

    Where the settings have changed two stand by, until verifiers know the one that is wanted now; and in a new lane,
    which does not sign yet.
    """
    assert_one_key_signs(ring)
    assert signing_algs(ring.keys)
    for alg in {key.alg for key in ring.keys if key.state in (SIGNING, ANNOUNCED)}:
        keys = lane(ring, alg)
        if not in_state(keys, SIGNING):
            assert len(in_state(keys, ANNOUNCED)) == 2
            continue
        assert 1 <= len(in_state(keys, ANNOUNCED)) <= 2
        if len(in_state(keys, ANNOUNCED)) == 2:
            assert len({(key.wrapping_key, key.signing_roles) for key in keys.keys if key.state == ANNOUNCED}) == 2
    for key in ring.keys:
        if key.state in (SIGNING, ANNOUNCED):
            assert states[key.kid] == "Enabled"
            assert not key.ended_at
        if key.state == DROPPED:
            assert states[key.kid] == "PendingDeletion"
            assert key.ended_at
