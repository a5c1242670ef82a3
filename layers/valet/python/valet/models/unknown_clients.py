"""Clients that no operator registered: what is kept of them, and what operators say about their hosts."""

from valet.frozen import Frozen

# How a client may name itself, by the parameters ClientIdMetadata and ClientRegistration.
OFF, LISTED, TOKEN, OPEN = "off", "listed", "token", "open"
DOCUMENT, REGISTRATION = "document", "registration"  # models.clients.Unknown.kind


class Document(Frozen):
    """A client's metadata document, as it was fetched last (draft-ietf-oauth-client-id-metadata-document-01 §4)."""

    url: str
    body: str = ""  # its known members, as JSON; empty: the client is gone, or was never there
    jwks: str = ""  # the keys that it names by `jwks_uri`, as a JWK Set
    fetched_at: int = 0  # epoch seconds
    fresh_until: int = 0  # epoch seconds


class DynamicClient(Frozen):
    """A client that registered itself (RFC 7591), as it was registered."""

    client_id: str
    body: str  # the members that were kept, as JSON
    registered_at: int
    expires_at: int  # DynamoDB's TTL; a token prolongs it


class Invite(Frozen):
    """An initial access token (RFC 7591 §3): a number of clients may register with it."""

    invite_id: str
    secret_digest: bytes
    uses: int
    expires_at: int  # epoch seconds
    owner: str = ""
    spent: frozenset[str] = frozenset()  # the client_ids that were registered with it


class Hosts(Frozen):
    """What operators say about hosts of clients that they did not register."""

    trusted: frozenset[str] = frozenset()  # their documents and redirect URIs are taken without a question
    refused: frozenset[str] = frozenset()  # with every host below them
