"""The request path's way to AWS: POST over connections that are kept, one at a time for each request under way."""

from collections import deque
from collections.abc import Iterable

from valet.aws.connection import Address, Connection
from valet.aws.reply import Reply

_KEPT = 10  # idle connections; a function has one, the local stack as many as requests at once


class Transport:
    """The way to one address."""

    def __init__(self, address: Address) -> None:
        self.address = address
        self._idle: deque[Connection] = deque()

    def post(
        self, headers: Iterable[tuple[str, str]], body: bytes, path: str = "/", within: float | None = None
    ) -> Reply:
        """The answer to one request, which is sent once. It comes within two seconds, or `within` others.

        Raises NoAnswer.
        """
        message = _message(f"POST {path} HTTP/1.1", headers, body)
        connection = self._kept() or Connection(self.address)
        reply = connection.exchange(message, within)
        if reply.keeps_open and len(self._idle) < _KEPT:
            self._idle.append(connection)
        else:
            connection.close()
        return reply

    def close(self) -> None:
        while self._idle:
            self._idle.pop().close()

    def __del__(self) -> None:
        self.close()  # where a process has several servers, one after another, as tests have

    def _kept(self) -> Connection | None:
        """A kept connection that may be used again. The others are closed."""
        try:
            while not (kept := self._idle.pop()).is_reusable():
                kept.close()
        except IndexError:
            return None
        return kept


def get(address: Address, target: str, headers: Iterable[tuple[str, str]]) -> Reply:
    """The answer to a GET over a connection of its own. Raises NoAnswer."""
    connection = Connection(address)
    try:
        return connection.exchange(_message(f"GET {target} HTTP/1.1", headers, b""))
    finally:
        connection.close()


def _message(start: str, headers: Iterable[tuple[str, str]], body: bytes) -> bytes:
    lines = "".join(f"{name}: {value}\r\n" for name, value in headers)
    return f"{start}\r\n{lines}Content-Length: {len(body)}\r\n\r\n".encode("latin-1") + body
