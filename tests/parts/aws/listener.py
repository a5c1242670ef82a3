"""A small real server on 127.0.0.1 that keeps every byte it receives, and answers JSON."""

import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from socketserver import BaseRequestHandler, ThreadingTCPServer
from typing import Any


class Listener(ThreadingTCPServer):
    """Answers `status` and `answer` to each request."""

    daemon_threads = True

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.status = 200
        self.answer: Any = {}
        self.received: list[bytes] = []

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_address[1]}"


class _Handler(BaseRequestHandler):
    server: Listener

    def handle(self) -> None:
        message = b""
        while b"\r\n\r\n" not in message or len(message) < _length(message):
            message += self.request.recv(65_536)
        self.server.received.append(message)
        body = json.dumps(self.server.answer).encode()
        head = f"HTTP/1.1 {self.server.status} \r\nContent-Length: {len(body)}\r\nConnection: close\r\n\r\n"
        self.request.sendall(head.encode() + body)


def _length(message: bytes) -> int:
    head, _, _ = message.partition(b"\r\n\r\n")
    length = next(line for line in head.lower().split(b"\r\n") if line.startswith(b"content-length:"))
    return len(head) + 4 + int(length.partition(b":")[2])


@contextmanager
def listener() -> Iterator[Listener]:
    """Such a server, until the block ends."""
    with Listener() as server:
        thread = threading.Thread(target=server.serve_forever, args=(0.01,))
        thread.start()
        try:
            yield server
        finally:
            server.shutdown()
            thread.join()
