"""One connection to AWS: opened and used within limits of time that hold for the whole of an answer."""

import socket
import time
from typing import NamedTuple

from valet.aws.authorities import BELIEVED, tls_context
from valet.aws.reply import BrokenReply, NothingCame, Reply, read_reply

CONNECT_WITHIN = 1.0  # seconds, TLS included
ANSWER_WITHIN = 2.0  # seconds, from the first byte that is sent to the last that comes
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
    """No answer came that can be used. `reason` is a word for the log.

    What was sent may have taken effect, except if `is_unsent`.
    """

    def __init__(self, reason: str, *, is_unsent: bool = False, is_closed: bool = False) -> None:
        super().__init__(reason)
        self.reason = reason
        self.is_unsent = is_unsent
        self.is_closed = is_closed  # by the other side, before the first byte of an answer


class Connection:
    """An open connection to `address`. Raises NoAnswer if it cannot be opened within a second."""

    def __init__(self, address: Address) -> None:
        end = time.monotonic() + CONNECT_WITHIN
        try:
            self._socket = _connected(address, end)
        except TimeoutError:
            raise NoAnswer("ConnectTimeout", is_unsent=True) from None
        except OSError as error:
            raise NoAnswer(_name_of(error), is_unsent=True) from error

    def exchange(self, message: bytes) -> Reply:
        """The answer to `message`. Raises NoAnswer after at most two seconds; the connection is closed then."""
        end = time.monotonic() + ANSWER_WITHIN
        try:
            self._send(message, end)
            return read_reply(lambda: self._received(end))
        except TimeoutError:
            reason, is_closed = "ReadTimeout", False
        except NothingCame:
            reason, is_closed = "ConnectionClosed", True
        except BrokenReply as error:
            reason, is_closed = f"BrokenReply: {error}", False
        except OSError as error:
            reason = _name_of(error)
            is_closed = isinstance(error, ConnectionError) or reason in ("SSLEOFError", "SSLZeroReturnError")
        self.close()
        raise NoAnswer(reason, is_closed=is_closed)

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
    failure: OSError | None = None
    host = address.host.encode()  # to look up a text, Python imports its codec for other alphabets, which takes 2 ms
    for family, kind, protocol, _, target in socket.getaddrinfo(host, address.port, type=socket.SOCK_STREAM):
        opened = socket.socket(family, kind, protocol)
        try:
            opened.settimeout(_left(end))
            opened.connect(target)
            opened.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            return _secured(opened, address.host, end) if address.is_tls else opened
        except OSError as error:
            opened.close()
            failure = error
    raise failure or OSError("the name has no address")


def _secured(opened: socket.socket, host: str, end: float) -> socket.socket:
    context = tls_context(is_only_aws=BELIEVED.only_aws(host))
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


def _name_of(error: OSError) -> str:
    return type(error).__name__ if type(error) is not OSError else f"OSError {error.errno}"
