"""Checks of the metadata that APIs publish for clients (RFC 9728), and of the challenges of REST APIs with tools."""

import re
from collections.abc import Iterator, Mapping
from urllib.parse import urlsplit

from valet.models.clients import ProtectedApi
from valet.resource_server.api_gateway.metadata import WELL_KNOWN
from valet.resource_server.api_gateway.routes import parse_routes

from admin.doctor.check import Check
from admin.doctor.evidence import Evidence, ask
from admin.doctor.findings import CannotLook, Finding, warning
from admin.doctor.gateways import Authorizer, listed, rest_authorizers, trusting, without_cache

_PUBLISH = (
    "Route to the metadata function of the authorizer's template (docs/authorizer.md), and register the address that "
    "clients call as the audience."
)
_RESPONSES = "Copy GatewayResponses of docs/examples/mcp-server.yaml into the API's template, and deploy that."
_HEADER = "gatewayresponse.header.WWW-Authenticate"
_CHALLENGE = re.compile(r'resource_metadata="(https://[^"]+)"')


def look_metadata(evidence: Evidence) -> Iterator[Finding]:
    """Looks for the metadata of each registered API as a client does, which knows its address alone."""
    evidence.only_on_aws("other APIs")
    silent = []
    for api in sorted(evidence.scopes.apis.values(), key=lambda each: each.audience):
        if urlsplit(api.audience).scheme != "https" or api.audience == evidence.deployment.issuer:
            continue
        try:
            address, document = _metadata(api.audience)
        except CannotLook as error:
            silent.append(str(error))
            continue
        if not document:
            yield warning(
                f"The API {api.audience} publishes no metadata at {address}",
                "A client that knows only the API's address, such as one of MCP, does not learn where to sign in.",
                _PUBLISH,
            )
            continue
        yield from _wrong(evidence.deployment.issuer, api, address, document)
    if silent:
        raise CannotLook("; ".join(silent))


def _metadata(audience: str) -> tuple[str, Mapping[str, object]]:
    """The API's document and its address, or an empty one and the last address that was tried. Raises CannotLook."""
    parts = urlsplit(audience)
    origin, path = f"https://{parts.netloc}", parts.path.rstrip("/")
    challenge = _CHALLENGE.search(ask(origin, parts.path or "/").headers.get("www-authenticate", ""))
    addresses = [challenge[1]] if challenge else []
    for address in (*addresses, *dict.fromkeys((f"{origin}{WELL_KNOWN}{path}", f"{origin}{WELL_KNOWN}"))):
        found = urlsplit(address)
        answer = ask(f"https://{found.netloc}", found.path)
        document = answer.json() if answer.status == 200 else {}
        if "resource" in document:
            return address, document
    return address, {}


def _wrong(issuer: str, api: ProtectedApi, address: str, document: Mapping[str, object]) -> Iterator[Finding]:
    if document["resource"] != api.audience:
        yield Finding(
            f"The metadata of the API {api.audience} at {address} names the resource {document['resource']}",
            "Clients compare the two to the letter, and refuse the document (RFC 9728 section 3.3).",
            "Give the authorizer the registered audience, which has to be the address that clients call.",
        )
    servers = document.get("authorization_servers")
    if not isinstance(servers, list) or issuer not in servers:
        yield Finding(
            f"The metadata of the API {api.audience} at {address} does not name this issuer",
            "Clients go elsewhere for a token, or nowhere.",
            f"Set authorization_servers to {issuer}: Issuer in the authorizer's parameters.",
        )
    scopes = document.get("scopes_supported", [])
    others = sorted(set(map(str, scopes)) - api.scopes) if isinstance(scopes, list) else ["no list"]
    if others:
        yield Finding(
            f"The metadata of the API {api.audience} names scopes that it does not have: {' '.join(others)}",
            "Clients ask for all that it names, and get invalid_scope.",
            "Register them for the API (`valet apis change --help` tells how), or take them out of Routes.",
        )


def look_tools(evidence: Evidence) -> Iterator[Finding]:
    """Looks at the REST APIs whose authorizer tells tools apart: at what they keep, and at their challenges."""
    for each, environment in trusting(evidence, rest_authorizers(evidence)):
        routes, _ = parse_routes(environment.get("ROUTES", ""))
        if routes.asks_for_tools:
            yield from _tools(evidence, each)


def _tools(evidence: Evidence, each: Authorizer) -> Iterator[Finding]:
    if each.seconds:
        yield Finding(
            f"{each.api} keeps the answers of its authorizer {each.authorizer_id}, whose routes have tools",
            f"For up to {each.seconds} s, a token that may call one tool is let through to every tool.",
            without_cache(each),
        )
    gateway = evidence.deployment.client("apigateway")
    headers = {
        response["responseType"]: response.get("responseParameters", {}).get(_HEADER, "")
        for response in listed(gateway, "get_gateway_responses", restApiId=each.api_id)
    }
    if "resource_metadata=" not in headers.get("UNAUTHORIZED", ""):
        yield Finding(
            f"{each.api} answers 401 without a challenge that names its metadata",
            "Clients of MCP look there for the issuer, and for the scopes that they ask for.",
            _RESPONSES,
        )
    if headers.get("ACCESS_DENIED") != "context.authorizer.challenge":
        yield Finding(
            f"{each.api} answers 403 without the authorizer's challenge",
            "A client whose token lacks a tool's scope does not learn which one to ask for.",
            _RESPONSES,
        )


CHECKS = (Check("apis.metadata", look_metadata), Check("gateways.tools", look_tools))
