"""Values that a client may send once."""

from typing import Literal

from valet.frozen import Frozen


class OneTimeValue(Frozen):
    """The `jti` of a client assertion (RFC 7523 §3) or of a DPoP proof (RFC 9449 §11.1)."""

    kind: Literal["assertion", "proof"]
    sender: str  # the client_id, or the thumbprint of the proof's key: two senders may choose the same jti
    jti: str
    expires_at: int  # epoch seconds; later than any time at which the assertion or the proof is accepted
