"""Revocation: the issuer's status lists, held in memory and no older than promised (draft-ietf-oauth-status-list §8).

A list is asked for again when it is older than its own `ttl`, at most 5 s and at least 1 s, counted from when it was
asked for. One request does so while the others wait for it; after a failure the next attempt comes a second later,
and meanwhile the held list serves, up to `max_stale` and never past its `exp`.

A list is refused as a rollback if it is stamped older than what was seen before, by more than clocks differ, and takes
something back. Its `iat` alone says too little: an issuer's processes sign at different times what they read at one,
and by different clocks. One within that leeway, or of the same second, adds to what is held and takes nothing from it.
"""

import re
import threading
from collections.abc import Callable
from typing import NamedTuple

from valet.clock import Clock, Jitter, Moment
from valet.fetch import Fetch, FetchFailed
from valet.resource_server.keys import Keys
from valet.resource_server.outcomes import IssuerUnavailable, TokenRefused
from valet.resource_server.status_list import SHORTEST_INTERVAL, StatusList, status_list_from_jwt

FIRST_FETCH_TIMEOUT, FETCH_TIMEOUT = 2.0, 1.0  # the first may start the issuer's function cold
RETRY_PAUSE = 1.0
ISSUER_CLOCK_SKEW = 5  # seconds between the clocks of one issuer's processes

_SPREAD = 0.15
_WIRE_LIMIT = 4 * 1024 * 1024
_MOST_LISTS = 32
_MOST_BYTES = 48 * 1024 * 1024  # of all held lists, inflated
# No escapes, query or dot segments: whatever a token says, the URL stays below this one folder.
_ID = re.compile(r"(?:[A-Za-z0-9_~-][A-Za-z0-9._~-]*)(?:/[A-Za-z0-9_~-][A-Za-z0-9._~-]*)*")


class Held(NamedTuple):
    """A list in memory: when it was asked for, and its age from which on it is asked for again.

    `newest` is the latest `iat` seen in this place: leeway must not add up, one list after the other.
    """

    list: StatusList
    etag: str | None
    sent: Moment
    refresh_after: float
    newest: int

    def is_fresh(self, now: Moment) -> bool:
        return now.since(self.sent) < self.refresh_after and not self.list.is_expired(now)


class _Rollback(FetchFailed):
    """A list that takes revocations back, for instance an old one from a cache."""


class _Line:
    """One list's place: the list that is held, and the last failure."""

    __slots__ = ("beyond", "failed", "flights", "held", "lock")

    def __init__(self) -> None:
        self.lock = threading.Lock()
        self.held: Held | None = None
        self.failed: tuple[Moment, float, str] | None = None
        self.beyond: Moment | None = None  # when an index beyond the end last caused a fetch
        self.flights = 0


class StatusLists:
    """All the status lists of one issuer that this process holds."""

    def __init__(self, issuer: str, keys: Keys, fetch: Fetch, clock: Clock, jitter: Jitter, max_stale: float) -> None:
        self._issuer, self._keys, self._fetch = issuer, keys, fetch
        self._clock, self._jitter, self._max_stale = clock, jitter, max_stale
        self._prefix = f"{issuer}/status-lists/"
        self._lines: dict[str, _Line] = {}
        self._lock = threading.Lock()

    def is_own(self, uri: str) -> bool:
        """Whether `uri` is a status list of this issuer; no other is ever fetched."""
        return uri.startswith(self._prefix) and len(uri) <= 500 and bool(_ID.fullmatch(uri, len(self._prefix)))

    def verify(self, uri: str, idx: int, now: Moment) -> None:
        """Raises TokenRefused if the list says anything but VALID, and IssuerUnavailable if no list is to be had."""
        line = self._lines.get(uri)
        if line is None and not self.is_own(uri):
            raise TokenRefused("status list of another issuer")
        held = line.held if line is not None else None
        if line is None or held is None or not held.is_fresh(now):
            line = line or self._line(uri)
            held = self._refreshed(uri, line, self._is_due)
        status = held.list.status(idx)
        if status is None:
            # The list may have grown since: ask once more, then believe it.
            held = self._refreshed(uri, line, self._may_ask_beyond)
            status = held.list.status(idx)
            if status is None:
                if line.failed is not None:
                    raise IssuerUnavailable(f"an index beyond the list, and no newer list: {line.failed[2]}")
                raise TokenRefused("status index beyond the list")
        if status:
            raise TokenRefused("revoked")

    def _line(self, uri: str) -> _Line:
        with self._lock:
            if len(self._lines) >= _MOST_LISTS and uri not in self._lines:
                del self._lines[min(self._lines, key=self._last_sent)]
            return self._lines.setdefault(uri, _Line())

    def _last_sent(self, uri: str) -> float:
        held = self._lines[uri].held
        return held.sent.wall if held is not None else 0.0

    def _refreshed(self, uri: str, line: _Line, is_due: Callable[[_Line, Moment], bool]) -> Held:
        """The list that is held after at most one fetch. A thread that waited for another's fetch takes its outcome."""
        flights = line.flights
        with line.lock:
            now = self._clock()
            if flights == line.flights and is_due(line, now):
                try:
                    line.held = self._fetched(uri, line.held, now)
                    line.failed = None
                except (FetchFailed, TokenRefused, IssuerUnavailable) as error:
                    # The issuer is up, and the bound on revocation has room for one second and no more.
                    late = 0.0 if isinstance(error, _Rollback) else _SPREAD * self._jitter()
                    line.failed = (self._clock(), RETRY_PAUSE * (1 + late), str(error))
                else:
                    self._make_room(uri)
                line.flights += 1
            held, now = line.held, self._clock()
            # A list that was fetched just now is as new as can be, even if its age is already its ttl.
            is_newest = flights != line.flights and line.failed is None
            if held is not None and (is_newest or held.is_fresh(now) or self._may_serve_stale(held, now)):
                return held
            raise IssuerUnavailable(f"no status list: {line.failed[2] if line.failed else 'none young enough'}")

    def _may_serve_stale(self, held: Held, now: Moment) -> bool:
        return now.since(held.sent) < self._max_stale and not held.list.is_expired(now)

    def _is_due(self, line: _Line, now: Moment) -> bool:
        if line.failed is not None and now.since(line.failed[0]) < line.failed[1]:
            return False
        return line.held is None or not line.held.is_fresh(now)

    def _may_ask_beyond(self, line: _Line, now: Moment) -> bool:
        if line.beyond is not None and now.since(line.beyond) < SHORTEST_INTERVAL:
            return False
        line.beyond = now
        return True

    def _fetched(self, uri: str, held: Held | None, sent: Moment) -> Held:
        etag = held.etag if held is not None and _is_worth_renewing(held.list, sent) else None
        timeout = FETCH_TIMEOUT if held is not None else FIRST_FETCH_TIMEOUT
        fetched = self._fetch(uri, etag=etag, limit=_WIRE_LIMIT, timeout=timeout)
        now = self._clock()
        if fetched.status == 304 and held is not None and etag is not None:
            found, etag = held.list, held.etag
        elif fetched.status == 200:
            found, etag = status_list_from_jwt(fetched.body, uri, self._issuer, self._keys, now), fetched.etag
            if held is not None and _is_rollback(found, held):
                raise _Rollback("older than the list that is held")
            if held is not None and found.issued_at <= held.newest and found.bits == held.list.bits == 1:
                # INVALID is for good, and no older list takes it back. Of two in one second either may be the older.
                found = found.with_all_of(held.list)
        else:
            raise FetchFailed(f"status {fetched.status}")
        refresh_after = max(SHORTEST_INTERVAL, found.interval * (1 - _SPREAD * self._jitter()))
        newest = max(found.issued_at, held.newest) if held is not None else found.issued_at
        return Held(found, etag, sent, refresh_after, newest)

    def _make_room(self, newest: str) -> None:
        with self._lock:
            sizes = {uri: len(line.held.list.data) for uri, line in self._lines.items() if line.held is not None}
            for uri in sorted(sizes, key=self._last_sent):
                if sum(sizes.values()) <= _MOST_BYTES:
                    break
                if uri != newest:
                    del self._lines[uri], sizes[uri]


def _is_rollback(found: StatusList, held: Held) -> bool:
    return found.issued_at < held.newest - ISSUER_CLOCK_SKEW and not found.keeps_all_of(held.list)


def _is_worth_renewing(held: StatusList, now: Moment) -> bool:
    """A 304 renews the age of a list, not its `exp`: in the second half of its life it is fetched whole."""
    return held.expires_at is None or now.wall < (held.issued_at + held.expires_at) / 2
