"""The nonces of DPoP proofs (RFC 9449 §8): each is made of the time alone, so no store keeps them.

A nonce is the MAC of the issuer and a slot of five minutes. Every execution environment makes the same one, and none
holds the key. A nonce is good for five to ten minutes.
"""

from typing import Protocol

from valet.handles import base64url
from valet.ports.nonces import NonceKey

_SLOT = 300  # seconds
# Seconds before its slot in which a nonce is accepted: another environment's clock may be ahead of this one's, and
# clients try again only once.
_EARLY = 5
_LENGTH = 16  # bytes of the MAC
_MOST_REMEMBERED = 3

# Seconds for which a proof that had a good nonce can be accepted, at most: the nonce's slot, the next one, and the
# skew of two clocks.
ACCEPTED_FOR = 2 * _SLOT + 60


class Nonces:
    """Makes and recognises nonces. A process asks for the MAC of a slot when a proof first needs it, and remembers
    three.
    """

    def __init__(self, key: NonceKey) -> None:
        self._key = key
        self._made: dict[tuple[str, int], str] = {}

    def current(self, issuer: str, now: float) -> str:
        """The nonce that proofs should have now. Raises TemporarilyUnavailable."""
        return self._of(issuer, int(now) // _SLOT)

    def is_good(self, nonce: str, issuer: str, now: float) -> bool:
        """Whether a proof may have this nonce now: the slot's own, the one before, or in a slot's last seconds the next
        one. Raises TemporarilyUnavailable.

        Any client is told the current nonce, so the comparison need not take constant time.
        """
        slot = int(now) // _SLOT
        slots = [slot, slot - 1]
        if (slot + 1) * _SLOT - now <= _EARLY:
            slots.append(slot + 1)
        return any(nonce == self._of(issuer, each) for each in slots)

    def _of(self, issuer: str, slot: int) -> str:
        found = self._made.get((issuer, slot))
        if found is None:
            found = base64url(self._key.mac(f"{issuer}\0{slot}".encode())[:_LENGTH])
            while len(self._made) >= _MOST_REMEMBERED:
                self._made.pop(next(iter(self._made)), None)
            self._made[issuer, slot] = found
        return found


class HasNonces(Protocol):
    @property
    def nonces(self) -> Nonces | None:
        """None: this deployment has no nonces."""
