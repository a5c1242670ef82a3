"""Values that a client may send once."""

from collections.abc import Mapping
from typing import Literal, NamedTuple

from valet.frozen import NO_ENTRIES, Frozen


class OneTimeValue(NamedTuple):
    """The `jti` of a client assertion (RFC 7523 §3) or of a DPoP proof (RFC 9449 §11.1)."""

    kind: Literal["assertion", "proof"]
    sender: str  # the client_id, or the thumbprint of the proof's key: two senders may choose the same jti
    jti: str
    expires_at: int  # epoch seconds; later than any time at which the assertion or the proof is accepted


class Sender(Frozen):
    """What the sender of a request has proven by a DPoP proof (RFC 9449 §5)."""

    jkt: str = ""  # the thumbprint of the key of its proof; empty: it sent none
    proof: OneTimeValue | None = None  # to be spent, if the request has no client assertion
    headers: Mapping[str, str] = NO_ENTRIES  # DPoP-Nonce, for every answer to this request
