"""One HTTP answer of AWS, read strictly and within a size (RFC 9112).

http.client would do it too, but its import costs a cold start as much as everything else on the way to AWS, and no
timeout of its bounds an answer that arrives byte by byte.
"""

from collections.abc import Callable, Mapping
from typing import NamedTuple

_LONGEST_HEAD = 32_768  # bytes
_LONGEST_LINE = 1024  # bytes, with the length of a chunk
_LONGEST = 16 * 1024 * 1024  # bytes in all; DynamoDB's longest answer holds one megabyte of items
_START = b"HTTP/1."
_DIGITS = frozenset("0123456789")
_HEX_DIGITS = frozenset("0123456789abcdefABCDEF")

Receive = Callable[[], bytes]


class Reply(NamedTuple):
    """One answer. The names of headers are in lower case."""

    status: int
    headers: Mapping[str, str]
    body: bytes
    keeps_open: bool = False  # whether the connection may carry another request


class BrokenReply(Exception):
    """What came is no whole answer, and why."""


def read_reply(receive: Receive) -> Reply:
    """The answer to a POST or GET. `receive` answers the next bytes, none at the connection's end.

    Raises BrokenReply, and whatever `receive` raises.
    """
    data = _Data(receive)
    if data.exactly(len(_START)) != _START:
        raise BrokenReply("this is not HTTP/1.1")
    version, status, headers = _head(data.up_to(b"\r\n\r\n", _LONGEST_HEAD).decode("latin-1"))
    coding, length = headers.get("transfer-encoding"), headers.get("content-length")
    if coding is not None:
        if coding.lower() != "chunked" or length is not None:
            raise BrokenReply("an answer with two lengths, or in a coding that nobody asked for")
        body = _chunked(data)
    elif length is not None:
        body = data.exactly(_number(length, _DIGITS, 10))
    else:
        raise BrokenReply(f"an answer with status {status} that does not say its length")
    if data.has_more:
        raise BrokenReply("bytes after the end of the answer")
    return Reply(status, headers, body, version == "1" and "close" not in headers.get("connection", "").lower())


class _Data:
    """What has come and is not read yet."""

    def __init__(self, receive: Receive) -> None:
        self._receive = receive
        self._came = bytearray()
        self._total = 0

    @property
    def has_more(self) -> bool:
        return bool(self._came)

    def up_to(self, end: bytes, limit: int) -> bytes:
        """The bytes before `end`, at most `limit`. `end` is passed over."""
        start = 0
        while (found := self._came.find(end, start)) < 0:
            start = max(0, len(self._came) - len(end) + 1)
            if start > limit:
                break
            self._more()
        if not 0 <= found <= limit:
            raise BrokenReply("a head or a line that is too long")
        return self._taken(found, found + len(end))

    def exactly(self, length: int) -> bytes:
        if length > _LONGEST:
            raise BrokenReply(f"an answer of more than {_LONGEST} bytes")
        while len(self._came) < length:
            self._more()
        return self._taken(length, length)

    def _taken(self, length: int, end: int) -> bytes:
        found = bytes(self._came[:length])
        del self._came[:end]
        return found

    def _more(self) -> None:
        more = self._receive()
        if not more:
            raise BrokenReply("an answer that is cut short" if self._total else "closed before an answer")
        self._total += len(more)
        if self._total > _LONGEST:
            raise BrokenReply(f"an answer of more than {_LONGEST} bytes")
        self._came += more


def _head(head: str) -> tuple[str, int, dict[str, str]]:
    """The minor version, the status and the headers."""
    first, *lines = head.split("\r\n")
    version, _, rest = first.partition(" ")
    status, after = rest[:3], rest[3:4]
    if version not in ("0", "1") or len(status) != 3 or after not in ("", " "):
        raise BrokenReply("this is not HTTP/1.1")
    headers: dict[str, str] = {}
    for line in lines:
        name, colon, value = line.partition(":")
        name, value = name.lower(), value.strip(" \t")
        if not colon or not name or name != name.strip() or "\n" in line or "\r" in line or "\0" in line:
            raise BrokenReply("a header that cannot be read")
        # A header that comes twice is a list (RFC 9110 §5.3); no list is a length.
        headers[name] = f"{headers[name]}, {value}" if name in headers else value
    return version, _number(status, _DIGITS, 10), headers


def _chunked(data: _Data) -> bytes:
    parts = []
    while length := _number(_length_of_chunk(data), _HEX_DIGITS, 16):
        parts.append(data.exactly(length))
        if data.exactly(2) != b"\r\n":
            raise BrokenReply("a chunk that does not end where it says")
    if data.exactly(2) != b"\r\n":
        raise BrokenReply("a trailer, which nobody asked for")
    return b"".join(parts)


def _length_of_chunk(data: _Data) -> str:
    return data.up_to(b"\r\n", _LONGEST_LINE).decode("latin-1").partition(";")[0].strip(" \t")


def _number(text: str, digits: frozenset[str], base: int) -> int:
    """The number. int() alone would take signs, underscores and spaces as well."""
    if not 0 < len(text) <= 16 or not digits.issuperset(text):
        raise BrokenReply("a length or a status that is no number")
    return int(text, base)
