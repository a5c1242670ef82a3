"""The rules for registrations of protected APIs: their audiences, scopes and lifetimes."""

import re
from collections.abc import Iterable, Iterator

from valet.models.clients import Client, ProtectedApi, Scopes
from valet.protocol.resource import compared, is_resource
from valet.protocol.scope import ISSUERS_OWN, closure
from valet.protocol.supported import SIGNING_ALGS, TOKEN_FORMATS
from valet.registration.rules import NOT_REGISTERED, ONE_OF_THE_ALGS, Wrong

_AUDIENCE = re.compile(r"[\x21-\x7e]{1,500}")
_ACCESS_TOKEN = (60, 86_400)


def needs_api(api: ProtectedApi, known: Scopes, clients: Iterable[Client]) -> list[str]:
    """The registrations that still depend on this API, or would keep scopes that no API owns."""
    own, clients = api.scopes - ISSUERS_OWN, tuple(clients)
    return [
        *(
            f"the scope {scope.name} includes {name}"
            for scope in known.scopes.values()
            if scope.name not in own
            for name in sorted(scope.includes & own)
        ),
        *(
            f"the client {client.client_id} may ask for {' '.join(sorted(client.scope & own))}"
            for client in clients
            if client.scope & own
        ),
        *(
            f"the client {client.client_id} introspects its tokens"
            for client in clients
            if api.audience in client.introspects
        ),
    ]


def wrong_with_api(api: ProtectedApi, known: Scopes, issuer: str) -> list[Wrong]:
    """Everything that is wrong with the protected API, among the scopes and other APIs that are registered."""
    wrong = []
    if not _AUDIENCE.fullmatch(api.audience) or api.audience == issuer:
        wrong.append(Wrong("audience", "an identifier without spaces, another than the issuer", api.audience))
    if not api.name.strip() or not api.name.isprintable():
        wrong.append(Wrong("name", "what the API is called"))
    wrong += [Wrong("scopes", NOT_REGISTERED, name) for name in sorted(api.scopes - known.scopes.keys())]
    wrong += _open(api, known)
    for other in known.apis.values():
        if other.audience != api.audience:
            taken = sorted((other.scopes & api.scopes) - ISSUERS_OWN)
            wrong += [Wrong("scopes", f"it belongs to {other.audience}, and to one API only", name) for name in taken]
            wrong += _shared_with(other, api)
    low, high = _ACCESS_TOKEN
    if api.access_token_lifetime is not None and not low <= api.access_token_lifetime <= high:
        wrong.append(Wrong("access_token_lifetime", f"{low} to {high} seconds"))
    if api.access_token_signing_alg not in ("", *SIGNING_ALGS):
        wrong.append(Wrong("access_token_signing_alg", ONE_OF_THE_ALGS, api.access_token_signing_alg))
    if api.access_token_format not in TOKEN_FORMATS:
        wrong.append(Wrong("access_token_format", "jwt or reference", api.access_token_format))
    return wrong


def refusal_of_audience(audience: str, others: Iterable[str]) -> str | None:
    """Why no request can name an API by that audience (RFC 8707 §2), among `others` and the issuer; None if one can.

    APIs of an earlier release may have others. They stay as they are, and `valet doctor` names them.
    """
    if not is_resource(audience):
        return (
            "no absolute URI without a fragment, such as https://api.example.com, so no request can name it (RFC 8707)"
        )
    for other in others:
        if other != audience and is_resource(other) and compared(other) == compared(audience):
            return f"a request cannot tell it from {other}: the case of scheme and host and a last slash do not count"
    return None


def _open(api: ProtectedApi, known: Scopes) -> Iterator[Wrong]:
    """What is wrong with the scopes that are open to clients that nobody registered."""
    for name in sorted(api.open_scopes - api.scopes):
        yield Wrong("open_scopes", "not among its scopes", name)
    for name in sorted(api.open_scopes & ISSUERS_OWN):
        yield Wrong("open_scopes", "it tells about people, and is not for clients that nobody registered", name)
    opened = api.open_scopes.union(*(other.open_scopes for other in known.apis.values() if other != api))
    for name in sorted((api.open_scopes & known.scopes.keys()) - ISSUERS_OWN):
        if closed := sorted(set(closure((name,), known)) - opened):
            yield Wrong("open_scopes", f"it includes {' '.join(closed)}: open what it includes as well", name)


def _shared_with(other: ProtectedApi, api: ProtectedApi) -> Iterator[Wrong]:
    """Why `api` cannot name the issuer's scopes next to `other`.

    Different ones do not help: people sign in with openid, profile and email at once, and no token is for two APIs.
    """
    theirs, ours = sorted(other.scopes & ISSUERS_OWN), sorted(api.scopes & ISSUERS_OWN)
    if theirs and ours:
        yield Wrong(
            "scopes",
            f"{other.audience} names {' '.join(theirs)}, and only one API may name scopes of the issuer; register a "
            "scope of its own for this API",
            " ".join(ours),
        )
