"""The functions' log lines, delivered to their log groups in emulated AWS when a caller reads them (CloudWatch Logs).

A request only appends to a queue. A call to CloudWatch Logs pays for the delivery, outside the lock around emulated
AWS.
"""

from __future__ import annotations

import threading
import time
from collections import deque
from contextlib import suppress
from typing import TYPE_CHECKING, Any

from local.functions import LOG_GROUP

if TYPE_CHECKING:
    from mypy_boto3_logs import CloudWatchLogsClient

MOST = 10_000  # lines that wait, and that one stream takes; PutLogEvents takes no more at once


class FunctionLogs:
    """Takes lines from any thread. Drops the oldest lines, both queued and delivered, beyond the limit."""

    def __init__(self) -> None:
        self._waiting: deque[tuple[str, int, str]] = deque(maxlen=MOST)
        self._streams: dict[str, _Streams] = {}
        self._lock = threading.Lock()

    def take(self, line: str) -> None:
        """Queue a line of the function that runs in this thread."""
        if group := LOG_GROUP.get():
            self._waiting.append((group, int(time.time() * 1000), line))

    def deliver(self) -> None:
        """Move every line that was taken before this call into emulated AWS."""
        with self._lock:
            if not self._waiting:
                return
            import boto3

            lines: dict[str, list[Any]] = {}
            for _ in range(len(self._waiting)):
                group, at_ms, line = self._waiting.popleft()
                lines.setdefault(group, []).append({"timestamp": at_ms, "message": line})
            logs = boto3.client("logs")
            for group, events in lines.items():
                with suppress(logs.exceptions.ResourceNotFoundException):  # the other stack has no log groups here
                    streams = self._streams.setdefault(group, _Streams(group))
                    streams.put(logs, sorted(events, key=lambda event: event["timestamp"]))


class _Streams:
    """The streams of one log group: the current one and the one before it."""

    def __init__(self, group: str) -> None:
        self._group = group
        self._number = 0
        self._room = 0

    def put(self, logs: CloudWatchLogsClient, events: list[Any]) -> None:
        if self._room < len(events):
            logs.create_log_stream(logGroupName=self._group, logStreamName=f"local/{self._number + 1}")
            self._number, self._room = self._number + 1, MOST
            if self._number > 2:
                logs.delete_log_stream(logGroupName=self._group, logStreamName=f"local/{self._number - 2}")
        logs.put_log_events(logGroupName=self._group, logStreamName=f"local/{self._number}", logEvents=events)
        self._room -= len(events)
