"""User codes and device codes (RFC 8628 §3.2, §6.1): pure rules.

A person types the user code, and the device holds the device code, `<id>.<secret>`. The id is derived from the user
code, so that one item is found by both. The grant that a yes makes has an id that is derived from both: user codes are
drawn again, while the grant of an earlier one may live for months.
"""

import hashlib

from valet.handles import base64url, digest
from valet.ports.runtime import Random

LIFETIME, INTERVAL = 600, 5  # seconds: of both codes, and the least between two polls (§3.2)
REDEEMABLE = 60  # seconds that a yes at the last moment can still be polled
KEPT = 86_400  # seconds that a code is kept after its end: it is not drawn again before

# Twenty consonants: no word comes of them, and none is taken for a figure (§6.1). Eight are 34.5 bits.
ALPHABET = "BCDFGHJKLMNPQRSTVWXZ"
_LENGTH = 8
_LONGEST_TYPED = 64  # characters that are looked at
_FAIR = 256 - 256 % len(ALPHABET)  # bytes from here on would make some letters likelier than others


def new_user_code(random: Random) -> str:
    """Eight letters, each as likely as any other."""
    letters = ""
    while len(letters) < _LENGTH:
        letters += "".join(ALPHABET[byte % len(ALPHABET)] for byte in random(2 * _LENGTH) if byte < _FAIR)
    return letters[:_LENGTH]


def shown(user_code: str) -> str:
    """The code as people read it: WDJB-MJHT."""
    return f"{user_code[:4]}-{user_code[4:]}"


def typed_code(text: str) -> str:
    """The user code that a person typed, in whatever case and with whatever between the letters; empty: it is none.

    Only ASCII letters count: some others look like them, or become them in upper case.
    """
    letters = [letter.upper() for letter in text[:_LONGEST_TYPED] if letter.isascii() and letter.upper() in ALPHABET]
    return "".join(letters) if len(letters) == _LENGTH else ""


def device_id_of(user_code: str) -> str:
    """The id of the device authorization request with that user code."""
    return _id(b"valet user code" + user_code.encode())


def grant_id_of_device(device_id: str, secret_digest: bytes) -> str:
    """The id of the grant that a person's answer makes: writing that grant, or its tombstone, *is* the answer."""
    return _id(b"valet device grant" + device_id.encode() + secret_digest)


def device_grant_id(device_id: str, secret: str) -> str:
    """The same id, as the bearer of the device code finds it."""
    return grant_id_of_device(device_id, digest(secret))


def _id(value: bytes) -> str:
    return base64url(hashlib.sha256(value).digest()[:16])
