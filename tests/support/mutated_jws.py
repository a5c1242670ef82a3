"""Almost right JWS: a good one with its text changed, and JSON that readers may read differently."""

import base64
import random
import string
from collections.abc import Callable, Sequence
from typing import Any

_ALPHABET = string.ascii_letters + string.digits + "-_" + "+/=. \t\n\0%é,;:"
VALUES: Sequence[Any] = [
    None, True, False, 0, 1, -1, 1.5, 1e308, 2**53, 2**64, 10**30, "", " ", "a", "admin", [], [1], [[]], ["a", "b"], {},
    {"a": 1}, "\x00", "é", "\U0001f511", "\ud800", "1", "2000000000",
]  # fmt: skip


class TextChanges:
    """Changes the text of `good` JWS; whatever signature they had, they keep."""

    def __init__(self, good: Sequence[str], seed: int) -> None:
        self.good, self.random = good, random.Random(seed)

    def changed_text(self) -> str:
        """A good JWS with its text changed."""
        token = self.random.choice(self.good)
        change: Callable[[str], str] = self.random.choice(
            [self._flip, self._flip, self._insert, self._delete, self._tail, self._spare_bits, self._parts, self._swap]
        )
        return change(token)

    def _flip(self, token: str) -> str:
        at = self.random.randrange(len(token))
        return token[:at] + self.random.choice(_ALPHABET) + token[at + 1 :]

    def _insert(self, token: str) -> str:
        at = self.random.randrange(len(token) + 1)
        return token[:at] + self.random.choice(_ALPHABET) + token[at:]

    def _delete(self, token: str) -> str:
        at, many = self.random.randrange(len(token)), self.random.choice([1, 1, 2, 4, 100])
        return token[:at] + token[at + many :]

    def _tail(self, token: str) -> str:
        return token + self.random.choice(["=", "==", "A", "AAAA", ".", ".AAAA", " ", "\n", "\r\n", "\0", "%00", "=\n"])

    def _spare_bits(self, token: str) -> str:
        parts = token.split(".")
        which = self.random.randrange(3)
        parts[which] = parts[which][:-1] + self.random.choice(string.ascii_letters + string.digits + "-_")
        return ".".join(parts)

    def _parts(self, token: str) -> str:
        parts = token.split(".")
        change = self.random.randrange(4)
        if change == 0:
            self.random.shuffle(parts)
        elif change == 1:
            parts[self.random.randrange(3)] = ""
        elif change == 2:
            parts.insert(self.random.randrange(4), self.random.choice(["", *parts]))
        else:
            parts[self.random.randrange(3)] += self.random.choice(["=", "==", "\n", " "])
        return ".".join(parts)

    def _swap(self, token: str) -> str:
        mine, theirs = token.split("."), self.random.choice(self.good).split(".")
        which = self.random.randrange(3)
        mine[which] = theirs[which]
        return ".".join(mine)


def odd_json(text: str) -> list[bytes]:
    """The JSON object `text` in spellings that are wrong, or that not every reader reads alike."""
    return [
        text.encode("utf-16"),
        b"\xef\xbb\xbf" + text.encode(),
        (text[:-1] + ',"sub":"jane"}').encode(),
        (text[:-1] + ',"exp":9999999999}').encode(),
        (text[:-1] + ',"extra":NaN}').encode(),
        (text[:-1] + ',"extra":-Infinity}').encode(),
        (text[:-1] + ',"extra":1e999}').encode(),
        (text[:-1] + ',"extra":{"a":1,"a":2}}').encode(),
        (text[:-1] + ',"extra":' + "[" * 500 + "]" * 500 + "}").encode(),
        (text[:-1] + ",}").encode(),
        (text + "{}").encode(),
        (" \r\n" + text + "\t ").encode(),
        ("\x0b" + text).encode(),
        ("[" + text + "]").encode(),
        (text[:-1] + ',"extra":"\n"}').encode(),
        text[:-1].encode() + b',"extra":"\xc3\x28"}',
        text.replace('"', "'").encode(),
    ]


def legible(token: str) -> str:
    """`token` with its header and payload readable, for a failure's message."""
    parts = token.split(".")[:2]
    return f"{[base64.urlsafe_b64decode(part.encode('ascii', 'replace') + b'===') for part in parts]} of {token!r}"
