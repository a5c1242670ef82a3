"""Protected resource metadata: what an API says of itself to clients that do not know it yet (RFC 9728).

All that it says comes from the environment that the API's authorizer has too, so the two cannot differ.
"""

import json
from collections.abc import Mapping
from typing import Any

from valet.resource_server.api_gateway.configuration import parse
from valet.resource_server.api_gateway.routes import Routes
from valet.resource_server.outcomes import ConfigurationError

WELL_KNOWN = "/.well-known/oauth-protected-resource"
_HEADERS = {
    "Content-Type": "application/json",
    "Cache-Control": "public, max-age=300",
    "Access-Control-Allow-Origin": "*",  # clients in a browser read it before they have a token
}
PROOF_ALGORITHMS = ("PS256", "ES256", "EdDSA")
"""Those of valet.binding.proof, which imports cryptography: this function verifies nothing."""
_OFFLINE = "offline_access"  # the authorization server's own: a client that needs it asks for it by itself


class ResourceMetadata:
    """The document of one API, made once. Raises ConfigurationError, which names everything that is wrong with `env`.

    `env` is the authorizer's environment and, optional, `SCOPES` (`all`; `least` leaves out what only tools ask for)
    and `RESOURCE_NAME`.
    """

    def __init__(self, env: Mapping[str, str]) -> None:
        configuration = parse(env)
        which = env.get("SCOPES") or "all"
        if which not in ("all", "least"):
            raise ConfigurationError(f"SCOPES is {which!r}, and must be all or least")
        members = {
            "resource": configuration.audience,
            "authorization_servers": [configuration.issuer],
            "scopes_supported": _scopes(configuration.routes, with_tools=which == "all"),
            "bearer_methods_supported": ["header"],
            "resource_name": env.get("RESOURCE_NAME", ""),
            "dpop_signing_alg_values_supported": PROOF_ALGORITHMS,
            "dpop_bound_access_tokens_required": not configuration.takes_bearer,
        }
        self._document = json.dumps({name: value for name, value in members.items() if value not in ("", [])})
        self._below = "/" + configuration.audience.partition("://")[2].partition("?")[0].partition("/")[2]

    def answer(self, event: Mapping[str, Any]) -> dict[str, object]:
        """The answer to an HTTP API's or a REST API's event: the document at the well-known path, and below it at the
        path of the API's identifier (§3.1); 404 for every other path.
        """
        path = event["rawPath"] if "rawPath" in event else event["path"]
        _, found, below = path.partition(WELL_KNOWN)
        if found and below in ("", self._below):
            return {"statusCode": 200, "headers": _HEADERS, "body": self._document}
        headers = {name: value for name, value in _HEADERS.items() if name != "Cache-Control"}
        return {"statusCode": 404, "headers": headers, "body": '{"message":"Not Found"}'}


def _scopes(routes: Routes, *, with_tools: bool) -> list[str]:
    rules = (*routes.rules.values(), *routes.fields.values())
    found = {scope for rule in rules for scope in rule.scopes}
    if with_tools:
        found.update(scope for rule in rules for _, scopes in rule.tools for scope in scopes)
    return sorted(found - {_OFFLINE})
