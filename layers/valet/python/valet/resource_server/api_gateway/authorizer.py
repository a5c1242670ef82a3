"""One question of API Gateway's or AppSync's, answered: token, sender, status list, route, sign-in, in this order."""

import threading
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any

from valet.authorization import REFERENCE_PREFIX
from valet.clock import Clock, Jitter, Moment, system_clock
from valet.fetch import Fetch, Post
from valet.resource_server.api_gateway import answers, events
from valet.resource_server.api_gateway.configuration import Configuration
from valet.resource_server.api_gateway.permissions import Permissions
from valet.resource_server.api_gateway.routes import NO_SIGN_IN, Rule, SignIn
from valet.resource_server.keys import Keys
from valet.resource_server.outcomes import ConfigurationError, IssuerUnavailable, TokenRefused
from valet.resource_server.status import StatusLists
from valet.resource_server.verify import AccessToken, Verifier

if TYPE_CHECKING:
    from valet.resource_server.api_gateway.sender import Senders

Log = Callable[[Mapping[str, object]], None]
RouteOf = Callable[[Mapping[str, Any], events.Asked], tuple[str | None, str]]
FindToken = Callable[[Mapping[str, Any], str | None], tuple[str, bool]]
ReadReference = Callable[[str, Moment], AccessToken]
ReadSignIn = Callable[[Mapping[str, str], float], SignIn]


def print_line(members: Mapping[str, object]) -> None:
    """One line of the function's log."""
    from valet import log  # an allowed request logs nothing

    log.print_line(members, system_clock().wall)


class Authorizer:
    """Built once for each execution environment; `answer` is all it does."""

    def __init__(
        self,
        configuration: Configuration,
        fetch: Fetch,
        clock: Clock,
        jitter: Jitter,
        log: Log = print_line,
        post: Post | None = None,
    ) -> None:
        """`post` asks the issuer about reference tokens. It is needed where INTROSPECTION_CLIENT is set."""
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
        # Imported only where they are configured: an API without a catch-all route, without a WebSocket, without a
        # route that asks for a sign-in and without one that has tools pays for none of them.
        self._route_of: RouteOf | None = None
        if configuration.is_by_path:
            from valet.resource_server.api_gateway.paths import Paths

            self._route_of = Paths(configuration.routes, configuration.base_path).route_of
        self._find_protocol_token: FindToken | None = None
        if configuration.takes_protocol:
            from valet.resource_server.api_gateway.websocket import find_token

            self._find_protocol_token = find_token
        self._read_sign_in: ReadSignIn | None = None
        if configuration.routes.asks_for_sign_in:
            from valet.resource_server.api_gateway.sign_ins import SignIns

            self._read_sign_in = SignIns(configuration.routes).of
        self._read_reference: ReadReference | None = None
        if configuration.introspection is not None:
            if post is None:
                raise ConfigurationError(
                    "INTROSPECTION_CLIENT is set, and this authorizer has no way to ask the issuer"
                )
            from valet.resource_server.introspection import Introspector

            self._read_reference = Introspector(issuer, *configuration.introspection, post, self._verifier).introspect
        if configuration.routes.asks_for_tools:
            from valet.resource_server.api_gateway import tools  # noqa: F401  with the process, not with a request

        self._configuration, self._lock = configuration, threading.Lock()
        self._senders: Senders | None = None

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
        sign_in = NO_SIGN_IN
        if self._read_sign_in is not None:
            # The moment of the answer: a fetch may have taken seconds.
            sign_in = self._read_sign_in(token.context, self._clock().wall)
        permission = self._permissions.of(token.scope, token.roles, sign_in, "actors" in token.context)
        if asked.shape == events.APPSYNC:
            return answers.appsync(token, permission)
        reason = ""
        if self._route_of is not None and asked.shape != events.WEBSOCKET:
            route, reason = self._route_of(event, asked)
            asked = asked._replace(route=route)
        route, rule = asked.route, self._routes.rules.get(asked.route or "")
        if rule is not None and rule.tools:
            asked, rule, reason = self._of_tool(event, asked, rule, token)
        is_allowed = asked.route in permission.routes
        challenge = ""
        if not is_allowed:
            challenge = answers.challenge(rule, token, sign_in, self._resource_metadata)
            told = {name: token.context[name] for name in ("sub", "client_id", "jti")}
            line = {"level": "INFO", "event": "route.denied", "route": route, "request_id": request_id}
            self._log({**line, "reason": reason or answers.lack(rule, token, sign_in), **told})
        if self._is_simple and asked.shape == events.HTTP_2:
            return answers.simple(token, is_allowed)
        return answers.policy(token, permission, asked, self._permissions, challenge)

    def _of_tool(
        self, event: Mapping[str, Any], asked: events.Asked, rule: Rule, token: AccessToken
    ) -> tuple[events.Asked, Rule | None, str]:
        """The question and the rule for this one request, and the reason if no token may make it.

        If the token lacks a scope of the tool, no route answers the question: it may call the route all the same.
        """
        from valet.resource_server.api_gateway.tools import scopes_of

        more, reason = scopes_of(event, asked.shape, rule.tools)
        if more is None:
            return asked._replace(route=None), None, reason
        if not more.issubset(token.scope.split()):
            asked = asked._replace(route=None)
        return asked, rule._replace(scopes=rule.scopes | more), ""

    def _judged(self, event: Mapping[str, Any], asked: events.Asked) -> AccessToken:
        now = self._clock()
        if self._find_protocol_token is not None and asked.shape == events.WEBSOCKET:
            presented, is_dpop = self._find_protocol_token(event, asked.authorization)
        else:
            presented, is_dpop = events.presented_token(asked.authorization)
        if presented.startswith(REFERENCE_PREFIX):
            if self._read_reference is None:
                raise TokenRefused("a reference token, and INTROSPECTION_CLIENT is not set")
            token = self._read_reference(presented, now)
        else:
            token = self._verifier.verify(presented, now)
        if token.jkt:
            if not is_dpop:
                raise TokenRefused("bound to a key, and presented as Bearer: such a token comes with a DPoP proof")
            senders = self._senders_of_bound_tokens()
            proof = senders.judge(event, asked, token, now)
        elif is_dpop:
            raise TokenRefused("presented as DPoP, and bound to no key")
        elif not self._configuration.takes_bearer:
            raise TokenRefused("bound to no key, and SENDER_CONSTRAINT is required")
        if token.reference is not None:
            self._lists.verify(token.reference.uri, token.reference.idx, now)
        if token.jkt:
            senders.spend(proof, now)
        return token

    def _senders_of_bound_tokens(self) -> "Senders":
        with self._lock:  # two memories of proofs would accept one proof twice
            if self._senders is None:
                # Imported with the first bound token: a process that sees only bearer tokens does not pay for it.
                from valet.resource_server.api_gateway.sender import Senders

                self._senders = Senders(self._configuration, self._log)
            return self._senders

    def _tell(self, level: str, event: str, reason: str, request_id: str) -> None:
        self._log({"level": level, "event": event, "reason": reason, "request_id": request_id})
