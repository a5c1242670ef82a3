"""The rules for registrations of clients (RFC 7591 §2, RFC 9700). Scopes and protected APIs have scopes.py and apis.py.

Each rule returns everything that is wrong, member by member. An empty list means a good registration. A caller words
the reasons itself: the command line uses the names of its options.
"""

import re
from collections.abc import Iterable, Iterator

from valet.errors import InvalidScope
from valet.frozen import Frozen, replace
from valet.models.clients import Client, Scopes
from valet.pages.logos import LARGEST, media_type
from valet.protocol import profile
from valet.protocol.claims import TAKEN_CLAIMS
from valet.protocol.joining import OFF
from valet.protocol.scope import OFFLINE_ACCESS, OPENID, api_of, closure
from valet.protocol.supported import (
    ACR_VALUES,
    CLAIMS_OF_SCOPE,
    DEVICE_NETWORKS,
    GRANT_TYPES,
    PKCE,
    PROFILES,
    REGISTERED_AUTH_METHODS,
    SIGNING_ALGS,
    GrantType,
)
from valet.registration.addresses import origin_of, refusal_of_logout_uri, refusal_of_origin, refusal_of_uri
from valet.registration.client_keys import refusal_of_method, wrong_with_keys
from valet.registration.links import refusal_of_name, wrong_with_links
from valet.registration.unknown_clients import is_dynamic_id

APPLICATION_TYPES = ("web", "native", "browser")
# A caller may add to these reasons, because it knows how to list the registered names.
NOT_REGISTERED = "not registered"
NO_SUCH_API = "no such protected API"
ONE_OF_THE_ALGS = f"one of {', '.join(SIGNING_ALGS)}"
ONE_OF_THE_LEVELS = f"one of {', '.join(ACR_VALUES)}"

_CLIENT_ID = re.compile(r"[A-Za-z0-9._~-]{1,128}")
_LONGEST_ROLE = 256
_ROLES_CLAIM = re.compile(r"[A-Za-z][A-Za-z0-9_.:/-]{0,99}")
_LONGEST_LIFETIME = 366 * 86_400
_RETRY_WINDOW = (11, 300)  # longer than the token function may run


class Wrong(Frozen):
    """What is wrong with one member of a registration."""

    member: str  # as Client, Scope or ProtectedApi names it
    reason: str
    value: str | None = None  # the one value that is wrong; None: the member as a whole


def lifetimes_of(application_type: str) -> tuple[int, int]:
    """The default idle and absolute lifetimes of refresh tokens. A browser's are shorter, because it cannot keep a
    secret safe.
    """
    return (8 * 3600, 24 * 3600) if application_type == "browser" else (30 * 86_400, 90 * 86_400)


def wrong_with_client(client: Client, known: Scopes, *, is_local: bool = False) -> list[Wrong]:
    """Everything that is wrong with the client, among the scopes and protected APIs that are registered. `is_local`:
    in the local stack.
    """
    return [
        *_names(client),
        *_kind(client),
        *(Wrong(*each) for each in wrong_with_keys(client)),
        *_grant_types(client),
        *_addresses(client),
        *_logout(client, is_local=is_local),
        *(Wrong(*each) for each in wrong_with_links(client)),
        *_requests(client),
        *_scope(client, known),
        *_claims(client, known),
        *_lifetimes(client),
        *wrong_with_profile(client),
    ]


def wrong_with_profile(client: Client) -> Iterator[Wrong]:
    """The rules of its profile that the registration breaks, each with its section."""
    if client.profile not in PROFILES:
        yield Wrong("profile", f"one of {', '.join(PROFILES)}", client.profile)
    if client.is_fapi2:
        for rule in profile.broken_by(client):
            yield Wrong(rule.member, f"{rule.sentence} (FAPI 2.0 Security Profile section {rule.section})")


def _names(client: Client) -> Iterator[Wrong]:
    if not _CLIENT_ID.fullmatch(client.client_id):
        yield Wrong("client_id", "1 to 128 letters, digits and - . _ ~", client.client_id)
    elif is_dynamic_id(client.client_id):
        yield Wrong("client_id", "clients that register themselves have such ids", client.client_id)
    for member, value in (("client_name", client.client_name), ("owner", client.owner)):
        if reason := refusal_of_name(value):
            yield Wrong(member, reason, value)
    if client.logo and media_type(client.logo) is None:
        yield Wrong("logo", f"a PNG or WebP image of at most {LARGEST} bytes; this has {len(client.logo)}")
    if not client.client_name:
        yield Wrong("client_name", "people are asked to allow it something, and want to know what it is called")


def _kind(client: Client) -> Iterator[Wrong]:
    if client.application_type not in APPLICATION_TYPES:
        yield Wrong("application_type", f"one of {', '.join(APPLICATION_TYPES)}", client.application_type)
    method = client.token_endpoint_auth_method
    if method not in REGISTERED_AUTH_METHODS:
        yield Wrong("token_endpoint_auth_method", refusal_of_method(method), method)
    if client.is_confidential != (client.application_type == "web"):
        is_web = client.application_type == "web"
        keeps = "keeps a secret or a private key on a server, so it has one" if is_web else "keeps no secret or key"
        yield Wrong("token_endpoint_auth_method", f"a {client.application_type} application {keeps}", method)
    if client.pkce not in PKCE:
        yield Wrong("pkce", f"one of {', '.join(PKCE)}", client.pkce)
    if client.pkce == "optional" and not client.is_confidential:
        reason = "only a confidential client may leave it out: nothing else protects the codes of a public one"
        yield Wrong("pkce", f"{reason} (RFC 9700 section 2.1.1)", client.pkce)
    if not client.refresh_token_rotation and not client.is_confidential:
        reason = "only a confidential client may keep its refresh tokens: those of a public one rotate at every use"
        yield Wrong("refresh_token_rotation", f"{reason} (RFC 9700 section 4.14.2)")
    if client.id_token_signed_response_alg not in ("", *SIGNING_ALGS):
        yield Wrong("id_token_signed_response_alg", ONE_OF_THE_ALGS, client.id_token_signed_response_alg)
    if client.introspects and not client.is_confidential:
        yield Wrong("introspects", "introspection is for confidential clients (RFC 7662 section 4)")


def _grant_types(client: Client) -> Iterator[Wrong]:
    if not client.grant_types:
        yield Wrong("grant_types", "there is none")
    for grant_type in sorted(client.grant_types - GRANT_TYPES.keys()):
        yield Wrong("grant_types", f"one of {', '.join(GRANT_TYPES)}", grant_type)
    if "refresh_token" in client.grant_types and not _has_end_user(client):
        givers = _or(row.name for row in GRANT_TYPES.values() if row.has_end_user)
        yield Wrong("grant_types", f"refresh tokens are given with {givers} only", "refresh_token")
    for row in _rows(client):
        if row.confidential_only and not client.is_confidential:
            yield Wrong("grant_types", "only a confidential client may use it, and this one keeps no secret", row.name)


def _rows(client: Client) -> list[GrantType]:
    return [row for row in GRANT_TYPES.values() if row.name in client.grant_types]


def _has_end_user(client: Client) -> bool:
    return any(row.has_end_user for row in _rows(client))


def _or(names: Iterable[str]) -> str:
    return " or ".join(names)


def _addresses(client: Client) -> Iterator[Wrong]:
    for member, uris in (
        ("redirect_uris", client.redirect_uris),
        ("post_logout_redirect_uris", client.post_logout_redirect_uris),
    ):
        for uri in uris:
            if reason := refusal_of_uri(uri, client.application_type):
                yield Wrong(member, reason, uri)
        if len(set(uris)) < len(uris):
            yield Wrong(member, "the same one twice")
    users = [row.name for row in _rows(client) if row.uses_redirect_uri]
    if users and not client.redirect_uris:
        yield Wrong("redirect_uris", f"the grant type {_or(users)} needs one")
    if not users and (client.redirect_uris or client.post_logout_redirect_uris):
        any_user = _or(row.name for row in GRANT_TYPES.values() if row.uses_redirect_uri)
        yield Wrong("redirect_uris", f"only the grant type {any_user} uses any")
    for origin in sorted(client.origins):
        if reason := refusal_of_origin(origin):
            yield Wrong("origins", reason, origin)


def _logout(client: Client, *, is_local: bool) -> Iterator[Wrong]:
    uri = client.backchannel_logout_uri
    if not uri:
        if client.backchannel_logout_session_required:
            yield Wrong("backchannel_logout_session_required", "only a client with a backchannel_logout_uri uses it")
        return
    if reason := refusal_of_logout_uri(uri, is_local=is_local):
        yield Wrong("backchannel_logout_uri", reason, uri)
    if not client.is_confidential:
        reason = "a back channel leads to a server, which is a web application: this one runs on the end-user's device"
        yield Wrong("backchannel_logout_uri", reason)
    elif OPENID not in client.scope or not any(row.uses_redirect_uri for row in _rows(client)):
        yield Wrong("backchannel_logout_uri", "only a client that gets ID tokens knows sessions: it needs openid")


def _requests(client: Client) -> Iterator[Wrong]:
    if client.required_acr not in ("", *ACR_VALUES):
        yield Wrong("required_acr", ONE_OF_THE_LEVELS, client.required_acr)
    elif client.required_acr and not _has_end_user(client):
        yield Wrong("required_acr", "no end-user signs in for it", client.required_acr)
    if client.device_network not in DEVICE_NETWORKS:
        yield Wrong("device_network", f"one of {', '.join(DEVICE_NETWORKS)}", client.device_network)
    if client.registration not in ("", OFF):
        yield Wrong("registration", "off, or nothing: a client may not let people join whom the policy does not")
    if client.providers and not _has_end_user(client):
        yield Wrong("providers", "no end-user signs in for it")
    if client.require_pushed_authorization_requests and not any(row.uses_redirect_uri for row in _rows(client)):
        any_user = _or(row.name for row in GRANT_TYPES.values() if row.uses_redirect_uri)
        reason = f"only the grant type {any_user} has authorization requests"
        yield Wrong("require_pushed_authorization_requests", reason)


def _scope(client: Client, known: Scopes) -> Iterator[Wrong]:
    for name in sorted((client.scope | client.default_scope) - known.scopes.keys()):
        yield Wrong("scope", NOT_REGISTERED, name)
    for name in sorted(client.default_scope - client.scope):
        yield Wrong("default_scope", "not among the client's scopes", name)
    try:
        api_of(client.default_scope, known)
    except InvalidScope:
        yield Wrong("default_scope", "it names scopes of two protected APIs, and no token is for two")
    for audience in sorted(client.introspects - known.apis.keys()):
        yield Wrong("introspects", NO_SUCH_API, audience)
    if not _has_end_user(client):
        for name in sorted({OPENID, OFFLINE_ACCESS} & client.scope):
            yield Wrong("scope", "it needs an end-user", name)


def _claims(client: Client, known: Scopes) -> Iterator[Wrong]:
    may_ask = closure(client.scope, known)
    for name in sorted(client.id_token_claims):
        if name not in CLAIMS_OF_SCOPE:
            yield Wrong("id_token_claims", f"one of {', '.join(CLAIMS_OF_SCOPE)}", name)
        elif name not in may_ask:
            yield Wrong("id_token_claims", "not among the client's scopes", name)
    if client.roles and "roles" not in may_ask:
        yield Wrong("roles", "it is told roles by the scope roles, which is not among the client's scopes")
    for role in sorted(client.roles):
        if not role.isprintable() or " " in role or not 0 < len(role) <= _LONGEST_ROLE:
            yield Wrong("roles", f"one printable word, at most {_LONGEST_ROLE} characters", role)
    if not _ROLES_CLAIM.fullmatch(client.roles_claim):
        reason = "1 to 100 letters, digits and _ . : / -, a letter first: groups, for instance"
        yield Wrong("roles_claim", reason, client.roles_claim)
    elif client.roles_claim.lower() in TAKEN_CLAIMS:
        yield Wrong("roles_claim", "this claim has a meaning of its own in tokens", client.roles_claim)


def _lifetimes(client: Client) -> Iterator[Wrong]:
    idle, absolute = client.refresh_idle_lifetime, client.refresh_absolute_lifetime
    if not 0 < idle <= absolute <= _LONGEST_LIFETIME:
        reason = "the idle one at most the absolute one, and that at most 366 days"
        yield Wrong("refresh_absolute_lifetime", reason)
    window = client.retry_window
    if window is not None and window != 0 and not _RETRY_WINDOW[0] <= window <= _RETRY_WINDOW[1]:
        yield Wrong("retry_window", f"0, or {_RETRY_WINDOW[0]} to {_RETRY_WINDOW[1]} seconds")


def with_defaults(client: Client) -> Client:
    """The client, with the origins of its redirect URIs if it is a browser application and the operator named none."""
    if client.application_type != "browser" or client.origins:
        return client
    origins = {origin_of(uri) for uri in client.redirect_uris}
    return replace(client, origins=frozenset(origin for origin in origins if origin))
