"""The routes that a token's scopes, roles and sign-in permit, worked out once for each combination."""

import threading
from collections.abc import Callable, Mapping
from itertools import combinations
from typing import NamedTuple

from valet.resource_server.api_gateway import policy
from valet.resource_server.api_gateway.events import REST_REQUEST, REST_TOKEN, WEBSOCKET, Asked
from valet.resource_server.api_gateway.policy import Document
from valet.resource_server.api_gateway.routes import NO_SIGN_IN, Routes, Rule, SignIn

Log = Callable[[Mapping[str, object]], None]

_MOST_PERMISSIONS = 512
_MOST_DOCUMENTS = 16
_MOST_COMPARED = 40
_WILDCARDS = ("*", "?", "${")  # in an ARN that is meant literally, these would mean more than they say


class Permission(NamedTuple):
    """The routes, as keys of ROUTES, and the AppSync fields not permitted; `documents` holds policies once made."""

    routes: frozenset[str]
    denied_fields: tuple[str, ...]
    documents: dict[tuple[str, bool, str], Document | None]


class Permissions:
    """The permissions of every combination of scopes, roles and sign-in that was seen, a bounded number of them."""

    def __init__(self, routes: Routes, log: Log, is_by_path: bool = False) -> None:
        self._routes, self._log, self._is_by_path = routes, log, is_by_path
        # Of a route with tools, an answer is right for one request: for no other of the same route, so for no policy
        # that answers more than that request.
        self._alone = frozenset(key for key, rule in routes.rules.items() if rule.tools)
        self._known: dict[tuple[str, str, SignIn, bool], Permission] = {}
        self._lock = threading.Lock()

    def of(self, scope: str, roles: str, sign_in: SignIn = NO_SIGN_IN, is_delegated: bool = False) -> Permission:
        """The routes for a token with this `scope` and these `roles`, both space-separated, and this sign-in.

        The sign-in is one that SignIns read: a sign-in's age as it is would be another one each second. `is_delegated`:
        the token has `act`.
        """
        key = (scope, roles, sign_in, is_delegated)
        found = self._known.get(key)
        if found is None:
            found = self._worked_out(frozenset(scope.split()), frozenset(roles.split()), sign_in, is_delegated)
            with self._lock:
                if len(self._known) >= _MOST_PERMISSIONS:
                    self._known.clear()
                self._known[key] = found
        return found

    def _worked_out(
        self, scopes: frozenset[str], roles: frozenset[str], sign_in: SignIn, is_delegated: bool = False
    ) -> Permission:
        asked = (scopes, roles, sign_in, is_delegated)
        permitted = frozenset(key for key, rule in self._routes.rules.items() if rule.permits(*asked))
        denied = tuple(key for key, rule in self._routes.fields.items() if not rule.permits(*asked))
        return Permission(permitted, denied, {})

    def document(self, permission: Permission, asked: Asked) -> Document:
        """All that the token may call, where a policy can say it; else the route asked for, if it may call that.

        If it may not, its ARN is denied besides: what is allowed may match it, as the API can have routes that ROUTES
        does not name, and paths have more than one spelling.
        """
        if asked.shape == WEBSOCKET:
            return policy.literal(asked.arn, asked.route in permission.routes)
        if self._is_by_path or asked.route in self._alone:
            return self.only_asked(permission, asked)
        prefix, stage, _, path = (*asked.arn.split("/", 3), "", "")[:4]
        base = f"{prefix}/{stage}"
        is_odd = "//" in f"/{path}" or path.endswith("/")
        document = None if is_odd else self._exact(permission, base, asked, "")
        if asked.route not in permission.routes:
            return policy.refusal(asked.arn, document)
        if document is not None:
            return document
        document = None if is_odd else self._exact(permission, base, asked, asked.route or "")
        return document or self.only_asked(permission, asked)

    def only_asked(self, permission: Permission, asked: Asked) -> Document:
        """The shortest document there is."""
        _, _, method, path = (*asked.arn.split("/", 3), "", "")[:4]
        if asked.route in permission.routes and self._is_safe(permission, asked, method, path):
            return policy.literal(asked.arn, is_allowed=True)
        return policy.refusal(asked.arn)

    def _exact(self, permission: Permission, base: str, asked: Asked, only: str) -> Document | None:
        is_rest = _is_rest(asked)
        key = (base, is_rest, only)
        if key not in permission.documents:
            found = policy.grant(self._routes, permission.routes - self._alone, is_rest=is_rest, only=only)
            if len(permission.documents) >= _MOST_DOCUMENTS:
                permission.documents.clear()
            permission.documents[key] = policy.document(base, found) if found is not None else None
        return permission.documents.get(key)

    def _is_safe(self, permission: Permission, asked: Asked, method: str, path: str) -> bool:
        """Whether allowing this very ARN allows nothing else, however the gateway reads its path next time."""
        if len(asked.arn) > policy.LARGEST_RESOURCE or any(wildcard in asked.arn for wildcard in _WILDCARDS):
            return False
        if self._is_by_path:
            return True  # the path itself was judged, in every reading: the ARN is never read
        # A gateway may ignore one slash at the end.
        paths = (path, path.removesuffix("/"))
        found = {self._routes.route_of(method, f"/{each}", is_rest=_is_rest(asked)) for each in paths} - {None}
        return bool(found) and found <= permission.routes

    def tell_inexact(self) -> None:
        """Logs which routes no policy can tell apart, so that it is known before a cache makes it felt."""
        rules, asks = self._routes.rules, self._routes.asks_for_sign_in
        needs = {frozenset(rules) - self._alone}
        for rule in rules.values():
            for sign_in in _least_sign_ins(rule) if asks else (NO_SIGN_IN,):
                needs.add(self._worked_out(rule.scopes, rule.roles, sign_in).routes - self._alone)
        inexact = [routes for routes in needs if not self._is_exact(routes)]
        if inexact:
            self._log(
                {
                    "level": "WARNING",
                    "event": "policy.inexact",
                    "reason": "no IAM policy says exactly these routes: answers name only the route asked for",
                    "routes": self._culprits(min(inexact, key=len)),
                }
            )

    def _is_exact(self, routes: frozenset[str]) -> bool:
        return all(policy.grant(self._routes, routes, is_rest=is_rest) is not None for is_rest in (False, True))

    def _culprits(self, routes: frozenset[str]) -> list[str]:
        if len(routes) <= _MOST_COMPARED:
            for size in (1, 2):
                for some in combinations(sorted(routes), size):
                    if not self._is_exact(frozenset(some)):
                        return list(some)
        return sorted(routes)


def _least_sign_ins(rule: Rule) -> set[SignIn]:
    """The sign-ins that are just enough for `rule`, and none, for which a token with the same scopes is refused."""
    age = NO_SIGN_IN[1] if rule.max_age is None else rule.max_age
    return {NO_SIGN_IN, *((acr, age) for acr in rule.acr or ("",))}


def _is_rest(asked: Asked) -> bool:
    return asked.shape in (REST_TOKEN, REST_REQUEST)
