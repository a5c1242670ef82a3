"""A status list of ten million tokens of which a million are revoked, while more are (B20).

The real store reads and writes a table in memory, the real publisher builds and signs the list, and the authorizer's
own verifier fetches it. So processor time is measured, and every wait of the bound, but no network. A read is counted
in the units that DynamoDB bills.
"""

import random
import struct
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from valet.aws.dynamodb.status_lists import PAGE, DynamoStatusLists
from valet.aws.dynamodb.table import Item
from valet.aws.dynamodb.wire import attribute
from valet.clock import system_clock
from valet.fetch import Fetched
from valet.models.grants import LiveToken
from valet.resource_server.keys import Keys
from valet.resource_server.outcomes import TokenRefused
from valet.resource_server.status import StatusLists
from valet.tokens.status_index import list_id_at
from valet.tokens.status_list import StatusListPublisher

from bench import costs
from bench.measure import Sample, microseconds, sample
from bench.million import SHARE_OF_A_CORE
from bench.status_lists import PublishedKey
from tests.parts.authorizer.issuer import ISSUER, FakeClock, FakeIssuer
from tests.promises.counts.test_item_size import size_of
from tests.support.memory_table import MemoryTable

TOKENS, REVOKED = 10_000_000, 1_000_000
A_SECOND = 300  # revocations, all day
RATES = (10, 300, 1000)  # revocations a second while refusals are timed
_UNIT = 4096  # bytes of a strongly consistent read unit
_SECONDS = 4  # that tokens are revoked for, at each rate
_SAMPLES = 10  # a second: tokens that are watched until they are refused
_GIVEN_UP = 10.0


class BilledTable(MemoryTable):
    """A table in memory that counts the bytes of what it reads."""

    def __init__(self) -> None:
        super().__init__(lambda _, run: run(), lambda *_: None)
        self.read = 0

    def query(self, pk: str, *arguments: Any, **named: Any) -> Iterator[Item]:
        for item in super().query(pk, *arguments, **named):
            whole = self.items[pk, item["sk"]]
            self.read += size_of({name: attribute(value) for name, value in whole.items()})
            yield item


class HotList:
    """The list, its table, and tokens that are not revoked yet."""

    def __init__(self) -> None:
        self.list_id = list_id_at(int(time.time()) + 900)
        self.uri = f"{ISSUER}/status-lists/{self.list_id}"
        self.table = BilledTable()
        self.lists = DynamoStatusLists(self.table)
        self.issuer = FakeIssuer(FakeClock())
        self.signer = PublishedKey(self.issuer)
        order = random.Random(TOKENS).sample(range(TOKENS), REVOKED + 20_000)
        self.todo = order[REVOKED:]
        pages = [order[at : at + PAGE] for at in range(0, REVOKED, PAGE)]
        pk = f"status#{self.list_id}"
        common = {"pk": pk, "expires_at": 1_800_000_000}
        for number, page in enumerate(pages):
            indices = struct.pack(f">{len(page)}I", *page)
            self._put({**common, "sk": f"journal#{number:08}", "indices": indices})
        self._put({**common, "sk": "leased", "leased": TOKENS})
        self._put({**common, "sk": "open", "number": len(pages)})

    def _put(self, item: Item) -> None:
        self.table.items[item["pk"], item["sk"]] = item

    def revoke(self) -> int:
        idx = self.todo.pop()
        self.lists.put_bits((LiveToken(0, self.list_id, idx),))
        return idx


class Environment:
    """One environment of the function that serves lists."""

    def __init__(self, hot: HotList) -> None:
        self._hot = hot
        self._publisher = StatusListPublisher(hot.lists)

    def serve(self, now: float) -> Fetched:
        hot = self._hot
        found = self._publisher.publish(hot.list_id, hot.uri, ISSUER, hot.signer, lambda: now)
        return Fetched(200, found.token.encode(), found.etag)


@dataclass(frozen=True)
class Measured:
    """Times in ms of processor time; refusals in seconds by the clock, by revocations a second."""

    first: Sample  # a new environment reads, builds and signs the list
    again: Sample  # after one more revocation
    units: float  # read a second, while A_SECOND tokens are revoked
    signed: int  # bytes
    refusals: Mapping[int, Sample]
    slowest: Mapping[int, float]

    @property
    def dollars(self) -> Mapping[str, float]:
        """An environment's month: it is asked every second, and its list has changed each time."""
        milliseconds = self.again.median / SHARE_OF_A_CORE
        return {
            "reads": self.units * costs.READ * costs.MONTH,
            "signatures": costs.SIGNATURE["RS256"] * costs.MONTH,
            "function": milliseconds / 1000 * 0.5 * costs.GB_SECOND * costs.MONTH,
        }


def measure() -> Measured:
    hot = HotList()
    start = time.time()
    first = [microseconds(lambda: Environment(hot).serve(start)) / 1000 for _ in range(3)]
    environment, again = Environment(hot), list[float]()
    signed = len(environment.serve(start).body)
    for second in range(1, 12):
        hot.revoke()
        again.append(microseconds(lambda second=second: environment.serve(start + second)) / 1000)  # type: ignore[misc]
    units = _units(hot)
    waited = {rate: _refusals(hot, rate) for rate in RATES}
    return Measured(
        sample(first),
        sample(again),
        units,
        signed,
        {rate: sample(each) for rate, each in waited.items()},
        {rate: max(each) for rate, each in waited.items()},
    )


def _units(hot: HotList) -> float:
    """The read units of one second, on average over ten."""
    known, units = hot.lists.find_list(hot.list_id), 0
    for _ in range(10):
        for _ in range(A_SECOND):
            hot.revoke()
        hot.table.read = 0
        known = hot.lists.find_list(hot.list_id, known)
        units += -(-hot.table.read // _UNIT)
    return units / 10


def _refusals(hot: HotList, rate: int) -> list[float]:
    """The seconds from an acknowledged revocation to its first refusal, for some of the tokens."""
    environment, waited = Environment(hot), list[float]()
    watched: dict[int, float] = {}

    def fetch(url: str, *, etag: str | None, limit: int, timeout: float) -> Fetched:
        found = environment.serve(time.time())
        return Fetched(304, b"", found.etag) if etag == found.etag else found

    keys = Keys(ISSUER, hot.issuer.fetch, system_clock, lambda: 0.0, 300)
    verifier = StatusLists(ISSUER, keys, fetch, system_clock, random.Random(rate).random, 300)
    began, done = time.monotonic(), 0
    while (spent := time.monotonic() - began) < _SECONDS or watched:
        while done < min(spent, _SECONDS) * rate:
            idx = hot.revoke()
            if done % max(1, rate // _SAMPLES) == 0:
                watched[idx] = time.monotonic()
            done += 1
        for idx in list(watched):
            try:
                verifier.verify(hot.uri, idx, system_clock())
            except TokenRefused:
                waited.append(time.monotonic() - watched.pop(idx))
            else:
                if time.monotonic() - watched[idx] > _GIVEN_UP:
                    watched.pop(idx)
                    waited.append(float("inf"))
        time.sleep(0.01)
    return waited
