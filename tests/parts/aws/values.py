"""Random values of every kind that Valet keeps in DynamoDB, and random answers with them."""

import string
from base64 import b64encode
from random import Random
from typing import Any

_ALPHABETS = (
    string.printable,
    "äöüßéñçğışå",
    "漢字かなカナ한글",
    "😀👩‍👩‍👧‍👦🏳️‍🌈𝕏",
    "".join(map(chr, range(32))) + "\x7f\x80\x9f\u2028\u2029\ufeff\ufffe\uffff\u202e",
    "\"\\/<>&'{}[]:,\u0000",
    "\ud800\udbff\udc00\udfff",  # halves of pairs
)


class Values:
    """Draws values."""

    def __init__(self, seed: int) -> None:
        self.random = Random(seed)

    def text(self) -> str:
        alphabets = self.random.sample(_ALPHABETS, self.random.randint(1, 3))
        return "".join(
            self.random.choice(self.random.choice(alphabets)) for _ in range(self.random.choice((0, 1, 9, 40)))
        )

    def number(self) -> int:
        digits = self.random.choice((1, 2, 10, 37, 38))
        return self.random.choice((-1, 1)) * self.random.randint(0, 10**digits - 1)

    def binary(self) -> bytes:
        return self.random.randbytes(self.random.choice((0, 1, 2, 3, 32, 256)))

    def value(self, depth: int = 3) -> Any:
        """One value, of any kind."""
        draw = self.random
        kinds: list[Any] = [self.text, self.number, self.binary, lambda: draw.random() < 0.5, lambda: None]
        kinds += [
            lambda: {self.text() for _ in range(draw.randint(1, 4))},
            lambda: frozenset(self.number() for _ in range(draw.randint(1, 4))),
            lambda: {self.binary() for _ in range(draw.randint(1, 4))},
            lambda: bytearray(self.binary()),
        ]
        if depth:
            kinds += [lambda: self.members(depth), lambda: tuple(self.members(depth)), lambda: self.item(depth - 1)]
        return draw.choice(kinds)()

    def members(self, depth: int) -> list[Any]:
        return [self.value(depth - 1) for _ in range(self.random.randint(0, 4))]

    def item(self, depth: int = 3) -> dict[str, Any]:
        return {self.text(): self.value(depth) for _ in range(self.random.randint(0, 5))}

    def stored_number(self) -> str:
        """An integer as DynamoDB may write it."""
        written = self.number()
        zeros = self.random.randint(0, 80)
        digits = str(self.random.randint(1, 9))
        return self.random.choice(
            (str(written), f"{digits}E+{zeros}", f"-{digits}.5E{zeros + 1}", f"{written % 1000}.0", "-0")
        )

    def stored(self, depth: int = 3) -> dict[str, Any]:
        """One value as DynamoDB's answers have it."""
        draw = self.random
        kinds: list[Any] = [
            lambda: {"S": self.text()},
            lambda: {"N": self.stored_number()},
            lambda: {"B": b64encode(self.binary()).decode()},
            lambda: {"BOOL": draw.random() < 0.5},
            lambda: {"NULL": True},
            lambda: {"SS": [self.text() for _ in range(draw.randint(1, 4))]},
            lambda: {"NS": [self.stored_number() for _ in range(draw.randint(1, 4))]},
            lambda: {"BS": [b64encode(self.binary()).decode() for _ in range(draw.randint(1, 4))]},
        ]
        if depth:
            kinds += [
                lambda: {"L": [self.stored(depth - 1) for _ in range(draw.randint(0, 4))]},
                lambda: {"M": self.stored_item(depth - 1)},
            ]
        stored: dict[str, Any] = draw.choice(kinds)()
        return stored

    def stored_item(self, depth: int = 3) -> dict[str, Any]:
        return {self.text(): self.stored(depth) for _ in range(self.random.randint(0, 5))}
