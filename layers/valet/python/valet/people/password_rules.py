"""Which passwords people may choose (NIST SP 800-63B-4 §3.1.1.2). Asked when a password is set, never at a sign-in.

There are no rules about kinds of characters, and no password expires. The list of common passwords is what zxcvbn
(MIT License, Daniel Wolf and Dan Wheeler) lists with eight characters or more. It is kept as sorted digests of eight
bytes: no reader of the layer learns a word list from it, and a search reads a few of them.
"""

import unicodedata
from bisect import bisect_left
from collections.abc import Iterable
from enum import Enum
from functools import cache
from hashlib import sha256
from pathlib import Path

MAXIMUM = 1024  # characters; hashing more would cost us and protect nobody
_LIST = Path(__file__).with_name("common_passwords.bin")
_SIZE = 8  # bytes of a digest


class Refused(Enum):
    """Why a password is refused."""

    TOO_SHORT = "too short"
    TOO_LONG = "too long"
    REPEATED = "one character or one short run, repeated"
    NAME = "a name that others know"
    COMMON = "one of the passwords that attackers try first"
    BREACHED = "in a list of stolen passwords"


def refusal(password: str, minimum: int, names: Iterable[str]) -> Refused | None:
    """Why the password cannot be chosen; None if it can. `names`: of the person, the app and the operator. Never
    BREACHED: that takes a look beyond this machine.

    It is compared whole: a name or a common password within a longer one is no reason (§3.1.1.2).
    """
    if length_of(password) < minimum:
        return Refused.TOO_SHORT
    if len(password) > MAXIMUM:
        return Refused.TOO_LONG
    plain = _plain(password)
    if plain in (plain + plain)[1:-1]:
        return Refused.REPEATED
    if plain in {part for name in names for part in _parts(_plain(name))}:
        return Refused.NAME
    return Refused.COMMON if _is_common(plain) else None


def length_of(password: str) -> int:
    """In characters, however a keyboard writes them."""
    return len(unicodedata.normalize("NFKC", password))


def _parts(name: str) -> tuple[str, ...]:
    """A name, and of an address what is before and after its sign, and the domain's labels."""
    local, _, domain = name.partition("@")
    return (name, local, domain, *domain.split("."))


def _plain(text: str) -> str:
    return unicodedata.normalize("NFKC", text).casefold()


def _is_common(plain: str) -> bool:
    wanted, digests = sha256(plain.encode()).digest()[:_SIZE], _common()
    place = bisect_left(digests, wanted)
    return place < len(digests) and digests[place] == wanted


@cache
def _common() -> tuple[bytes, ...]:
    kept = _LIST.read_bytes()
    return tuple(kept[start : start + _SIZE] for start in range(0, len(kept), _SIZE))
