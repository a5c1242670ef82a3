"""Fetches the keys that clients publish (RFC 7591 §2, `jwks_uri`), so that requests find them in the table.

A request never causes a fetch, by an unknown `kid` or otherwise: an attacker would choose when this server calls which
address, and every function that authenticates clients would need a way out.
"""

from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from typing import Protocol

from valet.fetch import FetchFailed
from valet.frozen import Frozen
from valet.models.client_keys import FRESH_FOR, ClientKeys
from valet.ports.client_keys import PublishedKeys
from valet.ports.runtime import Clock, HasAudit, HasClock, HasRandom
from valet.registration.client_keys import UnusableSet, published_keys

TIMEOUT = 2.0  # seconds for one client in all, from the look-up of the name to the last byte
LARGEST = 65_536  # bytes
AT_ONCE = 10
RUN = 240  # seconds; those that have not begun then are fetched by the next run, in another order

Get = Callable[[str], bytes]
"""The bytes at a jwks_uri. Raises FetchFailed."""


class Ports(HasAudit, HasClock, HasRandom, Protocol):
    """The ports that a run may use."""


class _Fetched(Frozen):
    """What came of one client: its keys, or why there are none."""

    keys: ClientKeys
    count: int = 0
    failure: str = ""


def fetch_all(
    uris: Mapping[str, str], published: PublishedKeys, get: Get, ports: Ports
) -> dict[str, dict[str, int | str]]:
    """Fetch the keys of each client from its `jwks_uri`, ten at a time in random order. `uris` has them by client_id.

    Answers for each client_id the number of its `keys`, or the `failure`. A client whose fetch fails keeps the keys
    that it has. The failure is logged only if those are more than an hour old: a short outage is no event.
    """
    return {fetched.keys.client_id: _kept(fetched, published, ports) for fetched in _fetch(uris, get, ports)}


def _fetch(uris: Mapping[str, str], get: Get, ports: Ports) -> Iterator[_Fetched]:
    """Fetch in threads. The caller's thread saves what they bring."""
    end = ports.clock() + RUN
    order = sorted(uris.items(), key=lambda _: ports.random(8))
    with ThreadPoolExecutor(AT_ONCE) as threads:
        found = threads.map(lambda each: _of_one(each[0], each[1], get, ports.clock, end), order)
        yield from (fetched for fetched in found if fetched is not None)


def _of_one(client_id: str, jwks_uri: str, get: Get, clock: Clock, end: float) -> _Fetched | None:
    began = clock()
    if began >= end:
        return None
    keys = ClientKeys(client_id, jwks_uri, "", int(began))
    try:
        jwks, count = published_keys(get(jwks_uri))
    except (FetchFailed, UnusableSet) as failed:
        return _Fetched(keys, failure=str(failed))
    return _Fetched(ClientKeys(client_id, jwks_uri, jwks, int(began)), count)


def _kept(fetched: _Fetched, published: PublishedKeys, ports: Ports) -> dict[str, int | str]:
    keys, before = fetched.keys, published.find(fetched.keys.client_id)
    if before is not None and before.jwks_uri != keys.jwks_uri:
        before = None
    if fetched.failure:
        age = int(ports.clock() - before.fetched_at) if before else None
        if age is None or age > FRESH_FOR:
            ports.audit.record("client_keys.failed", client_id=keys.client_id, detail=fetched.failure, age=age)
        return {"failure": fetched.failure}
    published.save(keys)
    if before is None or before.jwks != keys.jwks:
        ports.audit.record("client_keys.fetched", client_id=keys.client_id, keys=fetched.count)
    return {"keys": fetched.count}
