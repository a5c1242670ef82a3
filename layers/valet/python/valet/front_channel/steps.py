"""The redirects to /authorize: from a step that is done, and from a request that came by POST."""

from typing import Protocol
from urllib.parse import urlencode

from valet.front_channel.saved_requests import Saved, save_request
from valet.http import Response, redirect
from valet.models.saved_requests import AuthorizationRequest
from valet.ports.runtime import HasRandom, HasSettings
from valet.ports.saved_requests import HasSavedRequests


class Ports(HasSettings, HasRandom, HasSavedRequests, Protocol):
    """The ports that save a request."""


def back_to_authorize(saved: Saved, issuer: str, proven_by: str = "") -> Response:
    """Redirect to /authorize, which decides what comes next. `proven_by` is the kind of a proof that was made: a hint
    of where to look, and no proof.
    """
    by = f"&by={proven_by}" if proven_by else ""
    return redirect(f"{issuer}/authorize?resume={saved.handle}{by}")


def back_to_authorize_by_handle(handle: str, issuer: str) -> Response:
    """Redirect to /authorize, which finds the saved request by its handle, or says that there is none."""
    return redirect(f"{issuer}/authorize?resume={handle}")


# Why the sign-in page is shown to somebody who has been at another provider; the page has a sentence for each.
DENIED, UNAVAILABLE, HAS_ACCOUNT, NOT_FRESH = "denied", "unavailable", "has_account", "not_fresh"
WHY = frozenset((DENIED, UNAVAILABLE, HAS_ACCOUNT, NOT_FRESH))


def to_sign_in_page(saved: Saved, issuer: str, provider_id: str, why: str) -> Response:
    """Redirect to the sign-in page, which says why the trip to that provider did not sign the end-user in."""
    return redirect(f"{issuer}/login?{urlencode({'request': saved.handle, 'provider': provider_id, 'why': why})}")


def to_get(ports: Ports, asked: AuthorizationRequest, issuer: str, now: float) -> Response:
    """Save a request that came by POST, bound to no browser yet, and redirect to a GET that resumes it.

    A form of another site carries no cookies of this server (SameSite=Lax); the GET carries them.
    """
    now_ms = int(now * 1000)
    saved = save_request(asked, None, ports.saved_requests, ports.settings, ports.random, created_at_ms=now_ms)
    return back_to_authorize(saved, issuer)
