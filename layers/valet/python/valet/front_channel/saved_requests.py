"""Authorization requests that wait for a login or a consent, as RFC 9126 keeps a pushed one.

Login and consent carry a request's handle and nothing else of it. It is bound to the browser that began it, and says
nothing about a user: only the session cookie says which end-user is signed in.
"""

from dataclasses import dataclass

from valet.errors import InvalidRequest
from valet.handles import digest, is_digest_of, is_handle, new_handle
from valet.http import Request
from valet.models.saved_requests import AuthorizationRequest, SavedRequest
from valet.people.cookies import Cookies, browser_secret
from valet.ports.runtime import Random
from valet.ports.saved_requests import SavedRequests
from valet.settings import Settings


class RequestExpired(InvalidRequest):
    """This browser has no such saved request, or it has expired."""

    def __init__(self) -> None:
        super().__init__("This sign-in has expired, or it was begun in another browser.")


class AlreadyAnswered(InvalidRequest):
    """The saved request was allowed or denied before, and can be used once only."""

    def __init__(self, client_id: str) -> None:
        super().__init__("This request was already answered.", client_id=client_id)


@dataclass(frozen=True, slots=True)
class Saved:
    """A saved request and the handle that names it."""

    handle: str
    request: AuthorizationRequest
    created_at_ms: int


def save_request(
    request: AuthorizationRequest,
    browser: str | None,
    saved_requests: SavedRequests,
    settings: Settings,
    random: Random,
    *,
    created_at_ms: int,
) -> Saved:
    """Keep the request. `browser` is the browser cookie's value, None while the request is bound to no browser."""
    handle = new_handle(random)
    saved_requests.save(
        SavedRequest(
            digest=digest(handle),
            request=request,
            browser_digest=digest(browser) if browser else b"",
            created_at_ms=created_at_ms,
            expires_at=created_at_ms // 1000 + settings.saved_request_lifetime,
        )
    )
    return Saved(handle, request, created_at_ms)


def require_saved(handle: str, request: Request, cookies: Cookies, saved_requests: SavedRequests, now: float) -> Saved:
    """The request by that handle, if this browser began it. Raises RequestExpired."""
    return _of_this_browser(handle, _find(handle, saved_requests, now), request, cookies)


def find_to_resume(
    handle: str, request: Request, cookies: Cookies, saved_requests: SavedRequests, now: float
) -> tuple[Saved, bool]:
    """The request by that handle, if this browser began it or if it came by POST and is bound to no browser yet, and
    whether it is bound. Raises RequestExpired.
    """
    found = _find(handle, saved_requests, now)
    if found is not None and not found.browser_digest:
        return Saved(handle, found.request, found.created_at_ms), False
    return _of_this_browser(handle, found, request, cookies), True


def _of_this_browser(handle: str, found: SavedRequest | None, request: Request, cookies: Cookies) -> Saved:
    browser = browser_secret(request, cookies)
    if browser is None or found is None or not is_digest_of(found.browser_digest, browser):
        raise RequestExpired
    return Saved(handle, found.request, found.created_at_ms)


def _find(handle: str, saved_requests: SavedRequests, now: float) -> SavedRequest | None:
    found = saved_requests.find_saved(digest(handle)) if is_handle(handle) else None
    return None if found is None or found.expires_at <= now else found
