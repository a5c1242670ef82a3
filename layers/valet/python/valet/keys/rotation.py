"""One run of the rotation of signing keys: it carries out the steps of the plan through the ports.

It does one step after another, and reads the records anew before each. Every change of the records is one conditional
write of all of them, so wherever a run ends, and however many run at once, one key signs and the next run goes on from
there.
"""

from collections.abc import Callable, Sequence

from valet.audit import EventName
from valet.errors import TemporarilyUnavailable
from valet.keys.plan import Change, End, Make, Step, announced, drop, ended, overdue_days, plan
from valet.keys.ring import ANNOUNCED, DROPPED, SIGNING, signing_key
from valet.models.keys import KeyRing, SigningKey
from valet.ports.keys import KeyMaker, KeyRecords
from valet.ports.runtime import Audit, Clock
from valet.settings import Settings

CURRENT = "current"  # in an emergency, names the key that signs
_SAME_EMERGENCY = 900  # "current" if repeated within this time, it repeats the command and does not mean the new key

_MOST_STEPS = 40  # a run takes six at most; if it takes more, two runs disturb each other without end


class Rotation:
    """One run: it carries out the steps through the ports."""

    def __init__(self, records: KeyRecords, maker: KeyMaker, audit: Audit, clock: Clock, settings: Settings) -> None:
        self.records = records
        self.maker = maker
        self.audit = audit
        self.clock = clock
        self.settings = settings
        self._usable: dict[str, bool] = {}
        self._made: SigningKey | None = None

    def rotate(self, *, is_due: bool = False) -> KeyRing:
        """Move the records on as far as possible today. Returns the ring as it is then."""
        return self._run(lambda ring, now: plan(ring.keys, now, self.settings, self._unusable(ring), is_due=is_due))

    def drop(self, which: str) -> KeyRing:
        """Emergency: stop using the key now, then see to everything else. Raises LookupError for an unknown kid."""
        kid = _kid_to_drop(self.records.key_ring().keys, which, int(self.clock()))
        if kid is not None:
            self._run(lambda ring, now: drop(ring.keys, kid, now, self.settings, self._unusable(ring)))
        return self.rotate()

    def _run(self, next_step: Callable[[KeyRing, int], Step | None]) -> KeyRing:
        try:
            for _ in range(_MOST_STEPS):
                ring, now = self.records.key_ring(), int(self.clock())
                step = next_step(ring, now)
                if step is None:
                    return ring
                self._carry_out(step, ring, now)
        finally:
            self._end_unplaced()
        raise TemporarilyUnavailable(detail="the signing keys' records keep changing")

    def _carry_out(self, step: Step, ring: KeyRing, now: int) -> None:
        match step:
            case Make():
                self._place(self._made or self._make(now), ring, now)
            case End(key):
                # If we may not end a key any more, perhaps because it is another stack's, leave it to the account's
                # administrators. Retrying for ever would keep us from everything else.
                event: EventName = "key.ended" if self.maker.end_key(key) else "key.left"
                if self.records.change_ring(ring, ended(ring.keys, key.kid, now)):
                    self.audit.record(event, kid=key.kid, key_id=key.key_id)
            case Change():
                if self.records.change_ring(ring, step.keys):
                    self.audit.record(step.event, kid=step.kid, reason=step.reason, signing=signing_key(step.keys).kid)

    def _make(self, now: int) -> SigningKey:
        key = self._made = self.maker.make_key(self.settings.signing_alg, now)
        self._usable[key.kid] = True
        # If this run is killed before the key is in the ring, only this line tells the operator of the key.
        self.audit.record("key.made", kid=key.kid, key_id=key.key_id)
        return key

    def _place(self, key: SigningKey, ring: KeyRing, now: int) -> None:
        try:
            is_placed = self.records.change_ring(ring, announced(ring.keys, key, now))
        except TemporarilyUnavailable:
            self._made = None  # it may be in the ring, and even sign: this run must not end it any more
            raise
        if is_placed:
            self._made = None
            self.audit.record("key.announced", kid=key.kid, key_id=key.key_id)

    def _end_unplaced(self) -> None:
        """Another run announced a key first, so the key of this run is not needed."""
        if self._made is not None:
            key, self._made = self._made, None
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
    overdue = overdue_days(ring, now, settings)
    audit.record("keys.checked", kid=signing_key(ring.keys).kid, overdue_days=overdue)


def _kid_to_drop(keys: Sequence[SigningKey], which: str, now: int) -> str | None:
    """The key that an emergency names; None where "current" was obeyed just now, by a run that may have been killed."""
    if which != CURRENT:
        if all(key.kid != which for key in keys):
            raise LookupError("no signing key has this kid")
        return which
    for key in keys:
        if key.state == DROPPED and key.signing_since and not key.retired_at and now - key.dropped_at < _SAME_EMERGENCY:
            return None
    return signing_key(keys).kid
