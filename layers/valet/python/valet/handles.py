"""Opaque secrets and the digests that are stored of them: codes, refresh tokens, session cookies (RFC 6749 §10.10).

A handle is 256 random bits. Its SHA-256 is stored; such a secret needs no salt and no slow hash.
"""

import hashlib
import hmac
import re
from base64 import urlsafe_b64encode

from valet.frozen import Frozen
from valet.ports.runtime import Random

_SECRET = r"[A-Za-z0-9_-]{43}"
_GRANT_ID = r"[A-Za-z0-9_-]{22}"
_HANDLE = re.compile(_SECRET)
_CODE = re.compile(rf"({_GRANT_ID})\.({_SECRET})")
_REFRESH_TOKEN = re.compile(rf"({_GRANT_ID})\.({_SECRET})\.({_SECRET})")


class Code(Frozen):
    """An authorization code: the grant's id and a secret."""

    grant_id: str
    secret: str

    def __str__(self) -> str:
        return f"{self.grant_id}.{self.secret}"


class RefreshToken(Frozen):
    """A refresh token: the grant's id, the family secret (constant for the grant) and the secret of this generation.

    Access tokens carry the grant's id, so it proves nothing. The family secret proves that the presenter holds or held
    a genuine refresh token; the secret proves that it is the current one.
    """

    grant_id: str
    family: str
    secret: str

    def __str__(self) -> str:
        return f"{self.grant_id}.{self.family}.{self.secret}"


def base64url(value: bytes) -> str:
    """Base64url without padding (RFC 7515 §2)."""
    return urlsafe_b64encode(value).rstrip(b"=").decode()


def new_handle(random: Random) -> str:
    return base64url(random(32))


def new_id(random: Random) -> str:
    """128 random bits: an identifier that proves nothing."""
    return base64url(random(16))


def is_handle(value: str) -> bool:
    return _HANDLE.fullmatch(value) is not None


def digest(secret: str) -> bytes:
    return hashlib.sha256(secret.encode()).digest()


def is_digest_of(kept: bytes, secret: str) -> bool:
    """Whether the secret has this digest, compared in constant time; no secret has the empty digest."""
    return bool(kept) and hmac.compare_digest(kept, digest(secret))


def parse_code(value: str) -> Code | None:
    found = _CODE.fullmatch(value)
    return Code(found[1], found[2]) if found else None


def parse_invite(value: str) -> tuple[str, str] | None:
    """The id and the secret of an initial access token (RFC 7591 §3)."""
    found = re.fullmatch(rf"vit_({_GRANT_ID})\.({_SECRET})", value)  # compiled where clients register
    return (found[1], found[2]) if found else None


def parse_refresh_token(value: str) -> RefreshToken | None:
    found = _REFRESH_TOKEN.fullmatch(value)
    return RefreshToken(found[1], found[2], found[3]) if found else None


def successor(token: RefreshToken, retry_key: bytes) -> RefreshToken:
    """The one refresh token that can follow `token` once `retry_key` is stored.

    It is derived, so that a retry gets the same successor although only its digest is stored.
    """
    secret = hmac.digest(retry_key, b"valet successor" + token.secret.encode(), "sha256")
    return RefreshToken(token.grant_id, token.family, base64url(secret))


def code_of(handle: str, browser: str, grant_id: str, retry_key: bytes) -> Code:
    """The one code that a saved request can end in once `retry_key` is stored.

    Derived from what only the browser that began the request holds, the value of its cookie and the request's handle:
    that browser can be given the same code again, though only the code's digest is kept.
    """
    secret = hmac.digest(browser.encode(), b"valet code" + retry_key + handle.encode(), "sha256")
    return Code(grant_id, base64url(secret))


def place_of(handle: str, browser: str) -> bytes:
    """The digest of one saved request in one browser. Only the browser has both values, so no reader of the tables can
    compute it.
    """
    return hashlib.sha256(hmac.digest(browser.encode(), b"valet sign-in" + handle.encode(), "sha256")).digest()


def grant_id_of(handle: str) -> str:
    """The id of the grant that a saved request ends in: writing that grant *is* the request's one use."""
    return base64url(hashlib.sha256(b"valet grant" + handle.encode()).digest()[:16])
