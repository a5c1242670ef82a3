"""Recovery codes: ten look-up secrets of 80 bits, each good once (NIST SP 800-63B-4 §3.1.2).

A code is written `3-K7QD-9FXA-22MN-P0TV`. The number in front names the one hash to compare with.
"""

import hashlib
import hmac
import unicodedata
from collections.abc import Sequence

from valet.frozen import Frozen
from valet.models.factors import RecoveryCodes
from valet.ports.runtime import Random

MANY = 10
# Crockford's base 32: no letter is mistaken for a digit, and U is left out, which makes fewer words.
_ALPHABET = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"
_MISREAD = str.maketrans("OIL", "011")
_LETTERS, _GROUP = 16, 4  # of 5 bits each: 80 bits
_SALT = 16  # bytes
# Below 112 bits a code is kept as a password is, by a salted hash (§3.1.2.2). Nobody tries 80 bits out, whatever one
# try costs, so that few rounds do.
_ROUNDS = 1000
_LONGEST_TYPED = 64


class Made(Frozen):
    """Codes that are new: as their owner reads them, once, and as they are kept."""

    codes: tuple[str, ...]
    kept: RecoveryCodes

    def __repr__(self) -> str:
        return "Made()"  # the codes are secrets


class Typed(Frozen):
    """What may be a code: the number of the hash to compare with, and the rest."""

    number: int
    secret: str

    def __repr__(self) -> str:
        return f"Typed({self.number})"


def make(random: Random, now: float) -> Made:
    salt, secrets = random(_SALT), tuple(_secret(random) for _ in range(MANY))
    hashes = tuple(_hash(salt, number, secret) for number, secret in enumerate(secrets, 1))
    codes = tuple(_written(number, secret) for number, secret in enumerate(secrets, 1))
    return Made(codes, RecoveryCodes(salt=salt, hashes=hashes, made_at=int(now)))


def parse(typed: str) -> Typed | None:
    """What was typed or pasted, in any case, with or without hyphens and spaces; None if it cannot be a code."""
    plain = unicodedata.normalize("NFKC", typed[:_LONGEST_TYPED]).upper()
    letters = "".join(letter for letter in plain.translate(_MISREAD) if letter in _ALPHABET)
    number, secret = letters[:-_LETTERS], letters[-_LETTERS:]
    is_number = number.isascii() and number.isdecimal() and 1 <= int(number) <= MANY
    return Typed(int(number), secret) if is_number else None


def is_code(typed: Typed, kept: RecoveryCodes) -> bool:
    """Whether this is one of the codes, used or not."""
    hashes: Sequence[bytes] = kept.hashes
    if typed.number > len(hashes):
        return False
    return hmac.compare_digest(_hash(kept.salt, typed.number, typed.secret), hashes[typed.number - 1])


def left(kept: RecoveryCodes) -> int:
    """How many have not been used."""
    return len(kept.hashes) - len(kept.spent)


def _secret(random: Random) -> str:
    number = int.from_bytes(random(_LETTERS * 5 // 8))
    return "".join(_ALPHABET[number >> (5 * place) & 31] for place in range(_LETTERS))


def _written(number: int, secret: str) -> str:
    return "-".join((str(number), *(secret[start : start + _GROUP] for start in range(0, _LETTERS, _GROUP))))


def _hash(salt: bytes, number: int, secret: str) -> bytes:
    """The hash of one code. Its number is part of the salt, so that no two codes share one."""
    return hashlib.pbkdf2_hmac("sha256", secret.encode(), salt + bytes([number]), _ROUNDS)
