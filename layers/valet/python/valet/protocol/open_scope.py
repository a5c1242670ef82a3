"""What a client gets that no operator registered: what one API opened for such clients (RFC 8707, RFC 6749 §3.3).

More than that is left out and not refused, because the libraries ask for all that this server names; `scope` in the
answer says what was granted.
"""

from collections.abc import Sequence

from valet.errors import InvalidScope, InvalidTarget, quoted
from valet.http import Parameters
from valet.models.clients import Client, ProtectedApi, Scopes
from valet.protocol.resource import is_resource, named
from valet.protocol.scope import ISSUERS_OWN, OFFLINE_ACCESS, OPENID, closure, parse_scope, the_scopes


def open_scope(client: Client, known: Scopes) -> frozenset[str]:
    """All that the unknown client may have: what APIs open, and of the issuer's own scopes what tells nothing about the
    end-user. A scope that includes one that is not open is not open: its sentence would promise more than is granted.
    """
    own = {OPENID, OFFLINE_ACCESS} if "refresh_token" in client.grant_types else {OPENID}
    opened = own.union(*((api.open_scopes & api.scopes) - ISSUERS_OWN for api in known.apis.values()))
    return frozenset(name for name in opened if set(closure((name,), known)) <= opened)


def requested(parameters: Parameters, client: Client, known: Scopes) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """The scope that is granted of what was asked for, and the one audience.

    Raises InvalidTarget unless the request names one API that opened a scope, by `resource` or by its scopes; and
    InvalidScope if nothing is left of the API's scopes.
    """
    names = parse_scope(parameters.get("scope", ""))
    api = _api(parameters.every("resource"), names, client, known)
    is_open = open_scope(client, known)
    opened = api.scopes & is_open
    granted = (opened - ISSUERS_OWN).intersection(names) if names else opened - ISSUERS_OWN
    if not granted:
        raise InvalidScope(
            f"{the_scopes(names)} not open to clients that are not registered at this server. Open at the API "
            f"{quoted(api.audience)}: {quoted(*sorted(opened))}.",
            names=names,
        )
    own = (is_open & ISSUERS_OWN).intersection(names)
    return closure(granted | own, known), (api.audience,)


def _api(resources: Sequence[str], names: Sequence[str], client: Client, known: Scopes) -> ProtectedApi:
    """The one API that the request names."""
    is_open = open_scope(client, known)
    opening = {api.audience: api for api in known.apis.values() if (api.scopes - ISSUERS_OWN) & is_open}
    if resources:
        found = {named(resource, opening) if is_resource(resource) else None for resource in resources}
        why = f"The resource {quoted(*resources)} is not one API that is open to clients that are not registered here."
    else:
        found = {name for name, api in opening.items() if (api.scopes - ISSUERS_OWN).intersection(names)}
        why = "Name one API by the parameter resource (RFC 8707). It has to be open to clients that are not registered."
    audience = found.pop() if len(found) == 1 else None
    if audience is None:
        raise InvalidTarget(why, resources=resources)
    return opening[audience]
