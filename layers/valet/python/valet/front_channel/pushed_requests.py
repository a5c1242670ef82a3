"""Requests that clients have pushed, and that browsers bring by their `request_uri` (RFC 9126).

The server keeps the validated request by the digest of its handle, for a minute or two. Each visit of a browser makes a
copy, which waits for the login and the consent as every saved request does. All copies end in one grant, and the write
of that grant is the one use of the `request_uri`: until then it may be reloaded, also in another browser.
"""

from typing import Protocol

from valet.errors import InvalidRequestUri
from valet.front_channel.saved_requests import Pushed, Saved, kept_until, save_request
from valet.handles import digest, grant_id_of, is_handle, new_handle
from valet.http import Request, Response, add_to_query, redirect
from valet.models.clients import Client
from valet.models.pushed_requests import PushedRequest
from valet.models.saved_requests import AuthorizationRequest
from valet.people.cookies import HasCookies, browser_or_new
from valet.ports.grants import HasGrants
from valet.ports.pushed_requests import HasPushedRequests
from valet.ports.runtime import HasAudit, HasRandom, HasSettings
from valet.ports.saved_requests import HasSavedRequests
from valet.protocol.authorization_request import PUSHED


class Pushing(HasSettings, HasRandom, HasPushedRequests, Protocol):
    """The ports that a request is pushed through."""


class Finding(HasPushedRequests, HasGrants, HasAudit, Protocol):
    """The ports that a pushed request is found through."""


class Copying(HasSettings, HasRandom, HasCookies, HasSavedRequests, Protocol):
    """The ports that a copy is made through."""


def push(ports: Pushing, asked: AuthorizationRequest, now: float) -> str:
    """Keep the request, and return its `request_uri` (§2.2)."""
    handle = new_handle(ports.random)
    ports.pushed_requests.push(
        PushedRequest(
            digest=digest(handle),
            request=asked,
            created_at_ms=int(now * 1000),
            expires_at=int(now) + ports.settings.pushed_request_lifetime,
        )
    )
    return PUSHED + handle


def find_pushed(ports: Finding, request_uri: str, client: Client, now: float) -> Pushed:
    """The request that this client has pushed. Raises InvalidRequestUri, for a page and before any login page.

    One wording for every reason: the bearer of a `request_uri` does not learn whose it is or was.
    """
    handle = request_uri.removeprefix(PUSHED)
    found = ports.pushed_requests.find_pushed(digest(handle)) if is_handle(handle) else None
    # DynamoDB deletes expired items late.
    if found is None or found.expires_at <= now:
        raise _refusal(client, "The request_uri is unknown, or too old.")
    if found.request.client_id != client.client_id:
        raise _refusal(client, "Another client has pushed the request.")
    grant_id = grant_id_of(handle)
    if ports.grants.exists(grant_id):
        ports.audit.record("request.replayed", kind="request_uri", client_id=client.client_id, grant_id=grant_id)
        raise _refusal(client, "The request_uri was used before.")
    return Pushed(found.request, grant_id, kept_until(found.created_at_ms))


def pushed_to_get(client: Client, request_uri: str, issuer: str) -> Response:
    """Redirect a pushed request that came by POST to the GET that brings it.

    A form of another site carries no cookies of this server (SameSite=Lax); the GET carries them.
    """
    return redirect(add_to_query(f"{issuer}/authorize", {"client_id": client.client_id, "request_uri": request_uri}))


def copy_for_browser(ports: Copying, pushed: Pushed, request: Request, now: float) -> tuple[Saved, tuple[str, ...]]:
    """The pushed request as it waits for this browser from now on, and the cookies to set.

    `prompt=login` and `max_age` count from now: the client may have pushed the request a minute ago.
    """
    browser, cookies = browser_or_new(request, ports.cookies, ports.random)
    saved = save_request(
        pushed.request,
        browser,
        ports.saved_requests,
        ports.settings,
        ports.random,
        created_at_ms=int(now * 1000),
        follows=pushed,
    )
    return saved, cookies


def _refusal(client: Client, detail: str) -> InvalidRequestUri:
    return InvalidRequestUri(
        "The request_uri is unknown, too old, used before, or that of another client. Push the request again.",
        detail=detail,
        client_id=client.client_id,
    )
