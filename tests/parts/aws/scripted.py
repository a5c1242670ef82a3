"""A server on 127.0.0.1 that answers with the bytes that a test names, and counts connections and requests."""

import contextlib
import socket
import ssl
import struct
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager


class Peer:
    """One connection, as the server sees it. `number` counts from 0 in the order of arrival."""

    def __init__(self, connection: socket.socket, number: int, requests: list[bytes]) -> None:
        self._connection, self.number = connection, number
        self._requests = requests

    def request(self) -> tuple[dict[str, str], bytes]:
        """The headers and the body of the next request. Raises ConnectionError if the client has hung up."""
        message = b""
        while b"\r\n\r\n" not in message:
            message += self._more()
        head, _, body = message.partition(b"\r\n\r\n")
        lines = (line.partition(":") for line in head.decode().split("\r\n")[1:])
        headers = {name.lower(): value.strip() for name, _, value in lines}
        while len(body) < int(headers["content-length"]):
            body += self._more()
        self._requests.append(head + body)
        return headers, body

    def body(self) -> bytes:
        """The body of the next request."""
        return self.request()[1]

    def _more(self) -> bytes:
        if more := self._connection.recv(65_536):
            return more
        raise ConnectionError

    def send(self, data: bytes) -> None:
        self._connection.sendall(data)

    def wait(self) -> None:
        """Until the client hangs up."""
        while self._connection.recv(65_536):
            pass

    def reset(self) -> None:
        """End the connection without a last word (RST)."""
        self._connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self._connection.close()


Behaviour = Callable[[Peer], None]


class Server:
    """Behaves as `behaviour` says, once for each connection, and then closes it."""

    def __init__(self, behaviour: Behaviour, tls: ssl.SSLContext | None = None) -> None:
        self._behaviour, self._tls = behaviour, tls
        self._listener = socket.create_server(("127.0.0.1", 0), backlog=128)
        self._sockets: list[socket.socket] = []
        self._threads: list[threading.Thread] = []
        self.port: int = self._listener.getsockname()[1]
        self.url = f"{'https' if tls else 'http'}://127.0.0.1:{self.port}"
        self.connections = 0
        self._ended: list[int] = []
        self.requests: list[bytes] = []
        self._accepting = threading.Thread(target=self._accept)
        self._accepting.start()

    @property
    def open(self) -> int:
        """How many connections are open."""
        return self.connections - len(self._ended)

    def _accept(self) -> None:
        while True:
            try:
                connection, _ = self._listener.accept()
            except OSError:
                return  # stopped
            thread = threading.Thread(target=self._serve, args=(connection, self.connections))
            self.connections += 1
            self._sockets.append(connection)
            self._threads.append(thread)
            thread.start()

    def _serve(self, connection: socket.socket, number: int) -> None:
        # The client hangs up on purpose, or refuses the certificate: neither is an error of the test.
        with contextlib.suppress(OSError), connection:
            if self._tls is None:
                self._behaviour(Peer(connection, number, self.requests))
            else:
                with self._tls.wrap_socket(connection, server_side=True) as secured:
                    self._sockets.append(secured)
                    self._behaviour(Peer(secured, number, self.requests))
        self._ended.append(number)

    def stop(self) -> None:
        for each in (self._listener, *self._sockets):
            with contextlib.suppress(OSError):
                each.shutdown(socket.SHUT_RDWR)
        self._accepting.join()
        self._listener.close()
        for thread in self._threads:
            thread.join()


@contextmanager
def server(behaviour: Behaviour, tls: ssl.SSLContext | None = None) -> Iterator[Server]:
    """Such a server, until the block ends."""
    running = Server(behaviour, tls)
    try:
        yield running
    finally:
        running.stop()


def answer(body: bytes, *headers: str, status: int = 200) -> bytes:
    """A whole answer."""
    lines = "".join(f"{header}\r\n" for header in headers)
    return f"HTTP/1.1 {status} \r\n{lines}Content-Length: {len(body)}\r\n\r\n".encode() + body
