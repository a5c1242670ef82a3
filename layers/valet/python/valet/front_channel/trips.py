"""The browser's trip to another provider and back (RFC 6749 §4.1, OpenID Connect Core §3.1.2.1).

Nothing of it is kept. What the provider hands back (`state`, the `nonce` of the ID token) and what redeems its code
(`code_verifier`, RFC 7636) follow from the browser's cookie, the provider, the saved request and the time at which the
trip began: only this browser can come back from it, for this request and from this provider (RFC 9700 §4.7).
"""

import hashlib
import hmac
from collections.abc import Mapping
from typing import Any, Protocol

from valet.errors import UpstreamRefused
from valet.front_channel.home_realm import is_offered
from valet.front_channel.saved_requests import Saved, require_saved
from valet.frozen import Frozen
from valet.handles import base64url
from valet.http import Request
from valet.models.clients import Client
from valet.models.providers import Provider
from valet.people.cookies import HasCookies
from valet.ports.clients import HasRegistry
from valet.ports.saved_requests import HasSavedRequests

_LIFETIME = 600_000  # milliseconds; the request's pages live as long
_AHEAD = 60_000  # milliseconds that the clock of the function may be ahead that began it
_LONGEST_TIME = 15  # digits
_LONGEST_CODE = 4096  # characters
_LONGEST_HINT = 256


class Ports(HasCookies, HasSavedRequests, Protocol):
    """The ports that a trip is found by."""


class Trip(Frozen):
    """One trip: the saved request that it is for, the provider, and when it began."""

    saved: Saved
    provider_id: str
    begun_ms: int

    @property
    def state(self) -> str:
        return f"{self.saved.handle}.{self.begun_ms}.{self._derived('state')}"

    @property
    def nonce(self) -> str:
        return self._derived("nonce")

    @property
    def code_verifier(self) -> str:
        return self._derived("code_verifier")

    @property
    def code_challenge(self) -> str:
        """By the method S256."""
        return base64url(hashlib.sha256(self.code_verifier.encode()).digest())

    def _derived(self, what: str) -> str:
        about = f"valet upstream {what}\n{self.provider_id}\n{self.saved.handle}\n{self.begun_ms}"
        return base64url(hmac.digest(self.saved.browser.encode(), about.encode(), "sha256"))

    def __repr__(self) -> str:
        return f"Trip({self.provider_id!r})"  # what follows from the browser's cookie is a secret


def begin(saved: Saved, provider_id: str, now: float) -> Trip:
    # Clocks differ: no trip begins before its request.
    return Trip(saved, provider_id, max(int(now * 1000), saved.created_at_ms))


def asked(trip: Trip, parameters: Mapping[str, str], issuer: str) -> dict[str, Any]:
    """The provider's authorization request, by the names of outbound.providers.authorization_url.

    Only a hint that led to this provider is passed on: what else an application or a person has named is not this
    provider's to know. A person who links an identity is asked for no fresh sign-in there, since they have just signed
    in here.
    """
    request = trip.saved.request
    is_sign_in = not request.links_to
    return {
        "redirect_uri": redirect_uri(issuer, trip.provider_id),
        "state": trip.state,
        "nonce": trip.nonce,
        "code_challenge": trip.code_challenge,
        "login_hint": parameters.get("login_hint", "")[:_LONGEST_HINT],
        "prompt_login": is_sign_in and bool(request.prompt & {"login", "select_account"}),
        "max_age": request.max_age if is_sign_in else None,
        "ui_locales": request.ui_locales,
    }


def exchanged(trip: Trip, parameters: Mapping[str, str], issuer: str) -> dict[str, Any]:
    """The provider's token request, by the names of outbound.providers.redeem. Raises UpstreamRefused: no code."""
    return {
        "code": _code_in(parameters),
        "redirect_uri": redirect_uri(issuer, trip.provider_id),
        "code_verifier": trip.code_verifier,
        "nonce": trip.nonce,
    }


def client_of(ports: HasRegistry, saved: Saved) -> Client | None:
    """The client that the saved request is of; None: it is of the account page."""
    return ports.registry.find_client(saved.request.client_id) if saved.request.has_client else None


def may_use(ports: HasRegistry, saved: Saved, provider: Provider) -> bool:
    """Whether people may sign in with the provider for the saved request."""
    client = client_of(ports, saved)
    return is_offered(provider, client) and (client is not None or not saved.request.has_client)


def back_from(ports: Ports, request: Request, parameters: Mapping[str, str], provider_id: str, now: float) -> Trip:
    """The trip that this browser comes back from.

    Raises UpstreamRefused if it is another browser's, provider's or request's, or none of ours; RequestLost and
    RequestTooOld.
    """
    handle, _, rest = parameters.get("state", "").partition(".")
    begun, _, _ = rest.partition(".")
    saved = require_saved(handle, request, ports.cookies, ports.saved_requests, now)
    if not begun.isascii() or not begun.isdecimal() or len(begun) > _LONGEST_TIME:
        raise UpstreamRefused("state: no time")
    trip, now_ms = Trip(saved, provider_id, int(begun)), int(now * 1000)
    if not hmac.compare_digest(trip.state.encode(), parameters["state"].encode()):
        raise UpstreamRefused("state: of another provider, or made up")
    if not max(saved.created_at_ms, now_ms - _LIFETIME) <= trip.begun_ms <= now_ms + _AHEAD:
        raise UpstreamRefused("state: of another time")
    return trip


def _code_in(parameters: Mapping[str, str]) -> str:
    """The code that the browser brings back. Raises UpstreamRefused if there is none."""
    code = parameters.get("code", "")
    if not 0 < len(code) <= _LONGEST_CODE:
        raise UpstreamRefused("no code")
    return code


def redirect_uri(issuer: str, provider_id: str) -> str:
    """Where the provider sends the browser. Each has its own, so that no answer of one passes for another's (RFC 9700
    §4.4.2).
    """
    return f"{issuer}/federate/{provider_id}/callback"
