"""Codes of authenticator apps: TOTP with HMAC-SHA-1, six digits and steps of 30 seconds (RFC 6238, RFC 4226).

Every app makes these, and many make no others.
"""

import base64
import hmac
import unicodedata
from urllib.parse import quote

from valet.ports.runtime import Random

STEP = 30  # seconds (RFC 6238 §5.2)
_DIGITS = 6
_SEED = 20  # bytes, as long as the HMAC's output (RFC 6238 §5.1)
_LATE = 1  # steps that a code may be late or early: the time that typing takes, and clocks that differ (RFC 6238 §5.2)
_LONGEST_TYPED = 64


def new_seed(random: Random) -> bytes:
    return random(_SEED)


def code_at(seed: bytes, step: int) -> str:
    """The code of that step (RFC 4226 §5.3)."""
    mac = hmac.digest(seed, step.to_bytes(8), "sha1")
    start = mac[-1] & 0x0F
    number = int.from_bytes(mac[start : start + 4]) & 0x7FFF_FFFF
    return f"{number % 10**_DIGITS:0{_DIGITS}}"


def step_of(seed: bytes, typed: str, now: float) -> int | None:
    """The latest step around `now` whose code this is. None: it is wrong, too old, or too early."""
    code, current = digits(typed), int(now) // STEP
    steps = range(current + _LATE, current - _LATE - 1, -1)
    # Each step is compared, so that the time does not tell which one it was.
    matching = [step for step in steps if hmac.compare_digest(code_at(seed, step).encode(), code.encode())]
    return matching[0] if matching else None


def digits(typed: str) -> str:
    """The digits of what was typed or pasted, also with spaces between them, and in the digits of any script."""
    return "".join(
        str(unicodedata.digit(letter))
        for letter in typed[:_LONGEST_TYPED]
        if unicodedata.digit(letter, None) is not None
    )


def seed_in_base32(seed: bytes) -> str:
    """The seed as people type it and as apps read it (RFC 4648 §6), without padding."""
    return base64.b32encode(seed).decode().rstrip("=")


def seed_from_base32(value: str) -> bytes:
    """Raises ValueError for another length or alphabet."""
    seed = base64.b32decode(value)
    if len(seed) != _SEED:
        raise ValueError("a seed of another length")
    return seed


def otpauth_uri(seed: bytes, issuer: str, username: str) -> str:
    """The address that an app reads from a QR code. A colon separates the two names, so that neither may have one."""
    issuer, username = issuer.replace(":", " "), username.replace(":", " ")
    label = f"{quote(issuer, safe='')}:{quote(username, safe='')}"
    return (
        f"otpauth://totp/{label}?secret={seed_in_base32(seed)}&issuer={quote(issuer, safe='')}"
        f"&algorithm=SHA1&digits={_DIGITS}&period={STEP}"
    )
