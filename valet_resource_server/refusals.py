"""How a request is refused: which status and headers the API answers with (RFC 6750 §3, RFC 9449 §7.1, RFC 9470 §3).

Refused
├── NoToken                          401  the request brings no token
├── InvalidToken                     401  the token is malformed, expired, revoked, or meant for another API
├── InvalidProof                     401  the token is bound to a key that the sender does not prove to hold
├── InsufficientUserAuthentication   401  the end-user has to sign in again, or with another level
├── InsufficientScope                403  the client may not do this; it may ask the end-user for more scope
├── InsufficientRole                 403  the end-user may not do this; no other token would help
└── IssuerUnavailable                503  keys, a status list or an introspection is needed and cannot be had now
"""

from typing import ClassVar


class Refused(Exception):
    """Answer the request with `status` and `headers`.

    The message is the reason. It is for your log: it never holds the token, nor text that the token's sender chose.
    """

    status: ClassVar[int]
    headers: dict[str, str]

    def __init__(self, reason: str, headers: dict[str, str] | None = None) -> None:
        super().__init__(reason)
        self.headers = headers or {}


class NoToken(Refused):
    """The request has no Authorization header, or one of another scheme."""

    status = 401


class InvalidToken(Refused):
    """The token is malformed, not signed by the issuer, expired, revoked, or meant for another API."""

    status = 401


class InvalidProof(Refused):
    """The token is bound to a key, and its DPoP proof is missing, bad, used before, or made for something else."""

    status = 401


class InsufficientUserAuthentication(Refused):
    """The token is good, and its end-user's sign-in is too old, or not of a level that was asked for.

    The challenge says what would be enough. The client sends its `acr_values` and `max_age` to the authorization
    endpoint.
    """

    status = 401


class InsufficientScope(Refused):
    """The token is good, and lacks a scope that was asked for."""

    status = 403


class InsufficientRole(Refused):
    """The token is good, and its end-user has none of the roles that were asked for."""

    status = 403


class IssuerUnavailable(Refused):
    """The issuer does not answer, so the verifier cannot tell whether the token is good."""

    status = 503
