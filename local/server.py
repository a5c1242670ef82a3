"""An HTTP server for one WSGI application on a loopback port: waitress, with threads for requests that need others."""

from __future__ import annotations

import errno
import logging
import socket
import threading
from collections.abc import Callable
from functools import partial
from typing import Any

import waitress  # type: ignore[import-untyped]
from waitress import wasyncore
from waitress.channel import HTTPChannel  # type: ignore[import-untyped]

HOST = "127.0.0.1"

# A protected call may wait for the authorizer, which may fetch keys from this same server. With fewer than two threads
# for each concurrent request, all of them could wait for a thread that never becomes free.
_THREADS = 128
# The gateway itself refuses a head above 10,240 bytes and a body above 10 MB. Above these, waitress reads no more.
_MAX_HEAD = 256 * 1024
_MAX_BODY = 16 * 1024 * 1024
_TLS_HANDSHAKE = b"\x16"  # the type of a TLS record (RFC 8446 §5.1); no HTTP method begins with this byte


class PortTaken(Exception):
    """Another process listens on the port, or this one may not."""


def listen(port: int) -> socket.socket:
    """A listening socket; port 0 takes any free port. It listens at once: only then is a conflict found."""
    listener = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listener.bind((HOST, port))
        listener.listen(1024)
    except OSError as error:
        listener.close()
        if error.errno in (errno.EADDRINUSE, errno.EACCES):
            raise PortTaken(
                f"port {port} is taken" if error.errno == errno.EADDRINUSE else f"port {port} needs more privileges"
            ) from None
        raise
    return listener


class _PlainHttpChannel(HTTPChannel):  # type: ignore[misc]
    """A connection that closes at once if the client begins it with a TLS handshake.

    waitress would wait for the end of a head that never comes, and the browser for an answer.
    """

    def __init__(self, on_tls: Callable[[], None], *arguments: Any, **named: Any) -> None:
        self._on_tls = on_tls
        self._is_new = True
        super().__init__(*arguments, **named)

    def received(self, data: bytes) -> bool:
        is_tls, self._is_new = self._is_new and data[:1] == _TLS_HANDSHAKE, False
        if not is_tls:
            return bool(super().received(data))
        self._on_tls()
        self.handle_close()
        return False


class Server:
    """Serves an application in threads of its own until stopped."""

    def __init__(
        self,
        listener: socket.socket,
        application: Any,
        threads: int = _THREADS,
        on_tls: Callable[[], None] = lambda: None,
    ) -> None:
        """`on_tls`: called when a client begins a TLS handshake, before its connection is closed."""
        logging.getLogger("waitress.queue").setLevel(logging.ERROR)
        self._sockets: dict[int, Any] = {}
        self._server = waitress.create_server(
            application,
            map=self._sockets,
            sockets=[listener],
            threads=threads,
            ident=None,
            max_request_header_size=_MAX_HEAD,
            max_request_body_size=_MAX_BODY,
            channel_timeout=30,
            clear_untrusted_proxy_headers=False,
        )
        self._server.channel_class = partial(_PlainHttpChannel, on_tls)
        self._loop = threading.Thread(target=self._server.run, name="http-server", daemon=True)

    def start(self) -> None:
        """Begin to answer."""
        self._loop.start()

    def stop(self) -> None:
        """Give running requests a second to finish, then close everything."""
        self._server.task_dispatcher.shutdown(timeout=1)
        if self._loop.ident is None:  # never started
            wasyncore.close_all(self._sockets)
            return
        self._server.trigger.pull_trigger(lambda: wasyncore.close_all(self._sockets))
        self._loop.join(timeout=5)
