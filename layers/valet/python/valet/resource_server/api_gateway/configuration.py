"""The resource server's configuration, from a mapping as the environment is one; all that is wrong in one message."""

import re
from collections.abc import Mapping
from typing import NamedTuple

from valet.resource_server.api_gateway.routes import Routes, parse_routes
from valet.resource_server.identifiers import (
    AUDIENCE,
    DEFAULT_MAX_STALE,
    DEFAULT_PROOF_AGE,
    ISSUER,
    LONGEST_MAX_STALE,
    LONGEST_PROOF_AGE,
    MOST_PUBLIC_URLS,
    RESOURCE_METADATA,
    SHORTEST_PROOF_AGE,
    is_public_url,
)
from valet.resource_server.outcomes import ConfigurationError

_BASE_PATH = re.compile(r"(?:/[A-Za-z0-9._~-]{1,128}){0,8}")


class Configuration(NamedTuple):
    """An authorizer's configuration. `status_max_stale` is seconds; `is_simple` is RESPONSE; `resource_metadata` is the
    address of this API's own metadata (RFC 9728), or empty; `is_by_path` is MATCH; `takes_protocol` is WEBSOCKET_TOKEN;
    `public_urls` is PUBLIC_URL, in its order; `proof_max_age` is DPOP_MAX_AGE, seconds; `takes_bearer` is
    SENDER_CONSTRAINT; `introspection` is INTROSPECTION_CLIENT, INTROSPECTION_SECRET and INTROSPECTION_CACHE, seconds;
    None: reference tokens are refused.
    """

    issuer: str
    audience: str
    routes: Routes
    is_simple: bool
    status_max_stale: int
    is_status_optional: bool
    resource_metadata: str
    is_by_path: bool
    base_path: str
    takes_protocol: bool
    public_urls: tuple[str, ...]
    proof_max_age: int
    takes_bearer: bool
    introspection: tuple[str, str, int] | None = None


def parse(env: Mapping[str, str]) -> Configuration:
    """The configuration that `env` holds. Raises ConfigurationError, which names everything that is wrong."""
    routes, wrong = parse_routes(env.get("ROUTES", ""))
    issuer = env.get("ISSUER", "")
    if not ISSUER.fullmatch(issuer):
        wrong.append(
            f"ISSUER is {issuer!r}, and must be https://host without a path (http for a loopback address only)"
        )
    audience = env.get("AUDIENCE", "")
    if not AUDIENCE.fullmatch(audience):
        wrong.append(f"AUDIENCE is {audience!r}, and must be the one identifier of this API")
    response = _response(env, routes, wrong)
    optional = _one_of(env, "STATUS_OPTIONAL", ("false", "true"), wrong)
    max_stale = env.get("STATUS_MAX_STALE") or str(DEFAULT_MAX_STALE)
    if not re.fullmatch(r"[0-9]{1,3}", max_stale) or int(max_stale) > LONGEST_MAX_STALE:
        wrong.append(f"STATUS_MAX_STALE is {max_stale!r}, and must be 0 to {LONGEST_MAX_STALE} seconds")
    metadata = env.get("RESOURCE_METADATA", "")
    if metadata and not RESOURCE_METADATA.fullmatch(metadata):
        wrong.append(f"RESOURCE_METADATA is {metadata!r}, and must be the https address of this API's metadata")
    match = _one_of(env, "MATCH", ("route", "path"), wrong)
    websocket_token = _one_of(env, "WEBSOCKET_TOKEN", ("header", "protocol"), wrong)
    base_path = env.get("BASE_PATH", "")
    if not _BASE_PATH.fullmatch(base_path):
        wrong.append(f"BASE_PATH is {base_path!r}, and must be /segments of letters, digits and ._~-, like /v1")
    elif base_path and match != "path":
        wrong.append("BASE_PATH is set, and means something with MATCH=path only")
    public_urls = tuple(env.get("PUBLIC_URL", "").split())
    if len(public_urls) > MOST_PUBLIC_URLS or not all(is_public_url(each) for each in public_urls):
        wrong.append(
            f"PUBLIC_URL is {env['PUBLIC_URL']!r}, and must be up to {MOST_PUBLIC_URLS} addresses with spaces between "
            "them, each https://host with or without a path, and no slash at its end (http for a loopback address only)"
        )
    max_age = env.get("DPOP_MAX_AGE") or str(DEFAULT_PROOF_AGE)
    if not re.fullmatch(r"[0-9]{1,3}", max_age) or not SHORTEST_PROOF_AGE <= int(max_age) <= LONGEST_PROOF_AGE:
        wrong.append(f"DPOP_MAX_AGE is {max_age!r}, and must be {SHORTEST_PROOF_AGE} to {LONGEST_PROOF_AGE} seconds")
    sender_constraint = _one_of(env, "SENDER_CONSTRAINT", ("optional", "required"), wrong)
    introspection = _introspection(env, wrong)
    if wrong:
        raise ConfigurationError("; ".join(wrong))
    return Configuration(
        issuer=issuer,
        audience=audience,
        routes=routes,
        is_simple=response == "simple",
        status_max_stale=int(max_stale),
        is_status_optional=optional == "true",
        resource_metadata=metadata,
        is_by_path=match == "path",
        base_path=base_path,
        takes_protocol=websocket_token == "protocol",
        public_urls=public_urls,
        proof_max_age=int(max_age),
        takes_bearer=sender_constraint == "optional",
        introspection=introspection,
    )


def _introspection(env: Mapping[str, str], wrong: list[str]) -> tuple[str, str, int] | None:
    if not env.get("INTROSPECTION_CLIENT") and not env.get("INTROSPECTION_SECRET"):
        return None
    # Few APIs take reference tokens: the rules are imported for those only.
    from valet.resource_server.api_gateway import introspection_settings

    return introspection_settings.parse(env, wrong)


def _response(env: Mapping[str, str], routes: Routes, wrong: list[str]) -> str:
    response = _one_of(env, "RESPONSE", ("policy", "simple"), wrong)
    if response == "simple" and routes.asks_for_tools:
        wrong.append("ROUTES has tools, and RESPONSE is simple: an HTTP API carries no challenge, so use a REST API")
    return response


def _one_of(env: Mapping[str, str], name: str, allowed: tuple[str, ...], wrong: list[str]) -> str:
    value = env.get(name) or allowed[0]
    if value not in allowed:
        wrong.append(f"{name} is {value!r}, and must be " + " or ".join(allowed))
    return value
