"""`htu`, the address that a DPoP proof was made for, compared with the address that was called (RFC 9449 §4.3, 9.).

Scheme and host have no case, a default port and an empty path are left out, query and fragment are ignored, and escapes
are normalized (RFC 3986 §6.2.2, §6.2.3). Dot segments and a last slash are compared as they stand: two paths that some
server tells apart are two addresses.
"""

import re

_ADDRESS = re.compile(r"([A-Za-z]+)://([\x21-\x7e]*?)(/[\x21-\x7e]*?)?(?:[?#][\x21-\x7e]*)?")
_ESCAPE = re.compile(r"%(?:([0-9A-Fa-f]{2}))?")
_ESCAPED_OCTETS = re.compile(rb"%(?:([0-9A-Fa-f]{2}))?")
_UNRESERVED = frozenset("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-._~")  # RFC 3986 §2.3
_DEFAULT_PORTS = {"https": ":443", "wss": ":443", "http": ":80", "ws": ":80"}


class _NotAnAddress(Exception):
    """The text is no absolute URI of a scheme that is served here."""


def is_same(htu: str, own: str, *, is_decoded: bool = False) -> bool:
    """Whether `htu` is the address `own`: scheme, host and path, without query and fragment.

    `own` is the verifier's own word, never text from a header. With `is_decoded`, a gateway decoded the path of `own`
    once; then the path of `htu` is decoded once too, so that `/a%252Fb` is `/a%2Fb` there, and `/a%2Fb` is not.
    """
    if htu == own and "%" not in htu and "?" not in htu and "#" not in htu:
        return True
    scheme, _, rest = own.partition("://")
    host, slash, path = rest.partition("/")
    try:
        found = _read(htu, is_decoded)
        return found == (*_origin(scheme, host), f"/{path}" if is_decoded else _normalized(slash + path))
    except _NotAnAddress:
        return False


def _read(htu: str, is_decoded: bool) -> tuple[str, str, str]:
    found = _ADDRESS.fullmatch(htu)
    if found is None or "@" in found[2]:
        raise _NotAnAddress
    path = found[3] or ""
    return (*_origin(found[1], found[2]), _decoded(path) if is_decoded else _normalized(path))


def _origin(scheme: str, host: str) -> tuple[str, str]:
    scheme, host = scheme.lower(), host.lower()
    if scheme not in _DEFAULT_PORTS:
        raise _NotAnAddress
    return scheme, host.removesuffix(_DEFAULT_PORTS[scheme]).removesuffix(":")


def _normalized(path: str) -> str:
    return _ESCAPE.sub(_normalized_escape, path) or "/"


def _normalized_escape(escape: re.Match[str]) -> str:
    if escape[1] is None:
        raise _NotAnAddress  # a percent sign that begins no escape
    character = chr(int(escape[1], 16))
    return character if character in _UNRESERVED else escape[0].upper()


def _decoded(path: str) -> str:
    try:
        return _ESCAPED_OCTETS.sub(_octet, path.encode("ascii")).decode() or "/"
    except UnicodeDecodeError:
        raise _NotAnAddress from None


def _octet(escape: re.Match[bytes]) -> bytes:
    if escape[1] is None:
        raise _NotAnAddress
    return bytes((int(escape[1], 16),))
