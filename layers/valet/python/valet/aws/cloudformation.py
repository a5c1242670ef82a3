"""Custom resources: the answer that CloudFormation waits for (CloudFormation User Guide, "Custom resources")."""

import json
from collections.abc import Callable, Mapping
from http.client import HTTPConnection, HTTPException, HTTPSConnection
from typing import Any
from urllib.parse import urlsplit

from valet.aws import observability
from valet.errors import OAuthError

_TIMEOUT = 10  # seconds
_ATTEMPTS = 3
_LONGEST_REASON = 1000  # the whole answer may have 4,096 bytes
_AMAZON = (".amazonaws.com", ".amazonaws.com.cn", ".amazonaws.eu")


def is_request(event: Mapping[str, Any]) -> bool:
    """Whether the event comes from CloudFormation: it names the address for the answer, which is a bucket of
    Amazon's.
    """
    return event.get("RequestType") in ("Create", "Update", "Delete") and _is_answerable(event.get("ResponseURL"))


def fulfil(event: Mapping[str, Any], physical_resource_id: str, work: Callable[[], object]) -> None:
    """Do the work, except for a deletion, and answer in any case: a stack without an answer waits for an hour."""
    reason: str | None = "it was not finished"
    try:
        if event["RequestType"] != "Delete":
            work()
        reason = None
    except OAuthError as error:
        reason = error.detail or error.description
    except Exception as error:
        # Do not raise it further: Lambda would repeat the invocation after the answer.
        observability.log_failure(error)
        reason = f"{type(error).__name__}; the function's log says more"
    finally:
        _put(event["ResponseURL"], _answer(event, physical_resource_id, reason))


def _answer(event: Mapping[str, Any], physical_resource_id: str, reason: str | None) -> bytes:
    answer = {
        "Status": "SUCCESS" if reason is None else "FAILED",
        # A constant: CloudFormation would take another id for another resource, and delete this one.
        "PhysicalResourceId": physical_resource_id,
        **{name: event[name] for name in ("StackId", "RequestId", "LogicalResourceId")},
    }
    return json.dumps(answer if reason is None else {**answer, "Reason": reason[:_LONGEST_REASON]}).encode()


def _put(url: str, body: bytes) -> None:
    parts = urlsplit(url)
    for attempt in range(_ATTEMPTS):
        connection = (HTTPSConnection if parts.scheme == "https" else HTTPConnection)(parts.netloc, timeout=_TIMEOUT)
        try:
            # The URL is signed for a request without a content type.
            connection.request("PUT", f"{parts.path}?{parts.query}", body, {"Content-Type": ""})
            status = connection.getresponse().status
        except (OSError, HTTPException):
            if attempt == _ATTEMPTS - 1:
                raise
        else:
            if status < 300:
                return
        finally:
            connection.close()
    raise ConnectionError("CloudFormation did not take the answer")


def _is_answerable(url: object) -> bool:
    if not isinstance(url, str):
        return False
    parts = urlsplit(url)
    host = parts.hostname or ""
    if parts.scheme == "http":
        return host in ("127.0.0.1", "localhost")  # an emulator on this machine
    return parts.scheme == "https" and host.endswith(_AMAZON)
