"""Which redirect URIs are a client's (RFC 6749 §3.1.2, RFC 8252 §7, RFC 9700 §4.1).

Strings are compared, never parsed: a URI that differs in one character is not registered. The one exception is the port
of a native client's loopback address, which the system picks anew each time (RFC 8252 §7.3 and §8.4).
"""

import re
from collections.abc import Iterable
from urllib.parse import urlsplit

_LOOPBACK = re.compile(
    r"(?P<host>http://(?:127\.0\.0\.1|\[::1\]|localhost))(?::(?P<port>[1-9][0-9]{0,4}))?(?P<rest>(?:[/?].*)?)"
)
_HIGHEST_PORT = 65_535
LOOPBACK_ADDRESSES = ("127.0.0.1", "::1")
LOOPBACK_HOSTS = (*LOOPBACK_ADDRESSES, "localhost")


def is_registered(uri: str, registered: Iterable[str], *, is_native: bool) -> bool:
    """Whether `uri` is one of the registered ones."""
    known = frozenset(registered)
    if uri in known:
        return True
    asked = without_port(uri) if is_native else None
    return asked is not None and asked in map(without_port, known)


def takes_any_port(uri: str, *, is_native: bool) -> bool:
    """Whether a registered URI stands for every port of its loopback address."""
    return is_native and without_port(uri) is not None


def leaves_port_open(uri: str, *, is_native: bool) -> bool:
    """Whether only a request can say at which port of a registered loopback address the client listens."""
    found = _LOOPBACK.fullmatch(uri)
    return is_native and found is not None and found["port"] is None


def without_port(uri: str) -> str | None:
    """The loopback address without its port; None for another address.

    An empty path is the path "/": a browser sends the same request for both (RFC 3986 §6.2.3), and libraries differ in
    which of the two they write.
    """
    found = _LOOPBACK.fullmatch(uri)
    if found is None or int(found["port"] or 0) > _HIGHEST_PORT:
        return None
    slash = "" if found["rest"].startswith("/") else "/"
    return found["host"] + slash + found["rest"]


def is_remembered_for(uri: str) -> bool:
    """Whether a consent answered to `uri` may be remembered: another program can claim a loopback port or a private
    scheme, so those always ask (RFC 8252 §8.6)."""
    return uri.startswith("https://")


def is_loopback(uri: str) -> bool:
    """Whether `uri` leads to a program on the end-user's own machine, over plain http."""
    return _LOOPBACK.fullmatch(uri) is not None


def takes_a_form(uri: str) -> bool:
    """Whether a form can be posted to `uri`. An app that is opened by its own scheme gets an address and no body."""
    return uri.startswith(("https://", "http://"))


def destination(uri: str) -> str:
    """Where an answer goes, in words for the consent page: a host, or an app's own scheme."""
    parts = urlsplit(uri)
    return parts.netloc or f"{parts.scheme}: (an app on this device)"
