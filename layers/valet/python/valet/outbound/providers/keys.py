"""The keys that providers sign ID tokens with: kept for an hour, and fetched once more for a `kid` that is unknown
(OpenID Connect Core §10.1.1).
"""

from threading import Lock
from typing import NamedTuple

from valet.errors import UpstreamRefused
from valet.jose.jwk import Key, usable_keys
from valet.models.providers import Provider
from valet.outbound.providers.exchange import Exchange, asked, read

LIFETIME = 3600  # seconds, after which a key that the provider withdrew is refused
PAUSE = 60  # seconds between two fetches that unknown `kid`s cause
_MOST = 100


class _Kept(NamedTuple):
    keys: list[Key]
    fetched_at: float


class Keys:
    """The key sets of all providers, by their addresses. The providers are the operator's, so they are few."""

    def __init__(self) -> None:
        self._kept: dict[str, _Kept] = {}
        self._lock = Lock()

    def of(self, provider: Provider, kid: str | None, exchange: Exchange) -> list[Key]:
        """The provider's keys, fetched again if none is called `kid` and the last fetch is PAUSE old.

        Raises UpstreamRefused if the provider's answer is no key set, and TemporarilyUnavailable without an answer.
        """
        with self._lock:
            kept = self._kept.get(provider.jwks_uri)
            if kept is None or not self._is_good(kept, kid, exchange.now):
                kept = self._kept[provider.jwks_uri] = _Kept(_fetched(provider, exchange), exchange.now)
            return kept.keys

    def _is_good(self, kept: _Kept, kid: str | None, now: float) -> bool:
        age = now - kept.fetched_at
        if not 0 <= age < LIFETIME:  # also if the clock was set back
            return False
        # Keys without a `kid` are all that a token without one may be by, so a new one is not told from an old one.
        is_known = kid is not None and any(key.kid == kid for key in kept.keys)
        return is_known or age < PAUSE


KEYS = Keys()


def _fetched(provider: Provider, exchange: Exchange) -> list[Key]:
    answer = asked(exchange, "the key set", provider.jwks_uri, {"Accept": "application/json"})
    listed = read(answer, "the key set").get("keys")
    if not isinstance(listed, list) or len(listed) > _MOST:
        raise UpstreamRefused("the key set: no list of keys")
    return usable_keys(listed)
