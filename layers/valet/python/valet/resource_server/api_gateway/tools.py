"""Scope by tool: what a request to an MCP server asks for beyond its route (MCP 2026-07-28, Streamable HTTP).

A client names the method and the tool in the headers Mcp-Method and Mcp-Name, and the server refuses a body that
differs from them. So the authorizer can ask for a tool's scope, although it never sees a body. Clients of older
revisions send neither header: the server behind has to check the scope of a tool itself, by the body.

The authorizer imports this only if a rule has `tools`.
"""

from binascii import Error, a2b_base64, b2a_base64
from collections.abc import Mapping
from typing import Any

from valet.resource_server.api_gateway.events import REST_REQUEST, REST_TOKEN, header_values

_CALL = "tools/call"
_START, _END = "=?base64?", "?="

Tools = tuple[tuple[str, frozenset[str]], ...]


def scopes_of(event: Mapping[str, Any], shape: int, tools: Tools) -> tuple[frozenset[str] | None, str]:
    """The scopes that the tool of this request needs besides its route's; none if it calls no tool, or one that `tools`
    does not name. Or None and the reason for the log, if no token may make the request.
    """
    if shape != REST_REQUEST:
        kind = "a TOKEN event shows no header" if shape == REST_TOKEN else "an HTTP API carries no challenge"
        return None, f"{kind}: a route with tools needs a REST API and an authorizer of type REQUEST"
    methods, names = header_values(event, "mcp-method"), header_values(event, "mcp-name")
    if len(methods) > 1 or len(names) > 1:
        return None, "Mcp-Method or Mcp-Name is repeated"
    if not methods:
        return (None, "Mcp-Name without Mcp-Method") if names else (frozenset(), "")
    if _trimmed(methods[0]) != _CALL:
        return frozenset(), ""  # prompts, resources and tasks have names as well
    name = _decoded(_trimmed(names[0])) if names else None
    if name is None:
        return None, f"Mcp-Method is {_CALL}, and Mcp-Name is missing or malformed"
    return next((scopes for known, scopes in tools if known == name), frozenset()), ""


def _trimmed(value: object) -> str:
    return value.strip(" \t") if isinstance(value, str) else ""


def _decoded(value: str) -> str | None:
    """The name that a header holds; None if it holds none. A name that does not fit into a header comes in base64."""
    if not (value.startswith(_START) and value.endswith(_END) and len(value) >= len(_START) + len(_END)):
        # What is no visible ASCII has to come in base64. Readers would decode other bytes in more than one way.
        return value if value and value.isascii() and value.isprintable() else None
    encoded = value[len(_START) : -len(_END)]
    try:
        raw = a2b_base64(encoded, strict_mode=True)
        # One name has one spelling: what another reader takes for the name of a tool is never another name here.
        return raw.decode() or None if b2a_base64(raw, newline=False) == encoded.encode() else None
    except (Error, UnicodeError):
        return None
