"""A provider's own description of itself (OpenID Connect Discovery §3), and what it makes of the provider's record.

It is read when an operator registers the provider, and its addresses are pinned: no sign-in waits for it, and a later
change of it sends no browser and no code elsewhere. `valet doctor` compares.
"""

from collections.abc import Mapping
from typing import Any

from valet.frozen import Frozen, replace
from valet.models.providers import TENANT, Provider
from valet.protocol.supported import ASSERTION_SIGNING_ALGS, SECRET_METHODS

CONSUMERS = "9188040d-6c67-4c5b-b112-36a304b66dad"  # Entra's tenant of personal Microsoft accounts
GITHUB = "https://github.com/login/oauth"

_ENTRA = f"https://login.microsoftonline.com/{TENANT}/v2.0"
_ADDRESSES = ("authorization_endpoint", "token_endpoint", "jwks_uri", "userinfo_endpoint")
_PINNED = (*_ADDRESSES, "sends_iss")


class Preset(Frozen):
    """What is known of a kind of provider before anything is asked."""

    kind: str  # of the record
    issuer: str = ""  # empty: the operator names it
    scope: tuple[str, ...] = ("openid", "email", "profile")
    has_userinfo: bool = False  # its UserInfo endpoint tells what its ID tokens may lack


PRESETS: Mapping[str, Preset] = {
    "google": Preset("google", "https://accounts.google.com"),
    "entra": Preset("entra", _ENTRA),
    "okta": Preset("oidc", has_userinfo=True),
    "github": Preset("github", GITHUB, ("read:user", "user:email")),
    "apple": Preset("apple", "https://appleid.apple.com", ("openid", "email", "name")),
    "oidc": Preset("oidc", has_userinfo=True),
}
KINDS = tuple(dict.fromkeys(each.kind for each in PRESETS.values()))


class Unusable(Exception):
    """The description is not one of this provider, or Valet cannot work with what it says."""


def entra_issuer(tenants: frozenset[str]) -> str:
    """The issuer of one tenant, or the template for several."""
    return _ENTRA.replace(TENANT, min(tenants)) if len(tenants) == 1 else _ENTRA


def discovery_url(provider: Provider) -> str:
    """Where the description is; empty: the provider has none that is meant for this."""
    if provider.kind == "github":
        return ""
    # Entra has one description for each group of tenants. `common` is the one with personal accounts.
    everybody = "common" if CONSUMERS in provider.tenants else "organizations"
    return provider.issuer.replace(TENANT, everybody).rstrip("/") + "/.well-known/openid-configuration"


def pinned_github(provider: Provider) -> Provider:
    """The record with GitHub's addresses: those of github.com, of a host under ghe.com, or of a GitHub of its own."""
    site = provider.issuer.removesuffix("/login/oauth")
    host = site.removeprefix("https://")
    is_own = host != "github.com" and not host.endswith(".ghe.com")
    return replace(
        provider,
        authorization_endpoint=f"{provider.issuer}/authorize",
        token_endpoint=f"{provider.issuer}/access_token",
        userinfo_endpoint=f"{site}/api/v3/user" if is_own else f"https://api.{host}/user",
    )


def pinned(provider: Provider, document: Mapping[str, Any], *, has_userinfo: bool) -> Provider:
    """The record with what the description says. Members that the operator has set stay. Raises Unusable."""
    if document.get("issuer") != provider.issuer:
        raise Unusable(f"it is a description of another issuer than {provider.issuer}")
    challenges = document.get("code_challenge_methods_supported", ["S256"])  # not everybody who supports it says so
    if "S256" not in _texts(challenges):
        raise Unusable("it does not support PKCE by S256 (RFC 7636)")
    addresses = {name: str(document.get(name, "")) for name in _ADDRESSES}
    return replace(
        provider,
        authorization_endpoint=addresses["authorization_endpoint"],
        token_endpoint=addresses["token_endpoint"],
        jwks_uri=addresses["jwks_uri"],
        userinfo_endpoint=addresses["userinfo_endpoint"] if has_userinfo else "",
        algs=_algs(document),
        token_endpoint_auth_method=_method(document, provider.kind),
        sends_iss=document.get("authorization_response_iss_parameter_supported") is True,
    )


def drift(provider: Provider, now: Provider) -> list[str]:
    """The pinned members that the description says otherwise by now."""
    return [name for name in _PINNED if getattr(provider, name) != getattr(now, name)]


def _algs(document: Mapping[str, Any]) -> tuple[str, ...]:
    told = _texts(document.get("id_token_signing_alg_values_supported", ["RS256"]))
    if "RS256" in told:  # Core §15.1: what a client gets that has not asked for another one
        return ("RS256",)
    known = tuple(alg for alg in ASSERTION_SIGNING_ALGS if alg in told)
    if not known:
        raise Unusable(f"it signs ID tokens by none of {', '.join(ASSERTION_SIGNING_ALGS)}")
    return known


def _method(document: Mapping[str, Any], kind: str) -> str:
    told = _texts(document.get("token_endpoint_auth_methods_supported", ["client_secret_basic"]))  # §3: the default
    if kind == "apple" or "client_secret_post" in told:
        return "client_secret_post"
    if "client_secret_basic" not in told:
        raise Unusable(f"its token endpoint takes none of {', '.join(SECRET_METHODS)}")
    return "client_secret_basic"


def _texts(value: Any) -> list[str]:
    return [each for each in value if isinstance(each, str)] if isinstance(value, list) else []
