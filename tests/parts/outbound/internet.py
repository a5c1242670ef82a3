"""An internet on this machine: names with public addresses, behind which servers on 127.0.0.1 answer by TLS."""

from __future__ import annotations

import re
import socket
import ssl
import threading
from collections.abc import Callable
from contextlib import suppress

from tests.parts.aws.certificates import Authority

Behaviour = Callable[[ssl.SSLSocket, bytes], None]
"""(connection, what the client sent) → answers as it likes."""


def page(body: bytes, status: str = "200 OK", *headers: str) -> Behaviour:
    lines = "".join(f"{each}\r\n" for each in (f"Content-Length: {len(body)}", *headers))
    return lambda peer, _: peer.sendall(f"HTTP/1.1 {status}\r\n{lines}\r\n".encode() + body)


class Server:
    """One TLS server with one behaviour. `asked` has its requests."""

    def __init__(self, tls: ssl.SSLContext, behaviour: Behaviour) -> None:
        self._tls, self._behaviour = tls, behaviour
        self.asked: list[bytes] = []
        self.stopped = threading.Event()
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port = self._listener.getsockname()[1]
        threading.Thread(target=self._serve, daemon=True).start()

    def stop(self) -> None:
        self.stopped.set()
        with suppress(OSError):
            self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()

    def _serve(self) -> None:
        while not self.stopped.is_set():
            try:
                plain, _ = self._listener.accept()
            except OSError:
                return
            threading.Thread(target=self._answer, args=(plain,), daemon=True).start()

    def _answer(self, plain: socket.socket) -> None:
        with plain, suppress(OSError):
            plain.settimeout(10)
            with self._tls.wrap_socket(plain, server_side=True) as peer:
                head = b""
                while b"\r\n\r\n" not in head and (came := peer.recv(65_536)):
                    head += came
                length = re.search(rb"content-length: (\d+)", head, re.IGNORECASE)
                while length and len(head.partition(b"\r\n\r\n")[2]) < int(length[1]):
                    head += peer.recv(65_536)
                if head:  # else the client has hung up
                    self.asked.append(head)
                    self._behaviour(peer, head)


class FakeInternet:
    """The port Network: `names` says what a name resolves to, one answer after the other."""

    def __init__(self, authority: Authority) -> None:
        self.authority = authority
        self.names: dict[str, list[list[str]]] = {}
        self.servers: dict[str, Server] = {}
        self.connected: list[tuple[str, int]] = []
        self._tls = ssl.create_default_context(cafile=str(authority.file))

    def serve(self, name: str, address: str, behaviour: Behaviour, certificate: str = "") -> Server:
        server = Server(self.authority.server(certificate or name), behaviour)
        self.names[name] = [[address]]
        self.servers[address] = server
        return server

    def stop(self) -> None:
        for server in self.servers.values():
            server.stop()

    def addresses(self, host: str, /) -> list[str]:
        answers = self.names.get(host)
        if answers is None:
            raise socket.gaierror(socket.EAI_NONAME, "Name or service not known")
        return answers.pop(0) if len(answers) > 1 else answers[0]

    def connect(self, address: str, port: int, timeout: float, /) -> socket.socket:
        self.connected.append((address, port))
        return socket.create_connection(("127.0.0.1", self.servers[address].port), timeout)

    def tls(self) -> ssl.SSLContext:
        return self._tls
