"""DPoP proofs: a JWT that a client signs for one request, with the key in its header (RFC 9449 §4).

`read` and the checks cost no signature, so a proof by the wrong key, or for another request, is refused before it costs
one. A caller remembers the `jti` of a proof that it accepted; nothing here does.
"""

import threading
from collections.abc import Iterable
from typing import Any, NamedTuple

from valet.binding import target_uri
from valet.jose import signed
from valet.jose.jwk import PRIVATE, Key
from valet.jose.public import thumbprint
from valet.jose.signed import Refused

LONGEST = 4096  # characters: a proof by an RSA key of 8192 bits
TYPE = "dpop+jwt"
ALGORITHMS = ("PS256", "ES256", "EdDSA")
MAX_AGE, AHEAD = 60, signed.AHEAD  # seconds that `iat` may lie in the past and in the future

_MOST_KEYS = 512
_TYPES = frozenset({TYPE})
_TEXTS = ("jti", "htm", "htu", "nonce", "ath")
_KTY = {"PS256": "RSA", "ES256": "EC", "EdDSA": "OKP"}


class AnotherAddress(Refused):
    """The proof was made for another address."""


class KnownKey(NamedTuple):
    """A key that has verified a proof, and the header that holds it. `jkt` is the key's thumbprint."""

    header: signed.Header
    jkt: str
    key: Key


class KnownKeys:
    """The keys that verified the last 512 clients' proofs, by the encoded header. A client's header is the same in all
    its proofs, so this saves reading it and building its key.

    A header holds its key, so what is known of it is true for every sender, and each proof's own signature is verified.
    Only a proof that was accepted adds a key. An attacker who drives out another client's key signs a proof for each
    place, and makes that client's next proof take as long as its first.
    """

    def __init__(self) -> None:
        self._keys: dict[str, KnownKey] = {}
        self._lock = threading.Lock()

    def __len__(self) -> int:
        return len(self._keys)

    def find(self, segment: str) -> KnownKey | None:
        """The key of the encoded header `segment`."""
        return self._keys.get(segment)

    def add(self, segment: str, key: KnownKey) -> None:
        """Remember `key` for the encoded header `segment`, and forget the oldest one if there are too many."""
        with self._lock:
            if len(self._keys) >= _MOST_KEYS:
                del self._keys[next(iter(self._keys))]
            self._keys[segment] = key


class Proof(NamedTuple):
    """What a proof says. Until `verify`, its sender may have written anything. `jkt` is the thumbprint of its key, and
    `known` that key if `keys` knew it.
    """

    jkt: str
    jti: str
    htm: str
    htu: str
    iat: float
    nonce: str | None
    ath: str | None
    exp: float | None
    nbf: float | None
    unverified: signed.Unverified
    segment: str
    keys: KnownKeys
    known: KnownKey | None


def read(value: str, keys: KnownKeys) -> Proof:
    """The proof in `value`, the value of the request's DPoP header. Raises Refused (RFC 9449 §4.3, 1. to 5. and 7.)."""
    value = value.strip(" \t")  # no part of the value (RFC 9110 §5.5)
    if len(value) > LONGEST:
        raise Refused("proof: longer than 4 KB")
    if "," in value:  # which joins repeated headers (RFC 9110 §5.3), and which no JWT holds
        raise Refused("more than one proof")
    segment = value.partition(".")[0]
    known = keys.find(segment)
    try:
        unverified = signed.read(value, _TYPES, ALGORITHMS, known.header if known else None)
        jkt = known.jkt if known else _thumbprint(unverified.header)
    except Refused as refused:
        raise Refused(f"proof: {refused}") from None
    claims: dict[str, Any] = unverified.claims  # below, its texts are texts; signed.read says that its times are times
    for name in _TEXTS:
        if name in claims and type(claims[name]) is not str:
            raise Refused(f"proof: {name} is not text")
    given = claims.get
    jti, htm, htu, iat = given("jti"), given("htm"), given("htu"), given("iat")
    if not jti or len(jti) > signed.LONGEST_JTI:
        raise Refused(f"proof: jti is not 1 to {signed.LONGEST_JTI} characters")
    if not htm or not htu or iat is None:
        raise Refused("proof: htm, htu or iat is missing")
    texts = (jkt, jti, htm, htu, iat, given("nonce"), given("ath"))
    return Proof(*texts, given("exp"), given("nbf"), unverified, segment, keys, known)


def check_request(proof: Proof, method: str, targets: Iterable[str], *, is_decoded: bool = False) -> None:
    """Check that `proof` was made for `method` and one of the addresses `targets`. Raises Refused.

    With `is_decoded`, a gateway decoded the path in `targets` once (target_uri.is_same).
    """
    if proof.htm != method:
        raise Refused("htm is another method")
    for own in targets:
        if target_uri.is_same(proof.htu, own, is_decoded=is_decoded):
            return
    raise AnotherAddress("htu is another address")


def check_time(proof: Proof, now: float, max_age: float = MAX_AGE, ahead: float = AHEAD) -> None:
    """Check that `iat` lies between `max_age` seconds ago and `ahead` seconds ahead, both included. Raises Refused.

    `exp` and `nbf`, which a proof need not have, are believed too (RFC 7519 §4.1.4, §4.1.5).
    """
    if proof.iat < now - max_age:
        raise Refused(f"proof: iat is more than {max_age} s ago")
    if proof.iat > now + ahead:
        raise Refused(f"proof: iat is more than {ahead} s ahead")
    check_validity(proof, now, ahead)


def check_validity(proof: Proof, now: float, ahead: float = AHEAD) -> None:
    """Check that `exp` is not past, and that `nbf` is at most `ahead` seconds ahead. Raises Refused.

    check_time does this too. It is alone for a server whose nonce says that the proof is new (RFC 9449 §8).
    """
    if proof.exp is not None and proof.exp <= now:
        raise Refused("proof: expired")
    if proof.nbf is not None and proof.nbf > now + ahead:
        raise Refused(f"proof: nbf is more than {ahead} s ahead")


def check_token(proof: Proof, ath: str) -> None:
    """Check that `proof` was made for the access token that has this `ath` (RFC 9449 §4.3, 12.). Raises Refused."""
    if proof.ath is None:
        raise Refused("ath is missing")
    if proof.ath != ath:
        raise Refused("ath is another token's")


def verify(proof: Proof) -> None:
    """Verify the signature by the key that the header holds. Raises Refused.

    This is the last check: it remembers the key.
    """
    unverified, known = proof.unverified, proof.known
    try:
        key = known.key if known else signed.key_in_header(unverified)
        signed.verify(unverified, (key,))
    except Refused as refused:
        raise Refused(f"proof: {refused}") from None
    if known is None:
        proof.keys.add(proof.segment, KnownKey(unverified.header, proof.jkt, key))


def _thumbprint(header: signed.Header) -> str:
    alg, _, jwk = header
    if not jwk:
        raise Refused("jwk is missing")
    if not PRIVATE.isdisjoint(jwk):
        raise Refused("jwk: a private or symmetric key")
    if jwk.get("kty") != _KTY[alg]:
        raise Refused("jwk does not fit alg")
    try:
        return thumbprint(jwk)
    except (KeyError, TypeError):
        raise Refused("jwk: malformed") from None
