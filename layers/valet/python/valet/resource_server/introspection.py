"""Reference tokens: the issuer is asked what they stand for, at each call (RFC 7662).

The resource server does this as a client of its own, which may introspect the tokens of its API and nothing else. It
holds no key of the issuer and reads no status list for them: the issuer looks, so a revocation counts at once.

TIMEOUT    seconds for one question, also where it has to be asked on a new connection
"""

import hashlib
import re
import threading
from binascii import b2a_base64

from valet.authorization import REFERENCE_FORM
from valet.clock import Moment
from valet.fetch import FetchFailed, Post
from valet.jose import compact
from valet.jose.compact import Malformed
from valet.resource_server.outcomes import IssuerUnavailable, TokenRefused
from valet.resource_server.verify import AccessToken, Verifier

TIMEOUT = 3.0

_FORM = re.compile(REFERENCE_FORM)
_ANSWER_LIMIT = 16 * 1024
_MOST_REMEMBERED = 1024


class Introspector:
    """Introspects the reference tokens of one issuer. `cache` is for how many seconds an answer serves again."""

    def __init__(self, issuer: str, client: str, secret: str, cache: float, post: Post, verifier: Verifier) -> None:
        from urllib.parse import quote_plus  # RFC 6749 §2.3.1: both are form-encoded first

        credentials = f"{quote_plus(client)}:{quote_plus(secret)}".encode()
        self._authorization = f"Basic {b2a_base64(credentials, newline=False).decode()}"
        self._url, self._cache, self._post, self._verifier = f"{issuer}/introspect", cache, post, verifier
        self._remembered: dict[bytes, tuple[Moment, AccessToken]] = {}
        self._lock = threading.Lock()

    def introspect(self, token: str, now: Moment) -> AccessToken:
        """The access token that `token` stands for. Raises TokenRefused, or IssuerUnavailable where no answer came that
        says whether it is good.
        """
        if not _FORM.fullmatch(token):
            raise TokenRefused("malformed reference token")
        digest = hashlib.sha256(token.encode()).digest()
        found = self._remembered.get(digest)
        if found is not None and now.since(found[0]) < self._cache:
            if now.wall >= found[1].expires_at:
                raise TokenRefused("expired")
            return found[1]
        answered = self._asked(token, digest, now)
        if self._cache:
            self._remember(digest, now, answered)
        return answered

    def _asked(self, token: str, digest: bytes, now: Moment) -> AccessToken:
        form = f"token={token}&token_type_hint=access_token".encode()  # no character of a token needs an escape
        try:
            fetched = self._post(
                self._url, form, authorization=self._authorization, limit=_ANSWER_LIMIT, timeout=TIMEOUT
            )
            claims = compact.members(fetched.body)
        except FetchFailed as failed:
            why = ": the introspecting client or its secret is wrong" if str(failed) == "status 401" else ""
            raise IssuerUnavailable(f"no introspection: {failed}{why}") from None
        except Malformed as malformed:
            raise IssuerUnavailable(f"no introspection: {malformed}") from None
        active = claims.get("active")
        if type(active) is not bool:
            raise IssuerUnavailable("no introspection: the answer does not say whether the token is active")
        if not active:
            raise TokenRefused("not active: expired, revoked, unknown, or not for the introspecting client")
        # The payload of a JWT is a third longer for its base64url.
        return self._verifier.introspected(claims, len(fetched.body) * 4 // 3, digest, now.wall)

    def _remember(self, digest: bytes, asked: Moment, token: AccessToken) -> None:
        with self._lock:
            self._remembered.pop(digest, None)
            if len(self._remembered) >= _MOST_REMEMBERED:
                del self._remembered[next(iter(self._remembered))]  # the oldest
            self._remembered[digest] = asked, token
