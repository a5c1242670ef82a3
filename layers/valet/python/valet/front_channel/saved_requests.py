"""Authorization requests that wait for a login or a consent, as RFC 9126 keeps a pushed one.

Login and consent carry a request's handle and nothing else of it. It is bound to the browser that began it, and says
nothing about a user: only the session cookie says which end-user is signed in.
"""

from enum import Enum

from valet.errors import InvalidRequest
from valet.frozen import Frozen
from valet.handles import digest, grant_id_of, is_digest_of, is_handle, new_handle
from valet.http import Request
from valet.models.saved_requests import AuthorizationRequest, SavedRequest
from valet.people.cookies import Cookies, browser_secret
from valet.ports.runtime import Random
from valet.ports.saved_requests import SavedRequests
from valet.settings import Settings

# Seconds in which a request whose pages are too old can be begun anew, counted from the first of those that end in one
# grant. Not longer than a grant is kept whose code is
# not redeemed, or a tombstone: the renewed request has to meet it.
_KEPT = 86_400


class Lost(Enum):
    """Why there is no saved request to go on with."""

    GONE = "it is unknown, or too old to be begun anew"
    NO_COOKIE = "the browser sent no cookie"
    OTHER_BROWSER = "another browser began it"


class RequestLost(InvalidRequest):
    """There is no such saved request for this browser, or no longer."""

    def __init__(self, why: Lost, client_id: str = "") -> None:
        super().__init__(
            "This sign-in has expired, or it was begun in another browser.", detail=why.value, client_id=client_id
        )
        self.why = why


class RequestTooOld(InvalidRequest):
    """The saved request is this browser's, and its pages have been open for too long: it is begun anew."""

    def __init__(self, saved: "Saved") -> None:
        super().__init__("This sign-in took too long.", client_id=saved.request.client_id)
        self.saved = saved


class Answered(Enum):
    """What became of a saved request that cannot be answered again."""

    REDEEMED = "the client has redeemed its code"
    ENDED = "the end-user signed out, or the grant was revoked"
    LATE = "its code was answered, and neither redeemed nor asked for again at once"


class AlreadyAnswered(InvalidRequest):
    """The saved request was answered before, and can be used once only."""

    def __init__(self, client_id: str, what: Answered) -> None:
        super().__init__("This request was already answered.", detail=what.value, client_id=client_id)
        self.what = what


class Saved(Frozen):
    """A saved request and the handle that names it."""

    handle: str
    request: AuthorizationRequest
    created_at_ms: int
    expires_at: int
    grant_id: str  # of the grant that it ends in, and that every request ends in that follows it
    browser: str = ""  # the value of its browser's cookie; empty: bound to no browser yet
    is_renewed: bool = False  # an older one took too long

    def __repr__(self) -> str:
        return f"Saved(grant_id={self.grant_id!r})"  # its handle and its browser are secrets


class Pushed(Frozen):
    """A pushed request that a browser brings (RFC 9126 §4)."""

    request: AuthorizationRequest
    grant_id: str  # of the grant that every copy of it ends in
    expires_at: int  # of every copy

    def __repr__(self) -> str:
        return f"Pushed(grant_id={self.grant_id!r})"


def save_request(
    request: AuthorizationRequest,
    browser: str | None,
    saved_requests: SavedRequests,
    settings: Settings,
    random: Random,
    *,
    created_at_ms: int,
    follows: Saved | Pushed | None = None,
) -> Saved:
    """Keep the request. `browser` is the browser cookie's value, None while the request is bound to no browser.

    A request that follows another one, which it renews or is a copy of, ends in the same grant: they are answered once.
    It is kept no longer than the first, so that the grant, which is kept for a day at least, is still there.
    """
    handle = new_handle(random)
    expires_at = follows.expires_at if follows else kept_until(created_at_ms)
    is_copy = isinstance(follows, Pushed)
    saved_requests.save(
        SavedRequest(
            digest=digest(handle),
            request=request,
            browser_digest=digest(browser) if browser else b"",
            created_at_ms=created_at_ms,
            expires_at=expires_at,
            ends_at=created_at_ms // 1000 + settings.saved_request_lifetime,
            grant_id=follows.grant_id if follows else "",
            is_copy=is_copy,
        )
    )
    grant_id = follows.grant_id if follows else grant_id_of(handle)
    is_renewed = follows is not None and not is_copy
    return Saved(handle, request, created_at_ms, expires_at, grant_id, browser or "", is_renewed=is_renewed)


def kept_until(created_at_ms: int) -> int:
    """When a request that was made then, and whatever follows it, is no longer kept, in epoch seconds."""
    return created_at_ms // 1000 + _KEPT


def require_saved(handle: str, request: Request, cookies: Cookies, saved_requests: SavedRequests, now: float) -> Saved:
    """The request by that handle, if this browser began it. Raises RequestLost and RequestTooOld."""
    return _of_this_browser(handle, _find(handle, saved_requests, now), request, cookies, now)


def find_to_resume(
    handle: str, request: Request, cookies: Cookies, saved_requests: SavedRequests, now: float
) -> tuple[Saved, bool]:
    """The request by that handle, if this browser began it or if it came by POST and is bound to no browser yet; and
    whether it is bound. Raises RequestLost and RequestTooOld."""
    found = _find(handle, saved_requests, now)
    if found is not None and not found.browser_digest:
        if _is_too_old(found, now):
            raise RequestLost(Lost.GONE, found.request.client_id)
        return _saved(handle, found, ""), False
    return _of_this_browser(handle, found, request, cookies, now), True


def _of_this_browser(handle: str, found: SavedRequest | None, request: Request, cookies: Cookies, now: float) -> Saved:
    if found is None:
        raise RequestLost(Lost.GONE)
    client_id, browser = found.request.client_id, browser_secret(request, cookies)
    if browser is None:
        raise RequestLost(Lost.NO_COOKIE, client_id)
    if not is_digest_of(found.browser_digest, browser):
        raise RequestLost(Lost.OTHER_BROWSER, client_id)
    saved = _saved(handle, found, browser)
    if _is_too_old(found, now):
        raise RequestTooOld(saved)
    return saved


def _saved(handle: str, found: SavedRequest, browser: str) -> Saved:
    return Saved(
        handle,
        found.request,
        found.created_at_ms,
        found.expires_at,
        found.grant_id or grant_id_of(handle),
        browser,
        is_renewed=bool(found.grant_id) and not found.is_copy,
    )


def _is_too_old(found: SavedRequest, now: float) -> bool:
    return (found.ends_at or found.expires_at) <= now


def _find(handle: str, saved_requests: SavedRequests, now: float) -> SavedRequest | None:
    found = saved_requests.find_saved(digest(handle)) if is_handle(handle) else None
    return None if found is None or found.expires_at <= now else found
