"""Lengths of time as operators write them: 90, 90s, 15m, 8h, 30d."""

import re

_UNITS = {"s": 1, "m": 60, "min": 60, "h": 3600, "d": 86_400}
_SPAN = re.compile(r"([0-9]{1,9})(?: ?(s|m|min|h|d))?")  # also as the commands print it: 8 h, 15 min


def seconds_of(text: str) -> int | None:
    """The seconds that the text names; None if it names no length of time."""
    found = _SPAN.fullmatch(text)
    return int(found[1]) * _UNITS[found[2] or "s"] if found else None


def has_unit(text: str) -> bool:
    found = _SPAN.fullmatch(text)
    return found is not None and found[2] is not None


def written(seconds: int) -> str | int:
    """The length of time in the largest unit that it is a whole number of; as a number if that is the second."""
    for unit, length in (("d", 86_400), ("h", 3600), ("m", 60)):
        if seconds and seconds % length == 0:
            return f"{seconds // length}{unit}"
    return seconds
