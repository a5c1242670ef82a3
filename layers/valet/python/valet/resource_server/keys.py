"""The issuer's keys: discovered, refreshed, and asked for again within bounds (OpenID Connect Discovery, RFC 8414).

KEYS_REFRESHED      after at most this long a key that left the set is refused FIRST_FLIGHT        the first fetch,
discovery and key set together, takes no longer: both may start cold FLIGHT              any later one UNKNOWN_KID_PAUSE
between two refreshes that unknown `kid`s cause, so that no attacker can make this hammer the key set
"""

import re
import threading
from collections.abc import Callable, Mapping

from valet.clock import Clock, Jitter, Moment
from valet.fetch import Fetch, FetchFailed
from valet.jose import compact
from valet.jose.compact import Malformed
from valet.jose.jwk import Key, usable_keys
from valet.resource_server.outcomes import IssuerUnavailable, TokenRefused

KEYS_REFRESHED = 300.0
FIRST_FLIGHT, FLIGHT = 3.0, 2.0
UNKNOWN_KID_PAUSE = 60.0
RETRY_PAUSE = 1.0

_SPREAD = 0.2  # a refresh comes up to this share early, so that a thousand authorizers do not come at once
_DOCUMENT_LIMIT = 256 * 1024
_MOST_KEYS = 100
_URI = re.compile(r"(https?://[A-Za-z0-9.:\[\]-]+)(/[\x21\x24-\x7e]*)")
_DISCOVERY = ("/.well-known/openid-configuration", "/.well-known/oauth-authorization-server")


KeySet = Mapping[str, Key]
"""The usable keys, by `kid`."""


class Keys:
    """The key set of one issuer. `max_stale` is how long it stays good when it can no longer be refreshed."""

    def __init__(self, issuer: str, fetch: Fetch, clock: Clock, jitter: Jitter, max_stale: float) -> None:
        self._issuer, self._fetch, self._clock, self._jitter = issuer, fetch, clock, jitter
        self._longest = KEYS_REFRESHED + max_stale
        self._lock = threading.Lock()
        self._held: tuple[KeySet, Moment, float] | None = None  # what, when it was asked for, and its time to refresh
        self._failed: tuple[Moment, float, str] | None = None  # when, how long to pause, and why
        self._unknown_kid_at: Moment | None = None
        self._flights = 0

    def at(self, now: Moment) -> KeySet:
        """The key set to judge a token with. Raises IssuerUnavailable when there is none that is young enough."""
        held = self._held
        if held is None or now.since(held[1]) >= held[2]:
            self._refresh_once(self._is_due)
            held = self._held
            if held is None or self._clock().since(held[1]) >= self._longest:
                raise IssuerUnavailable(f"no key set: {self._failed[2] if self._failed else 'none fetched'}")
        return held[0]

    def find(self, kid: str, now: Moment) -> Key:
        """The key named `kid`, after one bounded refresh if the set does not know it.

        Raises TokenRefused when the issuer has no such key, IssuerUnavailable when it cannot be asked.
        """
        key = self.at(now).get(kid)
        if key is None and self._held is not None and now.since(self._held[1]) > 0:
            self._refresh_once(self._may_ask_for_unknown)
            key = self.at(now).get(kid)
            # Refuse the token only if the set was fetched since: if it could not be, this is an outage and not a bad
            # token.
            if key is None and self._failed is not None:
                raise IssuerUnavailable(f"unknown kid, and no newer key set: {self._failed[2]}")
        if key is None:
            raise TokenRefused("unknown kid")
        return key

    def _refresh_once(self, is_due: Callable[[Moment], bool]) -> None:
        """One fetch at a time. A thread that waited for it takes its outcome, whatever that was."""
        flights = self._flights
        with self._lock:
            now = self._clock()
            if flights != self._flights or not is_due(now):
                return
            try:
                key_set = self._key_set(now)
            except FetchFailed as error:
                self._failed = (self._clock(), RETRY_PAUSE * (1 + _SPREAD * self._jitter()), str(error))
            else:
                self._held = (key_set, now, KEYS_REFRESHED * (1 - _SPREAD * self._jitter()))
                self._failed = None
            self._flights += 1

    def _is_due(self, now: Moment) -> bool:
        if self._failed is not None and now.since(self._failed[0]) < self._failed[1]:
            return False
        return self._held is None or now.since(self._held[1]) >= self._held[2]

    def _may_ask_for_unknown(self, now: Moment) -> bool:
        if self._unknown_kid_at is not None and now.since(self._unknown_kid_at) < UNKNOWN_KID_PAUSE:
            return False
        self._unknown_kid_at = now
        return True

    def _key_set(self, sent: Moment) -> KeySet:
        document = self._document(self._jwks_uri(sent), sent)
        listed = document.get("keys") if document is not None else None
        if not isinstance(listed, list) or len(listed) > _MOST_KEYS:
            raise FetchFailed("the key set has no list of keys")
        known = self._held[0] if self._held is not None else {}
        return keys_from_list(listed, known)

    def _jwks_uri(self, sent: Moment) -> str:
        for path in _DISCOVERY:
            document = self._document(self._issuer + path, sent)
            if document is None:
                continue
            if document.get("issuer") != self._issuer:
                raise FetchFailed("the discovery document is another issuer's")
            return own_uri(self._issuer, document.get("jwks_uri"))
        raise FetchFailed("no discovery document")

    def _document(self, url: str, sent: Moment) -> dict[str, object] | None:
        """The JSON object at `url`, or None where nothing is there."""
        flight = FIRST_FLIGHT if self._held is None else FLIGHT
        left = flight - self._clock().since(sent)
        if left <= 0:
            raise FetchFailed(f"no answer within {flight} s")
        fetched = self._fetch(url, etag=None, limit=_DOCUMENT_LIMIT, timeout=left)
        if fetched.status == 404:
            return None
        if fetched.status != 200:
            raise FetchFailed(f"status {fetched.status}")
        try:
            return compact.members(fetched.body)
        except Malformed as error:
            raise FetchFailed(str(error)) from None


def own_uri(issuer: str, uri: object) -> str:
    """`uri` as a URL under `issuer`, whose origin it must have. Raises FetchFailed."""
    found = _URI.fullmatch(uri) if isinstance(uri, str) and len(uri) <= 2000 else None
    if found is None or not found[2]:
        raise FetchFailed("jwks_uri is not a URL")
    if _origin(found[1]) != _origin(issuer):
        raise FetchFailed("jwks_uri is not on the issuer's origin")
    return issuer + found[2]


def _origin(url: str) -> str:
    """Scheme, host and port, the port spelled out (RFC 6454 §4)."""
    has_port = url.rpartition(":")[2].isdigit()
    return url.lower() if has_port else url.lower() + (":443" if url.startswith("https") else ":80")


def keys_from_list(listed: list[object], known: Mapping[str, Key]) -> dict[str, Key]:
    """The usable keys among `listed`. One that is `known` already stays the same object, with all it has verified.

    A key that cannot be used or has no `kid` is left out, and so is a `kid` that names two keys, because it does not
    say which is meant.
    """
    found: dict[str, Key] = {}
    repeated = {""}
    for key in usable_keys(listed):
        if key.kid in found:
            repeated.add(key.kid)
        same = known.get(key.kid)
        found[key.kid] = same if same is not None and same.jwk == key.jwk else key
    return {kid: key for kid, key in found.items() if kid not in repeated}
