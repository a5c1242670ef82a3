"""Whether the sender of a token holds the key that the token is bound to, by a DPoP proof (RFC 9449 §7).

`judge` comes before the status list and `spend` after it: a bad proof causes no fetch, and an outage of the issuer uses
up no proof, so the client may send it again.
"""

from collections.abc import Callable, Sequence
from typing import NamedTuple

from valet.binding import proof
from valet.binding.proof import KnownKeys, Proof
from valet.clock import Moment
from valet.jose.signed import Refused
from valet.resource_server.outcomes import ProofRefused
from valet.resource_server.proofs_seen import ProofsSeen
from valet.resource_server.verify import AccessToken

ALGS = " ".join(proof.ALGORITHMS)
"""The value of `algs` in a challenge (RFC 9449 §7.1)."""


class Sent(NamedTuple):
    """What the proof has to name: `method`, and one of the addresses `targets`. `proofs` are the DPoP headers' values.

    `is_decoded` says that the path in `targets` was decoded once after the client sent it.
    """

    method: str
    targets: Sequence[str]
    is_decoded: bool
    proofs: Sequence[object]


class Proofs:
    """Judges proofs, and remembers which it accepted and by which keys.

    `advice` is added to the first refusal for another address. `on_full` is called once if there are more proofs than
    can be remembered.
    """

    def __init__(self, max_age: int, advice: str, on_full: Callable[[], None]) -> None:
        self._max_age, self._advice = max_age, advice
        self._seen = ProofsSeen(max_age, on_full)
        self._keys = KnownKeys()

    def judge(self, sent: Sent, token: AccessToken, now: Moment) -> Proof:
        """The proof that comes with `token`, which is bound to a key. Raises ProofRefused."""
        if len(sent.proofs) != 1:
            raise ProofRefused("more than one proof" if sent.proofs else "no proof")
        value = sent.proofs[0]
        if type(value) is not str:
            raise ProofRefused("no proof")
        try:
            found = proof.read(value, self._keys)
            if found.jkt != token.jkt:
                raise ProofRefused("the proof is by another key than the token's")
            proof.check_request(found, sent.method, sent.targets, is_decoded=sent.is_decoded)
            proof.check_time(found, now.wall, self._max_age)
            proof.check_token(found, token.ath)
            proof.verify(found)
        except proof.AnotherAddress as refused:
            advice, self._advice = self._advice, ""
            raise ProofRefused(f"{refused}{advice}") from None
        except Refused as refused:
            raise ProofRefused(str(refused)) from None
        return found

    def spend(self, found: Proof, now: Moment) -> None:
        """Use `found` up. Raises ProofRefused if this process has seen it before."""
        if not self._seen.add(found.jkt, found.jti, now):
            raise ProofRefused("the proof was used before")
