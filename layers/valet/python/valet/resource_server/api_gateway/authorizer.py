"""One question of API Gateway's or AppSync's, answered: token, status list, route, in this order."""

from collections.abc import Callable, Mapping
from typing import Any

from valet.clock import Clock, Jitter, system_clock
from valet.fetch import Fetch
from valet.resource_server.api_gateway import answers, events
from valet.resource_server.api_gateway.configuration import Configuration
from valet.resource_server.api_gateway.permissions import Permissions
from valet.resource_server.keys import Keys
from valet.resource_server.outcomes import IssuerUnavailable, TokenRefused
from valet.resource_server.status import StatusLists
from valet.resource_server.verify import AccessToken, Verifier

Log = Callable[[Mapping[str, object]], None]
RouteOf = Callable[[Mapping[str, Any], events.Asked], tuple[str | None, str]]
FindBearer = Callable[[Mapping[str, Any], str | None], str]


def print_line(members: Mapping[str, object]) -> None:
    """One line of the function's log."""
    from valet import log  # an allowed request logs nothing

    log.print_line(members, system_clock().wall)


class Authorizer:
    """Built once for each execution environment; `answer` is all it does."""

    def __init__(
        self, configuration: Configuration, fetch: Fetch, clock: Clock, jitter: Jitter, log: Log = print_line
    ) -> None:
        issuer, max_stale = configuration.issuer, configuration.status_max_stale
        self._routes, self._is_simple = configuration.routes, configuration.is_simple
        self._resource_metadata = configuration.resource_metadata
        self._clock, self._log = clock, log
        keys = Keys(issuer, fetch, clock, jitter, max_stale)
        self._lists = StatusLists(issuer, keys, fetch, clock, jitter, max_stale)
        self._verifier = Verifier(issuer, configuration.audience, keys, configuration.is_status_optional)
        self._permissions = Permissions(configuration.routes, log, configuration.is_by_path)
        if not configuration.is_simple and not configuration.is_by_path:
            self._permissions.tell_inexact()
        # Imported only where they are configured: an API without a catch-all route or a WebSocket pays for neither.
        self._route_of: RouteOf | None = None
        if configuration.is_by_path:
            from valet.resource_server.api_gateway.paths import Paths

            self._route_of = Paths(configuration.routes, configuration.base_path).route_of
        self._find_protocol_bearer: FindBearer | None = None
        if configuration.takes_protocol:
            from valet.resource_server.api_gateway.websocket import find_bearer

            self._find_protocol_bearer = find_bearer

    def answer(self, event: Mapping[str, Any], request_id: str = "") -> dict[str, object]:
        """The answer to `event`. Raises exactly Exception("Unauthorized") where the shape knows a 401.

        Raises IssuerUnavailable in an outage and UnknownEvent for what no authorizer is sent: both are a 500.
        """
        asked = events.read(event, self._routes)
        try:
            token = self._judged(event, asked)
        except TokenRefused as refused:
            self._tell("INFO", "token.refused", str(refused), request_id)
            if asked.shape == events.APPSYNC:
                return answers.appsync_refusal()
            # The one message that API Gateway turns into a 401.
            raise Exception("Unauthorized") from None
        except IssuerUnavailable as outage:
            self._tell("ERROR", "issuer.unavailable", str(outage), request_id)
            raise
        permission = self._permissions.of(token.scope, token.roles)
        if asked.shape == events.APPSYNC:
            return answers.appsync(token, permission)
        reason = ""
        if self._route_of is not None and asked.shape != events.WEBSOCKET:
            route, reason = self._route_of(event, asked)
            asked = asked._replace(route=route)
        is_allowed = asked.route in permission.routes
        challenge = ""
        if not is_allowed:
            rule = self._routes.rules.get(asked.route or "")
            challenge = answers.insufficient_scope(rule, token, self._resource_metadata)
            told = {name: token.context[name] for name in ("sub", "client_id", "jti")}
            line = {"level": "INFO", "event": "route.denied", "route": asked.route, "request_id": request_id}
            self._log({**line, "reason": reason or answers.lack(rule, token), **told})
        if self._is_simple and asked.shape == events.HTTP_2:
            return answers.simple(token, is_allowed)
        return answers.policy(token, permission, asked, self._permissions, challenge)

    def _judged(self, event: Mapping[str, Any], asked: events.Asked) -> AccessToken:
        now = self._clock()
        if self._find_protocol_bearer is not None and asked.shape == events.WEBSOCKET:
            presented = self._find_protocol_bearer(event, asked.authorization)
        else:
            presented = events.bearer(asked.authorization)
        token = self._verifier.verify(presented, now)
        if token.reference is not None:
            self._lists.verify(token.reference.uri, token.reference.idx, now)
        return token

    def _tell(self, level: str, event: str, reason: str, request_id: str) -> None:
        self._log({"level": level, "event": event, "reason": reason, "request_id": request_id})
