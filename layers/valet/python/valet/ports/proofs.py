"""Proofs of a sign-in under way."""

from typing import Protocol

from valet.models.proofs import Place, Proof


class Proofs(Protocol):
    def put_proof(self, place: Place, proof: Proof) -> int:
        """Keep the proof in place of an older one; 0. If another one stands there that is as young or younger, keep
        that one; its `at_ms`. If the same write arrives again, late, it changes nothing.
        """

    def put_first_proof(self, place: Place, proof: Proof) -> bool:
        """Keep the proof, unless there ever was one in that place. False: another one stands there."""

    def put_word(self, place: Place, proof: Proof) -> bool:
        """Keep the proof of a provider's word in place of one of an earlier trip, and leave one of this trip as it is.
        False: one of a later trip stands there.
        """

    def find_proof(self, place: Place) -> Proof | None: ...
    def spend_proof(self, place: Place, proof: Proof, attempt: bytes, now: float) -> bool:
        """Spend this very proof; whether this attempt did. False: another one did, or it is too old or replaced."""


class HasProofs(Protocol):
    @property
    def proofs(self) -> Proofs: ...
