"""The client of the whole-server comparison. It keeps several connections to 127.0.0.1 open, sends one request after
the other on each, and reads every answer. The list of requests bounds its run."""

import selectors
import socket
import time
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

HOST = "127.0.0.1"
CONNECTIONS = 16
_PATIENCE = 30.0


@dataclass(frozen=True)
class Load:
    per_second: float
    bodies: list[bytes]


def post(path: str, authorization: str, form: str) -> bytes:
    """The bytes of a POST request."""
    return (
        f"POST {path} HTTP/1.1\r\nHost: {HOST}\r\nAuthorization: {authorization}\r\nAccept: application/json\r\n"
        f"Content-Type: application/x-www-form-urlencoded\r\nContent-Length: {len(form)}\r\n\r\n{form}"
    ).encode()


class _Connection:
    def __init__(self, port: int) -> None:
        self.socket = socket.create_connection((HOST, port), timeout=_PATIENCE)
        self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self._received = b""

    def ask(self, requests: Iterator[tuple[int, bytes]]) -> int | None:
        """Send the next request and return its number; None if no request is left."""
        number, request = next(requests, (None, b""))
        if number is not None:
            self.socket.sendall(request)
        return number

    def answer(self) -> bytes | None:
        """The answer's body; None until it has arrived completely."""
        received = self.socket.recv(65536)
        if not received:
            raise ConnectionError("the server closed the connection before its answer was complete")
        self._received += received
        head, end, body = self._received.partition(b"\r\n\r\n")
        if not end:
            return None
        if not head.startswith(b"HTTP/1.1 200"):
            raise ConnectionError(self._received.decode(errors="replace"))
        length = int(head.lower().partition(b"content-length:")[2].partition(b"\r\n")[0])
        if len(body) < length:
            return None
        self._received = b""
        return body


def run(port: int, requests: Sequence[bytes], connections: int = CONNECTIONS) -> Load:
    """Send all of `requests`. The answers are in the order of the requests. Raises if one is not a 200."""
    bodies: list[bytes] = [b""] * len(requests)
    waiting = iter(enumerate(requests))
    with selectors.DefaultSelector() as selector:
        opened = [_Connection(port) for _ in range(min(connections, len(requests)))]
        started = time.perf_counter()
        for connection in opened:
            selector.register(connection.socket, selectors.EVENT_READ, [connection, connection.ask(waiting)])
        unanswered = len(requests)
        while unanswered:
            events = selector.select(_PATIENCE)
            if not events:
                raise TimeoutError(f"the server sent no answer for {_PATIENCE:g} s")
            for key, _ in events:
                connection, number = key.data
                body = connection.answer()
                if body is not None:
                    bodies[number] = body
                    unanswered -= 1
                    key.data[1] = connection.ask(waiting)
        spent = time.perf_counter() - started
        for connection in opened:
            connection.socket.close()
    return Load(len(requests) / spent, bodies)


def latencies(port: int, requests: Iterable[bytes]) -> list[float]:
    """Microseconds from each request to the end of its answer, one at a time on one connection."""
    connection, found = _Connection(port), []
    for request in requests:
        started = time.perf_counter_ns()
        connection.socket.sendall(request)
        while connection.answer() is None:
            pass
        found.append((time.perf_counter_ns() - started) / 1000)
    connection.socket.close()
    return found
