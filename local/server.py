"""An HTTP server for one WSGI application on a loopback port: waitress, with threads for requests that need others."""

from __future__ import annotations

import errno
import logging
import socket
import threading
from typing import Any

import waitress  # type: ignore[import-untyped]
from waitress import wasyncore

HOST = "127.0.0.1"

# A protected call may wait for the authorizer, which may fetch keys from this same server. With fewer than two threads
# for each concurrent request, all of them could wait for a thread that never becomes free.
_THREADS = 128
# The gateway itself refuses a head above 10,240 bytes and a body above 10 MB. Above these, waitress reads no more.
_MAX_HEAD = 256 * 1024
_MAX_BODY = 16 * 1024 * 1024


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


class Server:
    """Serves an application in threads of its own until stopped."""

    def __init__(self, listener: socket.socket, application: Any, threads: int = _THREADS) -> None:
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
