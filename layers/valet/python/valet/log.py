"""One line of the log: a JSON object on standard output, where Lambda takes it from.

Lambda takes an object as it is, and filters it by its `level`, which counts only next to a `timestamp` in RFC 3339.
"""

import json
import sys
import time
from collections.abc import Mapping
from typing import Any

# Characters of a text in a line. A request's headers may have ten thousand, and operators pay for each and read it.
LONGEST = 256
# A grant may have many scopes; a detail may name two redirect URIs; a reason names eight scopes or roles.
LONGEST_OF = {"scope": 1024, "detail": 512, "reason": 512}
_MOST_MEMBERS = 32  # of a list: the innermost frames of a traceback

_ENCODE = json.JSONEncoder(separators=(",", ":"), ensure_ascii=False, check_circular=False, default=str).encode


def print_line(members: Mapping[str, object], now: float) -> None:
    """Print one line, of the instant `now` in epoch seconds. Strangers write some members: each gets its bounds."""
    bounded = {name: in_bounds(name, value) for name, value in members.items()}
    write(_ENCODE({"timestamp": _rfc3339(now), **bounded}))


def write(line: str) -> None:
    """Write the line and its end in one call, so that the lines of two threads do not mix."""
    sys.stdout.write(f"{line}\n")
    sys.stdout.flush()


def printable(text: str) -> str:
    """The text without characters that end or turn a line or control a terminal: others wrote what stands in it."""
    if text.isprintable():
        return text
    return "".join(each if each.isprintable() else "\ufffd" for each in text)


def in_bounds(field: str, value: Any) -> Any:
    """The value as a line may hold it: a text cut to its field's length, without characters that end or turn a line.

    JSON escapes only the control characters of ASCII. U+2028 ends a line in some readers, U+202E turns its text around,
    and a lone surrogate cannot be written at all, so that its line would be lost.
    """
    if isinstance(value, str):
        if len(value) <= LONGEST and value.isprintable():  # nearly every text
            return value
        longest = LONGEST_OF.get(field, LONGEST)
        return printable(value if len(value) <= longest else value[: longest - 1] + "…")
    if isinstance(value, list):
        return [in_bounds(field, member) for member in value[-_MOST_MEMBERS:]]
    return value


def _rfc3339(now: float) -> str:
    """The instant in UTC, to the millisecond (RFC 3339 §5.6)."""
    seconds, milliseconds = divmod(int(now * 1000), 1000)
    return f"{time.strftime('%Y-%m-%dT%H:%M:%S', time.gmtime(seconds))}.{milliseconds:03}+00:00"
