"""Scopes: their syntax, their includes, and the API that each belongs to (RFC 6749 §3.3, RFC 9068 §3)."""

import re
from collections.abc import Iterable

from valet.errors import InvalidScope
from valet.http import Parameters
from valet.models.clients import Client, ProtectedApi, Scopes
from valet.protocol.supported import CLAIMS_OF_SCOPE

OPENID = "openid"
OFFLINE_ACCESS = "offline_access"
ISSUERS_OWN = frozenset({OPENID, *CLAIMS_OF_SCOPE, OFFLINE_ACCESS})  # OpenID Connect Core §5.4, §11

_SCOPE = re.compile(r"[\x21\x23-\x5b\x5d-\x7e]+(?: [\x21\x23-\x5b\x5d-\x7e]+)*")


def parse_scope(value: str) -> tuple[str, ...]:
    """The scopes that `value` names, each once, in its order. Raises InvalidScope."""
    if not _SCOPE.fullmatch(value):
        raise InvalidScope("The scope is malformed.")
    return tuple(dict.fromkeys(value.split(" ")))


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


def requested_scope(parameters: Parameters, client: Client, known: Scopes) -> tuple[str, ...]:
    """The closure of the requested scopes, or of the client's default. Raises InvalidScope for a scope that is unknown
    or not registered for the client, and if the request names none and the client has no default.
    """
    asked = parameters.get("scope")
    names = parse_scope(asked) if asked is not None else tuple(sorted(client.default_scope))
    if not names:
        raise InvalidScope("The parameter scope is missing, and the client has no default scope.")
    if not set(names) <= set(closure(client.scope, known)):
        raise InvalidScope("The scope names what is not registered for this client.")
    closed = closure(names, known)
    audience(closed, known, "")
    return closed


def in_reading_order(names: Iterable[str]) -> list[str]:
    """The order on the consent page: the scopes about the person's identity first, and offline access last."""
    return sorted(names, key=lambda name: (name != OPENID, name == OFFLINE_ACCESS, name))


def registered_names(parameters: Parameters, known: Scopes) -> str:
    """The registered scopes that a request names. These may be logged; other text of the request may not."""
    return " ".join(sorted(set(parameters.get("scope", "").split(" ")) & known.scopes.keys()))


def narrowed_scope(kept: Iterable[str], client: Client, known: Scopes) -> tuple[str, ...]:
    """The part of a grant's scope that remains after changes to the client or the scopes: never more than `kept`."""
    return tuple(sorted(set(kept) & set(closure(client.scope, known))))


def api_of(names: Iterable[str], known: Scopes) -> ProtectedApi | None:
    """The protected API that a token with the scope `names` is for; None for a token that is for the issuer alone.

    An API's own scope names its API; a scope of the issuer that an API also names decides only if there is no own
    scope. Raises InvalidScope for scopes of two APIs: with a token for two, each could act at the other (RFC 9700
    §2.3).
    """
    asked = set(names)
    owners = [api for api in known.apis.values() if (api.scopes - ISSUERS_OWN) & asked]
    if len(owners) > 1:
        raise InvalidScope("The scope names more than one API: ask for one at a time.")
    named = owners or [api for api in known.apis.values() if api.scopes & asked]
    if len(named) > 1:
        # Registration refuses this. Registrations of an earlier release are refused here.
        shared = " ".join(sorted({name for api in named for name in api.scopes & asked}))
        raise InvalidScope(
            f"More than one API names scopes of the issuer ({shared}): ask for a scope of one API as well."
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
