"""The forms of a refusal: JSON for a client (RFC 6749 §5.2), a page for a person, a challenge for a token's sender."""

from valet.errors import (
    DeviceElsewhere,
    InsufficientScope,
    InvalidDpopProof,
    InvalidRequest,
    InvalidRequestUri,
    InvalidScope,
    InvalidTarget,
    InvalidToken,
    OAuthError,
    TemporarilyUnavailable,
    TooManyRequests,
)
from valet.front_channel.forms import PageOutOfDate
from valet.front_channel.saved_requests import AlreadyAnswered, Answered, Lost, RequestLost, RequestTooOld
from valet.front_channel.steps import back_to_authorize
from valet.frozen import replace
from valet.http import NO_STORE, Page, Request, Response, json_response, page
from valet.models.clients import Client
from valet.pages import messages
from valet.pages.messages import WayOn
from valet.pages.words import variants
from valet.ports.runtime import HasAudit
from valet.protocol import presented_token


def record_names(error: OAuthError, client: Client, ports: HasAudit) -> None:
    """Log the scopes or the APIs, if the error is that the client named some that it may not have."""
    if isinstance(error, InvalidScope):
        ports.audit.record("scope.refused", client_id=client.client_id, scope=error.scope)
    elif isinstance(error, InvalidTarget):
        ports.audit.record("resource.refused", client_id=client.client_id, resource=error.resource)


def refuse_as_json(error: OAuthError, request: Request | None) -> Response:
    members = {"error": error.error, "error_description": error.description}
    return json_response(error.status, members, {**NO_STORE, **error.headers})


def refuse_with_challenge(error: OAuthError, request: Request | None) -> Response:
    """JSON, with a challenge if the fault is in the token, in its DPoP proof, or in the way they were sent (RFC 6750
    §3.1, RFC 9449 §7.1).
    """
    response = refuse_as_json(error, request)
    if isinstance(error, InvalidDpopProof):
        response = replace(response, status=401)
    if isinstance(error, InvalidToken | InsufficientScope | InvalidRequest | InvalidDpopProof):
        return response.with_headers(presented_token.challenge(request, error))
    return response


def refuse_as_page(error: OAuthError, request: Request | None, client: Client | None = None) -> Response:
    """In words for the end-user, with the way back to the client, where it is known and registered.

    The page's reference finds the log line, which the door that every endpoint shares writes. A page that is out of
    date is shown again, and a request whose pages were open for too long is begun anew, at /authorize.
    """
    if isinstance(error, PageOutOfDate):
        return error.again
    if isinstance(error, RequestTooOld) and request is not None:
        return back_to_authorize(error.saved, request.issuer)
    way_on = WayOn(request.request_id if request else None)
    if client is not None:
        client_uri = variants(client, "client_uri") if client.client_uri else None
        way_on = replace(way_on, client_name=variants(client, "client_name"), client_uri=client_uri)
    return page(error.status, _words(error, way_on), error.headers)


def _words(error: OAuthError, way_on: WayOn) -> Page:
    if isinstance(error, RequestLost):
        return _LOST[error.why](way_on)
    if isinstance(error, AlreadyAnswered):
        return _ANSWERED[error.what](way_on)
    if isinstance(error, InvalidRequestUri):
        return messages.not_pushed(error.error, error.description, way_on)
    if isinstance(error, DeviceElsewhere):
        return messages.error("device_elsewhere", way_on)
    if isinstance(error, TooManyRequests):
        return messages.error("too_often", way_on)
    if isinstance(error, TemporarilyUnavailable):
        return messages.error("unavailable", way_on)
    if error.status >= 500:
        return messages.error("failed", way_on)
    return messages.unanswerable(error.error, error.description, way_on)


_LOST = {
    Lost.GONE: messages.expired,
    Lost.NO_COOKIE: messages.no_cookie,
    Lost.OTHER_BROWSER: messages.other_browser,
}
_ANSWERED = {
    Answered.REDEEMED: messages.already_signed_in,
    Answered.ENDED: messages.sign_in_ended,
    Answered.LATE: messages.already_answered,
}
