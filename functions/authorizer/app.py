"""Lambda authorizer: may the bearer of this access token call this route? (RFC 6750, RFC 9068, docs/authorizer.md)."""

from typing import Any

from valet.clock import system_clock, system_jitter
from valet.environment import environment
from valet.fetch import Https
from valet.resource_server.api_gateway.authorizer import Authorizer
from valet.resource_server.api_gateway.configuration import parse

CONFIGURATION = parse(environment())
HTTPS = Https(CONFIGURATION.issuer, system_clock)
AUTHORIZER = Authorizer(CONFIGURATION, HTTPS, system_clock, system_jitter, post=HTTPS.post)


def handler(event: dict[str, Any], context: Any) -> dict[str, object]:
    """The answer of API Gateway's or AppSync's kind, or exactly Exception("Unauthorized")."""
    return AUTHORIZER.answer(event, getattr(context, "aws_request_id", ""))
