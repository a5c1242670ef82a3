"""Signing in with another provider: where the browser goes, and what comes of the code that it brings back (OpenID
Connect Core §3.1, RFC 6749 §4.1).

This package speaks for the client that Valet is there: one file a kind of provider, each with `parameters` (of the
authorization request) and `redeem`. The browser's trip, its state and cookies, and whose account it is, belong to
functions/federate.
"""

from importlib import import_module
from typing import Any
from urllib.parse import quote, urlencode

from valet.errors import UpstreamRefused
from valet.models.providers import TENANT, Identity, Provider
from valet.outbound.asking import Ask
from valet.outbound.providers.exchange import Exchange

MODULES = {
    "oidc": "valet.outbound.providers.oidc",
    "google": "valet.outbound.providers.google",
    "entra": "valet.outbound.providers.entra",
    "github": "valet.outbound.providers.github",
    "apple": "valet.outbound.providers.apple",
}


def authorization_url(
    provider: Provider,
    *,
    redirect_uri: str,
    state: str,
    nonce: str,
    code_challenge: str,
    login_hint: str = "",
    prompt_login: bool = False,
    max_age: int | None = None,
    ui_locales: str = "",
) -> str:
    """Where the browser is sent. `prompt_login` and `max_age` ask for a fresh sign-in. A provider may ignore them, so
    the `auth_time` of the Identity alone tells whether it was one.

    Raises UpstreamRefused if the provider is disabled, or of a kind that this release does not know.
    """
    asked = {
        "client_id": provider.client_id,
        "response_type": "code",
        "redirect_uri": redirect_uri,
        "scope": " ".join(provider.scope),
        "state": state,
        "nonce": nonce,
        "code_challenge": code_challenge,
        "code_challenge_method": "S256",
        "login_hint": login_hint,
        "prompt": "login" if prompt_login else "",
        "max_age": "" if max_age is None else str(max_age),
        "ui_locales": ui_locales,
    }
    parameters = _module(provider).parameters(asked)
    query = urlencode({name: value for name, value in parameters.items() if value}, quote_via=quote)
    separator = "&" if "?" in provider.authorization_endpoint else "?"  # RFC 6749 §3.1: its query is kept
    return f"{provider.authorization_endpoint}{separator}{query}"


def redeem(
    provider: Provider,
    secret: bytes,
    *,
    code: str,
    redirect_uri: str,
    code_verifier: str,
    nonce: str,
    now: float,
    fetch: Ask,
) -> Identity:
    """Redeem the code at the provider, verify what it answers, and tell who the person is. `secret` is the opened one.

    Raises UpstreamRefused if the provider refuses or its answer is not good, and TemporarilyUnavailable if it does not
    answer. It takes at most six seconds: two for each of the token endpoint, the keys and the person's data.
    """
    exchange = Exchange(code, redirect_uri, code_verifier, nonce, now, fetch)
    identity: Identity = _module(provider).redeem(provider, secret, exchange)
    return identity


def check_iss(provider: Provider, iss: str | None) -> None:
    """Compare the parameter `iss` of an authorization response, of a refusal too (RFC 9207 §2.4). None: it has none.

    Raises UpstreamRefused if another provider sent the response, or if one that always names itself did not.
    """
    if iss is None:
        if provider.sends_iss:
            raise UpstreamRefused("the response does not name its issuer, as this provider's always do")
    elif not _is_issuer(provider, iss):
        raise UpstreamRefused("the response names another issuer")


def _is_issuer(provider: Provider, iss: str) -> bool:
    if TENANT in provider.issuer:
        return any(iss == provider.issuer.replace(TENANT, tenant) for tenant in provider.tenants)
    return iss == provider.issuer


def _module(provider: Provider) -> Any:
    if provider.is_disabled:
        raise UpstreamRefused("the provider is disabled")
    if provider.kind not in MODULES:
        raise UpstreamRefused("a kind of provider that this release does not know")
    return import_module(MODULES[provider.kind])
