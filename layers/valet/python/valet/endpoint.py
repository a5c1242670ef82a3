"""The entry that every endpoint shares: it turns an event into an answer, and every error into a refusal, in one
place.
"""

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any, Literal

from valet.aws import observability
from valet.aws.apigateway import request_from_event, response_to_event
from valet.errors import MethodNotAllowed, OAuthError, ServerError, TemporarilyUnavailable
from valet.front_channel.ahead import STARTED, is_start
from valet.front_channel.saved_requests import AlreadyAnswered
from valet.frozen import replace
from valet.http import Page, Request, Response
from valet.models.clients import Client
from valet.protocol import cors
from valet.refusals import refuse_as_json, refuse_as_page
from valet.server import Server

if TYPE_CHECKING:
    from valet.models.policy import Policy
    from valet.protocol.authorization_request import Destination

Answer = Callable[[Request, Server], Response]
Refuse = Callable[[OAuthError, Request | None], Response]
Handler = Callable[[Mapping[str, Any], Any], dict[str, Any]]


def endpoint(
    answer: Answer,
    *methods: str,
    server: Server,
    refuse: Refuse = refuse_as_json,
    readable_by: Literal["nobody", "anybody", "registered origins"] = "nobody",
    starts_ahead: bool = False,
) -> Handler:
    """A Lambda handler around `answer`: it turns an event into an answer, and every error into a refusal.

    `readable_by` says which origins' scripts may read the answers. An answer with tokens names its one origin itself.
    `starts_ahead`: a page of ours asks for it before a person needs it.
    """

    def handler(event: Mapping[str, Any], context: Any) -> dict[str, Any]:
        request = None
        observability.begin()
        try:
            request = request_from_event(event, server.settings)
            observability.about(request)
            if starts_ahead and is_start(request):
                response = STARTED
            elif request.method == "OPTIONS":
                response = cors.preflight(request, methods, _preflight_origins(readable_by, server))
            elif request.method in methods or (request.method == "HEAD" and "GET" in methods):
                response = answer(request, server)
            else:
                raise MethodNotAllowed(methods)
            if response.page is not None:
                response = _shown(response, response.page, request, server, _policy(server))
            if readable_by == "anybody":
                response = response.with_headers(cors.allow(request, None))
        except OAuthError as error:
            response = _refused(error, request, refuse, readable_by, server)
        except Exception as failure:
            observability.log_failure(failure)
            response = _refused(ServerError("The server could not answer."), request, refuse, readable_by, server)
        if request is not None and request.method == "HEAD":
            response = replace(response, body="")
        return response_to_event(response)

    return handler


def refused_to(destination: "Destination | None", error: OAuthError) -> Response:
    """A refusal that goes back to the client by a redirect. A reason that the client does not learn is logged.

    AlreadyAnswered is raised again, for a page: the client has got its answer, and an error after it would contradict
    the code. So is every error of a visit of the account page, which is no client, one before a destination is known,
    and one for an address that no operator knows.
    """
    if destination is None or destination.is_account_page or isinstance(error, AlreadyAnswered):
        raise error
    if destination.client.is_unknown and _is_strange(destination):
        raise error
    if error.detail:
        observability.log_refusal(error)
    return destination.refuse(error).with_cookies(*error.cookies)


def _is_strange(destination: "Destination") -> bool:
    """Whether answers go to a host that no operator named. Anybody can write a request that is refused: a browser that
    is sent on by the refusal would make every link to this server one to any address (RFC 9700 §4.11.2).
    """
    from valet.models.unknown_clients import DOCUMENT  # only a deployment that takes such clients needs them
    from valet.protocol.redirect_uri import is_loopback

    unknown = destination.client.unknown
    return unknown.kind == DOCUMENT and not unknown.is_trusted and not is_loopback(destination.redirect_uri)


def _refused(error: OAuthError, request: Request | None, refuse: Refuse, readable_by: str, server: Server) -> Response:
    # The page shows a reference with which its reader can ask for help, so the log needs a line with it.
    if error.detail or (refuse is refuse_as_page and not isinstance(error, ServerError)):
        observability.log_refusal(error)
    if refuse is refuse_as_page:
        response = refuse_as_page(error, request, _client_of(error, server))
        if response.page is not None:
            # The registry may be what is out of reach: do not wait for it once more.
            policy = None if isinstance(error, TemporarilyUnavailable) else _policy(server)
            response = _shown(response, response.page, request, server, policy)
    else:
        response = refuse(error, request)
    response = response.with_cookies(*error.cookies)
    if request is None or readable_by == "nobody" or isinstance(error, cors.OriginRefused):
        return response
    try:
        return response.with_headers(
            cors.allow(request, _origins(readable_by, server) if request.origin else frozenset())
        )
    except Exception:
        return response  # the registry is out of reach: the refusal is answered without CORS headers


def _shown(
    response: Response, page: Page, request: Request | None, server: Server, policy: "Policy | None"
) -> Response:
    from valet.front_channel.showing import shown  # most functions show no page

    return shown(response, page, request, server.cookies, policy)


def _policy(server: Server) -> "Policy | None":
    """The policy that a page is shown by; None if it is out of reach. A page does not fail for its looks: what it tells
    of may be done already."""
    try:
        return server.registry.policy()
    except TemporarilyUnavailable:
        return None


def _client_of(error: OAuthError, server: Server) -> Client | None:
    """The client that a page leads back to; None if it is not known, or out of reach."""
    try:
        found = server.registry.find_client(error.client_id) if error.client_id else None
    except OAuthError:
        return None
    return found if found is not None and not found.is_disabled else None


def _preflight_origins(readable_by: str, server: Server) -> frozenset[str] | None:
    """A preflight names no client. Where unknown clients may come, it is answered for any origin: it says nothing, and
    the answer itself is for the client's own origins.
    """
    if readable_by == "nobody":
        return frozenset()
    return None if server.settings.has_unknown_clients else _origins(readable_by, server)


def _origins(readable_by: str, server: Server) -> frozenset[str] | None:
    return None if readable_by == "anybody" else server.registry.origins()
