"""One HTTP answer of AWS, read strictly and within a size (RFC 9112).

http.client would do it too, but its import costs a cold start as much as everything else on the way to AWS, and no
timeout of its bounds an answer that arrives byte by byte.
"""

from collections.abc import Callable, Mapping
from typing import NamedTuple

_LONGEST_HEAD = 32_768  # bytes
_LONGEST_BODY = 16 * 1024 * 1024  # bytes; DynamoDB's longest answer holds one megabyte of items
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


class NothingCame(BrokenReply):
    """The connection was closed before the first byte of an answer."""


def read_reply(receive: Receive) -> Reply:
    """The answer to a POST or GET. `receive` answers the next bytes, none at the connection's end.

    Raises BrokenReply, and whatever `receive` raises.
    """
    data = _Data(receive)
    version, status, headers = _head(data.up_to(b"\r\n\r\n", _LONGEST_HEAD).decode("latin-1"))
    coding, length = headers.get("transfer-encoding"), headers.get("content-length")
    if coding is not None:
        if coding.lower() != "chunked" or length is not None:
            raise BrokenReply("an answer with two lengths, or in a coding that nobody asked for")
        body = _chunked(data)
    elif length is not None:
        body = data.exactly(_number(length, _DIGITS, 10))
    else:
        raise BrokenReply("an answer that does not say its length")
    if data.has_more:
        raise BrokenReply("bytes after the end of the answer")
    return Reply(status, headers, body, version == "1" and headers.get("connection", "").lower() != "close")


class _Data:
    """What has come and is not read yet."""

    def __init__(self, receive: Receive) -> None:
        self._receive = receive
        self._came = bytearray()
        self._is_first = True

    @property
    def has_more(self) -> bool:
        return bool(self._came)

    def up_to(self, end: bytes, limit: int) -> bytes:
        """The bytes before `end`, which is passed over."""
        start = 0
        while (found := self._came.find(end, start)) < 0:
            if len(self._came) > limit:
                raise BrokenReply("a head that is too long")
            start = max(0, len(self._came) - len(end) + 1)
            self._more()
        return self._taken(found, found + len(end))

    def exactly(self, length: int) -> bytes:
        if length > _LONGEST_BODY:
            raise BrokenReply(f"an answer of more than {_LONGEST_BODY} bytes")
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
            raise NothingCame("no answer") if self._is_first else BrokenReply("an answer that is cut short")
        self._is_first = False
        self._came += more


def _head(head: str) -> tuple[str, int, dict[str, str]]:
    """The minor version, the status and the headers."""
    first, *lines = head.split("\r\n")
    version, _, rest = first.partition(" ")
    status = rest[:3]
    if version not in ("HTTP/1.0", "HTTP/1.1") or rest[3:4] not in ("", " ") or len(status) != 3:
        raise BrokenReply("this is not HTTP/1.1")
    headers: dict[str, str] = {}
    for line in lines:
        name, colon, value = line.partition(":")
        name = name.lower()
        if not colon or not name or name != name.strip() or "\n" in line or "\r" in line or "\0" in line:
            raise BrokenReply("a header that cannot be read")
        if name in headers and name in ("content-length", "transfer-encoding"):
            raise BrokenReply("an answer with two lengths")
        headers[name] = value.strip(" \t")
    return version[-1], _number(status, _DIGITS, 10), headers


def _chunked(data: _Data) -> bytes:
    parts, total = [], 0
    while length := _number(
        data.up_to(b"\r\n", 1024).decode("latin-1").partition(";")[0].strip(" \t"), _HEX_DIGITS, 16
    ):
        total += length
        if total > _LONGEST_BODY:
            raise BrokenReply(f"an answer of more than {_LONGEST_BODY} bytes")
        parts.append(data.exactly(length))
        if data.exactly(2) != b"\r\n":
            raise BrokenReply("a chunk that does not end where it says")
    while data.up_to(b"\r\n", _LONGEST_HEAD):
        pass  # a trailer, which nobody asked for
    return b"".join(parts)


def _number(text: str, digits: frozenset[str], base: int) -> int:
    """The number. int() alone would take signs, underscores and spaces as well."""
    if not 0 < len(text) <= 16 or not digits.issuperset(text):
        raise BrokenReply("a length that is no number")
    return int(text, base)
