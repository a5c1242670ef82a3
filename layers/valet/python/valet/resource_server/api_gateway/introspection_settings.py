"""The settings of an authorizer that takes reference tokens: the client as which it introspects them (RFC 7662)."""

import re
from collections.abc import Mapping

from valet.resource_server.identifiers import LONGEST_INTROSPECTION_CACHE, is_credential


def parse(env: Mapping[str, str], wrong: list[str]) -> tuple[str, str, int] | None:
    """The client, its secret, and for how many seconds an answer serves again; None without a client. What is wrong is
    added to `wrong`, and names no secret.
    """
    client, secret = env.get("INTROSPECTION_CLIENT", ""), env.get("INTROSPECTION_SECRET", "")
    cache = env.get("INTROSPECTION_CACHE") or "0"
    if bool(client) != bool(secret):
        wrong.append("INTROSPECTION_CLIENT and INTROSPECTION_SECRET are set together or not at all")
    if client and not is_credential(client):
        wrong.append(f"INTROSPECTION_CLIENT is {client!r}, and must be a client_id")
    if secret and not is_credential(secret):
        wrong.append("INTROSPECTION_SECRET is malformed: it must be 1 to 500 characters without spaces")
    if not re.fullmatch(r"[0-9]{1,2}", cache) or int(cache) > LONGEST_INTROSPECTION_CACHE:
        wrong.append(f"INTROSPECTION_CACHE is {cache!r}, and must be 0 to {LONGEST_INTROSPECTION_CACHE} seconds")
        return None
    return client, secret, int(cache)
