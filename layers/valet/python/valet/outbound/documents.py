"""Fetches the documents that clients name themselves by (draft-ietf-oauth-client-id-metadata-document-01 §4, §6.5).

A stranger chooses the address. So every fetch is counted before it is made, only known members are kept of what it
brings, and the function that calls this holds no secret, no key and no way to any other record.
"""

import re
from collections.abc import Mapping
from typing import Protocol

from valet.fetch import FetchFailed
from valet.frozen import replace
from valet.models.unknown_clients import Document
from valet.outbound.asking import Answer
from valet.people.throttling import network_of
from valet.ports.runtime import HasAudit, HasClock, HasRandom
from valet.ports.throttles import HasThrottles
from valet.ports.unknown_clients import DocumentStore, Outcome
from valet.registration.unknown_clients import (
    LARGEST_DOCUMENT,
    OtherClient,
    Unusable,
    host_of,
    is_document_url,
    parse_document,
    read_keys,
)

TIMEOUT, TIMEOUT_WITH_KEYS = 2.0, 3.0  # seconds in all, from the first look-up of a name to the last byte
HEADERS = {"Accept": "application/json", "Accept-Encoding": "identity"}
LARGEST_KEYS = 20_480  # bytes of the JWK Set that a document names

_MINUTE = 60
_FRESH = (60, 86_400)  # seconds, the bounds of max-age
_FRESH_BY_DEFAULT = 600
_GONE = (404, 410)
# In one minute, of documents that are not stored: of one host, from one address, and of all.
_OF_HOST, _OF_ADDRESS, _OF_ALL = 20, 10, 60
_AGAIN_OF_ADDRESS, _AGAIN = 20, 60  # of stored documents: from one address, and of all
_MAX_AGE = re.compile(r'(?:^|[\s,])max-age="?(\d{1,10})')


class Get(Protocol):
    """GETs an address. Raises FetchFailed if there is no whole answer of `limit` bytes within `timeout` seconds."""

    def __call__(self, url: str, *, limit: int, timeout: float) -> Answer: ...


class Ports(HasAudit, HasClock, HasRandom, HasThrottles, Protocol):
    """The ports that a fetch may use."""


class _Gone(Exception):
    """The host says that there is no such client."""


def fetch(
    url: str, source_ip: str, store: DocumentStore, get: Get, ports: Ports, *, is_trusted: bool, is_local: bool = False
) -> Outcome:
    """Fetch the document, if no bound is reached, and keep what it says. A failure is not kept.

    `source_ip` is the address of the request that caused it. `is_trusted`: an operator named the host, so that it does
    not count in what all share.
    """
    now = ports.clock()
    if not is_document_url(url, is_local=is_local):
        return Outcome.REFUSED
    stored = store.find(url)
    if not _is_within_bounds(url, source_ip, ports, now, is_stored=bool(stored and stored.body), is_trusted=is_trusted):
        return Outcome.BOUNDED
    attempt = ports.random(16)
    if not store.claim(url, attempt, now):
        return Outcome.BUSY
    try:
        found = _brought(url, get, ports)
    except _Gone as gone:
        # Nothing is kept of a client that was never there.
        if stored is not None:
            store.keep(Document(url, fetched_at=int(now)), attempt)
        return _refused(ports, url, Outcome.GONE, str(gone))
    except FetchFailed as failed:
        return _refused(ports, url, Outcome.UNREACHABLE, str(failed))
    except Unusable as unusable:
        return _refused(ports, url, Outcome.REFUSED, str(unusable))
    if not store.keep(found, attempt):
        return Outcome.BUSY
    if stored is None or (stored.body, stored.jwks) != (found.body, found.jwks):
        ports.audit.record("document.fetched", client_id=url, host=host_of(url))
    return Outcome.FETCHED


def _is_within_bounds(url: str, source_ip: str, ports: Ports, now: float, *, is_stored: bool, is_trusted: bool) -> bool:
    """Count the fetch, and answer whether it may be made. Each count is of one minute, and begins before the fetch."""
    network = network_of(source_ip)
    if is_stored:
        counts = {} if is_trusted else {f"again#{network}": _AGAIN_OF_ADDRESS, "again": _AGAIN}
    else:
        counts = {f"address#{network}": _OF_ADDRESS, f"host#{host_of(url)}": _OF_HOST}
        counts |= {} if is_trusted else {"all": _OF_ALL}
    number = int(now) // _MINUTE
    # The narrow counts come first: what they refuse does not count for everybody. The sender's comes before the host's,
    # so that no single sender can keep out a host that others need.
    return all(
        ports.throttles.count(f"fetch#{what}#{number}", (number + 1) * _MINUTE) <= most for what, most in counts.items()
    )


def _brought(url: str, get: Get, ports: Ports) -> Document:
    began = ports.clock()
    answer = get(url, limit=LARGEST_DOCUMENT, timeout=TIMEOUT)
    if answer.status in _GONE:
        raise _Gone(f"status {answer.status}")
    body = _body(answer)
    try:
        told = parse_document(body, url)
    except OtherClient as other:
        raise _Gone(str(other)) from None
    fetched_at = int(ports.clock())
    found = Document(url, told.as_json(), "", fetched_at, fetched_at + _fresh_for(answer.headers))
    if not told.jwks_uri:
        return found
    left = max(0.1, TIMEOUT_WITH_KEYS - (ports.clock() - began))
    keys = _body(get(told.jwks_uri, limit=LARGEST_KEYS, timeout=min(TIMEOUT, left)))
    return replace(found, jwks=read_keys(keys))


def _body(answer: Answer) -> bytes:
    if answer.status != 200:  # a redirect is not followed (§4)
        raise FetchFailed(f"status {answer.status}")
    if answer.headers.get("content-encoding", "identity").lower() != "identity":
        raise FetchFailed("a content encoding that was not asked for")
    media_type = answer.headers.get("content-type", "").partition(";")[0].strip().lower()
    if media_type != "application/json" and not re.fullmatch(r"application/[a-z0-9.-]+\+json", media_type):
        raise Unusable("not sent as application/json")
    return answer.body


def _fresh_for(headers: Mapping[str, str]) -> int:
    """For how many seconds the document need not be fetched again (§4.4)."""
    said = headers.get("cache-control", "").lower()
    least, most = _FRESH
    if re.search(r"(^|[\s,])no-(store|cache)", said):
        return least
    found = _MAX_AGE.search(said)
    return min(max(int(found[1]), least), most) if found else _FRESH_BY_DEFAULT


def _refused(ports: Ports, url: str, outcome: Outcome, reason: str) -> Outcome:
    ports.audit.record("document.refused", client_id=url, host=host_of(url), reason=f"{outcome.value}: {reason}")
    return outcome
