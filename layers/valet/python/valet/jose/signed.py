"""A JWS that others signed: a client's assertion (RFC 7523), a DPoP proof (RFC 9449), a request object (RFC 9101), or
another provider's ID token (OpenID Connect Core §2).

It is read first and verified later, because its claims name the client whose keys verify it, and a proof's key is
compared before it costs a signature. Until then, its content may only refuse the request. Of the header, `alg`, `kid`,
`typ` and `jwk` are used; no other parameter changes anything, so none can name a key or an address to fetch.
"""

import json
from collections.abc import Container, Iterable, Mapping
from typing import Any, NamedTuple

from cryptography.exceptions import InvalidSignature

from valet.jose import compact
from valet.jose.compact import Malformed
from valet.jose.jwk import Key, UnusableKey, key_from_jwk

# The longest proof of an honest client has 4 KB, by an RSA key of 8192 bits; a request object with rich authorization
# details may have twice that. API Gateway passes on no more than 10 KB of headers. To read 8 KB takes at most 0.6 ms,
# for JSON full of decimal fractions: as long as the slowest signature that is verified.
LONGEST = 8192
AHEAD = 30  # seconds that the clock of a client may be ahead: FAPI 2.0 wants 10 to be accepted, and 60 to be refused
LONGEST_JTI = 256  # characters
_MOST_OPENED = 128  # objects and arrays, all together; so no JSON is nested deeper
_MOST_TRIED = 4
_EXTENSIONS = frozenset({"crit", "b64"})  # RFC 7515 §4.1.11, RFC 7797: they change what is signed or what it means
_TEXTS = ("typ", "alg", "kid")
_TIMES = ("exp", "iat", "nbf")


class Refused(Exception):
    """The JWS is not accepted. The message is the reason, for the log, and repeats nothing of the JWS."""


class Header(NamedTuple):
    """The header parameters that are used. `jwk` is empty if the header has none."""

    alg: str
    kid: str | None
    jwk: dict[str, object]


class Unverified(NamedTuple):
    """What a JWS says, before the server knows who signed it."""

    header: Header
    claims: dict[str, object]
    signing_input: bytes
    signature: bytes


def read(
    jws: str,
    types: Container[str | None],
    algorithms: Container[str],
    header: Header | None = None,
    *,
    longest: int = LONGEST,
) -> Unverified:
    """What `jws` says, if it is well-formed and of one of `types` and `algorithms`. Raises Refused.

    A type is in lower case and without `application/` (RFC 7515 §4.1.9); None stands for a header without `typ`.
    `header` is what an earlier call, for the same types and algorithms, read from the same header segment. `longest` is
    in characters.
    """
    if len(jws) > longest:
        raise Refused(f"longer than {longest // 1024} KB")
    try:
        raw = jws.encode("ascii")
        encoded_header, encoded_payload, encoded_signature = compact.parts(raw)
        header = header or _header(encoded_header, types, algorithms)
        signature = compact.decode(encoded_signature)
        claims = _members(encoded_payload)
    except UnicodeEncodeError:
        raise Refused("not ASCII") from None
    except Malformed as malformed:
        raise Refused(str(malformed)) from None
    for name in _TIMES:
        if name in claims and type(claims[name]) not in (int, float):
            raise Refused("exp, iat or nbf is not a number")
    return Unverified(header, claims, raw[: -len(encoded_signature) - 1], signature)


def _header(segment: bytes, types: Container[str | None], algorithms: Container[str]) -> Header:
    header: dict[str, Any] = _members(segment)
    if not _EXTENSIONS.isdisjoint(header):
        raise Refused("crit or b64: an extension that this server does not have")
    for name in _TEXTS:
        if name in header and type(header[name]) is not str:
            raise Malformed(f"{name} is not text")
    typ, alg, kid, jwk = header.get("typ"), header.get("alg"), header.get("kid"), header.get("jwk", {})
    if not isinstance(jwk, dict):
        raise Refused("jwk is not an object")
    if (typ and typ.lower().removeprefix("application/")) not in types:
        raise Refused("typ is not an expected one")
    alg = alg and compact.alg_name(alg)
    if alg is None or alg not in algorithms:
        raise Refused("alg is not allowed")
    return Header(alg, kid, jwk)


def key_in_header(unverified: Unverified) -> Key:
    """The public key that the header holds (RFC 9449 §4.2). Raises Refused."""
    jwk = unverified.header.jwk
    if not jwk:
        raise Refused("jwk is missing")
    try:
        return key_from_jwk(jwk)
    except UnusableKey as unusable:
        raise Refused(f"jwk: {unusable}") from None


def verify(unverified: Unverified, keys: Iterable[Key]) -> Mapping[str, object]:
    """The claims, if one of `keys` signed them. Raises Refused.

    A key may sign by its own algorithms alone, whatever the header says (RFC 8725 §3.1). If the JWS or a key has no
    `kid`, that key is tried.
    """
    alg, kid, _ = unverified.header
    fitting = [
        key.verifiers[alg] for key in keys if alg in key.verifiers and (kid is None or key.kid == kid or not key.kid)
    ]
    if not fitting:
        raise Refused("no key has this alg and kid")
    if len(fitting) > _MOST_TRIED:
        raise Refused("more than four keys have this alg and kid: each kid has to name one key")
    for verifies in fitting:
        try:
            verifies(unverified.signature, unverified.signing_input)
        except InvalidSignature:
            continue
        return unverified.claims
    raise Refused("signature")


def time_of(claims: Mapping[str, object], name: str) -> float | None:
    """The time that an unverified JWS claims, in epoch seconds; None if it has none. `read` checked that it is one."""
    value = claims.get(name)
    return value if isinstance(value, (int, float)) else None


def _members(segment: bytes) -> dict[str, object]:
    data = compact.decode(segment)
    if data.count(b"{") + data.count(b"[") > _MOST_OPENED:
        raise Malformed("too many objects and arrays")
    found = compact.members(data)
    if b"\\u" in data:  # only an escape can stand for half a character, which cannot be stored or digested as UTF-8
        try:
            json.dumps(found, ensure_ascii=False).encode()
        except UnicodeEncodeError:
            raise Malformed("half a surrogate pair") from None
    return found
