"""The functions' output, one JSON object a line, made readable: the event's name and its own fields."""

from __future__ import annotations

import io
import json
import threading
from collections.abc import Callable, Mapping
from typing import Any

# The members that each line has and that a developer at the terminal does not need; `location` and `xray_trace_id` are
# those of Powertools' Logger, with which other teams' functions write theirs.
_USUAL = frozenset({"level", "location", "message", "timestamp", "service", "event", "xray_trace_id"})


class LogLines(io.TextIOBase):
    """A standard output that passes each line on: a JSON object to `on_object`, any other text to `on_text`."""

    def __init__(self, on_object: Callable[[Mapping[str, Any], str], None], on_text: Callable[[str], None]) -> None:
        self._on_object = on_object
        self._on_text = on_text
        self._begun = threading.local()  # each thread's unfinished line, so that threads do not mix

    def writable(self) -> bool:
        return True

    def write(self, text: str) -> int:
        *lines, self._begun.line = (getattr(self._begun, "line", "") + text).split("\n")
        for line in lines:
            self._write_line(line)
        return len(text)

    def _write_line(self, line: str) -> None:
        try:
            record = json.loads(line)
        except ValueError:
            record = None
        if isinstance(record, dict):
            self._on_object(record, line)
        elif line:
            self._on_text(line)


def summary(record: Mapping[str, Any]) -> str:
    """The record on one line, such as `token.issued  client_id=mobile_app scope=openid`."""
    left_out = _USUAL | _metrics(record)
    fields = " ".join(f"{name}={value}" for name, value in record.items() if name not in left_out and name[:1] != "_")
    return f"{record.get('event') or record.get('message', '')}  {fields}".rstrip()


def _metrics(record: Mapping[str, Any]) -> set[str]:
    """The members that are metrics (CloudWatch Embedded Metric Format)."""
    directives = record.get("_aws", {}).get("CloudWatchMetrics", [])
    return {metric["Name"] for directive in directives for metric in directive["Metrics"]}
