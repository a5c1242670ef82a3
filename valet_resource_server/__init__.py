"""Verify the access tokens of Valet, revocation included, in an API of any framework.

    verifier = Verifier("https://id.example.com", "https://api.example.com")
    token = verifier.verify(request.headers.get("Authorization"), scope="orders", roles="admin")

`verify` returns an AccessToken, or raises a kind of Refused, which says what the API answers. For an API behind Valet's
Lambda authorizer, which has verified the token already, there is `require_user_authentication`.
"""

from valet_resource_server.refusals import (
    InsufficientRole,
    InsufficientScope,
    InsufficientUserAuthentication,
    InvalidProof,
    InvalidToken,
    IssuerUnavailable,
    NoToken,
    Refused,
)
from valet_resource_server.step_up import require_user_authentication
from valet_resource_server.verifier import AccessToken, Verifier

__all__ = [
    "AccessToken",
    "InsufficientRole",
    "InsufficientScope",
    "InsufficientUserAuthentication",
    "InvalidProof",
    "InvalidToken",
    "IssuerUnavailable",
    "NoToken",
    "Refused",
    "Verifier",
    "require_user_authentication",
]
