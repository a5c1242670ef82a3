"""Scopes: their syntax, their includes, and the API that each belongs to (RFC 6749 §3.3, RFC 9068 §3)."""

import re
from collections.abc import Iterable, Sequence

from valet.errors import InvalidScope, quoted
from valet.http import Parameters
from valet.models.clients import Client, ProtectedApi, Scopes
from valet.protocol.supported import CLAIMS_OF_SCOPE

OPENID = "openid"
OFFLINE_ACCESS = "offline_access"
ISSUERS_OWN = frozenset({OPENID, *CLAIMS_OF_SCOPE, OFFLINE_ACCESS})  # OpenID Connect Core §5.4, §11

_SCOPE = re.compile(r"[\x20\x21\x23-\x5b\x5d-\x7e]*")


def parse_scope(value: str) -> tuple[str, ...]:
    """The scopes that `value` names, each once, in its order; none if it is only spaces. Raises InvalidScope.

    Spaces before, after and between the names do not count: libraries join lists of names that have empty members.
    """
    if not _SCOPE.fullmatch(value):
        raise InvalidScope(
            "The scope has a character that the name of a scope cannot have (RFC 6749 section 3.3)."
            " Separate the names with spaces."
        )
    return tuple(dict.fromkeys(name for name in value.split(" ") if name))


def closure(names: Iterable[str], known: Scopes) -> tuple[str, ...]:
    """`names` and all that they include, sorted; a scope that is no longer registered is left out."""
    found: set[str] = set()
    todo = [name for name in names if name in known.scopes]
    while todo:
        name = todo.pop()
        if name not in found:
            found.add(name)
            todo.extend(known.scopes[name].includes & known.scopes.keys())
    return tuple(sorted(found))


def scope_of(client: Client, known: Scopes) -> tuple[str, ...]:
    """The closure of all that the client may ask for."""
    if not client.is_unknown:
        return closure(client.scope, known)
    from valet.protocol.open_scope import open_scope  # only a deployment that takes such clients needs it

    return closure(open_scope(client, known), known)


def requested_scope(parameters: Parameters, client: Client, known: Scopes) -> tuple[str, ...]:
    """The closure of the requested scopes, or of the client's default.

    Raises InvalidScope for a scope that is not registered for the client, for scopes of two APIs, and if the request
    names none and the client has no default.
    """
    names = parse_scope(parameters.get("scope", "")) or tuple(sorted(client.default_scope))
    if not names:
        raise InvalidScope("The parameter scope is missing, and the client has no default scope.")
    closed = registered_scope(names, client, known)
    api_of(closed, known)
    return closed


def registered_scope(names: Sequence[str], client: Client, known: Scopes) -> tuple[str, ...]:
    """The closure of the names. Raises InvalidScope for one that is not registered for the client.

    An OpenID Connect request may name scopes that no operator registered: see `understood`. `offline_access` besides
    another scope is left out where the client may not have it: libraries add it to what an API asks for, whenever the
    metadata of the server has it.
    """
    allowed = scope_of(client, known)
    if OPENID in names:
        names = understood(names, allowed, known)
    elif OFFLINE_ACCESS not in allowed:
        names = [name for name in names if name != OFFLINE_ACCESS] or names
    refused = [name for name in names if name not in allowed]
    if refused:
        raise _not_registered(refused, known)
    return closure(names, known)


def understood(names: Iterable[str], allowed: Iterable[str], known: Scopes) -> tuple[str, ...]:
    """The names that count in an OpenID Connect request.

    Libraries ask every provider for the same names, so OpenID Connect Core has a server ignore the names that it does
    not know (§3.1.2.1), and offline_access where it gives none (§11). `openid` counts always: it makes the request one
    of OpenID Connect.
    """
    ignored = {OFFLINE_ACCESS} - set(allowed)
    return tuple(name for name in names if name == OPENID or (name in known.scopes and name not in ignored))


def _not_registered(refused: Iterable[str], known: Scopes) -> InvalidScope:
    """The refusal of scopes that the client may not have, in one sentence for those that are registered and one for
    those that are not."""
    names = tuple(refused)
    unknown = [name for name in names if name not in known.scopes]
    theirs = [name for name in names if name in known.scopes]
    sentences = [
        f"{the_scopes(theirs)} not registered for this client." if theirs else "",
        f"{the_scopes(unknown)} not registered at this server. Names are case-sensitive; separate them with spaces."
        if unknown
        else "",
    ]
    return InvalidScope(" ".join(filter(None, sentences)), names=names)


def the_scopes(names: Sequence[str]) -> str:
    """The beginning of a sentence about scopes, with its verb."""
    return f"The scope {quoted(*names)} is" if len(names) == 1 else f"The scopes {quoted(*names)} are"


def in_reading_order(names: Iterable[str]) -> list[str]:
    """The order on the consent page: the scopes about the person's identity first, and offline access last."""
    return sorted(names, key=lambda name: (name != OPENID, name == OFFLINE_ACCESS, name))


def narrowed_scope(kept: Iterable[str], client: Client, known: Scopes) -> tuple[str, ...]:
    """The part of a grant's scope that remains after changes to the client or the scopes: never more than `kept`."""
    return tuple(sorted(set(kept) & set(scope_of(client, known))))


def api_of(names: Iterable[str], known: Scopes) -> ProtectedApi | None:
    """The protected API that a token with the scope `names` is for; None for a token that is for the issuer alone.

    An API's own scope names its API; a scope of the issuer that an API also names decides only if there is no own
    scope. Raises InvalidScope for scopes of two APIs: with a token for two, each could act at the other (RFC 9700
    §2.3).
    """
    asked = set(names)
    owners = [api for api in known.apis.values() if (api.scopes - ISSUERS_OWN) & asked]
    if len(owners) > 1:
        names = sorted({name for api in owners for name in (api.scopes - ISSUERS_OWN) & asked})
        raise InvalidScope(
            f"{the_scopes(names)} for more than one API: name each API by the parameter resource (RFC 8707), or ask for"
            " one API at a time.",
            names=names,
        )
    named = owners or [api for api in known.apis.values() if api.scopes & asked]
    if len(named) > 1:
        # Registration refuses this. Registrations of an earlier release are refused here.
        shared = sorted({name for api in named for name in api.scopes & asked})
        raise InvalidScope(
            f"More than one API names scopes of the issuer ({quoted(*shared)}): ask for a scope of one API as well.",
            names=shared,
        )
    return named[0] if named else None


def audience(names: Iterable[str], known: Scopes, issuer: str) -> tuple[str, ...]:
    """The `aud` of an access token with that scope: one API at most, and the issuer (RFC 9068 §3).

    Raises InvalidScope for scopes of two APIs.
    """
    asked = frozenset(names)
    api = api_of(asked, known)
    if api is None:
        return (issuer,)
    return (api.audience, issuer) if OPENID in asked else (api.audience,)
