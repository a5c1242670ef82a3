"""The verifier of the Python package: an Authorization header in, an access token out (RFC 6750, RFC 9068)."""

import re
from typing import NamedTuple

from valet.authorization import find_credentials
from valet.clock import Clock, Jitter, system_clock, system_jitter
from valet.fetch import Fetch, Https
from valet.resource_server import outcomes, verify
from valet.resource_server.identifiers import AUDIENCE, DEFAULT_MAX_STALE, ISSUER, LONGEST_MAX_STALE, RESOURCE_METADATA
from valet.resource_server.keys import Keys
from valet.resource_server.status import StatusLists

from valet_resource_server.refusals import (
    InsufficientRole,
    InsufficientScope,
    InvalidToken,
    IssuerUnavailable,
    NoToken,
)

_NAMES = re.compile(r"(?:[\x21\x23-\x5b\x5d-\x7e]+(?: [\x21\x23-\x5b\x5d-\x7e]+)*)?")  # RFC 6749 §3.3, scope
_SECONDS = re.compile(r"[0-9]{1,12}")
_RETRY_AFTER = "1"  # seconds: after a failed fetch, the next one comes no sooner


class AccessToken(NamedTuple):
    """The facts of a verified access token.

    `sub` is the end-user, or the client itself if the token is for no end-user (then it equals `client_id`).
    `scope` is what the client may do. `roles` is what the end-user may do. `expires_at` and `auth_time` are epoch
    seconds. A claim that the token does not have is None, or empty.
    """

    sub: str
    client_id: str
    scope: frozenset[str]
    roles: frozenset[str]
    jti: str
    expires_at: int
    grant_id: str | None
    auth_time: int | None
    acr: str | None
    amr: tuple[str, ...]


class Verifier:
    """Verifies access tokens of one issuer for one API, revocation included.

    Make one for each process, and keep it: it holds the issuer's keys and status lists, and remembers verified tokens.
    It makes no request until the first token comes. Any number of threads may use it at the same time.
    """

    def __init__(
        self,
        issuer: str,
        audience: str,
        *,
        status_max_stale: int = DEFAULT_MAX_STALE,
        is_status_optional: bool = False,
        resource_metadata: str = "",
        fetch: Fetch | None = None,
        clock: Clock = system_clock,
        jitter: Jitter = system_jitter,
    ) -> None:
        """Raise ValueError, which names everything that is wrong.

        `issuer` is https://host without a path. `audience` is the one identifier of this API, exactly as in `aud`.
        `status_max_stale` is how many seconds a held status list serves while the issuer does not answer.
        `is_status_optional` accepts tokens without a `status` claim, which cannot be revoked. `resource_metadata` is
        the address of this API's own metadata (RFC 9728), for the challenges. `fetch`, `clock` and `jitter` are for
        tests.
        """
        _check(issuer, audience, status_max_stale, resource_metadata)
        fetch = fetch or Https(issuer, clock)
        keys = Keys(issuer, fetch, clock, jitter, status_max_stale)
        self._lists = StatusLists(issuer, keys, fetch, clock, jitter, status_max_stale)
        self._tokens = verify.Verifier(issuer, audience, keys, is_status_optional)
        self._clock = clock
        self._realm, self._resource_metadata = audience, resource_metadata

    def verify(self, authorization: str | None, *, scope: str = "", roles: str = "") -> AccessToken:
        """The token in the Authorization header's value `authorization`; None if the request has no such header.

        The token must have every scope of `scope`, and the end-user one of the roles in `roles`. Both are names with
        spaces between them, as in "orders items"; an empty text asks for none.

        Raises a kind of Refused if the request may not go on. Raises ValueError if `scope` or `roles` is not a list of
        names.
        """
        wanted = _names("scope", scope), _names("roles", roles)
        token = find_credentials(authorization, "bearer") if authorization is not None else None
        if token is None:
            raise NoToken("no bearer token", self._challenge(scope=scope))
        return self._verified(token, *wanted)

    def verify_token(self, token: str, *, scope: str = "", roles: str = "") -> AccessToken:
        """The access token `token`, wherever it came from: a message, a WebSocket's protocol. Otherwise as `verify`."""
        return self._verified(token, _names("scope", scope), _names("roles", roles))

    def _verified(self, presented: str, scope: frozenset[str], roles: frozenset[str]) -> AccessToken:
        now, asked = self._clock(), " ".join(sorted(scope))
        try:
            token = self._tokens.verify(presented, now)
            if token.reference is not None:
                self._lists.verify(token.reference.uri, token.reference.idx, now)
        except outcomes.TokenRefused as refused:
            raise InvalidToken(str(refused), self._challenge("invalid_token", asked)) from None
        except outcomes.IssuerUnavailable as outage:
            raise IssuerUnavailable(str(outage), {"Retry-After": _RETRY_AFTER}) from None
        found = _facts(token)
        if missing := scope - found.scope:
            reason = f"the token lacks the scope {' '.join(sorted(missing))}"
            raise InsufficientScope(reason, self._challenge("insufficient_scope", asked))
        if roles and roles.isdisjoint(found.roles):
            # No challenge: a client that believed it would ask for the same token again and again.
            raise InsufficientRole(f"the end-user has none of the roles {' '.join(sorted(roles))}")
        return found

    def _challenge(self, error: str = "", scope: str = "") -> dict[str, str]:
        """The WWW-Authenticate header (RFC 6750 §3); without an error code if the request had no token (§3.1)."""
        realm = self._realm.replace("\\", "\\\\").replace('"', '\\"')
        given = {"realm": realm, "error": error, "scope": scope, "resource_metadata": self._resource_metadata}
        return {
            "WWW-Authenticate": "Bearer " + ", ".join(f'{name}="{value}"' for name, value in given.items() if value)
        }


def _check(issuer: str, audience: str, status_max_stale: int, resource_metadata: str) -> None:
    wrong = []
    if not ISSUER.fullmatch(issuer):
        wrong.append(
            f"issuer is {issuer!r}, and must be https://host without a path (http for a loopback address only)"
        )
    if not AUDIENCE.fullmatch(audience):
        wrong.append(f"audience is {audience!r}, and must be the one identifier of this API")
    if not 0 <= status_max_stale <= LONGEST_MAX_STALE:
        wrong.append(f"status_max_stale is {status_max_stale!r}, and must be 0 to {LONGEST_MAX_STALE} seconds")
    if resource_metadata and not RESOURCE_METADATA.fullmatch(resource_metadata):
        wrong.append(
            f"resource_metadata is {resource_metadata!r}, and must be the https address of this API's metadata"
        )
    if wrong:
        raise ValueError("; ".join(wrong))


def _names(parameter: str, value: str) -> frozenset[str]:
    if not _NAMES.fullmatch(value):
        raise ValueError(
            f'{parameter} is {value!r}, and must be names with one space between them, as in "orders items"'
        )
    return frozenset(value.split())


def _facts(token: verify.AccessToken) -> AccessToken:
    told = token.context
    auth_time = told.get("auth_time", "")
    return AccessToken(
        sub=told["sub"],
        client_id=told["client_id"],
        scope=frozenset(token.scope.split()),
        roles=frozenset(token.roles.split()),
        jti=told["jti"],
        expires_at=token.expires_at,
        grant_id=told.get("grant_id"),
        auth_time=int(auth_time) if _SECONDS.fullmatch(auth_time) else None,
        acr=told.get("acr"),
        amr=tuple(told.get("amr", "").split()),
    )
