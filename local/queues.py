"""Reads the queues as Lambda does, by the event source mappings of template.yaml."""

from __future__ import annotations

import threading
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from typing import Any

from local.aws.sqs import Message, Queues
from local.functions import EventTooLarge, FunctionFailed, FunctionTimedOut, Invoker
from local.system import Function, System
from local.template import Template, TemplateError

_LONGEST_WAIT = 1.0  # seconds until the thread looks at the clock again
# The local stack delivers one message after another, so it is within any bound of ScalingConfig.
_KNOWN = frozenset({"EventSourceArn", "FunctionName", "BatchSize", "FunctionResponseTypes", "ScalingConfig"})


@dataclass(frozen=True)
class Reader:
    """A function that reads a queue, message by message."""

    queue: str  # its ARN
    function: Function


def readers_from_template(template: Template, system: System) -> tuple[Reader, ...]:
    return tuple(_reader(each.logical_id, each.properties, template, system) for each in _mappings(template))


def _mappings(template: Template) -> Sequence[Any]:
    return list(template.resources("AWS::Lambda::EventSourceMapping"))


def _reader(logical_id: str, properties: Mapping[str, Any], template: Template, system: System) -> Reader:
    found = template.resolve(properties, f"Resources.{logical_id}")
    is_known = set(found) <= _KNOWN and int(found.get("BatchSize", 10)) == 1
    if not is_known or found.get("FunctionResponseTypes") != ["ReportBatchItemFailures"]:
        raise TemplateError(
            f"{logical_id}: the local stack knows only batches of one message with ReportBatchItemFailures"
        )
    named = {function.name: function for function in system.functions.values()}
    return Reader(found["EventSourceArn"], named[found["FunctionName"]])


class Delivery:
    """Brings messages to their readers: by a thread of its own once started, or on request."""

    def __init__(self, queues: Queues, readers: Sequence[Reader], functions: Invoker) -> None:
        self.queues = queues
        self._readers, self._functions = readers, functions
        self._stopped = threading.Event()
        self._thread: threading.Thread | None = None

    def start(self) -> None:
        self._thread = threading.Thread(target=self._run, name="queues", daemon=True)
        self._thread.start()

    def stop(self) -> None:
        self._stopped.set()
        with self.queues.changed:
            self.queues.changed.notify_all()
        if self._thread is not None:
            self._thread.join(10)

    def deliver(self) -> int:
        """Invoke the readers with every message that is due, those that they send included. How many invocations."""
        count = 0
        while any(map(self._delivered, self._readers)):
            count += 1
        return count

    def next_due(self) -> float | None:
        """When the next message of any reader is due; None if no message waits."""
        due = [found for each in self._readers if (found := self.queues.next_due(each.queue)) is not None]
        return min(due, default=None)

    def _delivered(self, reader: Reader) -> bool:
        """Whether a message of the reader was due. It is deleted unless the function fails or says that it failed."""
        message = self.queues.receive(reader.queue)
        if message is None:
            return False
        with suppress(FunctionFailed, FunctionTimedOut, EventTooLarge):
            answer = self._functions.invoke(reader.function, _event(reader, message))
            failed = [each["itemIdentifier"] for each in answer["batchItemFailures"]]
            if message.message_id not in failed:
                self.queues.delete(reader.queue, message)
        return True

    def _run(self) -> None:
        while not self._stopped.is_set():
            self.deliver()
            with self.queues.changed:
                self.queues.changed.wait(_LONGEST_WAIT)


def _event(reader: Reader, message: Message) -> dict[str, Any]:
    record = {
        "messageId": message.message_id,
        "receiptHandle": message.receipt_handle,
        "body": message.body,
        "attributes": {
            "ApproximateReceiveCount": str(message.receives),
            "SentTimestamp": str(int(message.sent_at * 1000)),
        },
        "messageAttributes": {},
        "eventSource": "aws:sqs",
        "eventSourceARN": reader.queue,
        "awsRegion": reader.queue.split(":")[3],
    }
    return {"Records": [record]}
