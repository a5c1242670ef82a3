"""Authorization requests that clients have pushed (RFC 9126)."""

from valet.frozen import Frozen
from valet.models.saved_requests import AuthorizationRequest


class PushedRequest(Frozen):
    """An authorization request that waits for a browser to bring its `request_uri`."""

    digest: bytes  # of the handle in its request_uri
    request: AuthorizationRequest
    created_at_ms: int
    expires_at: int  # DynamoDB's TTL, and the end of its request_uri
