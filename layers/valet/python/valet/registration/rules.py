"""What a registration must be: the rules for clients, protected APIs and scopes (RFC 7591 §2, RFC 9700).

Each answers all that is wrong, as sentences; an empty list is a good registration.
"""

import re
from collections.abc import Iterable, Iterator
from dataclasses import replace

from valet.errors import InvalidScope
from valet.models.clients import Client, ProtectedApi, Scope, Scopes
from valet.protocol.scope import ISSUERS_OWN, OFFLINE_ACCESS, OPENID, api_of
from valet.registration.addresses import origin_of, refusal_of_origin, refusal_of_uri

GRANT_TYPES = ("authorization_code", "client_credentials", "refresh_token")
APPLICATION_TYPES = ("web", "native", "browser")
AUTH_METHODS = ("client_secret_basic", "client_secret_post", "none")

_CLIENT_ID = re.compile(r"[A-Za-z0-9._~-]{1,128}")
_SCOPE = re.compile(r"[\x21\x23-\x5b\x5d-\x7e]{1,100}")  # RFC 6749 §3.3
_AUDIENCE = re.compile(r"[\x21-\x7e]{1,500}")
_LONGEST_NAME = 100
_LONGEST_LIFETIME = 366 * 86_400
_ACCESS_TOKEN = (60, 86_400)
_RETRY_WINDOW = (11, 300)  # longer than the token function may run


def lifetimes_of(application_type: str) -> tuple[int, int]:
    """The idle and the absolute lifetime of refresh tokens where nobody names others: a browser keeps nothing safe."""
    return (8 * 3600, 24 * 3600) if application_type == "browser" else (30 * 86_400, 90 * 86_400)


def wrong_with_client(client: Client, known: Scopes) -> list[str]:
    return [*_names(client), *_kind(client), *_addresses(client), *_scope(client, known), *_lifetimes(client)]


def _names(client: Client) -> Iterator[str]:
    if not _CLIENT_ID.fullmatch(client.client_id):
        yield f"client_id {client.client_id!r}: 1 to 128 letters, digits and - . _ ~"
    for what, value in (("name", client.client_name), ("owner", client.owner)):
        # Format characters turn the consent page's text around.
        if not value.isprintable() or len(value) > _LONGEST_NAME or value != value.strip():
            yield f"{what} {value!r}: at most {_LONGEST_NAME} printable characters"
    if not client.client_name:
        yield "name: people are asked to allow it something, and want to know what it is called"


def _kind(client: Client) -> Iterator[str]:
    if client.application_type not in APPLICATION_TYPES:
        yield f"application type {client.application_type!r}: one of {', '.join(APPLICATION_TYPES)}"
    if client.token_endpoint_auth_method not in AUTH_METHODS:
        yield f"authentication method {client.token_endpoint_auth_method!r}: one of {', '.join(AUTH_METHODS)}"
    if client.is_confidential != (client.application_type == "web"):
        yield (
            f"authentication method {client.token_endpoint_auth_method}: a {client.application_type} application "
            + ("keeps its secret on a server, so it has one" if client.application_type == "web" else "keeps no secret")
        )
    if not client.grant_types:
        yield "grant types: there is none"
    for grant_type in sorted(client.grant_types - set(GRANT_TYPES)):
        yield f"grant type {grant_type!r}: one of {', '.join(GRANT_TYPES)}"
    if "refresh_token" in client.grant_types and "authorization_code" not in client.grant_types:
        yield "grant type refresh_token: only the authorization code grant gives refresh tokens"
    if "client_credentials" in client.grant_types and not client.is_confidential:
        yield "grant type client_credentials: a public client has no credentials (RFC 6749 section 4.4)"
    if client.introspects and not client.is_confidential:
        yield "introspects: introspection is for confidential clients (RFC 7662 section 4)"


def _addresses(client: Client) -> Iterator[str]:
    for what, uris in (
        ("redirect URI", client.redirect_uris),
        ("URI after logout", client.post_logout_redirect_uris),
    ):
        for uri in uris:
            if reason := refusal_of_uri(uri, client.application_type):
                yield f"{what} {uri}: {reason}"
        if len(set(uris)) < len(uris):
            yield f"{what}: the same one twice"
    uses_browser = "authorization_code" in client.grant_types
    if uses_browser and not client.redirect_uris:
        yield "redirect URI: the authorization code grant needs one"
    if not uses_browser and (client.redirect_uris or client.post_logout_redirect_uris):
        yield "redirect URI: only the authorization code grant uses any"
    for origin in sorted(client.origins):
        if reason := refusal_of_origin(origin):
            yield f"origin {origin}: {reason}"


def _scope(client: Client, known: Scopes) -> Iterator[str]:
    for name in sorted((client.scope | client.default_scope) - known.scopes.keys()):
        yield f"scope {name}: not registered; `valet scopes list` tells which are"
    for name in sorted(client.default_scope - client.scope):
        yield f"default scope {name}: not among the client's scopes"
    try:
        api_of(client.default_scope, known)
    except InvalidScope:
        yield "default scope: it names scopes of two protected APIs, and no token is for two"
    for audience in sorted(client.introspects - known.apis.keys()):
        yield f"introspects {audience}: no such protected API; `valet apis list` tells which there are"
    if "authorization_code" not in client.grant_types:
        for name in sorted({OPENID, OFFLINE_ACCESS} & client.scope):
            yield f"scope {name}: it needs an end-user"


def _lifetimes(client: Client) -> Iterator[str]:
    idle, absolute = client.refresh_idle_lifetime, client.refresh_absolute_lifetime
    if not 0 < idle <= absolute <= _LONGEST_LIFETIME:
        yield "lifetimes of refresh tokens: the idle one at most the absolute one, and that at most 366 days"
    window = client.retry_window
    if window is not None and window != 0 and not _RETRY_WINDOW[0] <= window <= _RETRY_WINDOW[1]:
        yield f"retry window: 0, or {_RETRY_WINDOW[0]} to {_RETRY_WINDOW[1]} seconds"


def wrong_with_scope(scope: Scope, known: Scopes) -> list[str]:
    """Includes that lead back to the scope are refused: whatever includes one of them would mean all."""
    wrong = []
    if not _SCOPE.fullmatch(scope.name):
        wrong.append(f"scope {scope.name!r}: 1 to 100 visible ASCII characters, save quote and backslash")
    if not scope.description.strip() or not scope.description.isprintable() or len(scope.description) > 200:
        wrong.append("description: a sentence of at most 200 characters, for the consent page")
    wrong += [f"includes {name}: not registered" for name in sorted(scope.includes - known.scopes.keys())]
    if cycle := _cycle(scope, known):
        wrong.append("includes: in a circle, " + " → ".join(cycle))
    return wrong


def _cycle(scope: Scope, known: Scopes) -> tuple[str, ...]:
    """A way along the includes from the scope to itself."""
    scopes = {**known.scopes, scope.name: scope}
    ways: list[tuple[str, ...]] = [(scope.name,)]
    seen: set[str] = set()
    while ways:
        way = ways.pop()
        for name in sorted(scopes[way[-1]].includes):
            if name == scope.name:
                return (*way, name)
            if name not in seen and name in scopes:
                seen.add(name)
                ways.append((*way, name))
    return ()


def needs_scope(name: str, known: Scopes, clients: Iterator[Client]) -> list[str]:
    """Who would miss the scope."""
    return [
        *(f"the scope {scope.name} includes it" for scope in known.scopes.values() if name in scope.includes),
        *(f"the protected API {api.audience} names it" for api in known.apis.values() if name in api.scopes),
        *(f"the client {client.client_id} may ask for it" for client in clients if name in client.scope),
    ]


def needs_api(api: ProtectedApi, known: Scopes, clients: Iterable[Client]) -> list[str]:
    """Who would miss the protected API, or hold scopes of nobody's."""
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


def wrong_with_api(api: ProtectedApi, known: Scopes, issuer: str) -> list[str]:
    wrong = []
    if not _AUDIENCE.fullmatch(api.audience) or api.audience == issuer:
        wrong.append(f"audience {api.audience!r}: an identifier without spaces, another than the issuer")
    if not api.name.strip() or not api.name.isprintable():
        wrong.append("name: what the API is called")
    wrong += [f"scope {name}: not registered" for name in sorted(api.scopes - known.scopes.keys())]
    for other in known.apis.values():
        if other.audience != api.audience:
            taken = sorted((other.scopes & api.scopes) - ISSUERS_OWN)
            wrong += [f"scope {name}: it belongs to {other.audience}, and to one API only" for name in taken]
            wrong += _shared_with(other, api)
    low, high = _ACCESS_TOKEN
    if api.access_token_lifetime is not None and not low <= api.access_token_lifetime <= high:
        wrong.append(f"lifetime of access tokens: {low} to {high} seconds")
    return wrong


def _shared_with(other: ProtectedApi, api: ProtectedApi) -> Iterator[str]:
    """Why `api` cannot name the issuer's scopes next to `other`.

    Different ones do not help: people sign in with openid, profile and email at once, and no token is for two APIs.
    """
    theirs, ours = sorted(other.scopes & ISSUERS_OWN), sorted(api.scopes & ISSUERS_OWN)
    if theirs and ours:
        yield (
            f"scope {' '.join(ours)}: {other.audience} names {' '.join(theirs)}, and only one API may name scopes of "
            "the issuer; register a scope of its own for this API"
        )


def with_defaults(client: Client) -> Client:
    """What an operator need not say: where a browser application's scripts come from."""
    if client.application_type != "browser" or client.origins:
        return client
    origins = {origin_of(uri) for uri in client.redirect_uris}
    return replace(client, origins=frozenset(origin for origin in origins if origin))
