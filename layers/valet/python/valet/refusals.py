"""The forms of a refusal: JSON for a client (RFC 6749 §5.2), a page for a person, a challenge for a token's bearer."""

from valet.errors import InsufficientScope, InvalidRequest, InvalidToken, OAuthError
from valet.front_channel.saved_requests import AlreadyAnswered, RequestExpired
from valet.http import NO_STORE, Request, Response, json_response, page
from valet.pages import messages
from valet.pages.policy import content_security_policy
from valet.protocol import bearer


def refuse_as_json(error: OAuthError, request: Request | None) -> Response:
    members = {"error": error.error, "error_description": error.description}
    return json_response(error.status, members, {**NO_STORE, **error.headers})


def refuse_with_challenge(error: OAuthError, request: Request | None) -> Response:
    """JSON, with a challenge if the fault is in the token or in the way it was sent (RFC 6750 §3.1)."""
    response = refuse_as_json(error, request)
    if isinstance(error, InvalidToken | InsufficientScope | InvalidRequest):
        return response.with_headers(bearer.challenge(error))
    return response


def refuse_as_page(error: OAuthError, request: Request | None) -> Response:
    """A page in words for the end-user. Its reference leads to the log line, which the module endpoint writes."""
    reference = request.request_id if request else None
    if isinstance(error, RequestExpired):
        html = messages.expired(reference)
    elif isinstance(error, AlreadyAnswered):
        html = messages.already_answered(reference)
    else:
        title = "Something went wrong" if error.status >= 500 else "This request cannot be answered"
        html = messages.error(title=title, message=error.description, request_id=reference)
    return page(error.status, html, content_security_policy(("'none'",)), error.headers)
