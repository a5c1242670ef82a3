"""DPoP proofs: a JWT that a client signs for one request, with the key in its header (RFC 9449 §4).

`read` and the checks cost no signature, so a proof by the wrong key, or for another request, is refused before it costs
one. A caller remembers the `jti` of a proof that it accepted; nothing here does.
"""

import hashlib
from base64 import urlsafe_b64encode
from collections.abc import Iterable, Mapping
from typing import NamedTuple

from valet.binding import target_uri
from valet.jose import signed
from valet.jose.jwk import PRIVATE, Key
from valet.jose.public import thumbprint
from valet.jose.signed import Refused

LONGEST = 4096  # characters: a proof by an RSA key of 8192 bits
TYPE = "dpop+jwt"
ALGORITHMS = ("PS256", "ES256", "EdDSA")
MAX_AGE, AHEAD = 60, signed.AHEAD  # seconds that `iat` may lie in the past and in the future

_TYPES = frozenset({TYPE})
_KTY = {"PS256": "RSA", "ES256": "EC", "EdDSA": "OKP"}


class AnotherAddress(Refused):
    """The proof was made for another address."""


class KnownKey(NamedTuple):
    """A key that has verified a proof, and the header that holds it. `jkt` is the key's thumbprint."""

    header: signed.Header
    jkt: str
    key: Key


class Proof(NamedTuple):
    """What a proof says. Until `verify`, its sender may have written anything. `jkt` is the thumbprint of its key."""

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
    known: KnownKey | None


def header_segment(value: str) -> str:
    """The encoded header of the proof in the DPoP header's value `value`: the key of the mapping that `read` takes."""
    return value.strip(" \t").partition(".")[0]


def read(value: str, known: Mapping[str, KnownKey] | None = None) -> Proof:
    """The proof in `value`, the value of the request's DPoP header. Raises Refused (RFC 9449 §4.3, 1. to 5. and 7.).

    `known` holds what `verify` returned for earlier proofs, by `header_segment`. A client's header is the same in all
    its proofs, so this saves reading it and building its key.
    """
    value = value.strip(" \t")  # no part of the value (RFC 9110 §5.5)
    if len(value) > LONGEST:
        raise Refused("proof: longer than 4 KB")
    if "," in value:  # which joins repeated headers (RFC 9110 §5.3), and which no JWT holds
        raise Refused("more than one proof")
    found = known.get(value.partition(".")[0]) if known else None
    try:
        unverified = signed.read(value, _TYPES, ALGORITHMS, found.header if found else None)
        jkt = found.jkt if found else _thumbprint(unverified.jwk, unverified.alg)
    except Refused as refused:
        raise Refused(f"proof: {refused}") from None
    claims = unverified.claims
    jti, htm, htu = _text(claims, "jti"), _text(claims, "htm"), _text(claims, "htu")
    nonce, ath = _text(claims, "nonce"), _text(claims, "ath")
    iat = signed.time_of(claims, "iat")
    if not jti or len(jti) > signed.LONGEST_JTI:
        raise Refused(f"proof: jti is not 1 to {signed.LONGEST_JTI} characters")
    if not htm or not htu or iat is None:
        raise Refused("proof: htm, htu or iat is missing")
    exp, nbf = signed.time_of(claims, "exp"), signed.time_of(claims, "nbf")
    return Proof(jkt, jti, htm, htu, iat, nonce, ath, exp, nbf, unverified, found)


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


def check_token(proof: Proof, token: str) -> None:
    """Check that `proof` was made for the access token `token` (RFC 9449 §4.3, 12.). Raises Refused."""
    if proof.ath is None:
        raise Refused("ath is missing")
    if proof.ath != urlsafe_b64encode(hashlib.sha256(token.encode()).digest()).rstrip(b"=").decode():
        raise Refused("ath is another token's")


def verify(proof: Proof) -> KnownKey:
    """Verify the signature by the key that the header holds, and return that key. Raises Refused."""
    unverified = proof.unverified
    try:
        key = proof.known.key if proof.known else signed.key_in_header(unverified)
        signed.verify(unverified, (key,))
    except Refused as refused:
        raise Refused(f"proof: {refused}") from None
    return proof.known or KnownKey(signed.Header(unverified.alg, unverified.kid, unverified.jwk), proof.jkt, key)


def _thumbprint(jwk: Mapping[str, object], alg: str) -> str:
    if not jwk:
        raise Refused("jwk is missing")
    if not PRIVATE.isdisjoint(jwk):
        raise Refused("jwk: a private or symmetric key")
    if jwk.get("kty") != _KTY[alg]:
        raise Refused("jwk does not fit alg")
    try:
        return thumbprint({name: value for name, value in jwk.items() if type(value) is str})
    except KeyError:
        raise Refused("jwk: malformed") from None


def _text(claims: Mapping[str, object], name: str) -> str | None:
    if name not in claims:
        return None
    value = claims[name]
    if type(value) is not str:
        raise Refused(f"proof: {name} is not text")
    return value
