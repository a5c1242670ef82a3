"""Signing in with another provider: where the browser goes, and what comes of the code that it brings back
(OpenID Connect Core §3.1, RFC 6749 §4.1).

This package speaks for the client that Valet is there. The trip of the browser (state, cookies, whose account it is)
belongs to functions/federate.
"""

from importlib import import_module
from typing import Any

from valet.errors import UpstreamRefused
from valet.models.providers import Identity, Provider
from valet.outbound.asking import Ask

_MODULES = {
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
    """Where the browser is sent. `prompt_login` and `max_age` ask for a fresh sign-in; a provider may ignore them, so
    only an `auth_time` in the Identity tells that it was one.

    Raises UpstreamRefused if the provider is disabled, or of a kind that this release does not know.
    """
    raise NotImplementedError


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
    raise NotImplementedError


def check_iss(provider: Provider, iss: str | None) -> None:
    """Compare the parameter `iss` of an authorization response, of a refusal too (RFC 9207 §2.4). None: it has none.

    Raises UpstreamRefused if another provider sent the response, or if one that always names itself did not.
    """
    raise NotImplementedError


def _module(provider: Provider) -> Any:
    if provider.is_disabled:
        raise UpstreamRefused("the provider is disabled")
    if provider.kind not in _MODULES:
        raise UpstreamRefused("a kind of provider that this release does not know")
    return import_module(_MODULES[provider.kind])
