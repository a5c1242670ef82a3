"""The JWS compact serialization, read strictly (RFC 7515 §7.1, RFC 7519 §7.2, RFC 8725 §3).

One token has one spelling: base64url without padding, whitespace or spare bits, and JSON without repeated members. If
two parsers read the same bytes differently, an attacker can forge signed tokens.
"""

import json
import math
from binascii import a2b_base64
from typing import NamedTuple

# base64url to base64; the characters that only base64 has become NUL, which strict decoding refuses.
_BASE64 = bytes.maketrans(b"-_+/=", b"+/\0\0\0")
_PADDING = (b"", b"", b"==", b"=")
# The last character carries 4 or 2 spare bits, which must be zero: otherwise sixteen strings are one signature.
_LAST = (None, b"", b"AQgw", b"AEIMQUYcgkosw048")

# A header that names its own key, or that changes what is signed, is refused even under a right signature (RFC 8725
# §3.10; `crit` and `b64` ask for extensions, of which this verifier has none, RFC 7515 §4.1.11, RFC 7797).
_REFUSED_HEADERS = frozenset({"b64", "crit", "jku", "jwk", "x5c", "x5u"})
_ALIASES = {"Ed25519": "EdDSA"}  # RFC 9864's fully specified name of what RFC 8037 calls EdDSA


class Malformed(Exception):
    """The text is not a JWS, base64url or JSON as it has to be. The message says only which of them, and repeats
    nothing of the text.
    """


class Header(NamedTuple):
    """The parts of a protected header that matter: `typ` in lower case (RFC 7515 §4.1.9), `alg` by its older name."""

    typ: str
    alg: str
    kid: str


def parts(token: bytes) -> tuple[bytes, bytes, bytes]:
    """Header, payload and signature, still encoded. Raises Malformed."""
    try:
        header, payload, signature = token.split(b".")
    except ValueError:
        raise Malformed("not three parts") from None
    return header, payload, signature


def decode(segment: bytes) -> bytes:
    """The bytes that one base64url segment stands for. Raises Malformed."""
    spare = len(segment) & 3
    last = _LAST[spare]
    if not segment or (last is not None and segment[-1] not in last):
        raise Malformed("not base64url")
    try:
        return a2b_base64(segment.translate(_BASE64) + _PADDING[spare], strict_mode=True)
    except ValueError:
        raise Malformed("not base64url") from None


def _unrepeated(pairs: list[tuple[str, object]]) -> dict[str, object]:
    found = dict(pairs)
    if len(found) != len(pairs):
        raise Malformed("a JSON member is repeated")
    return found


def _not_a_number(_name: str) -> object:
    raise Malformed("NaN and Infinity are not JSON")


def _finite(digits: str) -> float:
    number = float(digits)
    if math.isinf(number):  # 1e999: a comparison with it never changes, and other readers have another number
        raise Malformed("a JSON number is too large")
    return number


_decoder = json.JSONDecoder(object_pairs_hook=_unrepeated, parse_constant=_not_a_number, parse_float=_finite)
_scan = _decoder.scan_once  # type: ignore[attr-defined]  # what decode() calls, without its two regular expressions


def members(data: bytes) -> dict[str, object]:
    """The members of one JSON object in UTF-8. Raises Malformed."""
    found = _only_value(data)
    if type(found) is not dict:
        raise Malformed("not one JSON object")
    return found


def elements(data: bytes) -> list[object]:
    """The elements of one JSON array in UTF-8. Raises Malformed."""
    found = _only_value(data)
    if type(found) is not list:
        raise Malformed("not one JSON array")
    return found


def _only_value(data: bytes) -> object:
    """The one value in `data`; None, which is neither an object nor an array, if there is more."""
    try:
        text = data.decode().strip(" \t\r\n")
        found, end = _scan(text, 0)
    except (ValueError, StopIteration, RecursionError):
        raise Malformed("not JSON") from None
    return found if end == len(text) else None


def header(segment: bytes) -> Header:
    """The protected header in `segment`. Raises Malformed."""
    found = members(decode(segment))
    if not _REFUSED_HEADERS.isdisjoint(found):
        raise Malformed("a header parameter that names a key or an extension")
    typ, alg, kid = found.get("typ"), found.get("alg"), found.get("kid")
    if not isinstance(typ, str) or not isinstance(alg, str) or not isinstance(kid, str):
        raise Malformed("typ, alg or kid is missing")
    return Header(typ.lower(), alg_name(alg), kid)


def alg_name(alg: str) -> str:
    """`alg` with its alias resolved."""
    return _ALIASES.get(alg, alg)
