"""GET from an address that a stranger named, without reaching anything that is not public (OWASP's SSRF).

The name is looked up once, every address that it has must be public, and the connection goes to exactly the address
that was checked: a name that changes its address afterwards changes nothing. IPv4 alone, because IPv6 has many ways to
write an IPv4 address (RFC 6052, RFC 3056, RFC 4291 §2.5.5.2). TLS checks the certificate by the name. No redirect is
followed and no proxy is asked (valet.fetch).
"""

import socket
import ssl
from functools import cache
from http.client import HTTPSConnection
from ipaddress import IPv4Address, IPv4Network
from typing import Protocol
from urllib.parse import urlsplit

from valet.clock import system_clock
from valet.fetch import FetchFailed, Https

PORT = 443
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
    host = urlsplit(url).hostname or ""
    origin = f"https://{host}"
    # The port is 443, so it is not in the address; neither is a user's name.
    if not host or not url.startswith(origin + "/"):
        raise FetchFailed("not an https address with a path, and without a port")
    https = Https(origin, system_clock, lambda within: _Guarded(host, within, network), "valet")
    try:
        fetched = https(url, etag=None, limit=limit, timeout=timeout)
    finally:
        https.close()
    if fetched.status != 200:
        raise FetchFailed(f"status {fetched.status}")
    return fetched.body


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
