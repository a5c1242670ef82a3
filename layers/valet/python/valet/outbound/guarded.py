"""GET and POST to an address that others named, without reaching anything that is not public (OWASP's SSRF).

The name is looked up once, every address that it has must be public, and the connection goes to exactly the address
that was checked: a name that changes its address afterwards changes nothing. IPv4 alone, because IPv6 has many ways to
write an IPv4 address (RFC 6052, RFC 3056, RFC 4291 §2.5.5.2). TLS checks the certificate by the name. No redirect is
followed and no proxy is asked (valet.fetch).
"""

import socket
import ssl
from collections.abc import Mapping
from contextlib import suppress
from functools import cache
from http.client import HTTPSConnection
from ipaddress import IPv4Address, IPv4Network
from threading import Thread
from typing import Protocol
from urllib.parse import urlencode, urlsplit

from valet.clock import system_clock
from valet.fetch import FetchFailed, Https
from valet.outbound.asking import KEPT_HEADERS, Answer

PORT = 443
NO_BODY = 0  # a limit: only the status is of interest
_AGENT = "valet"
_LONGEST_FAILURE = 200  # characters; it may quote what the other side sent
# RFC 6890 and the registry that it began, and multicast. `is_global` alone would let multicast and some others through.
_NOT_PUBLIC = tuple(
    map(
        IPv4Network,
        (
            "0.0.0.0/8", "10.0.0.0/8", "100.64.0.0/10", "127.0.0.0/8", "169.254.0.0/16", "172.16.0.0/12",
            "192.0.0.0/24", "192.0.2.0/24", "192.31.196.0/24", "192.52.193.0/24", "192.88.99.0/24", "192.168.0.0/16",
            "192.175.48.0/24", "198.18.0.0/15", "198.51.100.0/24", "203.0.113.0/24", "224.0.0.0/4", "240.0.0.0/4",
        ),
    )
)  # fmt: skip


class Network(Protocol):
    """The names, sockets and authorities that a connection needs."""

    def addresses(self, host: str, /) -> list[str]:
        """The IPv4 addresses of a name. Raises OSError."""

    def connect(self, address: str, port: int, timeout: float, /) -> socket.socket:
        """An open connection. Raises OSError."""

    def tls(self) -> ssl.SSLContext: ...


class Internet:
    """The Network of the machine."""

    def addresses(self, host: str, /) -> list[str]:
        found = socket.getaddrinfo(host.encode(), PORT, socket.AF_INET, socket.SOCK_STREAM)
        return [str(target[0]) for *_, target in found]

    def connect(self, address: str, port: int, timeout: float, /) -> socket.socket:
        return socket.create_connection((address, port), timeout)

    def tls(self) -> ssl.SSLContext:
        return _machines_tls()


INTERNET = Internet()


def get(url: str, *, limit: int, timeout: float, network: Network = INTERNET) -> bytes:
    """The body at an https address, of at most `limit` bytes and within `timeout` seconds in all.

    Raises FetchFailed for any other answer than 200, and if any address of the name is not public.
    """
    host = _host(url)
    https = Https(f"https://{host}", system_clock, lambda within: _Guarded(host, within, network), _AGENT)
    try:
        fetched = https(url, etag=None, limit=limit, timeout=timeout)
    finally:
        https.close()
    if fetched.status != 200:
        raise FetchFailed(f"status {fetched.status}")
    return fetched.body


def ask(
    url: str,
    *,
    form: Mapping[str, str] | None,
    headers: Mapping[str, str],
    limit: int,
    timeout: float,
    network: Network = INTERNET,
) -> Answer:
    """The answer of an https address to a POST of the form, or to a GET where there is none, whatever its status; of at
    most `limit` bytes and within `timeout` seconds in all.

    Raises FetchFailed if there is no whole answer, and if any address of the name is not public.
    """
    host = _host(url)
    connection = _Guarded(host, timeout, network)
    return _Exchange(connection, url.removeprefix(f"https://{host}"), form, headers, limit).within(timeout)


def post(url: str, form: Mapping[str, str], *, timeout: float, network: Network = INTERNET) -> int:
    """The status that an https address answers to a form, within `timeout` seconds in all. The body is not read.

    Raises FetchFailed if there is no answer, and if any address of the name is not public.
    """
    return ask(url, form=form, headers={}, limit=NO_BODY, timeout=timeout, network=network).status


def _host(url: str) -> str:
    """The host of an address that may be asked. The port is 443, so it is not in the address; neither is a user's name.

    Raises FetchFailed.
    """
    host = urlsplit(url).hostname or ""
    if not host or not url.startswith(f"https://{host}/"):
        raise FetchFailed("not an https address with a path, and without a port")
    return host


class _Exchange:
    """One request, in a thread: no timeout of a socket bounds a look-up, or an answer that comes byte by byte."""

    def __init__(
        self,
        connection: HTTPSConnection,
        target: str,
        form: Mapping[str, str] | None,
        headers: Mapping[str, str],
        limit: int,
    ) -> None:
        self._connection, self._target, self._form, self._limit = connection, target, form, limit
        self._headers = {"User-Agent": _AGENT, **headers}
        self._outcome: Answer | str = ""

    def within(self, timeout: float) -> Answer:
        thread = Thread(target=self._run, name="ask", daemon=True)
        thread.start()
        thread.join(timeout)
        outcome, opened = self._outcome, self._connection.sock
        if thread.is_alive() and opened is not None:
            with suppress(OSError):  # it may have ended by itself
                opened.shutdown(socket.SHUT_RDWR)  # so that the thread ends soon, whatever it waits for
        self._connection.close()
        if isinstance(outcome, Answer):
            return outcome
        raise FetchFailed(outcome or f"no answer within {timeout:.1f} s")

    def _run(self) -> None:
        try:
            self._outcome = self._answer()
        except FetchFailed as error:
            self._outcome = str(error)
        except TimeoutError:
            pass  # the socket's timeout is the thread's, so it has no answer either
        except Exception as error:  # every error of the network is one outcome
            self._outcome = f"{type(error).__name__}: {error}"[:_LONGEST_FAILURE]

    def _answer(self) -> Answer:
        if self._form is None:
            self._connection.request("GET", self._target, headers=self._headers)
        else:
            headers = {"Content-Type": "application/x-www-form-urlencoded", **self._headers}
            self._connection.request("POST", self._target, urlencode(self._form), headers)
        response = self._connection.getresponse()
        if self._limit == NO_BODY:
            return Answer(response.status, b"")
        body = response.read(self._limit + 1)
        if len(body) > self._limit:
            raise FetchFailed(f"more than {self._limit} bytes")
        if response.length:  # bytes that Content-Length promised and the peer did not send
            raise FetchFailed("the answer is cut short")
        headers = {name: value for name in KEPT_HEADERS if (value := response.headers.get(name)) is not None}
        return Answer(response.status, body, headers)


def is_public(address: str) -> bool:
    """Whether an IPv4 address is one of the public internet's. No other text is."""
    try:
        found = IPv4Address(address)
    except ValueError:
        return False
    return found.is_global and not any(found in network for network in _NOT_PUBLIC)


class _Guarded(HTTPSConnection):
    """A connection to an address that was checked, whatever the name means a moment later."""

    def __init__(self, host: str, timeout: float, network: Network) -> None:
        super().__init__(host, PORT, timeout=timeout, context=network.tls())
        self._network = network

    def connect(self) -> None:
        # The socket is the connection's before the handshake, so that the caller can end one that takes too long.
        address = _checked(self._network, self.host)
        self.sock = opened = self._network.connect(address, PORT, self.timeout or 0)
        secured = self._network.tls().wrap_socket(opened, server_hostname=self.host, do_handshake_on_connect=False)
        self.sock = secured
        secured.do_handshake()


def _checked(network: Network, host: str) -> str:
    """An address of the name, if all that it has are public. Raises FetchFailed."""
    addresses = network.addresses(host)
    if not addresses:
        raise FetchFailed("the name has no IPv4 address")
    for address in addresses:
        if not is_public(address):
            raise FetchFailed(f"{address} is not a public address")
    return addresses[0]


@cache
def _machines_tls() -> ssl.SSLContext:
    return ssl.create_default_context()
