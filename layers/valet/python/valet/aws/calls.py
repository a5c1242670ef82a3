"""Calls to DynamoDB, KMS, SQS, SES and Lambda: signed, sent, repeated once if that may help, and checked.

Every attempt goes out through OUTSIDE. An emulated AWS, and tests that make calls fail, stand there.
"""

import json
import time
from base64 import b64encode
from binascii import a2b_base64, crc32
from collections.abc import Callable, Mapping
from typing import Any, NamedTuple, Protocol

from valet.aws.connection import Address, NoAnswer
from valet.aws.credentials import MADE_UP, CredentialSource, NoCredentials
from valet.aws.endpoints import address, region
from valet.aws.reply import Reply
from valet.aws.retries import ATTEMPTS, Budget, is_throttled, is_worth_repeating, pause
from valet.aws.signature import Credentials, Signature
from valet.aws.transport import Transport, get
from valet.clock import system_clock, system_jitter
from valet.frozen import NO_ENTRIES, Frozen

Answer = Mapping[str, Any]


class CallFailed(Exception):
    """AWS refused, or gave no answer. `code` is AWS's word for it, or says what happened to the answer.

    `item` is the item as it was when a condition on it failed, in DynamoDB's own form.
    """

    def __init__(self, code: str, item: Answer | None = None) -> None:
        super().__init__(code)
        self.code = code
        self.item = item


def binary(value: bytes | str) -> bytes:
    """A binary value of an answer, which is base64, or bytes if boto3 has read it."""
    return bytes(value) if isinstance(value, bytes | bytearray) else a2b_base64(value)


class Calls(Protocol):
    """Calls one service. Binary values of the parameters are bytes, those of the answer bytes or base64.

    Raises CallFailed.
    """

    def __call__(self, operation: str, parameters: Mapping[str, Any], /) -> Answer: ...


class _Failure(Frozen):
    """An attempt that failed, and what that says about another one."""

    code: str
    is_worth_repeating: bool
    is_throttled: bool = False
    hint: str | None = None  # x-amz-retry-after
    item: Answer | None = None


class Attempt(NamedTuple):
    """One request on its way out."""

    service: str
    operation: str
    transport: Transport
    headers: list[tuple[str, str]]
    body: bytes
    path: str = "/"
    within: float | None = None  # seconds for the answer, if not as many as for any other


class Outside:
    """The one door to AWS. An emulation of AWS replaces `send`; `wait` is the pause between two attempts."""

    send: Callable[[Attempt], Reply]
    wait: Callable[[float], None]

    def __init__(self) -> None:
        self.send = lambda attempt: attempt.transport.post(attempt.headers, attempt.body, attempt.path, attempt.within)
        self.wait = time.sleep


OUTSIDE = Outside()


class _Service(NamedTuple):
    target: str  # before an operation's name in the header X-Amz-Target
    content_type: str
    pause: float  # seconds, the longest before a second attempt if AWS does not throttle
    paths: Mapping[str, str] = NO_ENTRIES  # of a service that has no such header, by the operation
    attempts: int = ATTEMPTS
    within: float | None = None  # seconds for the answer, if not as many as for any other


_SERVICES = {
    "dynamodb": _Service("DynamoDB_20120810.", "application/x-amz-json-1.0", 0.025),
    "kms": _Service("TrentService.", "application/x-amz-json-1.1", 0.05),
    "sqs": _Service("AmazonSQS.", "application/x-amz-json-1.0", 0.05),
    "ses": _Service("", "application/json", 0.05, {"SendEmail": "/v2/email/outbound-emails"}),
    # The function that is called has a time of its own, which is longer than that of any other call. It is called once:
    # what it does may not be worth doing twice.
    "lambda": _Service("", "application/json", 0, {"Invoke": "/2015-03-31/functions/{}/invocations"}, 1, 5.0),
}

# Everywhere else an empty answer could be taken for an item that does not exist.
_SAY_NOTHING = frozenset(("DisableKey", "ChangeMessageVisibility"))


def _base64(value: object) -> str:
    if isinstance(value, bytes | bytearray):
        return b64encode(value).decode()
    raise TypeError(f"{type(value).__name__} is no value for AWS")


_ENCODE = json.JSONEncoder(separators=(",", ":"), default=_base64, check_circular=False).encode


class AwsCalls:
    """Calls `service`, dynamodb, kms, sqs, ses or lambda, where and as whom the environment says.

    Lambda's one operation is Invoke, of FunctionName with Payload; the answer is the function's own.
    """

    def __init__(self, service: str, environment: Mapping[str, str]) -> None:
        self._service = service
        self._environment = environment
        self._budget = Budget()
        self._line: tuple[Address, Transport, Signature, Callable[[float], Credentials]] | None = None

    def __call__(self, operation: str, parameters: Mapping[str, Any], /) -> Answer:
        body = _ENCODE(parameters.get("Payload", parameters)).encode()
        name = str(parameters.get("FunctionName", ""))
        spent, attempts = 0, _SERVICES[self._service].attempts
        for attempt in range(1, attempts + 1):
            try:
                reply = OUTSIDE.send(self._attempt(operation, body, name))
                answer = {} if reply.status == 200 and operation in _SAY_NOTHING else _read(reply)
                if "x-amz-function-error" in reply.headers:
                    raise NoAnswer("FunctionError")
                if reply.status == 200:
                    self._budget.refund(spent)
                    return answer
                failure = _refusal(reply, answer)
            except NoAnswer as nothing:
                failure = _Failure(nothing.reason, is_worth_repeating=True)
            except NoCredentials as lack:
                raise CallFailed(f"no credentials: {lack}") from None
            throttled = failure.is_throttled
            if not failure.is_worth_repeating or attempt == attempts:
                break
            if not (spent := self._budget.spend(throttled=throttled)):
                break
            base = _SERVICES[self._service].pause
            OUTSIDE.wait(pause(throttled=throttled, hint=failure.hint, base=base, jitter=system_jitter))
        raise CallFailed(failure.code, failure.item)

    def close(self) -> None:
        if self._line is not None:
            self._line[1].close()

    def _attempt(self, operation: str, body: bytes, name: str = "") -> Attempt:
        where, transport, signature, credentials = self._line or self._opened()
        now = system_clock().wall
        service = _SERVICES[self._service]
        target, path = (
            (service.target + operation, "/") if service.target else ("", service.paths[operation].format(name))
        )
        headers = signature.headers(where.authority, target, body, credentials(now), now, path)
        return Attempt(self._service, operation, transport, headers, body, path, service.within)

    def _opened(self) -> tuple[Address, Transport, Signature, Callable[[float], Credentials]]:
        where = address(self._service, self._environment)
        # Plain HTTP leads only to an emulated AWS. Under sam local the environment holds the developer's own
        # credentials: they are not used.
        source = CredentialSource(self._environment, get) if where.is_tls else _made_up
        signature = Signature(self._service, region(self._environment), _SERVICES[self._service].content_type)
        self._line = (where, Transport(where), signature, source)
        return self._line


def _made_up(now: float) -> Credentials:
    return MADE_UP


def _read(reply: Reply) -> dict[str, Any]:
    """The JSON object of an answer, or of a refusal. Raises NoAnswer for what AWS did not send like that."""
    if (expected := reply.headers.get("x-amz-crc32")) is not None and expected != str(crc32(reply.body)):
        raise NoAnswer("ChecksumMismatch")
    if reply.status != 200 and not 400 <= reply.status <= 599:
        raise NoAnswer(f"HTTP {reply.status}")
    try:
        answer = json.loads(reply.body) if reply.body or reply.status == 200 else {}
    except (ValueError, RecursionError):
        answer = None
    if isinstance(answer, dict):
        return answer
    if reply.status == 200:
        raise NoAnswer("an answer that is no JSON object")
    return {}  # a refusal by something in front of AWS: its status has to do


def _refusal(reply: Reply, answer: Answer) -> _Failure:
    code, status, item = _code(reply, answer), reply.status, answer.get("Item")
    return _Failure(
        code,
        is_worth_repeating=is_worth_repeating(code, status),
        is_throttled=is_throttled(code, status),
        hint=reply.headers.get("x-amz-retry-after"),
        item=item if isinstance(item, dict) else None,
    )


def _code(reply: Reply, answer: Answer) -> str:
    """AWS's word for a refusal, without the name space before `#` and the address after `:`."""
    told = answer.get("__type") or reply.headers.get("x-amzn-errortype")
    code = told.partition(":")[0].rpartition("#")[2] if isinstance(told, str) else ""
    return code if code.isascii() and code.isidentifier() and len(code) <= 100 else f"HTTP {reply.status}"
