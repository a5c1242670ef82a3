"""The names that a resource server is configured with, as they have to be spelled, and how long it may serve stale."""

import re

# RFC 8414 §2 asks for https; an issuer on plain http can only be this machine's own.
ISSUER = re.compile(
    r"https://(?:[a-z0-9](?:[a-z0-9.-]{0,251}[a-z0-9])?|\[[0-9a-f:.]+\])(?::[0-9]{1,5})?"
    r"|http://(?:127\.[0-9]{1,3}\.[0-9]{1,3}\.[0-9]{1,3}|\[::1\])(?::[0-9]{1,5})?"
)
AUDIENCE = re.compile(r"[\x21-\x7e]{1,500}")
# Stands in quotes in a header.
RESOURCE_METADATA = re.compile(r"https://[\x21\x23-\x5b\x5d-\x7e]{1,500}|http://127\.[\x21\x23-\x5b\x5d-\x7e]{1,500}")
DEFAULT_MAX_STALE, LONGEST_MAX_STALE = 300, 900  # seconds
