"""Resource indicators: the parameter `resource` names the protected API that an access token is for (RFC 8707).

A request may name several APIs, and each access token is for one of them: docs/decisions/resource-indicators.md.
"""

import re
from collections.abc import Collection, Iterable, Sequence

from valet.errors import InvalidScope, InvalidTarget, quoted
from valet.http import Parameters
from valet.models.clients import Client, ProtectedApi, Scopes
from valet.models.grants import Grant
from valet.protocol.scope import (
    ISSUERS_OWN,
    closure,
    parse_scope,
    registered_scope,
    requested_scope,
    scope_of,
    the_scopes,
)

# RFC 3986 §4.3: an absolute URI has no fragment. Patterns are compiled by the first request that names a resource.
_ABSOLUTE_URI = r"[A-Za-z][A-Za-z0-9+.-]*:(?:[A-Za-z0-9._~:/?\[\]@!$&'()*+,;=-]|%[0-9A-Fa-f]{2})+"
_WITH_AUTHORITY = r"([^:]+://[^/?]*)(.*)"


def is_resource(value: str) -> bool:
    """Whether the parameter may have the value: an absolute URI without a fragment (§2)."""
    return re.fullmatch(_ABSOLUTE_URI, value) is not None


def compared(uri: str) -> str:
    """What two resources have in common if they name the same API.

    The case of scheme and host does not count (RFC 3986 §6.2.2.1), and neither does a slash that is all that follows
    them: URL libraries add it. Everything else is compared to the letter.
    """
    found = re.fullmatch(_WITH_AUTHORITY, uri)
    if found is None:
        scheme, colon, rest = uri.partition(":")
        return f"{scheme.lower()}{colon}{rest}"
    origin, rest = found.groups()
    return origin.lower() + ("" if rest == "/" else rest)


def named(resource: str, audiences: Collection[str]) -> str | None:
    """The audience that the resource names; None if it names none of them.

    Registration refuses audiences that differ in nothing that counts. An earlier release registered them: each is named
    to the letter.
    """
    if not is_resource(resource):
        return None
    if resource in audiences:
        return resource
    asked = compared(resource)
    same = [audience for audience in audiences if is_resource(audience) and compared(audience) == asked]
    return same[0] if len(same) == 1 else None


def requested(parameters: Parameters, client: Client, known: Scopes) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """The requested scope, and the audiences that the request names by `resource`; none if it leaves that out.

    Raises InvalidScope, as `requested_scope` does, also for a scope of an API that is not named, and for an API without
    any of its scopes. Raises InvalidTarget for a resource that is no API of which the client may ask a scope.
    """
    if client.is_unknown:
        from valet.protocol import open_scope  # only a deployment that takes such clients needs it

        return open_scope.requested(parameters, client, known)
    resources = parameters.every("resource")
    if not resources:
        return requested_scope(parameters, client, known), ()
    allowed = scope_of(client, known)
    apis = _named_apis(resources, allowed, known)
    names = parse_scope(parameters.get("scope", ""))
    scope = registered_scope(names, client, known) if names else _default_scope(client, allowed, apis, known)
    within = cut(scope, apis)
    if foreign := [name for name in scope if name not in within]:
        raise InvalidScope(f"{the_scopes(foreign)} of no API that the request names by resource.", names=foreign)
    for api in apis:
        if not api.scopes.intersection(scope):
            raise _no_scope_of(api.audience, scope)
    return scope, tuple(api.audience for api in apis)


def _named_apis(resources: Iterable[str], allowed: Iterable[str], known: Scopes) -> list[ProtectedApi]:
    """The APIs, each once. Raises InvalidTarget unless the client may ask for a scope of each."""
    found: dict[str, ProtectedApi] = {}
    for resource in resources:
        audience = named(resource, known.apis)
        if audience is None or not known.apis[audience].scopes.intersection(allowed):
            raise InvalidTarget(_why_not(resource), resources=(resource,))
        found[audience] = known.apis[audience]
    return list(found.values())


def _why_not(resource: str) -> str:
    if not is_resource(resource):
        return f"The resource {quoted(resource)} is not an absolute URI without a fragment (RFC 8707 section 2)."
    return (
        f"The resource {quoted(resource)} is no API at this server of which this client may ask a scope. Name the API"
        " by its registered audience."
    )


def _default_scope(
    client: Client, allowed: Sequence[str], apis: Sequence[ProtectedApi], known: Scopes
) -> tuple[str, ...]:
    """What a request gets that names APIs and no scope: of each API the client's default, or if that has nothing of it,
    all that the client may ask of it; and the scopes of the issuer in the default.
    """
    by_default = set(closure(client.default_scope, known))
    found = by_default & ISSUERS_OWN
    for api in apis:
        found |= (api.scopes & by_default) or api.scopes.intersection(allowed)
    return tuple(sorted(found))


def cut(scope: Iterable[str], apis: Sequence[ProtectedApi]) -> tuple[str, ...]:
    """The scopes that belong to these APIs, or to the issuer."""
    theirs = ISSUERS_OWN.union(*(api.scopes for api in apis))
    return tuple(name for name in scope if name in theirs)


def still_named(
    audiences: Iterable[str], scope: Sequence[str], known: Scopes
) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """What is left of a request's scope and APIs after changes of the registrations. Raises InvalidScope if no API is
    left.
    """
    apis = [known.apis[audience] for audience in audiences if audience in known.apis]
    apis = [api for api in apis if api.scopes.intersection(scope)]
    if not apis:
        raise InvalidScope(
            f"{the_scopes(scope)} no longer of the APIs that the request names by resource.", names=scope
        )
    return cut(scope, apis), tuple(api.audience for api in apis)


def for_one(audience: str, scope: Sequence[str], known: Scopes) -> tuple[tuple[str, ...], Scopes]:
    """The part of the scope for an access token for that API, and the registered scopes with this API alone: all that
    depends on a token's API follows it. Raises InvalidScope if no scope of the API is left.
    """
    api = known.apis.get(audience)
    if api is None or not api.scopes.intersection(scope):
        raise _no_scope_of(audience, scope)
    return cut(scope, [api]), Scopes(known.scopes, {audience: api})


def _no_scope_of(audience: str, scope: Sequence[str]) -> InvalidScope:
    why = f"The API {quoted(audience)} has none of the scopes {quoted(*scope)}: name a scope of it."
    return InvalidScope(why, names=scope)


def picked(resources: Sequence[str], grant: Grant) -> str | None:
    """The audience that a token request picks among those of the grant; None if it picks none or two of them.

    `resource` may be left out where the grant has one API.
    """
    audiences = grant.resources or grant.aud
    if not resources:
        return audiences[0] if len(audiences) == 1 else None
    found = {named(resource, audiences) for resource in resources}
    return found.pop() if len(found) == 1 else None


def not_picked(resources: Sequence[str], grant: Grant) -> InvalidTarget:
    """The refusal of a token request that picks none of the grant's APIs, or two of them."""
    audiences = grant.resources or grant.aud
    if not audiences:
        why = "The grant is for no API: leave resource out."
    elif len(resources) > 1:
        why = f"An access token is for one API: name one by resource, of {quoted(*audiences)}."
    elif resources:
        why = f"The resource {quoted(*resources)} is not granted. Granted: {quoted(*audiences)}."
    else:
        why = f"The grant is for several APIs: name one by the parameter resource, of {quoted(*audiences)}."
    return InvalidTarget(why, resources=resources)
