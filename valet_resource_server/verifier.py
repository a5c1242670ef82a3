"""The verifier of the Python package: an Authorization header in, an access token out (RFC 6750, 9068 and 9449)."""

import re
from collections.abc import Callable
from typing import NamedTuple

from valet.authorization import REFERENCE_PREFIX, find_credentials
from valet.binding.proof import Proof
from valet.clock import Clock, Jitter, Moment, system_clock, system_jitter
from valet.fetch import Fetch, Https, Post
from valet.resource_server import outcomes, step_up, verify
from valet.resource_server.identifiers import DEFAULT_MAX_STALE, DEFAULT_PROOF_AGE
from valet.resource_server.keys import Keys
from valet.resource_server.proofs import ALGS, Proofs, Sent
from valet.resource_server.status import StatusLists
from valet.resource_server.verify import AccessToken as VerifiedToken

from valet_resource_server.arguments import wrong_introspection, wrong_names, wrong_proofs
from valet_resource_server.refusals import (
    InsufficientRole,
    InsufficientScope,
    InsufficientUserAuthentication,
    InvalidProof,
    InvalidToken,
    IssuerUnavailable,
    NoToken,
)
from valet_resource_server.step_up import NAMES, lacks_of, levels_of

_SECONDS = re.compile(r"[0-9]{1,12}")
_RETRY_AFTER = "1"  # seconds: after a failed fetch, the next one comes no sooner


class AccessToken(NamedTuple):
    """The facts of a verified access token.

    `sub` is the end-user, or the client itself if the token is for no end-user (then it equals `client_id`).
    `scope` is what the client may do. `roles` is what the end-user may do. `expires_at` and `auth_time` are epoch
    seconds. A claim that the token does not have is None, or empty. `jkt` is the thumbprint of the key that the sender
    proved to hold; None for a bearer token. `actors` are the clients that exchanged the token (RFC 8693 §4.1), the
    nearest first, and empty if it came straight from `client_id`: refuse such a token where only the end-user's own
    application may act.
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
    jkt: str | None = None
    actors: tuple[str, ...] = ()


class _Wanted(NamedTuple):
    """What a request needs of its token: `levels` and `max_age` of the sign-in."""

    scope: frozenset[str]
    roles: frozenset[str]
    levels: tuple[str, ...]
    max_age: int | None


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
        public_url: str = "",
        proof_max_age: int = DEFAULT_PROOF_AGE,
        is_proof_required: bool = False,
        introspection_client: str = "",
        introspection_secret: str = "",
        introspection_cache: int = 0,
        fetch: Fetch | None = None,
        post: Post | None = None,
        clock: Clock = system_clock,
        jitter: Jitter = system_jitter,
    ) -> None:
        """Raise ValueError, which names everything that is wrong.

        `issuer` is https://host without a path. `audience` is the one identifier of this API, exactly as in `aud`.
        `status_max_stale` is how many seconds a held status list serves while the issuer does not answer.
        `is_status_optional` accepts tokens without a `status` claim, which cannot be revoked. `resource_metadata` is
        the address of this API's own metadata (RFC 9728), for the challenges.

        `public_url` is what precedes every path where clients call this API, such as https://api.example.com; up to
        four with spaces between them. Without it, tokens that are bound to a key (DPoP) are refused. A proof is
        accepted for `proof_max_age` seconds. `is_proof_required` refuses bearer tokens.

        `introspection_client` and `introspection_secret` are for an API whose access tokens are reference tokens: the
        client as which the verifier introspects them. Without it they are refused. An answer serves again for
        `introspection_cache` seconds. `fetch`, `post`, `clock` and `jitter` are for tests.
        """
        self._public_urls = tuple(public_url.split())
        wrong = wrong_names(issuer, audience, status_max_stale, resource_metadata)
        wrong += wrong_proofs(self._public_urls, proof_max_age, is_proof_required)
        wrong += wrong_introspection(introspection_client, introspection_secret, introspection_cache)
        if wrong:
            raise ValueError("; ".join(wrong))
        self._proofs = Proofs(proof_max_age, "", lambda: None)
        self._takes_bearer = not is_proof_required
        https = Https(issuer, clock)
        fetch = fetch or https
        keys = Keys(issuer, fetch, clock, jitter, status_max_stale)
        self._lists = StatusLists(issuer, keys, fetch, clock, jitter, status_max_stale)
        self._tokens = verify.Verifier(issuer, audience, keys, is_status_optional)
        self._read_reference: Callable[[str, Moment], VerifiedToken] | None = None
        if introspection_client:
            from valet.resource_server.introspection import Introspector

            client = introspection_client, introspection_secret, introspection_cache
            self._read_reference = Introspector(issuer, *client, post or https.post, self._tokens).introspect
        self._clock = clock
        self._realm, self._resource_metadata = audience, resource_metadata

    def verify(
        self,
        authorization: str | None,
        *,
        scope: str = "",
        roles: str = "",
        acr: str = "",
        max_age: int | None = None,
        method: str = "",
        path: str = "",
        dpop: str | None = None,
    ) -> AccessToken:
        """The token in the Authorization header's value `authorization`; None if the request has no such header.

        The token must have every scope of `scope`, and the end-user one of the roles in `roles`. The end-user must have
        signed in with one of the levels in `acr`, which are in order of preference, and at most `max_age` seconds ago
        (RFC 9470). All but `max_age` are names with spaces between them, as in "orders items"; an empty text asks for
        none.

        A token that is bound to a key needs the other three: the request's `method`; its `path`, decoded once, as
        frameworks hand it on; and `dpop`, the value of its DPoP header, several joined by commas.

        Raises a kind of Refused if the request may not go on. Raises ValueError if `scope`, `roles`, `acr` or `max_age`
        is malformed.
        """
        wanted = _wanted(scope, roles, acr, max_age)
        token = find_credentials(authorization, "bearer") if authorization is not None else None
        if token is not None:
            return self._verified(token, wanted)
        token = find_credentials(authorization, "dpop") if authorization is not None else None
        if token is None:
            raise NoToken("no token", self._challenge(scope=scope))
        targets = [f"{each}{path}" for each in self._public_urls]
        return self._verified(token, wanted, Sent(method, targets, True, [dpop] if dpop else []))

    def verify_token(
        self, token: str, *, scope: str = "", roles: str = "", acr: str = "", max_age: int | None = None
    ) -> AccessToken:
        """The bearer token `token`, wherever it came from: a message, a WebSocket's protocol. Otherwise as `verify`."""
        return self._verified(token, _wanted(scope, roles, acr, max_age))

    def _verified(self, presented: str, wanted: _Wanted, sent: Sent | None = None) -> AccessToken:
        now, asked, is_dpop = self._clock(), " ".join(sorted(wanted.scope)), sent is not None
        try:
            token = self._read(presented, now)
            is_dpop = is_dpop or bool(token.jkt)
            proof = self._judge(token, sent, now)
            if token.reference is not None:
                self._lists.verify(token.reference.uri, token.reference.idx, now)
            if proof is not None:
                self._proofs.spend(proof, now)
        except outcomes.ProofRefused as refused:
            raise InvalidProof(str(refused), self._challenge("invalid_dpop_proof", asked, is_dpop=True)) from None
        except outcomes.TokenRefused as refused:
            raise InvalidToken(str(refused), self._challenge("invalid_token", asked, is_dpop=is_dpop)) from None
        except outcomes.IssuerUnavailable as outage:
            raise IssuerUnavailable(str(outage), {"Retry-After": _RETRY_AFTER}) from None
        self._check(token, wanted, is_dpop)
        return _facts(token)

    def _read(self, presented: str, now: Moment) -> VerifiedToken:
        """The token, a JWT or a reference. Raises TokenRefused or IssuerUnavailable."""
        if not presented.startswith(REFERENCE_PREFIX):
            return self._tokens.verify(presented, now)
        if self._read_reference is None:
            raise outcomes.TokenRefused("a reference token: give the Verifier introspection_client, so that it can ask")
        return self._read_reference(presented, now)

    def _check(self, token: VerifiedToken, wanted: _Wanted, is_dpop: bool) -> None:
        """Check what a good token is good for. Raises a kind of Refused."""
        scope, roles, levels, max_age = wanted
        missing, asked = scope.difference(token.scope.split()), " ".join(sorted(scope))
        has_role = not roles or not roles.isdisjoint(token.roles.split())
        lacks = lacks_of(token.context, levels, max_age, self._clock().wall)
        # A new sign-in changes no role. But a token for more scope may tell more roles.
        if any(lacks) and (has_role or missing):
            members = step_up.members(levels, max_age, lacks)
            challenge = self._challenge(scope=asked if missing else "", is_dpop=is_dpop, **members)
            raise InsufficientUserAuthentication(step_up.reason(levels, max_age, lacks, token.context), challenge)
        if missing:
            reason = f"the token lacks the scope {' '.join(sorted(missing))}"
            raise InsufficientScope(reason, self._challenge("insufficient_scope", asked, is_dpop=is_dpop))
        if not has_role:
            # No challenge: a client that believed it would ask for the same token again and again.
            raise InsufficientRole(f"the end-user has none of the roles {' '.join(sorted(roles))}")

    def _judge(self, token: VerifiedToken, sent: Sent | None, now: Moment) -> Proof | None:
        """The proof that comes with `token`; None if that is bound to no key. Raises TokenRefused."""
        if not token.jkt:
            if sent is not None:
                raise outcomes.TokenRefused("presented as DPoP, and bound to no key")
            if not self._takes_bearer:
                raise outcomes.TokenRefused("bound to no key, and is_proof_required is set")
            return None
        if sent is None:
            raise outcomes.TokenRefused("bound to a key, and presented without a DPoP proof")
        if not self._public_urls:
            raise outcomes.TokenRefused("bound to a key: give the Verifier public_url, so that it can judge proofs")
        return self._proofs.judge(sent, token, now)

    def _challenge(self, error: str = "", scope: str = "", *, is_dpop: bool = False, **more: str) -> dict[str, str]:
        """The WWW-Authenticate header (RFC 6750 §3, RFC 9449 §7.1); without an error code if the request had no token.

        After an error it names the scheme of the request, or else each scheme that this API takes.
        """
        realm = self._realm.replace("\\", "\\\\").replace('"', '\\"')
        given = {"realm": realm, "error": error, **more, "scope": scope, "resource_metadata": self._resource_metadata}
        told = ", ".join(f'{name}="{value}"' for name, value in given.items() if value)
        takes_dpop = bool(self._public_urls)
        if error:
            schemes = ["DPoP" if takes_dpop and (is_dpop or not self._takes_bearer) else "Bearer"]
        else:
            schemes = [name for name, is_taken in (("Bearer", self._takes_bearer), ("DPoP", takes_dpop)) if is_taken]
        algs = {"Bearer": "", "DPoP": f', algs="{ALGS}"'}
        return {"WWW-Authenticate": ", ".join(f"{scheme} {told}{algs[scheme]}" for scheme in schemes)}


def _wanted(scope: str, roles: str, acr: str, max_age: int | None) -> _Wanted:
    return _Wanted(_names("scope", scope), _names("roles", roles), levels_of(acr, max_age), max_age)


def _names(parameter: str, value: str) -> frozenset[str]:
    if not NAMES.fullmatch(value):
        raise ValueError(
            f'{parameter} is {value!r}, and must be names with one space between them, as in "orders items"'
        )
    return frozenset(value.split())


def _facts(token: VerifiedToken) -> AccessToken:
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
        jkt=token.jkt or None,
        actors=tuple(told.get("actors", "").split()),
    )
