"""The log: one JSON line for each event, which is its metric as well, and one for each unexpected error.

A metric is some more members of the same line (CloudWatch Embedded Metric Format), so counting costs no call and no
second line. Its one dimension is the stack's name; saved queries over the lines count by client. No line holds a
secret.
"""

import json
import time
from collections.abc import Mapping
from contextvars import ContextVar
from typing import TYPE_CHECKING, Any

from valet.audit import EVENTS, EventName, in_bounds
from valet.errors import OAuthError, SigningFailed
from valet.http import Request

if TYPE_CHECKING:
    from aws_lambda_powertools import Logger

NAMESPACE = "Valet"
DIMENSION = "service"  # POWERTOOLS_SERVICE_NAME, which template.yaml sets to the stack's name

_LOGGER: "Logger | None" = None

_about: ContextVar[Mapping[str, str] | None] = ContextVar("about", default=None)


def begin(request_id: str = "", source_ip: str = "") -> None:
    """Let every following line name this request, and forget the one before."""
    _about.set({"request_id": request_id, "source_ip": source_ip})


def about(request: Request) -> None:
    begin(request.request_id, request.source_ip)


def logger() -> "Logger":
    """The logger, made on first use: a function that logs nothing, as long as all goes well, does not import it."""
    global _LOGGER
    if _LOGGER is None:
        from aws_lambda_powertools import Logger

        # Lambda reads the time of a line as RFC 3339 in UTC. The place in the code is left out: an event that needs it
        # has a field. With the default serializers a line costs twice as much: they make an encoder for each line, and
        # try to read each message as JSON.
        _LOGGER = Logger(
            log_uncaught_exceptions=False,
            location=None,
            xray_trace_id=None,
            utc=True,
            use_rfc3339=True,
            json_serializer=json.JSONEncoder(separators=(",", ":"), ensure_ascii=False, default=str).encode,
            json_deserializer=str,
        )
    return _LOGGER


class LoggedAudit:
    """The port Audit, as log lines."""

    def record(self, event: EventName, /, **fields: str | int | float | bool | None) -> None:
        logger().info(event, extra=_line(event, fields))


def log_refusal(error: OAuthError) -> None:
    """A refusal whose reason the client does not learn, or whose page shows the request id by which an operator finds
    it here.
    """
    event: EventName = "signing.failed" if isinstance(error, SigningFailed) else "request.refused"
    fields = {"error": error.error, "detail": error.detail or error.description, "client_id": error.client_id}
    logger().warning(event, extra=_line(event, fields))


def log_failure(failure: BaseException) -> None:
    """The places in the code where it failed. An exception's message may quote a secret, so only its type is logged."""
    import traceback

    frames: list[Any] = traceback.extract_tb(failure.__traceback__)
    at = [f"{frame.filename.rpartition('/')[2]}:{frame.lineno} {frame.name}" for frame in frames]
    logger().error("request.failed", extra=_line("request.failed", {"failure": type(failure).__name__, "at": at}))


def _line(event: EventName, fields: Mapping[str, Any]) -> dict[str, Any]:
    """The fields of an event's line. Unknown senders write some of them, so each field is brought within its bounds."""
    told = {"event": event, **(_about.get() or {}), **fields}
    bounded = {name: in_bounds(name, value) for name, value in told.items() if value not in (None, "")}
    return {**bounded, **_metric(event, fields)}


def _metric(event: EventName, fields: Mapping[str, Any]) -> dict[str, Any]:
    kind = EVENTS[event]
    if kind.metric is None:
        return {}
    metrics = [{"Name": kind.metric, "Unit": "None" if kind.measured else "Count"}]
    directive = {"Namespace": NAMESPACE, "Dimensions": [[DIMENSION]], "Metrics": metrics}
    timestamp = int(time.time() * 1000)  # noqa: TID251  the line's own, next to the logger's
    return {
        kind.metric: fields[kind.measured] if kind.measured else 1,
        "_aws": {"Timestamp": timestamp, "CloudWatchMetrics": [directive]},
    }
