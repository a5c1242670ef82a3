"""An access token, verified (RFC 9068 §4, RFC 8725): everything about it but its status and the route.

The order is the cheapest refusal first: form, header, claims, key, signature. So a token that is expired or another
API's costs no signature and no fetch, and what is read before the signature is checked can only ever refuse.
"""

import hashlib
import re
import threading
from collections.abc import Mapping
from typing import Any, NamedTuple

from cryptography.exceptions import InvalidSignature

from valet.clock import Moment
from valet.jose import compact
from valet.jose.compact import Malformed
from valet.jose.jwk import ALGORITHMS, Key
from valet.resource_server.keys import Keys
from valet.resource_server.outcomes import TokenRefused

LONGEST_TOKEN = 8192
CLOCK_SKEW = 60  # for nbf and iat; an exp is meant as it says
_LONGEST_LIFE = 10 * 366 * 86_400
_MOST_REMEMBERED = 1024
_MOST_HEADERS = 64
_TYPES = frozenset({"at+jwt", "application/at+jwt"})
_NAMES = re.compile(r"[\x21\x23-\x5b\x5d-\x7e]+(?: [\x21\x23-\x5b\x5d-\x7e]+)*")  # RFC 6749 §3.3, scope
_TOLD = ("grant_id", "auth_time", "acr", "amr")


class Reference(NamedTuple):
    """Where a token's status stands (draft-ietf-oauth-status-list §6.1)."""

    uri: str
    idx: int


class AccessToken(NamedTuple):
    """A token whose signature and claims were found right, and what of it is still needed.

    `context` is what the API is told: flat strings, as API Gateway wants them. `jkt` is the thumbprint of the key that
    the sender has to prove, and `ath` the token's digest, which the proof has to name (RFC 9449 §4.2). Both are empty
    for a bearer token.
    """

    length: int
    not_before: int
    expires_at: int
    reference: Reference | None
    scope: str
    roles: str
    context: dict[str, str]
    jkt: str
    ath: str


class Verifier:
    """Verifies access tokens of one issuer for one audience."""

    def __init__(self, issuer: str, audience: str, keys: Keys, is_status_optional: bool) -> None:
        self._issuer, self._audience, self._keys = issuer, audience, keys
        self._is_status_optional = is_status_optional
        self._remembered: dict[bytes, tuple[Key, AccessToken]] = {}
        self._headers: dict[bytes, compact.Header] = {}  # of tokens that were good: most tokens share theirs
        self._lock = threading.Lock()

    def verify(self, token: str, now: Moment) -> AccessToken:
        """The access token that `token` is. Raises TokenRefused, or IssuerUnavailable where no key is to be had."""
        if len(token) > LONGEST_TOKEN:
            raise TokenRefused("more than 8 KB")
        try:
            raw = token.encode("ascii")
        except UnicodeEncodeError:
            raise TokenRefused("not ASCII") from None
        # The whole token is digested: one bit changed in its signature is another token.
        digest = hashlib.sha256(raw).digest()
        remembered = self._remembered.get(digest)
        # A remembered token dies with its key: the very object must still be in the key set.
        if remembered is not None and self._keys.at(now).get(remembered[0].kid) is remembered[0]:
            found = remembered[1]
            if not found.not_before <= now.wall < found.expires_at:
                raise TokenRefused("expired or not yet valid")
            return found
        key, found = self._verified(raw, digest, now)
        self._remember(digest, key, found)
        return found

    def introspected(self, claims: Mapping[str, object], length: int, digest: bytes, now: float) -> AccessToken:
        """The access token whose `claims` the issuer has told; `digest` is the token's, `length` that of a JWT with
        these claims. Raises TokenRefused.

        It has no status: the issuer has looked.
        """
        not_before, expires_at = self._check(claims, now)
        return self._access_token(claims, length, not_before, expires_at, digest)

    def _remember(self, digest: bytes, key: Key, token: AccessToken) -> None:
        with self._lock:
            if len(self._remembered) >= _MOST_REMEMBERED:
                del self._remembered[next(iter(self._remembered))]  # the oldest
            self._remembered[digest] = key, token

    def _verified(self, raw: bytes, digest: bytes, now: Moment) -> tuple[Key, AccessToken]:
        try:
            encoded_header, encoded_payload, encoded_signature = compact.parts(raw)
            header = self._headers.get(encoded_header) or compact.header(encoded_header)
            if header.typ not in _TYPES:
                raise TokenRefused("typ is not at+jwt")
            if header.alg not in ALGORITHMS:
                raise TokenRefused("alg is not allowed")
            signature = compact.decode(encoded_signature)
            claims = compact.members(compact.decode(encoded_payload))
        except Malformed as malformed:
            raise TokenRefused(str(malformed)) from None
        not_before, expires_at = self._check(claims, now.wall)
        key = self._keys.find(header.kid, now)
        verify = key.verifiers.get(header.alg)
        if verify is None:
            raise TokenRefused("alg is not the key's")
        try:
            verify(signature, raw[: -len(encoded_signature) - 1])
        except InvalidSignature:
            raise TokenRefused("signature") from None
        if len(self._headers) < _MOST_HEADERS:
            self._headers[encoded_header] = header
        found = self._access_token(claims, len(raw), not_before, expires_at, digest)
        if "status" in claims:
            return key, found._replace(reference=self._reference(claims["status"]))
        if not self._is_status_optional:
            raise TokenRefused("no status")
        return key, found

    def _check(self, claims: Mapping[str, object], now: float) -> tuple[int, int]:
        """Check the issuer, the audience and the times; answer from when to when the token is good."""
        if claims.get("iss") != self._issuer:
            raise TokenRefused("iss is another issuer's")
        aud = claims.get("aud")
        if aud != self._audience and not (
            type(aud) is list and self._audience in aud and all(type(name) is str for name in aud)
        ):
            raise TokenRefused("aud is another API's")
        exp, iat, nbf = claims.get("exp"), claims.get("iat"), claims.get("nbf", 0)
        if type(exp) is not int or type(iat) is not int or type(nbf) is not int:
            raise TokenRefused("exp, iat or nbf is not a whole number")
        not_before = max(iat, nbf) - CLOCK_SKEW
        if now >= exp:
            raise TokenRefused("expired")
        if now < not_before:
            raise TokenRefused("not yet valid")
        if exp > now + _LONGEST_LIFE:
            raise TokenRefused("exp is more than ten years ahead")
        return not_before, exp

    def _access_token(
        self, claims: Mapping[str, object], length: int, not_before: int, expires_at: int, digest: bytes
    ) -> AccessToken:
        sub, client_id, jti = claims.get("sub"), claims.get("client_id"), claims.get("jti")
        if not (type(sub) is str and sub and type(client_id) is str and client_id and type(jti) is str and jti):
            raise TokenRefused("sub, client_id or jti is missing")
        scope, roles = _scope(claims.get("scope", "")), _roles(claims.get("roles", []))
        context = {"sub": sub, "client_id": client_id, "scope": scope, "roles": roles, "jti": jti}
        for name in _TOLD:
            value = claims.get(name)
            if value is not None:
                context[name] = value if type(value) is str else _flat(value)
        if "act" in claims:
            context["actors"] = _actors(claims["act"])
        jkt = ath = ""
        if "cnf" in claims:
            jkt = context["cnf_jkt"] = _jkt(claims["cnf"])
            ath = _ath(digest)
        return AccessToken(length, not_before, expires_at, None, scope, roles, context, jkt, ath)

    def _reference(self, status: object) -> Reference:
        """Where the status stands. A `status` of some other kind cannot be looked up, so it refuses."""
        listed = status.get("status_list") if type(status) is dict else None
        if type(listed) is not dict:
            raise TokenRefused("status is of no kind that this verifier knows")
        uri, idx = listed.get("uri"), listed.get("idx")
        if type(uri) is not str or type(idx) is not int or idx < 0:
            raise TokenRefused("status_list is malformed")
        return Reference(uri, idx)


def _actors(act: Any) -> str:
    """The clients that the token came through, the nearest first, space-separated as the API will read them (RFC 8693
    §4.1). A token that does not say who they are is refused: an API may refuse all that came through a client.
    """
    actors = []
    while True:
        sub = act.get("sub") if type(act) is dict else None
        if type(sub) is not str or not re.fullmatch(r"[\x21-\x7e]+", sub):
            raise TokenRefused("act is not a chain of actors, each with a sub")
        actors.append(sub)
        if "act" not in act:
            return " ".join(actors)
        act = act["act"]


def _jkt(cnf: object) -> str:
    # Imported here, because bearer tokens are not to pay for it.
    from valet.binding.confirmation import jkt_of
    from valet.jose.signed import Refused

    try:
        return jkt_of(cnf)
    except Refused as refused:
        raise TokenRefused(str(refused)) from None


def _ath(digest: bytes) -> str:
    from valet.jose.public import base64url  # as in _jkt

    return base64url(digest)


def _scope(scope: object) -> str:
    if type(scope) is not str or (scope and not _NAMES.fullmatch(scope)):
        raise TokenRefused("scope is not a list of names")
    return scope


def _roles(roles: object) -> str:
    """The roles, space-separated as the API will read them; a space within a name would make one role two."""
    if type(roles) is not list:
        raise TokenRefused("roles are not a list of names")
    try:
        joined = " ".join(roles)
    except TypeError:
        raise TokenRefused("roles are not a list of names") from None
    if roles and (not _NAMES.fullmatch(joined) or joined.count(" ") != len(roles) - 1):
        raise TokenRefused("roles are not a list of names")
    return joined


def _flat(value: object) -> str:
    """A claim as API Gateway's context wants it; what is neither text nor number is not told."""
    if type(value) is list:
        return " ".join([each for each in value if type(each) is str])
    return str(value) if type(value) is int else ""
