"""One connection to AWS: opened and used within limits of time that hold for the whole of an answer."""

import socket
import time
from threading import Thread
from typing import Any, NamedTuple

from valet.aws.authorities import BELIEVED, tls_context
from valet.aws.reply import BrokenReply, Reply, read_reply
from valet.clock import system_clock

CONNECT_WITHIN = 1.0  # seconds, the lookup of the name and TLS included
ANSWER_WITHIN = 2.0  # seconds, from the first byte that is sent to the last that comes
_REUSED_WITHIN = 50.0  # seconds; DynamoDB closes idle connections after a minute, and a frozen process may not see it
_AT_ONCE = 65_536  # bytes


class Address(NamedTuple):
    """Where a service answers."""

    host: str
    port: int
    is_tls: bool

    @property
    def authority(self) -> str:
        """As the header Host names it: without the scheme's own port (RFC 9110 §7.2)."""
        host = f"[{self.host}]" if ":" in self.host else self.host
        return host if self.port == (443 if self.is_tls else 80) else f"{host}:{self.port}"


class NoAnswer(Exception):
    """No answer came that can be used. What was sent may have taken effect. `reason` says to the log what happened."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


class Connection:
    """An open connection to `address`. Raises NoAnswer if it cannot be opened within a second."""

    def __init__(self, address: Address) -> None:
        end = time.monotonic() + CONNECT_WITHIN
        try:
            self._socket = _connected(address, end)
        except TimeoutError:
            raise NoAnswer("ConnectTimeout") from None
        except (OSError, ValueError) as error:  # ValueError: the host is no name that could be looked up
            raise NoAnswer(_described(error)) from error
        self._used_at = system_clock()

    def exchange(self, message: bytes, within: float | None = None) -> Reply:
        """The answer to `message`. Raises NoAnswer after at most two seconds, or `within` others; the connection is
        closed then.
        """
        end = time.monotonic() + (ANSWER_WITHIN if within is None else within)
        try:
            self._send(message, end)
            reply = read_reply(lambda: self._received(end))
        except TimeoutError:
            reason = "ReadTimeout"
        except BrokenReply as error:
            reason = f"BrokenReply: {error}"
        except OSError as error:
            reason = _described(error)
        else:
            self._used_at = system_clock()
            return reply
        self.close()
        raise NoAnswer(reason)

    def is_reusable(self) -> bool:
        """Whether another message may be sent.

        If the other side has closed the connection, that message would be lost. If it has sent bytes that belong to no
        answer, they would be taken for the answer to that message.
        """
        if system_clock().since(self._used_at) > _REUSED_WITHIN:
            return False
        self._socket.settimeout(0)
        try:
            self._socket.recv(1)
        except OSError as error:
            # Nothing has come. The second is TLS's name for it; only TLS imports ssl.
            return isinstance(error, BlockingIOError) or type(error).__name__ == "SSLWantReadError"
        return False

    def close(self) -> None:
        self._socket.close()

    def _send(self, message: bytes, end: float) -> None:
        rest = memoryview(message)
        while rest:
            self._socket.settimeout(_left(end))
            rest = rest[self._socket.send(rest) :]

    def _received(self, end: float) -> bytes:
        self._socket.settimeout(_left(end))
        return self._socket.recv(_AT_ONCE)


def _connected(address: Address, end: float) -> socket.socket:
    """A connection to the first of the host's addresses that answers."""
    failure = OSError("the name has no address")
    found = _addresses(address, end)
    for index, candidate in enumerate(found):
        try:
            # An address that is dead must leave the others enough time.
            return _opened(candidate, address, _left(end) / (len(found) - index), end)
        except OSError as error:
            failure = error
    raise failure


def _addresses(address: Address, end: float) -> list[Any]:
    """What getaddrinfo finds. It runs in a thread of its own, because nothing else bounds the time that it takes."""
    found: list[Any] = []
    host = address.host.encode()  # to look up a text, Python imports its codec for other alphabets, which takes 2 ms

    def look_up() -> None:
        try:
            found.append(socket.getaddrinfo(host, address.port, type=socket.SOCK_STREAM))
        except (OSError, ValueError) as error:
            found.append(error)

    thread = Thread(target=look_up, name="lookup", daemon=True)
    thread.start()
    thread.join(_left(end))
    if not found:
        raise NoAnswer("LookupTimeout")
    if isinstance(found[0], Exception):
        raise found[0]
    return list(found[0])


def _opened(candidate: Any, address: Address, within: float, end: float) -> socket.socket:
    family, kind, protocol, _, target = candidate
    opened = socket.socket(family, kind, protocol)
    try:
        opened.settimeout(within)
        opened.connect(target)
        opened.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        return _secured(opened, address.host, end) if address.is_tls else opened
    except BaseException:
        opened.close()
        raise


def _secured(opened: socket.socket, host: str, end: float) -> socket.socket:
    context = tls_context(is_only_aws=BELIEVED.only_aws(host))
    # wrap_socket alone would skip the handshake if the other side has hung up already; do_handshake fails then.
    secured = context.wrap_socket(opened, server_hostname=host.encode(), do_handshake_on_connect=False)
    try:
        secured.settimeout(_left(end))
        secured.do_handshake()
    except BaseException as error:
        secured.close()
        if type(error).__name__ == "SSLCertVerificationError":  # without TLS, ssl is not imported
            BELIEVED.is_aws_enough = False
        raise
    return secured


def _left(end: float) -> float:
    left = end - time.monotonic()
    if left <= 0:
        raise TimeoutError
    return left


def _described(error: Exception) -> str:
    return f"{type(error).__name__}: {error}"
