"""Reading a provider's description of itself, from the operator's own machine and through its proxy, if it has one."""

import json
import urllib.request
from typing import Any
from urllib.error import URLError
from urllib.parse import urlsplit

from valet.models.providers import Provider
from valet.registration import discovery

from admin.terminal.endings import Refused, Unreachable

_TIMEOUT = 10  # seconds
_LARGEST = 1_000_000  # bytes


class _Stay(urllib.request.HTTPRedirectHandler):
    """Follows no redirect: one to plain http would let others write the description."""

    def redirect_request(self, *_: Any, **__: Any) -> None:
        return None


_ask = urllib.request.build_opener(_Stay)


def described(provider: Provider, *, has_userinfo: bool, is_local: bool) -> Provider:
    """The provider's record with what it says of itself today. Raises Refused and Unreachable."""
    if provider.kind == "github":
        return discovery.pinned_github(provider)
    url = discovery.discovery_url(provider)
    try:
        return discovery.pinned(provider, fetched(url, is_local=is_local), has_userinfo=has_userinfo)
    except discovery.Unusable as unusable:
        raise Refused(f"{url}: {unusable}.") from None


def fetched(url: str, *, is_local: bool) -> dict[str, Any]:
    """The JSON object at an https address; in the local stack also at http://127.0.0.1."""
    parts = urlsplit(url)
    if parts.scheme != "https" and not (is_local and (parts.scheme, parts.hostname) == ("http", "127.0.0.1")):
        raise Refused(f"{url} is not an https address.")
    try:
        with _ask.open(url, timeout=_TIMEOUT) as answer:
            found = json.loads(answer.read(_LARGEST))
    except (URLError, OSError) as error:
        raise Unreachable(f"{url} does not answer: {error}") from None
    except ValueError:
        found = None
    if not isinstance(found, dict):
        raise Refused(f"{url} is no description of an OpenID Provider (OpenID Connect Discovery section 4).")
    return found
