"""What is logged: one JSON line an event, and one for whatever should not have happened. Never a secret."""

import traceback
from typing import Any

from aws_lambda_powertools import Logger

_LOGGER = Logger(service="valet", log_uncaught_exceptions=False)


class LoggedAudit:
    """The port Audit, as log lines."""

    def record(self, event: str, /, **fields: str | int | float | bool | None) -> None:
        _LOGGER.info(event, extra={"event": event, **fields})


def log_refusal(request_id: str, error: str, detail: str) -> None:
    """A refusal whose reason the client is not told."""
    _LOGGER.warning(error, extra={"event": "request.refused", "request_id": request_id, "detail": detail})


def log_failure(request_id: str, failure: BaseException) -> None:
    """Where it went wrong. An exception's own words may quote a secret, so only its type is told."""
    frames: list[Any] = traceback.extract_tb(failure.__traceback__)
    _LOGGER.error(
        "request failed",
        extra={
            "event": "request.failed",
            "request_id": request_id,
            "failure": type(failure).__name__,
            "at": [f"{frame.filename.rpartition('/')[2]}:{frame.lineno} {frame.name}" for frame in frames],
        },
    )
