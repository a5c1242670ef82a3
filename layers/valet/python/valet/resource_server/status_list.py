"""One Token Status List, from its signed form to a single status (draft-ietf-oauth-status-list §4, §5, §8)."""

from typing import NamedTuple

from cryptography.exceptions import InvalidSignature

from valet.clock import Moment
from valet.fetch import inflated
from valet.jose import compact
from valet.jose.compact import Malformed
from valet.resource_server.keys import Keys
from valet.resource_server.outcomes import TokenRefused

LONGEST_INTERVAL, SHORTEST_INTERVAL = 5.0, 1.0
LARGEST_LIST = 16 * 1024 * 1024  # bytes: 2^27 tokens of one bit each
CLOCK_SKEW = 60

_TYPES = frozenset({"statuslist+jwt", "application/statuslist+jwt"})


class StatusList(NamedTuple):
    """A verified list. `interval` is how long it may be used before it is asked for again, in seconds."""

    bits: int
    data: bytes
    issued_at: int
    expires_at: int | None
    interval: float

    def status(self, idx: int) -> int | None:
        """The status at `idx`, least significant bit first (§4.1), or None beyond the end. 0 is VALID."""
        at = idx * self.bits
        if at >> 3 >= len(self.data):
            return None
        return (self.data[at >> 3] >> (at & 7)) & ((1 << self.bits) - 1)

    def keeps_all_of(self, other: "StatusList") -> bool:
        """Whether every bit that `other` sets is set here too, so that a token which `other` refuses is not VALID
        here.
        """
        return self.bits == other.bits and self.with_all_of(other).data == self.data

    def with_all_of(self, other: "StatusList") -> "StatusList":
        """This list with every bit that `other` sets added; both have one bit a token."""
        length = max(len(self.data), len(other.data))
        both = int.from_bytes(self.data, "little") | int.from_bytes(other.data, "little")
        return self._replace(data=both.to_bytes(length, "little"))

    def is_expired(self, now: Moment) -> bool:
        return self.expires_at is not None and now.wall >= self.expires_at


def status_list_from_jwt(token: bytes, uri: str, issuer: str, keys: Keys, now: Moment) -> StatusList:
    """The list that `token` holds, all its claims verified. Raises TokenRefused, FetchFailed or IssuerUnavailable."""
    try:
        encoded_header, encoded_payload, encoded_signature = compact.parts(token)
        header = compact.header(encoded_header)
        if header.typ not in _TYPES:
            raise TokenRefused("typ is not statuslist+jwt")
        key = keys.find(header.kid, now)
        verify = key.verifiers.get(header.alg)
        if verify is None:
            raise TokenRefused("alg is not the key's")
        try:
            verify(compact.decode(encoded_signature), encoded_header + b"." + encoded_payload)
        except InvalidSignature:
            raise TokenRefused("signature") from None
        return _parse(compact.members(compact.decode(encoded_payload)), uri, issuer, now)
    except Malformed as malformed:
        raise TokenRefused(str(malformed)) from None


def _parse(claims: dict[str, object], uri: str, issuer: str, now: Moment) -> StatusList:
    if claims.get("sub") != uri:
        raise TokenRefused("sub is another list's")
    if claims.get("iss", issuer) != issuer:
        raise TokenRefused("iss is another issuer's")
    iat, exp = claims.get("iat"), claims.get("exp")
    if type(iat) is not int or iat > now.wall + CLOCK_SKEW:
        raise TokenRefused("iat is missing or in the future")
    if exp is not None and (type(exp) is not int or exp <= now.wall):
        raise TokenRefused("expired")
    listed = claims.get("status_list")
    bits, lst = (listed.get("bits"), listed.get("lst")) if isinstance(listed, dict) else (None, None)
    if type(bits) is not int or bits not in (1, 2, 4, 8) or not isinstance(lst, str):
        raise TokenRefused("status_list is malformed")
    data = inflated(compact.decode(lst.encode("ascii", "replace")), LARGEST_LIST)
    return StatusList(bits, data, iat, exp, _interval(claims.get("ttl", LONGEST_INTERVAL)))


def _interval(ttl: object) -> float:
    if isinstance(ttl, bool) or not isinstance(ttl, int | float) or not ttl > 0:
        raise TokenRefused("ttl is not a positive number")
    return max(SHORTEST_INTERVAL, min(ttl, LONGEST_INTERVAL))
