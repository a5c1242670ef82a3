"""What binds the tokens of a request to its sender: the key of its DPoP proof (RFC 9449 §5)."""

from typing import TYPE_CHECKING, Protocol

from valet.errors import InvalidDpopProof
from valet.http import Request
from valet.models.clients import Client
from valet.models.once import Sender

if TYPE_CHECKING:  # a request without a proof loads nothing of nonces
    from valet.ports.runtime import HasAudit, HasSettings
    from valet.protocol.nonces import HasNonces

    class Ports(HasAudit, HasSettings, HasNonces, Protocol):
        """The ports that a proof is judged by."""


_UNPROVEN = Sender()


def prove(request: Request, client: Client, ports: "Ports", now: float) -> Sender:
    """The sender of a request to the token endpoint or the pushed authorization request endpoint.

    Raises InvalidDpopProof, UseDpopNonce, and TemporarilyUnavailable if a nonce is required and none can be made.
    """
    if "dpop" not in request.headers:
        return _UNPROVEN
    # Few requests bring a proof: the module that verifies it is imported for those only.
    from valet.protocol import dpop

    return dpop.prove(request, ports.nonces, ports.audit, is_nonce_required=_is_nonce_required(client, ports), now=now)


def unproven(client: Client) -> InvalidDpopProof:
    """The refusal of a token request without a proof, by a client that is registered to bind its access tokens (RFC
    9449 §5.2).
    """
    return InvalidDpopProof(
        "This client is registered for access tokens that are bound to a key: send a DPoP proof (RFC 9449).",
        detail="no proof, and the client is registered for bound tokens",
        client_id=client.client_id,
    )


def _is_nonce_required(client: Client, ports: "Ports") -> bool:
    required_of = ports.settings.dpop_nonces
    return required_of == "all" or (required_of == "public" and not client.is_confidential)
