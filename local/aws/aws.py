"""One emulated AWS for the whole process: moto, every call to it under one lock.

Functions in this process reach it through valet/aws/calls.py's OUTSIDE, boto3 in this process through botocore's
before-send event. Other processes (`sam local`, the operator's command line, the runtime interface emulator) reach it
over HTTP, through local/aws/door.py. All ways lead to one state. The lock makes each call as atomic
as AWS does: without it, several concurrent callers would all win one conditional write.

Nothing here can reach the real AWS: local/aws/isolation.py removes every variable that could name it from the
environment, the credentials are made up, and a request that moto does not answer is refused, not sent.
"""

from __future__ import annotations

import contextlib
import copy
import os
import re
import threading
from collections.abc import Callable, Container, Iterable, Iterator
from contextvars import ContextVar
from functools import partial
from io import BytesIO
from typing import Any
from urllib.parse import urlsplit

from botocore.awsrequest import AWSPreparedRequest, AWSResponse
from botocore.compat import HTTPHeaders
from botocore.exceptions import ReadTimeoutError
from valet.aws.calls import OUTSIDE, Attempt
from valet.aws.connection import NoAnswer
from valet.aws.reply import Reply

from local.aws import dynamodb, kms
from local.aws.backends import ACCOUNT as ACCOUNT
from local.aws.backends import REGION as REGION
from local.aws.backends import application, tables
from local.aws.calls import Call, refusal
from local.aws.door import Application
from local.aws.isolation import LOOPBACK, RealAwsError, isolate
from local.aws.ses import Mailbox
from local.aws.sqs import Queues

FUNCTION: ContextVar[str | None] = ContextVar("function", default=None)
"""The folder name of the function that runs: interceptors record each call under it."""

# Takes a call and the function that forwards it to the emulator. Raises NoAnswer if the answer is lost.
Forward = Callable[[], Reply]
Interceptor = Callable[[Call, Forward], Reply]

_CREDENTIAL_REGION = re.compile(r"(Credential=[^/]+/[0-9]+/)[^/]+/")
_emulated: EmulatedAws | None = None

# The services that answer over HTTP, and how X-Amz-Target begins for each. STS names its operations in the body.
_TARGETS = {
    "dynamodb": "DynamoDB_20120810.",
    "kms": "TrentService.",
    "logs": "Logs_20140328.",
    "sqs": "AmazonSQS.",
    "sts": "",
}
_SES_PATHS = "/v2/email/"  # of SES, whose paths name the operations
_KEPT = frozenset({"HTTP_HOST", "HTTP_AUTHORIZATION", "HTTP_X_AMZ_TARGET"})


def emulated() -> EmulatedAws:
    """The process's one emulated AWS, started on the first call."""
    global _emulated
    if _emulated is None:
        isolate(os.environ)
        _emulated = EmulatedAws()
    return _emulated


class EmulatedAws:
    """moto behind one lock. Tests can record calls, inject faults, and return to an earlier state."""

    def __init__(self) -> None:
        from moto import mock_aws
        from moto.core.models import botocore_stubber, responses_mock

        self._lock = threading.RLock()
        self._interceptors: tuple[Interceptor, ...] = ()
        self._answer = type(botocore_stubber).__call__
        self._stubber = botocore_stubber
        self._outside = OUTSIDE.send
        OUTSIDE.send = self._send
        setattr(type(botocore_stubber), "__call__", self._before_send)  # noqa: B010  typed as immutable
        mock_aws(config={"core": {"mock_credentials": False}}).start()  # once: starting it again empties it
        kms.complete()
        dynamodb.quicken(ACCOUNT, REGION)
        # moto also takes over the requests library, a pattern for each service and method in front of every call.
        # Nothing here calls AWS through requests, and tests call the stack through it.
        responses_mock.stop()
        self._applications: dict[str, Any] = {}
        self.queues = Queues(_functions_clock)
        self.mailbox = Mailbox(_functions_clock)
        self.invoked: Callable[[str, bytes], Reply] = lambda path, _: refusal("ResourceNotFoundException", path)
        # A test may answer calls to DynamoDB in moto's place. None leaves a call to moto.
        self.dynamodb: Callable[[Call], Reply | None] = lambda call: None

    # -- this process --------------------------------------------------------------------------------------------------
    # A loopback address is a door, ours or another emulator's: calls to it are sent. A call to it from under the lock
    # would wait for a thread that waits for the lock.

    def _send(self, attempt: Attempt) -> Reply:
        """The functions' door."""
        address = attempt.transport.address
        if address.host in LOOPBACK:
            return self._outside(attempt)
        url = f"https://{address.authority}{attempt.path}"
        headers = HTTPHeaders.from_pairs(attempt.headers)
        event_name = f"before-send.{attempt.service}.{attempt.operation}"
        return self._answered(event_name, AWSPreparedRequest("POST", url, headers, attempt.body, False))

    def _before_send(self, event_name: str, request: Any, **_: Any) -> Any:
        """boto3's door."""
        if urlsplit(request.url).hostname in LOOPBACK:
            return None
        try:
            reply = self._answered(event_name, request)
        except NoAnswer:
            raise ReadTimeoutError(endpoint_url=request.url) from None
        return AWSResponse(request.url, reply.status, HTTPHeaders.from_dict(reply.headers), _Raw(reply.body))

    def _answered(self, event_name: str, request: Any) -> Reply:
        call = Call.from_request(FUNCTION.get(), event_name, request.body)

        def forward() -> Reply:
            if call.service == "lambda":  # moto's would make Docker run an image
                return self.invoked(urlsplit(request.url).path, call.body)
            if call.service == "sqs":  # local/aws/sqs.py stands in for moto's
                return self.queues.answer(call.action, call.body)
            if call.service == "dynamodb" and (reply := self.dynamodb(call)) is not None:
                return reply
            with self._lock:
                response = self._answer(self._stubber, event_name, request)
            if response is None:
                raise RealAwsError(f"{request.url} was not called: the local stack does not emulate it")
            if call.action == "SendEmail" and response.status_code == 200:
                self.mailbox.keep(call.parameters)
            headers = {name.lower(): str(value) for name, value in response.headers.items()}
            return Reply(response.status_code, headers, response.content)

        for interceptor in reversed(self._interceptors):
            forward = _chained(interceptor, call, forward)
        return forward()

    @contextlib.contextmanager
    def intercept(self, interceptor: Interceptor) -> Iterator[None]:
        """Wrap `interceptor` around every call that this process makes while the block runs."""
        with self._lock:
            self._interceptors = (*self._interceptors, interceptor)
        try:
            yield
        finally:
            with self._lock:
                self._interceptors = tuple(each for each in self._interceptors if each is not interceptor)

    @contextlib.contextmanager
    def recorded(self) -> Iterator[list[Call]]:
        """The calls that this process makes while the block runs, retries included."""
        calls: list[Call] = []

        def record(call: Call, forward: Forward) -> Reply:
            calls.append(call)
            return forward()

        with self.intercept(record):
            yield calls

    # -- other processes, over HTTP ------------------------------------------------------------------------------------

    def services(self) -> dict[str, Application]:
        """A WSGI application for each of moto's services that Valet uses, by its name in a signature's scope."""
        return {**{service: partial(self._answer_http, service) for service in _TARGETS}, "ses": self._answer_ses}

    def _answer_http(self, service: str, environ: dict[str, Any], start_response: Any) -> Iterable[bytes]:
        # moto's own dispatcher would look for a service in the path, the target, the body and the signature.
        # This application serves one service, so it passes on only the headers that name the operation and the Region.
        target = environ.get("HTTP_X_AMZ_TARGET", "")
        if (environ["REQUEST_METHOD"], environ["REQUEST_URI"]) != ("POST", "/") or not target.startswith(
            _TARGETS[service]
        ):
            start_response("404 Not Found", [("Content-Type", "text/plain"), ("X-Amzn-ErrorType", "UnknownOperation")])
            return [f"This is no operation of {service}. Send POST / with its X-Amz-Target.\n".encode()]
        if service == "sqs":
            return self._answer_sqs(target, environ, start_response)
        if service == "dynamodb":
            return self._answer_dynamodb(environ, start_response)
        kept = {name: value for name, value in environ.items() if not name.startswith("HTTP_") or name in _KEPT}
        kept["HTTP_AUTHORIZATION"] = _in_one_region(environ)
        with self._lock:
            if service not in self._applications:
                self._applications[service] = application(service)
            return list(self._applications[service](kept, start_response))

    def _answer_dynamodb(self, environ: dict[str, Any], start_response: Any) -> Iterable[bytes]:
        """By the quick way of local/aws/dynamodb.py, as calls from this process take it."""
        target = environ["HTTP_X_AMZ_TARGET"]
        headers = HTTPHeaders.from_dict(
            {
                "X-Amz-Target": target,
                "Content-Type": environ.get("CONTENT_TYPE", ""),
                "Authorization": environ["HTTP_AUTHORIZATION"],
            }
        )
        body = environ["wsgi.input"].read()
        request = AWSPreparedRequest("POST", f"https://dynamodb.{REGION}.amazonaws.com/", headers, body, False)
        with self._lock:
            response: Any = self._answer(self._stubber, f"before-send.dynamodb.{target}", request)
        content = response.content
        # The server that sends it says the date.
        sent = [(name, str(value)) for name, value in response.headers.items() if name.lower() != "date"]
        start_response(f"{response.status_code} ", [*sent, ("Content-Length", str(len(content)))])
        return [content]

    def _answer_ses(self, environ: dict[str, Any], start_response: Any) -> Iterable[bytes]:
        """SES's own paths, which moto knows at the address of the service alone."""
        method, path, body = environ["REQUEST_METHOD"], environ["REQUEST_URI"], environ["wsgi.input"].read()
        headers = HTTPHeaders.from_dict(
            {"Content-Type": environ.get("CONTENT_TYPE", ""), "Authorization": _in_one_region(environ)}
        )
        if not path.startswith(_SES_PATHS):
            reply = refusal("UnknownOperationException", f"The paths of SES begin with {_SES_PATHS}.", 404)
        else:
            request = AWSPreparedRequest(method, f"https://email.{REGION}.amazonaws.com{path}", headers, body, False)
            action = "SendEmail" if (method, path) == ("POST", "/v2/email/outbound-emails") else "Other"
            reply = self._answered(f"before-send.ses.{action}", request)
        sent = [(name, value) for name, value in reply.headers.items() if name not in ("date", "content-length")]
        start_response(f"{reply.status} ", [*sent, ("Content-Length", str(len(reply.body)))])
        return [reply.body]

    def _answer_sqs(self, target: str, environ: dict[str, Any], start_response: Any) -> Iterable[bytes]:
        reply = self.queues.answer(target.removeprefix(_TARGETS["sqs"]), environ["wsgi.input"].read())
        start_response(f"{reply.status} ", [*reply.headers.items(), ("Content-Length", str(len(reply.body)))])
        return [reply.body]

    # -- state ---------------------------------------------------------------------------------------------------------

    def snapshot(self, only: Container[str] | None = None) -> dict[str, Any]:
        """The items of every table, or of these alone, for `restore`."""
        with self._lock:
            return {
                name: copy.deepcopy(table.items) for name, table in tables().items() if only is None or name in only
            }

    def restore(self, snapshot: dict[str, Any], keep: tuple[str, ...] = ()) -> None:
        """Restore the items. Leave alone partitions whose key starts with one of `keep`, and tables made since."""
        with self._lock:
            for name, table in tables().items():
                if name in snapshot:
                    kept = {
                        key: items for key, items in table.items.items() if keep and str(key.value).startswith(keep)
                    }
                    table.items = copy.deepcopy(snapshot[name])
                    table.items.update(kept)


def _functions_clock() -> float:
    """The time as the functions have it, whose clock a test may move."""
    from valet.server import SERVER  # not at the start: a process that only emulates AWS has no layer

    return SERVER.clock()


class _Raw(BytesIO):
    """The body as botocore reads it."""

    def stream(self, **_: Any) -> Iterator[bytes]:
        while part := self.read(65_536):
            yield part


def _chained(interceptor: Interceptor, call: Call, forward: Forward) -> Forward:
    return lambda: interceptor(call, forward)


def _in_one_region(environ: dict[str, Any]) -> str:
    """The signature. There is one Region, whichever the caller names: sam local names the profile's."""
    return _CREDENTIAL_REGION.sub(rf"\1{REGION}/", environ["HTTP_AUTHORIZATION"])
