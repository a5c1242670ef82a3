"""The names that a resource server is configured with, as they have to be spelled, and the times that it may have."""

import re

# RFC 8414 §2 asks for https; an issuer on plain http can only be this machine's own.
ISSUER = re.compile(
    r"https://(?:[a-z0-9](?:[a-z0-9.-]{0,251}[a-z0-9])?|\[[0-9a-f:.]+\])(?::[0-9]{1,5})?"
    r"|http://(?:127\.[0-9]{1,3}\.[0-9]{1,3}\.[0-9]{1,3}|localhost|\[::1\])(?::[0-9]{1,5})?"
)
AUDIENCE = re.compile(r"[\x21-\x7e]{1,500}")
# Stands in quotes in a header.
RESOURCE_METADATA = re.compile(
    r"https://[\x21\x23-\x5b\x5d-\x7e]{1,500}|http://(?:127\.|localhost[:/])[\x21\x23-\x5b\x5d-\x7e]{1,500}"
)
MOST_PUBLIC_URLS = 4
DEFAULT_MAX_STALE, LONGEST_MAX_STALE = 300, 900  # seconds
SHORTEST_PROOF_AGE, DEFAULT_PROOF_AGE, LONGEST_PROOF_AGE = 10, 60, 300  # seconds from a proof's `iat`
LONGEST_INTROSPECTION_CACHE = 30  # seconds that an answer about a reference token may serve again


def is_public_url(text: str) -> bool:
    """Whether `text` may be an API's address, or what precedes its paths: like an issuer's, with or without a path."""
    # Compiled only where it is asked for, because that takes longer than to read all other names.
    return re.fullmatch(rf"(?:{ISSUER.pattern})(?:/[A-Za-z0-9._~-]{{1,128}}){{0,8}}", text) is not None


def is_credential(text: str) -> bool:
    """Whether `text` may be a client_id or a client's secret, as Valet makes them."""
    return re.fullmatch(r"[\x21-\x7e]{1,500}", text) is not None
