"""The bound on revocation: two real publishers, whose clocks differ, before one real authorizer, in simulated time.

Everything is an event at a point of true time, and whatever waits lets the others happen: an authorizer is asked while
a publisher reads, a token is revoked between the reading of one and of the other. Each host has a clock of its own.
"""

import functools
import heapq
import itertools
import random
from collections.abc import Callable, Iterable
from types import ModuleType, SimpleNamespace
from typing import Any

import jwt
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from valet.aws.dynamodb import status_lists
from valet.aws.dynamodb.status_lists import DynamoStatusLists
from valet.clock import Moment
from valet.fetch import Fetched
from valet.http import Request
from valet.models.grants import LiveToken
from valet.models.status_lists import StatusListContent
from valet.tokens.status_index import list_id_at
from valet.tokens.status_list import LIFETIME, StatusListPublisher

from tests.parts.authorizer.issuer import ISSUER, NOW, FakeIssuer, Stand
from tests.parts.authorizer.test_keys import outcome
from tests.support.functions import load
from tests.support.memory_stores import new_table

LIST_ID = list_id_at(NOW + 900)
LIST = f"{ISSUER}/status-lists/{LIST_ID}"
BOUND = 5.0
PERIOD = LIFETIME / 2  # after which a publisher signs anew
IDX, OTHER = 7, 9


@functools.cache
def app() -> ModuleType:
    return load("status_list")


class World:
    """True time, what happens when, and what is revoked."""

    def __init__(self) -> None:
        self.now = float(NOW)
        self.lists = DynamoStatusLists(new_table())
        self.is_visited = False
        self._order = itertools.count()
        self._events: list[tuple[float, int, Callable[[], None]]] = []

    def at(self, seconds: float, event: Callable[[], None]) -> None:
        heapq.heappush(self._events, (NOW + seconds, next(self._order), event))

    def revoke_at(self, seconds: float, idx: int) -> None:
        self.at(seconds, lambda: self.lists.put_bits((LiveToken(NOW + 3000, LIST_ID, idx),)))

    def wait(self, seconds: float) -> None:
        """While an actor waits, every event that is due happens."""
        until = self.now + seconds
        while self._events and self._events[0][0] <= until:
            due, _, event = heapq.heappop(self._events)
            self.now = max(self.now, due)
            event()
        self.now = max(self.now, until)


class Publisher:
    """One environment of the function that serves lists, on a host whose clock is `skew` seconds off."""

    def __init__(self, world: World, issuer: FakeIssuer, skew: float) -> None:
        self.world, self.issuer = world, issuer
        self.read = (0.0, 0.0)  # how long a read takes until it sees the table, and from there
        self.is_busy = False  # an environment serves one request at a time
        lists: Any = self  # of a store's methods, one is needed
        self.server: Any = SimpleNamespace(
            clock=lambda: world.now + skew,
            registry=None,
            signers=self,
            status_list_publisher=StatusListPublisher(lists),
        )
        self.alg, self.kid = "RS256", issuer.kid

    def find_list(self, list_id: str, known: StatusListContent) -> StatusListContent:
        before, after = self.read
        self.world.wait(before)
        content = self.world.lists.find_list(list_id, known)
        self.world.wait(after)
        return content

    def sign(self, signing_input: bytes) -> bytes:
        return bytes(jwt.get_algorithm_by_name("RS256").sign(signing_input, self.issuer.keys[self.kid]))

    def serve(self, etag: str | None = None) -> Fetched:
        self.is_busy = True
        headers = {"if-none-match": etag} if etag is not None else {}
        answer = app().status_list(Request("GET", f"/status-lists/{LIST_ID}", ISSUER, headers=headers), self.server)
        self.is_busy = False
        body = answer.body if isinstance(answer.body, bytes) else answer.body.encode()
        return Fetched(answer.status, body, answer.headers["ETag"])

    def visit(self, before: float = 0.0, after: float = 0.0) -> None:
        """Somebody else asks. One visit at a time, so that one publisher is always free for the authorizer."""
        if not self.is_busy and not self.world.is_visited:
            self.world.is_visited = True
            self.read = before, after
            self.answer_once()
            self.world.is_visited = False

    def answer_once(self) -> None:
        self.serve()


class Bench:
    """An authorizer on its own host, and the two publishers that its fetches may reach."""

    def __init__(
        self, skews: tuple[float, float, float] = (0.0, 0.0, 0.0), seed: int = 0, max_stale: int = 300
    ) -> None:
        self.world, self.random = World(), random.Random(seed)
        self.stand = Stand(STATUS_MAX_STALE=str(max_stale))
        self.a, self.b = (Publisher(self.world, self.stand.issuer, skew) for skew in skews[:2])
        self.has_cache, self.cached = False, (0.0, Fetched(404, b"", None))
        self.is_busy = False
        self.answers: list[tuple[float, str]] = []
        self.token = self.stand.issuer.token(
            status={"status_list": {"idx": IDX, "uri": LIST}}, exp=NOW + 3000, iat=NOW - 60
        )
        lists, own = self.stand.authorizer._lists, skews[2]
        for part in (self.stand.authorizer, lists, lists._keys):
            part._clock = lambda: Moment(self.world.now + own, self.world.now)
        for drawn in (lists, lists._keys):
            drawn._jitter = self.random.random
        lists._fetch = self.fetch
        self.reached: Callable[[], Publisher] = lambda: self.a

    def fetch(self, url: str, *, etag: str | None, limit: int, timeout: float) -> Fetched:
        assert url == LIST
        sent = self.world.now
        there, back = self.random.uniform(0, 0.2), self.random.uniform(0, 0.2)
        self.world.wait(there)
        answer = self.answer(etag)
        self.world.wait(back)
        assert self.world.now - sent <= 1, "the bound counts on a fetch of a second"
        return answer

    def answer(self, etag: str | None) -> Fetched:
        at, found = self.cached
        if not (self.has_cache and self.world.now - at < 1):  # max-age=1
            publisher = self.reached()
            if publisher.is_busy:
                publisher = self.b if publisher is self.a else self.a
            publisher.read = self.random.uniform(0, 0.1), self.random.uniform(0, 0.1)
            if not self.has_cache:
                return publisher.serve(etag)
            found = publisher.serve()
            self.cached = self.world.now, found
        return Fetched(304, b"", etag) if etag == found.etag else found

    def ask(self) -> None:
        if not self.is_busy:
            self.is_busy = True
            said = outcome(self.stand, self.token)
            self.answers.append((self.world.now - NOW, said))
            self.is_busy = False

    def run(self, until: float, since: float = 0.0, every: float = 0.1) -> None:
        for step in range(int((until - since) / every)):
            self.world.at(since + step * every, self.ask)
        self.world.wait(until)

    def after(self, seconds: float) -> set[str]:
        return {said for at, said in self.answers if at > seconds}

    def delay(self, revoked_at: float) -> float:
        """The time from the revocation to the last answer that still accepted the token."""
        return max((at - revoked_at for at, said in self.answers if said != "refused"), default=0.0)


@pytest.fixture(autouse=True)
def _one_signer(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(status_lists, "PAGE", 2)  # so that pages turn while publishers read
    monkeypatch.setattr(app(), "current_signer", lambda registry, signers: signers)


def test_a_list_is_stamped_after_it_was_read_and_its_age_counts_from_before() -> None:
    bench = Bench()
    bench.world.wait(0.5)
    bench.world.revoke_at(0.8, IDX)
    bench.a.read = 0.2, 0.7  # asked at 0.5, seen at 0.7, stamped at 1.4
    first = bench.a.serve()
    assert jwt.decode(first.body, options={"verify_signature": False})["iat"] == NOW + 1
    bench.world.wait(0.05)
    assert bench.a.serve().etag == first.etag
    bench.world.wait(0.1)
    assert bench.a.serve().etag != first.etag


SKEWS = [0.0, -2.0, 2.0]


@pytest.mark.parametrize("own", SKEWS)
@pytest.mark.parametrize("skew_a", SKEWS)
@pytest.mark.parametrize("skew_b", SKEWS)
def test_a_publisher_that_is_asked_first_and_reads_last_is_believed(skew_a: float, skew_b: float, own: float) -> None:
    bench = Bench((skew_a, skew_b, own))
    bench.reached = lambda: bench.a if bench.world.now < NOW + 10.6 else bench.b
    bench.world.revoke_at(9.9, OTHER)
    bench.world.at(9.98, lambda: bench.b.visit(before=0.08))  # asked at 9.98, reads at 10.06
    bench.world.at(10.0, bench.a.answer_once)
    bench.world.revoke_at(10.03, IDX)
    bench.run(30, since=10.1)
    assert bench.delay(10.03) <= BOUND
    assert bench.after(0) == {"allowed", "refused"}


@pytest.mark.parametrize(("skew_a", "skew_b"), [(2.0, -2.0), (0.0, -30.0), (30.0, -30.0)])
def test_a_newer_list_is_believed_whatever_the_clock_says_that_stamped_it(skew_a: float, skew_b: float) -> None:
    bench = Bench((skew_a, skew_b, 0.0))
    bench.reached = lambda: bench.a if bench.world.now < NOW + 10 else bench.b
    bench.world.revoke_at(9, OTHER)
    bench.world.revoke_at(10, IDX)
    bench.run(30, since=9.1)
    assert bench.delay(10) <= BOUND


@pytest.mark.parametrize("skews", [(2.0, -2.0, 0.0), (-2.0, 2.0, 2.0), (0.01, -0.01, -2.0)])
def test_the_turn_of_a_period_is_no_outage_where_nothing_may_be_stale(skews: tuple[float, float, float]) -> None:
    # One publisher has signed anew, the other not yet: the same content, stamped minutes apart.
    bench = Bench(skews, max_stale=0)
    turns = itertools.cycle([bench.a, bench.b])
    bench.reached = lambda: next(turns)
    bench.run(PERIOD + 20, every=0.5)
    assert bench.after(0) == {"allowed"}
    assert not bench.stand.lines


def test_a_key_that_one_publisher_signs_with_already_is_no_outage_where_nothing_may_be_stale() -> None:
    bench = Bench(max_stale=0)
    bench.stand.issuer.add_key("key-2", which=1)
    turns = itertools.cycle([bench.a, bench.b])
    bench.reached = lambda: next(turns)
    bench.world.at(100, lambda: setattr(bench.b, "kid", "key-2"))
    bench.run(130, every=0.5)
    assert bench.after(0) == {"allowed"}


def others(bench: Bench, until: float) -> Iterable[tuple[float, Callable[[], None]]]:
    """Other traffic at the publishers: each reads at times of its own, sometimes slowly, sometimes at once."""
    for publisher in (bench.a, bench.b):
        at = 0.0
        while (at := at + bench.random.expovariate(1.0)) < until:
            before, after = bench.random.uniform(0, 0.1), bench.random.uniform(0, 0.1)
            yield at, functools.partial(publisher.visit, before, after)


_skew = st.floats(-2, 2)


@settings(max_examples=120, deadline=None, suppress_health_check=list(HealthCheck))
@given(
    skews=st.tuples(_skew, _skew, _skew),
    seed=st.integers(0, 2**32),
    revoked_at=st.floats(10, 12),
    has_cache=st.booleans(),
    sticks=st.booleans(),
)
def test_a_revoked_token_is_refused_within_five_seconds_however_publishers_take_turns(
    skews: tuple[float, float, float], seed: int, revoked_at: float, has_cache: bool, sticks: bool
) -> None:
    bench = Bench(skews, seed)
    bench.has_cache = has_cache
    # Each fetch reaches either, or all go to one from the revocation on: the other's environment is gone.
    bench.reached = lambda: (
        bench.b if sticks and bench.world.now - NOW > revoked_at + 0.3 else bench.random.choice([bench.a, bench.b])
    )
    for at, event in others(bench, 30):
        bench.world.at(at, event)
    for idx in range(100, 105):
        bench.world.revoke_at(bench.random.uniform(revoked_at - 2, revoked_at), idx)
    bench.world.revoke_at(revoked_at, IDX)
    bench.run(30, since=bench.random.uniform(0, revoked_at))
    assert bench.delay(revoked_at) <= BOUND
    assert "outage" not in bench.after(0)
    assert bench.after(revoked_at + BOUND) == {"refused"}
