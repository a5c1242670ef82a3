"""The changes of operators as audit events, in a log group of the stack (docs/operations.md, "Who changed what").

The command opens the log stream before it writes anything, so that an operator who may not log a change cannot make it.
It puts the line after the change, because the item is the truth. If the command dies between the two, or never learns
the result of the write, a change may be left without its line, but never a line without its change.
"""

import json
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import cached_property
from typing import TYPE_CHECKING, Any, Protocol

import click
from botocore.exceptions import BotoCoreError, ClientError
from valet.audit import EventName
from valet.ports.runtime import Clock

from admin.terminal.endings import Unreachable

if TYPE_CHECKING:
    from mypy_boto3_logs import CloudWatchLogsClient

OUTPUT = "OperatorLogs"


class Stack(Protocol):
    """The stack whose log group the events go to."""

    @property
    def stack_name(self) -> str: ...
    @property
    def outputs(self) -> Mapping[str, str]: ...
    def client(self, service: Any) -> Any:
        """boto3's client of the service."""


class Audit(Protocol):
    """A place to record changes."""

    def record(self, event: EventName, /, **fields: Any) -> None: ...


@dataclass(frozen=True, slots=True)
class _Log:
    """An open log stream and the operator who writes to it."""

    client: "CloudWatchLogsClient"
    group: str
    stream: str
    operator: str  # their ARN in IAM

    def put(self, line: str, now: float) -> None:
        """Put one line. Raises what botocore raises, and ValueError if CloudWatch Logs rejected the line."""
        answer = self.client.put_log_events(
            logGroupName=self.group,
            logStreamName=self.stream,
            logEvents=[{"timestamp": int(now * 1000), "message": line}],
        )
        if answer.get("rejectedLogEventsInfo"):
            raise ValueError("CloudWatch Logs rejects a line with this time. Check this machine's clock.")


class OperatorAudit:
    """The audit of one command's run. It sends AWS no request until something is changed."""

    def __init__(self, deployment: Stack, clock: Clock) -> None:
        self._deployment = deployment
        self._clock = clock
        self._is_told = False  # whether the operator was told that this stack logs nothing

    def open(self) -> None:
        """Open the log before anything is written. Raises Unreachable if the change could not be logged."""
        _ = self._log

    def record(self, event: EventName, /, **fields: Any) -> None:
        """Log a change that was made. The change stands if that fails: the operator is told, and no error is raised."""
        log, now = self._log, self._clock()
        if log is None:
            self._tell_once()
            return
        line = self._line(event, {**fields, "operator": log.operator}, now)
        try:
            log.put(line, now)
        except (ClientError, BotoCoreError, ValueError) as error:
            click.echo(f"The change was made, but it was not logged: {error}\n{line}", err=True)

    @cached_property
    def _log(self) -> _Log | None:
        group = self._deployment.outputs.get(OUTPUT)
        if group is None:
            return None
        stream = datetime.fromtimestamp(self._clock(), UTC).strftime("%Y/%m/%d")
        try:
            operator = self._deployment.client("sts").get_caller_identity()["Arn"]
            logs: CloudWatchLogsClient = self._deployment.client("logs")
            with suppress(logs.exceptions.ResourceAlreadyExistsException):  # an operator changed something today
                logs.create_log_stream(logGroupName=group, logStreamName=stream)
        except (ClientError, BotoCoreError) as error:
            raise Unreachable(
                f"The change cannot be logged in {group}: {str(error).rstrip('.')}. Nothing was changed. Allow your "
                "AWS identity logs:CreateLogStream and logs:PutLogEvents on that log group."
            ) from None
        return _Log(logs, group, stream, operator)

    def _line(self, event: EventName, fields: Mapping[str, Any], now: float) -> str:
        """One line in the format of the functions' logger, so that queries and `valet tail` read both."""
        line = {
            "level": "INFO",
            "message": event,
            "timestamp": datetime.fromtimestamp(now, UTC).isoformat(timespec="milliseconds"),
            "service": self._deployment.stack_name,
            "event": event,
            **{name: value for name, value in fields.items() if value not in (None, "", {})},
        }
        return json.dumps(line, separators=(",", ":"))

    def _tell_once(self) -> None:
        if not self._is_told:
            self._is_told = True
            stack = self._deployment.stack_name
            click.echo(
                f"The change was made, but it was not logged: the stack {stack} is of an older release and has no log "
                "group for the changes of operators. `make deploy` creates it.",
                err=True,
            )
