"""The queues of the local stack, as SQS keeps them: visibility, delays, counts of receives, dead letters.

Simpler than moto's, and on the clock that the functions have, so that a day of tries takes a test no time. Messages
that the functions and the command line send arrive here; local/queues.py reads them as Lambda does.
"""

from __future__ import annotations

import json
import threading
import uuid
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from valet.aws.reply import Reply

from local.aws.calls import refusal

_LONGEST_DELAY = 900  # seconds
_LONGEST_VISIBILITY = 43_200
_LARGEST = 262_144  # bytes
_TYPE = {"content-type": "application/x-amz-json-1.0"}


@dataclass
class Message:
    """One message. `receipt_handle` is of its last receive."""

    body: str
    sent_at: float  # epoch seconds
    visible_at: float
    message_id: str = field(default_factory=lambda: str(uuid.uuid4()))
    receipt_handle: str = ""
    receives: int = 0


@dataclass
class Queue:
    """One queue; `most_receives` is its redrive policy's, 0 if it has none."""

    url: str
    arn: str
    visibility: float = 30.0
    most_receives: int = 0
    dead_letters: str = ""  # the other queue's ARN
    messages: list[Message] = field(default_factory=list)


class Queues:
    """Every queue. `copies`: how often each message that is sent arrives; SQS promises once at least."""

    def __init__(self, clock: Callable[[], float]) -> None:
        self.clock = clock
        self.copies = 1
        self.changed = threading.Condition()
        self._queues: dict[str, Queue] = {}

    def add(self, queue: Queue) -> None:
        with self.changed:
            self._queues[queue.arn] = queue

    def named(self, arn: str) -> Queue:
        return self._queues[arn]

    def clear(self) -> None:
        """Drop every message."""
        with self.changed:
            for queue in self._queues.values():
                queue.messages.clear()

    def answer(self, operation: str, body: bytes) -> Reply:
        """The answer to a call by AWS's JSON protocol."""
        try:
            parameters = json.loads(body)
        except ValueError:
            return refusal("SerializationException")
        queue = next((each for each in self._queues.values() if each.url == parameters.get("QueueUrl")), None)
        if queue is None:
            return refusal("QueueDoesNotExist", "The specified queue does not exist.")
        with self.changed:
            match operation:
                case "SendMessage":
                    return self._send(queue, parameters)
                case "ChangeMessageVisibility":
                    return self._hide(queue, parameters)
                case "GetQueueAttributes":
                    return _answered({"Attributes": {"ApproximateNumberOfMessages": str(len(queue.messages))}})
        return refusal("InvalidAction", f"The local stack does not know {operation} of SQS.")

    def receive(self, arn: str) -> Message | None:
        """A message that is due, hidden from now on as long as the queue says. Those that came too often are moved."""
        with self.changed:
            queue, now = self._queues[arn], self.clock()
            while due := next((each for each in queue.messages if each.visible_at <= now), None):
                if not queue.most_receives or due.receives < queue.most_receives:
                    due.receives += 1
                    due.receipt_handle = str(uuid.uuid4())
                    due.visible_at = now + queue.visibility
                    return due
                queue.messages.remove(due)
                self._queues[queue.dead_letters].messages.append(due)
        return None

    def delete(self, arn: str, message: Message) -> None:
        with self.changed:
            self._queues[arn].messages.remove(message)

    def next_due(self, arn: str) -> float | None:
        """When the next message of the queue is due; None if it has none."""
        with self.changed:
            return min((each.visible_at for each in self._queues[arn].messages), default=None)

    def _send(self, queue: Queue, parameters: Mapping[str, Any]) -> Reply:
        body, delay = parameters.get("MessageBody"), parameters.get("DelaySeconds", 0)
        if not isinstance(body, str) or not 0 < len(body.encode()) <= _LARGEST:
            return refusal("InvalidParameterValue", "MessageBody has to have 1 to 262,144 bytes.")
        if not 0 <= delay <= _LONGEST_DELAY:
            return refusal("InvalidParameterValue", "DelaySeconds has to be 0 to 900.")
        now = self.clock()
        sent = [Message(body, now, now + delay) for _ in range(self.copies)]
        queue.messages += sent
        self.changed.notify_all()
        return _answered({"MessageId": sent[0].message_id})

    def _hide(self, queue: Queue, parameters: Mapping[str, Any]) -> Reply:
        handle, seconds = parameters.get("ReceiptHandle"), parameters.get("VisibilityTimeout")
        found = next((each for each in queue.messages if handle and each.receipt_handle == handle), None)
        if found is None:
            return refusal("ReceiptHandleIsInvalid")
        if not isinstance(seconds, int) or not 0 <= seconds <= _LONGEST_VISIBILITY:
            return refusal("InvalidParameterValue", "VisibilityTimeout has to be 0 to 43,200.")
        found.visible_at = self.clock() + seconds
        return Reply(200, _TYPE, b"")  # as SQS answers it


def _answered(members: Mapping[str, object]) -> Reply:
    return Reply(200, _TYPE, json.dumps(members).encode())
