"""A thousand authorizers that start in the same instant do not ask the issuer in the same instants ever after."""

import random
from collections import Counter

import pytest
from valet.fetch import Fetched, FetchFailed
from valet.resource_server.api_gateway.authorizer import Authorizer
from valet.resource_server.api_gateway.configuration import parse
from valet.resource_server.keys import Keys
from valet.resource_server.outcomes import IssuerUnavailable
from valet.resource_server.status import StatusLists

from tests.parts.authorizer.issuer import FakeClock, FakeIssuer, Lines, environment

pytestmark = pytest.mark.slow

MANY = 1000


class Crowd:
    """Authorizers that share a clock and an issuer, each asked for something in every tick."""

    def __init__(self, kind: str) -> None:
        self.clock, self.random, self.kind = FakeClock(), random.Random(7), kind
        self.issuer = FakeIssuer(self.clock)
        self.arrivals: Counter[int] = Counter()
        self.tick = 0
        self.answers: dict[str, Fetched] = {}
        self.is_down = False
        configuration = parse(environment())
        self.crowd = [
            Authorizer(configuration, self.fetch, self.clock, self.random.random, Lines().append) for _ in range(MANY)
        ]

    def fetch(self, url: str, *, etag: str | None, limit: int, timeout: float) -> Fetched:
        is_list = "/status-lists/" in url
        if is_list == (self.kind == "list"):
            self.arrivals[self.tick] += 1
        if self.is_down:
            raise FetchFailed("down")
        if etag is not None:
            return Fetched(304, b"", None)
        if url not in self.answers:
            self.answers[url] = self.issuer.fetch(url, etag=None, limit=limit, timeout=timeout)
        return self.answers[url]

    def run(self, seconds: float, step: float) -> None:
        for _ in range(round(seconds / step)):
            self.clock.advance(step)
            self.tick += 1
            for each in self.crowd:
                ask(each, self.kind, self.clock)


def ask(authorizer: Authorizer, kind: str, clock: FakeClock) -> None:
    lists: StatusLists = authorizer._lists
    keys: Keys = lists._keys
    try:
        if kind == "list":
            lists.verify("https://issuer.example/status-lists/1", 1, clock())
        else:
            keys.at(clock())
    except IssuerUnavailable:
        pass


def test_the_key_set_is_asked_for_over_a_minute_and_not_at_once() -> None:
    crowd = Crowd("keys")
    crowd.run(1200, 1.0)
    later = [count for tick, count in crowd.arrivals.items() if tick > 2]
    # Discovery and key set: 2,000 requests in about 270 s; all at once would be 2,000 in one second.
    assert max(later) <= 120
    assert sum(later) >= 4 * 2 * MANY


def test_a_status_list_is_asked_for_evenly_after_a_few_rounds() -> None:
    crowd = Crowd("list")
    crowd.run(60, 0.1)
    later = [crowd.arrivals[tick] for tick in range(400, 600)]
    assert max(later) <= 2.5 * (sum(later) / len(later)), "no tenth of a second sees a crowd"


def test_an_outage_is_not_ended_by_a_crowd() -> None:
    crowd = Crowd("list")
    crowd.run(10, 0.1)
    crowd.is_down = True
    crowd.run(30, 0.1)
    down = [crowd.arrivals[tick] for tick in range(crowd.tick - 100, crowd.tick)]
    assert max(down) <= 2.5 * (sum(down) / len(down))
    # One attempt a second each, however many requests wait for it.
    assert sum(down) <= MANY * 10 * 1.01
