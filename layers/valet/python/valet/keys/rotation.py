"""One run of the rotation of signing keys: it carries out the steps of the plan through the ports.

It does one step after another, and reads the records anew before each. Every change of the records is one conditional
write of all of them, so wherever a run ends, and however many run at once, one key signs in each lane and the next run
goes on from there.
"""

from collections.abc import Callable, Sequence

from valet.audit import EventName
from valet.errors import TemporarilyUnavailable
from valet.frozen import replace
from valet.keys.plan import (
    Change,
    End,
    Make,
    Situation,
    Step,
    announced,
    drop,
    ended,
    longest_signing,
    overdue_days,
    plan,
)
from valet.keys.ring import ANNOUNCED, DROPPED, SIGNING, find_signing_key, signing_algs, signing_key
from valet.models.keys import KeyRing, SigningKey
from valet.ports.keys import KeyMaker, KeyRecords
from valet.ports.runtime import Audit, Clock
from valet.settings import Settings

CURRENT = "current"  # in an emergency, names the key that signs
_SAME_EMERGENCY = 900  # "current" if repeated within this time, it repeats the command and does not mean the new key

_MOST_STEPS = 40  # a run takes six at most in each lane; if it takes more, two runs disturb each other without end


class Rotation:
    """One run: it carries out the steps through the ports."""

    def __init__(self, records: KeyRecords, maker: KeyMaker, audit: Audit, clock: Clock, settings: Settings) -> None:
        self.records = records
        self.maker = maker
        self.audit = audit
        self.clock = clock
        self.settings = settings
        self._usable: dict[str, bool] = {}
        self._made: tuple[SigningKey, ...] = ()  # not in the ring yet

    def rotate(self, due: frozenset[str] = frozenset()) -> KeyRing:
        """Move the records on as far as possible today, and the lanes in `due` before their time.

        Returns the ring as it is then.
        """
        return self._run(lambda at: plan(replace(at, due=due)))

    def drop(self, which: str) -> KeyRing:
        """Emergency: stop using the key now, then see to everything else.

        Raises LookupError for an unknown kid, and for "current" where the keys of several lanes sign.
        """
        kid = _kid_to_drop(self.records.key_ring().keys, which, int(self.clock()))
        if kid is not None:
            self._run(lambda at: drop(at, kid))
        return self.rotate()

    def _run(self, next_step: Callable[[Situation], Step | None]) -> KeyRing:
        try:
            for _ in range(_MOST_STEPS):
                ring, now = self.records.key_ring(), int(self.clock())
                step = next_step(Situation(ring.keys, now, self.settings, self._unusable(ring)))
                if step is None:
                    return ring
                self._carry_out(step, ring, now)
        finally:
            self._end_unplaced()
        raise TemporarilyUnavailable(detail="the signing keys' records keep changing")

    def _carry_out(self, step: Step, ring: KeyRing, now: int) -> None:
        match step:
            case Make(algs):
                self._place(tuple(self._key_for(alg, now) for alg in algs), ring, now)
            case End(key):
                # If we may not end a key any more, perhaps because it is another stack's, leave it to the account's
                # administrators. Retrying for ever would keep us from everything else.
                event: EventName = "key.ended" if self.maker.end_key(key) else "key.left"
                if self.records.change_ring(ring, ended(ring.keys, key.kid, now)):
                    self.audit.record(event, kid=key.kid, key_id=key.key_id)
            case Change():
                if self.records.change_ring(ring, step.keys):
                    (alg,) = (key.alg for key in ring.keys if key.kid == step.kid)
                    signing = find_signing_key(step.keys, alg) or signing_key(step.keys)
                    self.audit.record(step.event, kid=step.kid, alg=alg, reason=step.reason, signing=signing.kid)

    def _key_for(self, alg: str, now: int) -> SigningKey:
        """A key that this run made before, or a new one."""
        for key in self._made:
            if key.alg == alg:
                return key
        key = self.maker.make_key(alg, now)
        self._made = (*self._made, key)
        self._usable[key.kid] = True
        # If this run is killed before the key is in the ring, only this line tells the operator of the key.
        self.audit.record("key.made", kid=key.kid, key_id=key.key_id)
        return key

    def _place(self, made: tuple[SigningKey, ...], ring: KeyRing, now: int) -> None:
        try:
            is_placed = self.records.change_ring(ring, announced(ring.keys, made, now))
        except TemporarilyUnavailable:
            self._forget(made)  # they may be in the ring, and even sign: this run must not end them any more
            raise
        if is_placed:
            self._forget(made)
            for key in made:
                self.audit.record("key.announced", kid=key.kid, key_id=key.key_id)

    def _forget(self, made: tuple[SigningKey, ...]) -> None:
        self._made = tuple(key for key in self._made if key not in made)

    def _end_unplaced(self) -> None:
        """Another run announced keys first, so those of this run are not needed."""
        while self._made:
            key, *others = self._made
            self._made = tuple(others)
            event: EventName = "key.ended" if self.maker.end_key(key) else "key.left"
            self.audit.record(event, kid=key.kid, key_id=key.key_id)

    def _unusable(self, ring: KeyRing) -> frozenset[str]:
        asked = [key for key in ring.keys if key.state in (ANNOUNCED, SIGNING)]
        for key in asked:
            if key.kid not in self._usable:
                self._usable[key.kid] = self.maker.is_usable(key)
        return frozenset(key.kid for key in asked if not self._usable[key.kid])


def record_check(ring: KeyRing, audit: Audit, settings: Settings, now: float) -> None:
    """Record that the keys were checked, once a run: an alarm waits for this line, and for the days in it."""
    oldest = longest_signing(ring) or signing_key(ring.keys)
    audit.record("keys.checked", kid=oldest.kid, overdue_days=overdue_days(ring, now, settings))


def _kid_to_drop(keys: Sequence[SigningKey], which: str, now: int) -> str | None:
    """The key that an emergency names; None where "current" was obeyed just now, by a run that may have been killed."""
    if which != CURRENT:
        if all(key.kid != which for key in keys):
            raise LookupError("no signing key has this kid")
        return which
    if len(lanes := signing_algs(keys)) > 1:
        raise LookupError(f"keys of {' and '.join(lanes)} sign: name the kid of the key to drop")
    for key in keys:
        if key.state == DROPPED and key.signing_since and not key.retired_at and now - key.dropped_at < _SAME_EMERGENCY:
            return None
    return signing_key(keys).kid
