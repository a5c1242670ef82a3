"""The keys that a client publishes at its `jwks_uri` (RFC 7591 §2), as they were last fetched."""

from valet.frozen import Frozen

# Seconds since the last fetch. Keys that are older than FRESH_FOR are reported; those older than GOOD_FOR, which may
# long have been withdrawn, authenticate nobody.
FRESH_FOR = 3600
GOOD_FOR = 86_400


class ClientKeys(Frozen):
    """What was fetched for one client. It counts only while the client is registered with the same `jwks_uri`."""

    client_id: str
    jwks_uri: str
    jwks: str  # a JWK Set as JSON, with the usable keys alone and their public members alone
    fetched_at: int  # epoch seconds, when the fetch began
