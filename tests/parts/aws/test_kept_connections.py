"""Connections that are kept: whose answer comes over them, when they are not used again, and what is sent twice."""

import threading
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from random import Random

import pytest
from valet.aws.calls import OUTSIDE, CallFailed
from valet.clock import Moment

from tests.parts.aws.certificates import Authority
from tests.parts.aws.failing import calls_to
from tests.parts.aws.scripted import Peer, answer, server

HOUR = 3600.0


@pytest.fixture(autouse=True)
def pauses(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """The pauses before second attempts, which are not made."""
    made: list[float] = []
    monkeypatch.setattr(OUTSIDE, "wait", made.append)
    return made


def echo(peer: Peer) -> None:
    """Answers each request with its own body."""
    while True:
        peer.send(answer(peer.body()))


def echo_once(peer: Peer) -> None:
    """Hangs up after one answer, and does not say so before."""
    peer.send(answer(peer.body()))


def until(condition: Callable[[], bool]) -> None:
    end = time.monotonic() + 5
    while not condition():
        assert time.monotonic() < end
        time.sleep(0.002)


@pytest.mark.parametrize("is_tls", [False, True], ids=["plain", "TLS"])
def test_one_connection_carries_all_calls(is_tls: bool, trusted: Authority, pauses: list[float]) -> None:
    with server(echo, trusted.server() if is_tls else None) as running, calls_to(running.url) as calls:
        for number in range(20):
            assert calls("GetItem", {"number": number}) == {"number": number}
    assert (running.connections, len(running.requests), pauses) == (1, 20, [])


@pytest.mark.parametrize("is_tls", [False, True], ids=["plain", "TLS"])
def test_a_connection_that_was_closed_while_idle_is_opened_anew_and_that_is_no_retry(
    is_tls: bool, trusted: Authority, pauses: list[float]
) -> None:
    with server(echo_once, trusted.server() if is_tls else None) as running, calls_to(running.url) as calls:
        for number in range(3):
            assert calls("GetItem", {"number": number}) == {"number": number}
            until(lambda: running.open == 0)
    assert (running.connections, len(running.requests), pauses) == (3, 3, [])


@pytest.mark.parametrize(
    "later", [Moment(HOUR, HOUR), Moment(HOUR, 0.0), Moment(-HOUR, HOUR)], ids=["both", "wall only", "monotonic only"]
)
def test_a_connection_is_not_used_again_after_a_pause_on_either_clock(
    later: Moment, pauses: list[float], monkeypatch: pytest.MonkeyPatch
) -> None:
    """A frozen environment may not see that the connection has been closed, and its monotonic clock may stand still."""
    now = Moment(HOUR, HOUR)
    monkeypatch.setattr("valet.aws.connection.system_clock", lambda: now)
    with server(echo) as running, calls_to(running.url) as calls:
        calls("GetItem", {})
        now = Moment(HOUR + 40, HOUR + 40)
        calls("GetItem", {})
        assert running.connections == 1
        now = Moment(now.wall + later.wall, now.monotonic + later.monotonic)
        calls("GetItem", {})
    assert (running.connections, len(running.requests), pauses) == (2, 3, [])


@pytest.mark.parametrize("header", ["HTTP/1.1 200 \r\nConnection: close", "HTTP/1.0 200 "])
def test_a_connection_that_the_server_ends_is_not_kept(header: str, pauses: list[float]) -> None:
    def behave(peer: Peer) -> None:
        while True:
            peer.send(answer(peer.body()).replace(b"HTTP/1.1 200 ", header.encode()))

    with server(behave) as running, calls_to(running.url) as calls:
        for number in range(3):
            assert calls("GetItem", {"number": number}) == {"number": number}
    assert (running.connections, len(running.requests), pauses) == (3, 3, [])


@pytest.mark.parametrize("is_tls", [False, True], ids=["plain", "TLS"])
@pytest.mark.parametrize("forged", [answer(b'{"forged": true}'), b"\r\n", b"H"], ids=["an answer", "a line", "a byte"])
def test_bytes_after_an_answer_never_become_the_answer_to_the_next_call(
    forged: bytes, is_tls: bool, trusted: Authority, pauses: list[float]
) -> None:
    """Whether they come with the answer or after it: a connection with anything on it is not used again."""
    forging = threading.Event()
    forged_at: list[int] = []

    def behave(peer: Peer) -> None:
        while True:
            peer.send(answer(peer.body()))
            if peer.number % 2 == 0:
                forging.wait(5)
                peer.send(forged)
                forged_at.append(peer.number)

    with server(behave, trusted.server() if is_tls else None) as running, calls_to(running.url) as calls:
        assert calls("GetItem", {"number": 1}) == {"number": 1}
        forging.set()
        until(lambda: bool(forged_at))
        for number in range(2, 5):
            assert calls("GetItem", {"number": number}) == {"number": number}
    assert (running.connections, pauses) == (2, [])


def test_a_connection_with_a_broken_answer_is_not_used_again(pauses: list[float]) -> None:
    def behave(peer: Peer) -> None:
        while True:
            body = peer.body()
            peer.send(answer(body) + (b"HTTP" if peer.number < 2 else b""))

    with server(behave) as running, calls_to(running.url) as calls:
        with pytest.raises(CallFailed, match="bytes after the end"):
            calls("GetItem", {"number": 1})
        for number in range(2, 5):
            assert calls("GetItem", {"number": number}) == {"number": number}
    assert (running.connections, len(running.requests), len(pauses)) == (3, 5, 1)


def test_many_threads_get_their_own_answers_over_as_few_connections(pauses: list[float]) -> None:
    threads, each = 12, 25
    random = Random(1)

    def behave(peer: Peer) -> None:
        while True:
            body = peer.body()
            time.sleep(random.random() / 1000)
            peer.send(answer(body))

    def work(thread: int) -> None:
        for number in range(each):
            mine = {"thread": thread, "number": number, "filler": "x" * (number * 997)}
            assert calls("GetItem", mine) == mine

    with server(behave) as running, calls_to(running.url) as calls, ThreadPoolExecutor(threads) as pool:
        list(pool.map(work, range(threads)))
        assert running.connections < threads * each / 2
        until(lambda: running.open == 10)
        assert len(running.requests) == threads * each
        calls.close()
        until(lambda: running.open == 0)
    assert pauses == []


def test_threads_that_meet_broken_answers_leave_none_of_them_to_the_others(pauses: list[float]) -> None:
    threads, each = 8, 25

    def behave(peer: Peer) -> None:
        for number in range(1000):
            body = peer.body()
            if number == 3 and peer.number % 2:
                peer.send(answer(b'{"forged": true}') + answer(b'{"forged": true}'))
                return
            peer.send(answer(body))

    def work(thread: int) -> int:
        failures = 0
        for number in range(each):
            mine = {"thread": thread, "number": number}
            try:
                assert calls("GetItem", mine) == mine
            except CallFailed:
                failures += 1
        return failures

    with server(behave) as running, calls_to(running.url) as calls, ThreadPoolExecutor(threads) as pool:
        assert sum(pool.map(work, range(threads))) < threads * each / 4
        assert pauses, "some were broken"
        for number in range(20):
            assert calls("GetItem", {"number": number}) == {"number": number}
