"""What an end-user has proven for one sign-in."""

from valet.frozen import Frozen
from valet.models.providers import NOBODY, Identity


class Place(Frozen):
    """Where a proof lies: one saved request in one browser has one place for each kind of proof."""

    kind: str  # "password"
    digest: bytes  # of the browser's cookie and the saved request's handle


class Proof(Frozen):
    """One factor that a browser has shown for one saved request. It opens no session by itself: /authorize spends it.

    It stands only while the account has this epoch and still names what the proof rests on.
    """

    proof_id: str
    sub: str
    epoch: int  # the account's, as it was read before the factor was checked
    means: str  # what the account must still name: of a password its `password_id`
    amr: tuple[str, ...]  # RFC 8176
    at_ms: int
    expires_at: int
    spent_by: bytes = b""  # the attempt that made a session of it
    on: bytes = b""  # of a second factor: the digest of the session that it was given for
    # Of another provider's word. Without a `sub` it opens no session: the identity is linked to no account yet.
    identity: Identity = NOBODY
    links_to: str = ""  # the account that the identity may be linked to, once its owner says so
    trip_ms: int = 0  # when the browser was sent to the provider: a trip leaves one proof

    def __repr__(self) -> str:
        return f"Proof(sub={self.sub!r}, amr={self.amr!r})"
