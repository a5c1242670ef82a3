"""Servers that misbehave: each call ends in time, says why, and leaves nothing open."""

import gc
import gzip
import threading
import time
from pathlib import Path

import pytest
from valet.aws import connection, reply, retries
from valet.aws.calls import CallFailed
from valet.aws.connection import Address, NoAnswer
from valet.aws.transport import Transport

from local.template import load
from tests.parts.aws.failing import SHORT, assert_fails, calls_to, descriptors
from tests.parts.aws.scripted import Peer, answer, server

pytestmark = [pytest.mark.slow, pytest.mark.usefixtures("nothing_stays_open")]

REAL = connection.CONNECT_WITHIN + connection.ANSWER_WITHIN
MEGABYTE = 1024 * 1024
HEAD = b"HTTP/1.1 200 OK\r\n"
CHUNKED = HEAD + b"Transfer-Encoding: chunked\r\n\r\n"
STAY, HANG_UP = True, False
ANSWERS: dict[str, tuple[bytes, bool, str]] = {
    "nothing": (b"", HANG_UP, "BrokenReply: closed before an answer"),
    "nothing, and stays": (b"", STAY, "ReadTimeout"),
    "half a head": (b"HTTP/1.1 200 OK\r\nContent-Le", HANG_UP, "cut short"),
    "half a head, and stays": (b"HTTP/1.1 200 OK\r\nContent-Le", STAY, "ReadTimeout"),
    "half a body": (answer(b'{"Item": {}}')[:-5], HANG_UP, "cut short"),
    "half a body, and stays": (answer(b'{"Item": {}}')[:-5], STAY, "ReadTimeout"),
    "more than its length": (answer(b"{}") + b"{}", STAY, "bytes after the end"),
    "two answers": (answer(b"{}") * 2, STAY, "bytes after the end"),
    "two lengths": (answer(b"{}", "content-length: 1"), STAY, "no number"),
    "a length and chunks": (answer(b"0\r\n\r\n", "Transfer-Encoding: chunked"), STAY, "two lengths"),
    "half a chunk": (CHUNKED + b"9\r\n{}", HANG_UP, "cut short"),
    "chunks without a last one": (CHUNKED + b"2\r\n{}\r\n", STAY, "ReadTimeout"),
    "a chunk without a length": (CHUNKED + b"{}\r\n0\r\n\r\n", STAY, "no number"),
    "100 MB declared": (HEAD + b"Content-Length: 104857600\r\n\r\n", STAY, "an answer of more than"),
    "no length": (HEAD + b"\r\n{}", HANG_UP, "does not say its length"),
    "an interim answer": (b"HTTP/1.1 100 Continue\r\n\r\n" + answer(b"{}"), STAY, "status 100"),
    "another protocol": (b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: h2c\r\n\r\n", STAY, "status 101"),
    "HTTP/0.9": (b"<html>Welcome to the router</html>", HANG_UP, "this is not HTTP/1.1"),
    "SSH": (b"SSH-2.0-OpenSSH_9.6\r\n", STAY, "this is not HTTP/1.1"),
    "gzip": (answer(gzip.compress(b"{}"), "Content-Encoding: gzip"), STAY, "no JSON object"),
    "an empty body": (answer(b""), STAY, "no JSON object"),
    "a list": (answer(b"[{}]"), STAY, "no JSON object"),
    "null": (answer(b"null"), STAY, "no JSON object"),
    "no text": (answer(b'{"a": "\xff"}'), STAY, "no JSON object"),
    "two objects": (answer(b"{}{}"), STAY, "no JSON object"),
    "a long number": (answer(b'{"a": %b}' % (b"9" * 5000)), STAY, "no JSON object"),
    "deep lists": (answer(b'{"a":' + b"[" * 200_000), STAY, "no JSON object"),
    "deep objects": (answer(b'{"a":' * 100_000), STAY, "no JSON object"),
    "a wrong checksum": (answer(b"{}", "x-amz-crc32: 1"), STAY, "ChecksumMismatch"),
    "two checksums": (answer(b"{}", "x-amz-crc32: 2745614147", "x-amz-crc32: 1"), STAY, "ChecksumMismatch"),
    "a checksum that is no number": (answer(b"{}", "x-amz-crc32: x"), STAY, "ChecksumMismatch"),
    "a page instead of a refusal": (answer(b"<html>", status=502), STAY, "^HTTP 502$"),
    "a deep refusal": (answer(b"[" * 200_000, status=500), STAY, "^HTTP 500$"),
    "a status that is none": (answer(b"{}", status=999), STAY, "^HTTP 999$"),
}


@pytest.mark.parametrize("kind", ANSWERS)
def test_an_answer_that_cannot_be_used_is_asked_for_once_more_and_then_named(kind: str) -> None:
    said, stays, word = ANSWERS[kind]

    def behave(peer: Peer) -> None:
        while True:
            peer.request()
            peer.send(said)
            if not stays:
                break

    with server(behave) as running:
        assert_fails(running.url, word)
    assert len(running.requests) == 2


@pytest.mark.parametrize(
    ("start", "repeated", "pause", "word"),
    [
        (b"", b"HTTP/1.1 200 OK\r\nX: " + b"a" * 100, 0.02, "ReadTimeout"),
        (HEAD + b"Content-Length: 100\r\n\r\n", b"{" + b" " * 99, 0.02, "ReadTimeout"),
        (CHUNKED, b"1\r\n \r\n" * 100, 0.02, "ReadTimeout"),
        (HEAD, b"X: y\r\n" * 10_000, 0, "too long"),
        (HEAD + b"X: ", b"y" * 60_000, 0, "too long"),
        (CHUNKED, b"ffff\r\n" + bytes(65_535) + b"\r\n", 0, "an answer of more than"),
        (CHUNKED + b"0\r\n", b"X: y\r\n" * 10_000, 0, "a trailer"),
    ],
    ids=["drip head", "drip body", "drip chunks", "headers", "one header", "100 MB in chunks", "trailers"],
)
def test_an_answer_that_does_not_end_is_given_up(
    start: bytes, repeated: bytes, pause: float, word: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(reply, "_LONGEST", MEGABYTE)

    def behave(peer: Peer) -> None:
        peer.request()
        peer.send(start)
        for _ in range(100 * MEGABYTE // len(repeated)):
            step = 1 if pause else len(repeated)
            for at in range(0, len(repeated), step):
                peer.send(repeated[at : at + step])
                time.sleep(pause)

    with server(behave) as running:
        assert_fails(running.url, word)


def test_a_server_that_does_not_read_the_request_is_given_up(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(connection, "ANSWER_WITHIN", SHORT)
    finished = threading.Event()

    def behave(_: Peer) -> None:
        finished.wait(5)

    with server(behave) as running:
        transport = Transport(Address("127.0.0.1", running.port, is_tls=False))
        started = time.monotonic()
        with pytest.raises(NoAnswer, match="ReadTimeout"):
            transport.post([], bytes(32 * MEGABYTE))
        assert time.monotonic() - started < connection.CONNECT_WITHIN + SHORT
        finished.set()


def test_a_redirect_is_not_followed() -> None:
    with server(lambda peer: None) as elsewhere:

        def behave(peer: Peer) -> None:
            while peer.body():
                peer.send(answer(b"{}", f"Location: {elsewhere.url}/", status=307))

        with server(behave) as running:
            assert_fails(running.url, "^HTTP 307$")
    assert elsewhere.connections == 0


def test_a_thousand_calls_that_fail_leave_nothing_open() -> None:
    said = (b"", b"SSH-2.0\r\n", answer(b"{}")[:-1], answer(b"{}") + b"x", answer(b"[]"), CHUNKED + b"x\r\n", None)

    def behave(peer: Peer) -> None:
        bytes_of_it = said[peer.number % len(said)]
        if bytes_of_it is None:
            return peer.reset()
        peer.request()
        return peer.send(bytes_of_it)

    gc.collect()
    before = descriptors()
    with server(behave) as running:
        with calls_to(running.url) as calls:
            for _ in range(1_000):
                with pytest.raises(CallFailed):
                    calls("GetItem", {})
    assert running.connections > 700, "the others were lost on a connection that the server had just closed"
    assert descriptors() <= before  # fewer, if what other tests had left was collected meanwhile


def test_the_attempts_and_the_pause_between_them_end_before_the_shortest_function_does() -> None:
    document = load(Path("template.yaml"))
    timeouts = [resource.get("Properties", {}).get("Timeout") for resource in document["Resources"].values()]
    shortest = min(document["Globals"]["Function"]["Timeout"], *(each for each in timeouts if each))
    longest_pause = retries.pause(throttled=True, hint="999999999", base=1.0, jitter=lambda: 1.0)
    assert retries.ATTEMPTS * REAL + longest_pause < shortest
