"""What operators change, as audit events in a log group of the stack's own (docs/operations.md, "Who changed what").

The log stream is opened before anything is written, so that nothing is changed by somebody who may not log it. The line
is put after the change, because the item is the truth: whoever is killed in between, or never hears what became of the
write however often it is sent, leaves a change without its line, never a line without its change.
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
    """The stack whose log group is written to, as an operator reaches it."""

    @property
    def stack_name(self) -> str: ...
    @property
    def outputs(self) -> Mapping[str, str]: ...
    def client(self, service: Any) -> Any:
        """boto3's client of the service."""


class Audit(Protocol):
    """Where changes are told."""

    def record(self, event: EventName, /, **fields: Any) -> None: ...


@dataclass(frozen=True, slots=True)
class _Log:
    """An open stream, and who writes to it."""

    client: "CloudWatchLogsClient"
    group: str
    stream: str
    operator: str  # the ARN that IAM knows them by

    def put(self, line: str, now: float) -> None:
        """Raises what botocore does, and ValueError for a line that was not taken."""
        answer = self.client.put_log_events(
            logGroupName=self.group,
            logStreamName=self.stream,
            logEvents=[{"timestamp": int(now * 1000), "message": line}],
        )
        if answer.get("rejectedLogEventsInfo"):
            raise ValueError("CloudWatch Logs does not take a line of this time: is the clock right?")


class OperatorAudit:
    """The audit of one command's run; it asks AWS nothing until something is changed."""

    def __init__(self, deployment: Stack, clock: Clock) -> None:
        self._deployment = deployment
        self._clock = clock
        self._is_told = False  # that nothing is logged here

    def open(self) -> None:
        """Before anything is written. Raises Unreachable where it could not be logged."""
        _ = self._log

    def record(self, event: EventName, /, **fields: Any) -> None:
        """After the change, which stands whatever becomes of its line: what was not logged is told, and no error."""
        log, now = self._log, self._clock()
        if log is None:
            self._tell_once()
            return
        line = self._line(event, {**fields, "operator": log.operator}, now)
        try:
            log.put(line, now)
        except (ClientError, BotoCoreError, ValueError) as error:
            click.echo(f"The change is made, and it was not logged: {error}\n{line}", err=True)

    @cached_property
    def _log(self) -> _Log | None:
        group = self._deployment.outputs.get(OUTPUT)
        if group is None:
            return None
        stream = datetime.fromtimestamp(self._clock(), UTC).strftime("%Y/%m/%d")
        try:
            operator = self._deployment.client("sts").get_caller_identity()["Arn"]
            logs: CloudWatchLogsClient = self._deployment.client("logs")
            with suppress(logs.exceptions.ResourceAlreadyExistsException):  # somebody changed something today
                logs.create_log_stream(logGroupName=group, logStreamName=stream)
        except (ClientError, BotoCoreError) as error:
            raise Unreachable(
                f"What operators change is logged in {group}, and that cannot be: {str(error).rstrip('.')}. Nothing "
                "was changed. It takes logs:CreateLogStream and logs:PutLogEvents on that log group."
            ) from None
        return _Log(logs, group, stream, operator)

    def _line(self, event: EventName, fields: Mapping[str, Any], now: float) -> str:
        """As the functions' logger writes its lines, so that queries and `valet tail` read both alike."""
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
                f"The change is made, and it was not logged: the stack {stack} is of an older release, which has no "
                "log group for what operators change. `make deploy` makes one.",
                err=True,
            )
