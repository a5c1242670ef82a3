"""Answers as a pure function of bytes: in any pieces, broken in any place, and without an end."""

from collections.abc import Iterator
from itertools import cycle, pairwise
from random import Random
from zlib import crc32

import pytest
from valet.aws import reply as module
from valet.aws.calls import OUTSIDE, AwsCalls, CallFailed
from valet.aws.reply import BrokenReply, Receive, Reply, read_reply

BODY = b'{"Item": {"pk": {"S": "grant#1"}, "sk": {"S": "grant"}}}'
CHECKSUM = f"x-amz-crc32: {crc32(BODY)}\r\n".encode()
PLAIN = b"HTTP/1.1 200 OK\r\n%bContent-Length: %d\r\n\r\n%b" % (CHECKSUM, len(BODY), BODY)
CHUNKED = b"HTTP/1.1 200 OK\r\n%bTransfer-Encoding: chunked\r\n\r\n10;x=y\r\n%b\r\n%X\r\n%b\r\n0\r\n\r\n" % (
    CHECKSUM,
    BODY[:16],
    len(BODY) - 16,
    BODY[16:],
)
WHOLE = {"plain": PLAIN, "chunked": CHUNKED}
EMULATED = {"AWS_REGION": "eu-central-1", "AWS_ENDPOINT_URL": "http://127.0.0.1:1"}


def from_pieces(*pieces: bytes) -> Receive:
    """The pieces, and then the end of the connection."""
    left = iter(pieces)
    return lambda: next(left, b"")


def without_end(start: bytes, repeated: bytes) -> Receive:
    """`start`, and then `repeated` for ever."""
    pieces: Iterator[bytes] = cycle([repeated])
    first = iter([start])
    return lambda: next(first, b"") or next(pieces)


def split(message: bytes, random: Random) -> Receive:
    """The message in random pieces."""
    cuts = sorted(random.choices(range(1, len(message)), k=random.choice((1, 3, len(message)))))
    bounds = [0, *dict.fromkeys(cuts), len(message)]
    return from_pieces(*(message[start:end] for start, end in pairwise(bounds)))


def outcome(receive: Receive) -> Reply | str:
    try:
        return read_reply(receive)
    except BrokenReply as broken:
        return str(broken)


@pytest.mark.parametrize("message", WHOLE.values(), ids=WHOLE)
def test_an_answer_is_the_same_in_whatever_pieces_it_comes(message: bytes) -> None:
    expected = read_reply(from_pieces(message))
    assert (expected.status, expected.body, expected.keeps_open) == (200, BODY, True)
    assert read_reply(from_pieces(*(bytes([byte]) for byte in message))) == expected
    random = Random(1)
    for _ in range(300):
        assert read_reply(split(message, random)) == expected


@pytest.mark.parametrize("message", WHOLE.values(), ids=WHOLE)
def test_an_answer_that_ends_early_is_broken_wherever_it_ends(message: bytes) -> None:
    assert outcome(from_pieces()) == "closed before an answer"
    for length in range(1, len(message)):
        assert outcome(from_pieces(message[:length])) == "an answer that is cut short"


@pytest.mark.parametrize("message", WHOLE.values(), ids=WHOLE)
def test_an_answer_that_is_damaged_on_its_way_is_the_same_answer_or_a_failure(
    message: bytes, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Each byte is changed, left out or doubled. The checksum holds the body, so no damage makes another answer."""
    damaged = b""
    calls = AwsCalls("dynamodb", EMULATED)
    monkeypatch.setattr("valet.aws.calls.ATTEMPTS", 1)

    def answers(*_: object) -> Reply:
        try:
            return read_reply(from_pieces(damaged))
        except BrokenReply as broken:
            raise CallFailed(str(broken)) from broken

    monkeypatch.setattr(OUTSIDE, "send", answers)
    expected = {"Item": {"pk": {"S": "grant#1"}, "sk": {"S": "grant"}}}
    failures = 0
    for place in range(len(message)):
        byte = message[place]
        for instead in (b"", bytes([byte, byte]), *(bytes([byte ^ 1 << bit]) for bit in range(8))):
            damaged = message[:place] + instead + message[place + 1 :]
            try:
                assert calls("GetItem", {}) == expected, damaged
            except CallFailed:
                failures += 1
    assert failures > 3 * len(message), "most damage is seen"


@pytest.mark.parametrize("seed", range(20))
def test_garbage_is_broken_and_nothing_else(seed: int) -> None:
    random = Random(seed)
    for _ in range(100):
        base = bytearray(random.choice((PLAIN, CHUNKED)))
        for _ in range(random.randint(1, 12)):
            start, end = sorted(random.choices(range(len(base)), k=2))
            base[start : min(end, start + 8)] = random.randbytes(random.randint(0, 8))
        whole = outcome(from_pieces(bytes(base)))
        in_pieces = outcome(split(bytes(base), random))
        if isinstance(whole, Reply):
            assert in_pieces == whole
        # A piece that has not come yet hides bytes after the end: the connection finds them before it is used again.
        assert isinstance(in_pieces, str) or in_pieces == whole or whole == "bytes after the end of the answer"


BROKEN = {
    "HTTP/0.9": (b"<html>Welcome</html>", "this is not HTTP/1.1"),
    "HTTP/2": (b"HTTP/2 200\r\nContent-Length: 0\r\n\r\n", "this is not HTTP/1.1"),
    "HTTP/1.2": (b"HTTP/1.2 200\r\nContent-Length: 0\r\n\r\n", "this is not HTTP/1.1"),
    "a TLS alert": (b"\x15\x03\x01\x00\x02\x02\x46", "this is not HTTP/1.1"),
    "a status of two digits": (b"HTTP/1.1 20\r\nContent-Length: 0\r\n\r\n", "this is not HTTP/1.1"),
    "a status of four digits": (b"HTTP/1.1 2000\r\nContent-Length: 0\r\n\r\n", "this is not HTTP/1.1"),
    "a status with a sign": (b"HTTP/1.1 +20 \r\nContent-Length: 0\r\n\r\n", "a status that is no number"),
    "an interim answer": (b"HTTP/1.1 100 Continue\r\n\r\n" + PLAIN, "status 100 that does not say its length"),
    "no length": (b"HTTP/1.1 200 OK\r\n\r\n{}", "does not say its length"),
    "a longer body": (PLAIN + b"x", "bytes after the end"),
    "a second answer": (PLAIN + PLAIN, "bytes after the end"),
    "a second answer after chunks": (CHUNKED + PLAIN, "bytes after the end"),
    "two lengths": (b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\ncontent-length: 3\r\n\r\n{}x", "no number"),
    "one length twice": (b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\nContent-Length: 2\r\n\r\n{}", "no number"),
    "a list of lengths": (b"HTTP/1.1 200 OK\r\nContent-Length: 2, 2\r\n\r\n{}", "no number"),
    "a length and chunks": (
        b"HTTP/1.1 200 OK\r\nContent-Length: 12\r\nTransfer-Encoding: chunked\r\n\r\n2\r\n{}\r\n0\r\n\r\n",
        "two lengths",
    ),
    "chunked twice": (
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
        "a coding that nobody asked for",
    ),
    "gzip as a coding": (
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: gzip, chunked\r\n\r\n0\r\n\r\n",
        "a coding that nobody asked for",
    ),
    "a signed length": (b"HTTP/1.1 200 OK\r\nContent-Length: +2\r\n\r\n{}", "no number"),
    "a negative length": (b"HTTP/1.1 200 OK\r\nContent-Length: -2\r\n\r\n{}", "no number"),
    "a length with an underscore": (b"HTTP/1.1 200 OK\r\nContent-Length: 1_0\r\n\r\n{}", "no number"),
    "a length in other digits": (b"HTTP/1.1 200 OK\r\nContent-Length: \xb2\r\n\r\n{}", "no number"),
    "an empty length": (b"HTTP/1.1 200 OK\r\nContent-Length:\r\n\r\n{}", "no number"),
    "a length in a thousand digits": (b"HTTP/1.1 200 OK\r\nContent-Length: " + b"0" * 1000 + b"\r\n\r\n", "no number"),
    "a hundred megabytes": (b"HTTP/1.1 200 OK\r\nContent-Length: 104857600\r\n\r\n", "of more than 16777216 bytes"),
    "a space before the colon": (b"HTTP/1.1 200 OK\r\nContent-Length : 2\r\n\r\n{}", "cannot be read"),
    "a header without a colon": (b"HTTP/1.1 200 OK\r\nContent-Length\r\n\r\n{}", "cannot be read"),
    "a header without a name": (b"HTTP/1.1 200 OK\r\n: 2\r\n\r\n{}", "cannot be read"),
    "a header in two lines": (b"HTTP/1.1 200 OK\r\nX: a\r\n Content-Length: 2\r\n\r\n{}", "cannot be read"),
    "a bare line feed": (b"HTTP/1.1 200 OK\r\nX: a\nContent-Length: 2\r\n\r\n{}", "cannot be read"),
    "a NUL": (b"HTTP/1.1 200 OK\r\nX: \0\r\nContent-Length: 2\r\n\r\n{}", "cannot be read"),
    "a chunk without a length": (b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n\r\n{}\r\n", "no number"),
    "a chunk in no hexadecimal": (b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n0x2\r\n{}\r\n", "no number"),
    "a chunk that is longer": (
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\n{}x\r\n0\r\n\r\n",
        "does not end where it says",
    ),
    "a chunk that is shorter": (
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n9\r\n{}\r\n0\r\n\r\n",
        "cut short|does not end",
    ),
    "a huge chunk": (
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n7fffffffffffffff\r\n",
        "of more than 16777216 bytes",
    ),
    "a trailer": (
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\n{}\r\n0\r\nX: y\r\n\r\n",
        "a trailer, which nobody asked for",
    ),
}


@pytest.mark.parametrize("kind", BROKEN)
def test_a_broken_answer_says_what_is_wrong(kind: str) -> None:
    message, word = BROKEN[kind]
    with pytest.raises(BrokenReply, match=word):
        read_reply(from_pieces(message))


ENDLESS = {
    "a status line": (b"HTTP/1.1 200 ", b"x" * 1000, "too long"),
    "headers": (b"HTTP/1.1 200 OK\r\n", b"X: y\r\n" * 100, "too long"),
    "a chunk's extension": (b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n1;", b"x" * 100, "too long"),
    "trailers": (b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n", b"X: y\r\n" * 100, "a trailer"),
    "chunks": (b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n", b"64\r\n%b\r\n" % bytes(100), "more than"),
    "chunks of a byte": (b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n", b"1\r\nx\r\n", "more than"),
}


@pytest.mark.parametrize("kind", ENDLESS)
def test_an_answer_without_an_end_is_given_up(kind: str, monkeypatch: pytest.MonkeyPatch) -> None:
    start, repeated, word = ENDLESS[kind]
    monkeypatch.setattr(module, "_LONGEST", 100_000)
    with pytest.raises(BrokenReply, match=word):
        read_reply(without_end(start, repeated))


@pytest.mark.parametrize("longer", [0, 1])
def test_the_longest_head_is_as_long_in_any_pieces(longer: int) -> None:
    limit = module._LONGEST_HEAD
    start = b"1 200 OK\r\nContent-Length: 0\r\nX: "
    message = b"HTTP/1." + start + b"a" * (limit - len(start) + longer) + b"\r\n\r\n"
    for step in (1, 1000, len(message) - 3, len(message)):
        pieces = [message[at : at + step] for at in range(0, len(message), step)]
        assert isinstance(outcome(from_pieces(*pieces)), str if longer else Reply)


def test_an_answer_of_the_longest_length_is_read_in_a_moment() -> None:
    body = bytes(module._LONGEST - 1000)
    head = b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n" % len(body)
    pieces = (body[at : at + 65_536] for at in range(0, len(body), 65_536))
    assert read_reply(from_pieces(head, *pieces)).body == body


@pytest.mark.parametrize(
    ("head", "keeps_open"),
    [
        (b"HTTP/1.1 200 OK", True),
        (b"HTTP/1.1 400 Bad Request\r\nConnection: keep-alive", True),
        (b"HTTP/1.1 200 OK\r\nConnection: Close", False),
        (b"HTTP/1.1 200 OK\r\nConnection: x-a, close", False),
        (b"HTTP/1.1 200 OK\r\nConnection: close\r\nConnection: keep-alive", False),
        (b"HTTP/1.0 200 OK", False),
        (b"HTTP/1.0 200 OK\r\nConnection: keep-alive", False),
    ],
)
def test_whether_the_connection_stays_open(head: bytes, keeps_open: bool) -> None:
    assert read_reply(from_pieces(head + b"\r\nContent-Length: 2\r\n\r\n{}")).keeps_open is keeps_open
