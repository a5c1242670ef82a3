"""GET /.well-known/oauth-protected-resource: which issuer an API trusts, and what it asks for (RFC 9728 §3).

It belongs to the stack of the API, in the authorizer's template: docs/authorizer.md.
"""

from typing import Any

from valet.environment import environment
from valet.resource_server.api_gateway.metadata import ResourceMetadata

METADATA = ResourceMetadata(environment())


def handler(event: dict[str, Any], context: Any) -> dict[str, object]:
    """The answer to an HTTP API's or a REST API's proxy event."""
    return METADATA.answer(event)
