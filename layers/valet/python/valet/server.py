"""The composition root: what stands behind each port, built on first use, and the door that every endpoint shares."""

import os
import time
from collections.abc import Callable, Mapping
from functools import cached_property
from typing import TYPE_CHECKING, Any, Literal

from valet import settings as settings_module
from valet.aws import observability
from valet.aws.apigateway import request_from_event, response_to_event
from valet.aws.clients import client
from valet.aws.dynamodb.front_channel import DynamoSavedRequests, DynamoSessions, DynamoThrottles
from valet.aws.dynamodb.grants import DynamoGrants
from valet.aws.dynamodb.registry import DynamoRegistry
from valet.aws.dynamodb.status_lists import DynamoStatusLists
from valet.aws.dynamodb.table import Table
from valet.aws.dynamodb.users import DynamoUsers
from valet.aws.kms import KmsSigners
from valet.environment import environment
from valet.errors import MethodNotAllowed, OAuthError, ServerError
from valet.http import Request, Response
from valet.ports import (
    Accounts,
    Audit,
    Clock,
    Consents,
    Credentials,
    Grants,
    Random,
    Registry,
    SavedRequests,
    Sessions,
    Signers,
    StatusLists,
    Throttles,
)
from valet.protocol import cors
from valet.refusals import refuse_as_json, refuse_as_page
from valet.sessions import Cookies
from valet.settings import Settings
from valet.tokens.status_index import StatusIndices
from valet.tokens.status_list import StatusListPublisher

if TYPE_CHECKING:
    from valet.protocol.authorization_request import Destination

Answer = Callable[[Request, "Server"], Response]
Refuse = Callable[[OAuthError, Request | None], Response]
Handler = Callable[[Mapping[str, Any], Any], dict[str, Any]]


class Server:
    """What an endpoint needs of the outside world. A test gives it other ports by assigning them."""

    @cached_property
    def settings(self) -> Settings:
        return settings_module.read(environment())

    @cached_property
    def clock(self) -> Clock:
        return time.time

    @cached_property
    def random(self) -> Random:
        return os.urandom

    @cached_property
    def cookies(self) -> Cookies:
        return Cookies(self.settings.is_plain_http)

    @cached_property
    def registry(self) -> Registry:
        return DynamoRegistry(self._table(self.settings.registry_table), self.clock)

    @cached_property
    def accounts(self) -> Accounts:
        return self._users

    @cached_property
    def credentials(self) -> Credentials:
        return self._users

    @cached_property
    def consents(self) -> Consents:
        return self._users

    @cached_property
    def grants(self) -> Grants:
        return DynamoGrants(self._table(self.settings.grants_table))

    @cached_property
    def status_lists(self) -> StatusLists:
        return DynamoStatusLists(self._table(self.settings.grants_table))

    @cached_property
    def status_indices(self) -> StatusIndices:
        return StatusIndices(self.status_lists)

    @cached_property
    def status_list_publisher(self) -> StatusListPublisher:
        return StatusListPublisher(self.status_lists)

    @cached_property
    def saved_requests(self) -> SavedRequests:
        return DynamoSavedRequests(self._table(self.settings.grants_table))

    @cached_property
    def sessions(self) -> Sessions:
        return DynamoSessions(self._table(self.settings.grants_table))

    @cached_property
    def throttles(self) -> Throttles:
        return DynamoThrottles(self._table(self.settings.grants_table))

    @cached_property
    def signers(self) -> Signers:
        return KmsSigners(self.settings)

    @cached_property
    def audit(self) -> Audit:
        return observability.LoggedAudit()

    @cached_property
    def _users(self) -> DynamoUsers:
        return DynamoUsers(self._table(self.settings.users_table))

    def _table(self, name: str) -> Table:
        return Table(client("dynamodb", self.settings), name)


SERVER = Server()


def endpoint(
    answer: Answer,
    *methods: str,
    refuse: Refuse = refuse_as_json,
    readable_by: Literal["nobody", "anybody", "registered origins"] = "nobody",
) -> Handler:
    """A Lambda handler around `answer`: event in, event out, and whatever is raised refused in one place.

    `readable_by` says whose scripts may read the answers. An answer with tokens names its one origin itself.
    """

    def handler(event: Mapping[str, Any], context: Any) -> dict[str, Any]:
        request = None
        observability.begin()
        try:
            request = request_from_event(event, SERVER.settings)
            observability.about(request)
            if request.method == "OPTIONS":
                response = cors.preflight(
                    request, methods, frozenset() if readable_by == "nobody" else _origins(readable_by)
                )
            elif request.method in methods or (request.method == "HEAD" and "GET" in methods):
                response = answer(request, SERVER)
            else:
                raise MethodNotAllowed(methods)
            if readable_by == "anybody":
                response = response.with_headers(cors.allow(request, None))
        except OAuthError as error:
            response = _refused(error, request, refuse, readable_by)
        except Exception as failure:
            observability.log_failure(failure)
            response = _refused(ServerError("The server could not answer."), request, refuse, readable_by)
        if request is not None and request.method == "HEAD":
            response = Response(response.status, response.headers, "", response.cookies)
        return response_to_event(response)

    return handler


def refused_to(destination: "Destination", error: OAuthError) -> Response:
    """A refusal that goes back to the client by a redirect; what the client is not told is logged all the same."""
    if error.detail:
        observability.log_refusal(error)
    return destination.refuse(error)


def refused_by_page(error: OAuthError, request: Request) -> Response:
    """A refusal that a person is shown, where it cannot be raised: what is raised here would go to the client."""
    return _refused(error, request, refuse_as_page, "nobody")


def _refused(error: OAuthError, request: Request | None, refuse: Refuse, readable_by: str) -> Response:
    # A page gives its reader a reference to ask for help with: it has to lead to a line.
    if error.detail or (refuse is refuse_as_page and not isinstance(error, ServerError)):
        observability.log_refusal(error)
    response = refuse(error, request)
    if request is None or readable_by == "nobody" or isinstance(error, cors.OriginRefused):
        return response
    try:
        return response.with_headers(cors.allow(request, _origins(readable_by) if request.origin else frozenset()))
    except Exception:
        return response  # the registry is out of reach: the refusal stands, unread by scripts


def _origins(readable_by: str) -> frozenset[str] | None:
    return None if readable_by == "anybody" else SERVER.registry.origins()
