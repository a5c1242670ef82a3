"""A redirect URI that is not registered, in words for the client's developer: what was sent, and what differs.

Anybody can send one with the client_id of any client, so the answer holds no list of what is registered. It tells a
registered URI only to a request that names its host already; the log tells the nearest one, whichever its host is. Of
the URI that was sent, neither repeats a user, a query or a fragment, which may hold a secret, nor the path at a host
that is not the client's.
"""

import re
from collections.abc import Iterable
from itertools import takewhile
from urllib.parse import SplitResult, urlsplit

from valet.errors import InvalidRequest
from valet.models.clients import Client
from valet.protocol.redirect_uri import LOOPBACK_HOSTS, takes_any_port

_LONGEST = 120  # characters of a URI
_OTHER = re.compile(r"[^A-Za-z0-9._~:/\[\]@!$&'()*+,;=%?#-]")


def refusal(parameter: str, uri: str, registered: Iterable[str], client: Client) -> InvalidRequest:
    """The refusal of `uri`, which `parameter` names and `client` has not registered."""
    sent = _split(uri)
    known = [(each, _split(each)) for each in registered]
    at_its_place = [pair for pair in known if _place(pair[1]) == _place(sent)]
    nearest = max(at_its_place or known, key=lambda pair: _likeness(pair[0], uri), default=None)
    said = f"The {parameter} {_in_words(sent, has_path=bool(at_its_place))} is not registered for this client."
    if nearest is None:
        return InvalidRequest(f"{said} It has none.", detail=f"{said} It has none.", client_id=client.client_id)
    any_port = takes_any_port(nearest[0], is_native=client.application_type == "native")
    shown = _in_words(nearest[1], has_path=True) + (" (any port)" if any_port else "")
    difference = _difference(sent, nearest[1], any_port=any_port)
    rule = f"The nearest one that is: {shown}. What differs: {difference}."
    told = rule if at_its_place else "None that is registered is at this host."
    return InvalidRequest(f"{said} {told}", detail=f"{said} {rule}", client_id=client.client_id)


def _likeness(uri: str, other: str) -> int:
    """How many characters the two have in common at their beginning."""
    return sum(1 for _ in takewhile(lambda pair: pair[0] == pair[1], zip(uri, other, strict=False)))


def _split(uri: str) -> SplitResult:
    try:
        parts = urlsplit(uri)
        _ = parts.port, parts.hostname
    except ValueError:
        return SplitResult("", "", "", "", "")
    return parts


def _place(parts: SplitResult) -> str:
    """The host, or the scheme of an app. The names of the loopback address are one place: they are often confused."""
    host = parts.hostname or ""
    return "loopback" if host in LOOPBACK_HOSTS else host or f"{parts.scheme}:"


def _in_words(parts: SplitResult, *, has_path: bool) -> str:
    """The URI as a page and the log may show it."""
    host = parts.netloc.rpartition("@")[2]
    start = f"{parts.scheme}://{host}" if host else f"{parts.scheme}:"
    end = parts.path if has_path else "/..." if parts.path.strip("/") else parts.path
    whole = start + end + ("?..." if parts.query else "") + ("#..." if parts.fragment else "")
    shown = _OTHER.sub("?", whole)
    return (shown if len(shown) <= _LONGEST else f"{shown[:_LONGEST]}...") if shown != ":" else "(not a URI)"


def _difference(sent: SplitResult, registered: SplitResult, *, any_port: bool) -> str:
    if sent.scheme != registered.scheme:
        return "the scheme"
    if sent.hostname != registered.hostname:
        return "the host"
    if sent.port != registered.port and not any_port:
        return "the port"
    if sent.path.rstrip("/") == registered.path.rstrip("/") and sent.path != registered.path:
        return "the slash at the end of the path"
    if sent.path != registered.path:
        return "the path"
    if sent.query != registered.query:
        return "the query"
    return "a fragment, a user, or how the characters are written"
