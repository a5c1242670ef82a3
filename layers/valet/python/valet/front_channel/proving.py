"""A factor's function has checked one thing: it leaves a proof for /authorize, and goes back there.

No factor vouches for another, and none opens a session. A proof is for one saved request in one browser.
"""

from typing import Protocol

from valet.front_channel.saved_requests import Saved
from valet.frozen import replace
from valet.handles import new_id, place_of
from valet.models.accounts import Account
from valet.models.proofs import Place, Proof
from valet.ports.proofs import HasProofs
from valet.ports.runtime import HasRandom, HasSettings

# Kinds of proofs. Each is left by one function, whose role can write no other.
PASSWORD, PASSKEY, UPSTREAM, MAIL, JOINED, SECOND = "password", "passkey", "upstream", "mail", "joined", "second"
# Seconds that a proof outlives its request's pages: a sign-in at the last moment still counts.
LATE = 60


class Ports(HasSettings, HasRandom, HasProofs, Protocol):
    """The ports that a proof is left through."""


def prove(
    ports: Ports,
    saved: Saved,
    kind: str,
    account: Account,
    *,
    means: str,
    amr: tuple[str, ...],
    now: float,
    on: bytes = b"",
) -> bool:
    """Leave the proof; whether it stands. That of joining does not where somebody has joined on this very way before.

    `account` is as it was read before the factor was checked: a revocation that came since has raised its epoch, and
    the proof is worth nothing. `means` is what the account must still name. `on` is the digest of the session that a
    second factor was given for.
    """
    proof = Proof(
        proof_id=new_id(ports.random),
        sub=account.sub,
        epoch=account.epoch,
        means=means,
        amr=amr,
        on=on,
        at_ms=int(now * 1000),
        expires_at=saved.created_at_ms // 1000 + ports.settings.saved_request_lifetime + LATE,
    )
    place = place_of_proof(saved, kind)
    if kind == JOINED:
        # Once for each request and browser: nobody who joins in the same tab later replaces it.
        return ports.proofs.put_first_proof(place, proof)
    # Another function whose clock is ahead has left the proof that stands there. This end-user came after it: count on
    # from its time, or they would be signed in as the one before.
    while later_ms := ports.proofs.put_proof(place, proof):
        proof = replace(proof, at_ms=later_ms + 1)
    return True


def place_of_proof(saved: Saved, kind: str) -> Place:
    return Place(kind, place_of(saved.handle, saved.browser))
