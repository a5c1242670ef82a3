"""The log: one JSON line for each event, which is its metric as well, and one for each unexpected error.

A metric is some more members of the same line (CloudWatch Embedded Metric Format), so counting costs no call and no
second line. Its one dimension is the stack's name; saved queries over the lines count by client. No line holds a
secret.
"""

import time
from collections.abc import Mapping
from contextvars import ContextVar
from functools import cache
from typing import Any

from valet import log
from valet.audit import EVENTS, EventName
from valet.environment import environment
from valet.errors import OAuthError, SigningFailed
from valet.http import Request

NAMESPACE = "Valet"
DIMENSION = "service"  # POWERTOOLS_SERVICE_NAME, which template.yaml sets to the stack's name

# The names that Lambda and Python have for the levels of lines.
_LEVELS = {"DEBUG": 10, "INFO": 20, "WARN": 30, "WARNING": 30, "ERROR": 40, "FATAL": 50, "CRITICAL": 50}

_about: ContextVar[Mapping[str, str] | None] = ContextVar("about", default=None)


def begin(request_id: str = "", source_ip: str = "") -> None:
    """Let every following line name this request, and forget the one before."""
    _about.set({"request_id": request_id, "source_ip": source_ip})


def about(request: Request) -> None:
    begin(request.request_id, request.source_ip)


class LoggedAudit:
    """The port Audit, as log lines."""

    def record(self, event: EventName, /, **fields: str | int | float | bool | None) -> None:
        _print("INFO", event, fields)


def log_refusal(error: OAuthError) -> None:
    """A refusal whose reason the client does not learn, or whose page shows the request id by which an operator finds
    it here.
    """
    event: EventName = "signing.failed" if isinstance(error, SigningFailed) else "request.refused"
    fields = {"error": error.error, "detail": error.detail or error.description, "client_id": error.client_id}
    _print("WARNING", event, fields)


def log_failure(failure: BaseException) -> None:
    """The places in the code where it failed. An exception's message may quote a secret, so only its type is logged."""
    import traceback

    frames: list[Any] = traceback.extract_tb(failure.__traceback__)
    at = [f"{frame.filename.rpartition('/')[2]}:{frame.lineno} {frame.name}" for frame in frames]
    _print("ERROR", "request.failed", {"failure": type(failure).__name__, "at": at})


@cache
def _settings() -> tuple[str, int]:
    """The service that every line names, and the lowest level that is logged.

    Lambda's own setting of the level counts more than the function's: Lambda drops the lines below it in any case.
    """
    given = environment()
    names = ("AWS_LAMBDA_LOG_LEVEL", "POWERTOOLS_LOG_LEVEL", "LOG_LEVEL")
    level = next((given[name] for name in names if given.get(name)), "")
    return given.get("POWERTOOLS_SERVICE_NAME") or "valet", _LEVELS.get(level.upper(), _LEVELS["INFO"])


def _print(level: str, event: EventName, fields: Mapping[str, Any]) -> None:
    service, lowest = _settings()
    if _LEVELS[level] < lowest:
        return
    now = time.time()  # noqa: TID251  the line's own
    told = {"event": event, **(_about.get() or {}), **fields}
    known = {name: value for name, value in told.items() if value not in (None, "")}
    own = {"level": level, "message": event, DIMENSION: service}
    log.print_line({**own, **known, **_metric(event, fields, now)}, now)


def _metric(event: EventName, fields: Mapping[str, Any], now: float) -> dict[str, Any]:
    kind = EVENTS[event]
    if kind.metric is None:
        return {}
    metrics = [{"Name": kind.metric, "Unit": "None" if kind.measured else "Count"}]
    directive = {"Namespace": NAMESPACE, "Dimensions": [[DIMENSION]], "Metrics": metrics}
    return {
        kind.metric: fields[kind.measured] if kind.measured else 1,
        "_aws": {"Timestamp": int(now * 1000), "CloudWatchMetrics": [directive]},
    }
