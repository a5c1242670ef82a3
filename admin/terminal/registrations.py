"""Problems of a registration, in the words of the command line's options."""

import re
from collections.abc import Iterable, Mapping

from valet.registration.rules import NO_SUCH_API, NOT_REGISTERED, Wrong

_PLAIN = re.compile(r"[\x21-\x7e]+")  # any other value is told in quotes, with its blanks and unprintable characters

Words = Mapping[str, str]

CLIENT: Words = {
    "client_name": "name",
    "application_type": "application type",
    "token_endpoint_auth_method": "authentication method",
    "token_endpoint_auth_signing_alg": "signing algorithm of assertions",
    "jwks": "keys",
    "jwks_uri": "address of its keys",
    "grant_types": "grant type",
    "redirect_uris": "redirect URI",
    "post_logout_redirect_uris": "URI after logout",
    "backchannel_logout_uri": "back-channel logout URI",
    "backchannel_logout_session_required": "back-channel logout by sid",
    "client_uri": "client URI",
    "origins": "origin",
    "default_scope": "default scope",
    "id_token_claims": "ID token claims",
    "id_token_signed_response_alg": "ID token algorithm",
    "roles": "role",
    "roles_claim": "roles claim",
    "refresh_absolute_lifetime": "lifetimes of refresh tokens",
    "retry_window": "retry window",
    "refresh_token_rotation": "rotation of refresh tokens",
    "pkce": "PKCE",
    "device_network": "network of devices",
    "required_acr": "required level",
    "registration": "joining",
    "providers": "provider",
    "require_pushed_authorization_requests": "pushed requests",
    "dpop_bound_access_tokens": "bound access tokens",
}
POLICY: Words = {
    "registration_domains": "domain of registration",
    "password_minimum": "least length of passwords",
    "role_required_acr": "required level of a role",
    "default_language": "default language",
    "mail_per_hour": "mails an hour",
    "brand_name": "name",
    "brand_colour": "colour",
    "brand_logo": "logo",
}
PROVIDER: Words = {
    "provider_id": "ID",
    "authorization_endpoint": "authorization endpoint",
    "token_endpoint": "token endpoint",
    "jwks_uri": "address of its keys",
    "userinfo_endpoint": "UserInfo endpoint",
    "client_id": "client ID",
    "token_endpoint_auth_method": "authentication method",
    "key_id": "key ID",
    "team_id": "team ID",
    "algs": "signing algorithm of ID tokens",
    "tenants": "tenant",
    "domains": "domain",
    "clients": "client",
    "roles": "role",
    "roles_claim": "roles claim",
    "acr_values": "level",
}
SCOPE: Words = {"name": "scope"}
API: Words = {
    "scopes": "scope",
    "open_scopes": "open scope",
    "access_token_lifetime": "lifetime of access tokens",
    "access_token_signing_alg": "access token algorithm",
    "access_token_format": "form of access tokens",
}

_HINTS = {
    ("scope", NOT_REGISTERED): "; `valet scopes list` tells which are",
    ("providers", NOT_REGISTERED): "; `valet providers list` tells which are",
    ("clients", NOT_REGISTERED): "; `valet clients list` tells which are",
    ("introspects", NO_SUCH_API): "; `valet apis list` tells which there are",
}


def told(wrong: Iterable[Wrong], words: Words) -> list[str]:
    """A sentence for each: the member by its word, its value, and the reason."""
    return [_told(each, words) for each in wrong]


def _told(wrong: Wrong, words: Words) -> str:
    value = "" if wrong.value is None else f" {wrong.value if _PLAIN.fullmatch(wrong.value) else repr(wrong.value)}"
    hint = _HINTS.get((wrong.member, wrong.reason), "")
    return f"{words.get(wrong.member, wrong.member)}{value}: {wrong.reason}{hint}"
