"""Queues in SQS: messages that are facts, and the batches in which Lambda brings them.

Each message comes at least once. One that is reported as failed stays in its queue, comes again after the queue's
visibility timeout or as long as `hide` says, and goes to the dead-letter queue after the queue's last receive.
"""

import json
from collections.abc import Callable, Mapping
from typing import Any, TypeVar

from valet.aws import observability
from valet.aws.calls import CallFailed, Calls
from valet.aws.dynamodb.table import model_from_item
from valet.errors import OAuthError, TemporarilyUnavailable
from valet.frozen import Frozen

Model = TypeVar("Model", bound=Frozen)


class Queue(Frozen):
    """One queue, by its URL."""

    sqs: Calls
    url: str

    def send(self, message: Frozen, /, delay: int = 0) -> None:
        """Send a fact, which arrives after `delay` seconds at the earliest. Raises TemporarilyUnavailable."""
        defaults = message.DEFAULTS
        facts = {name: value for name, value in vars(message).items() if defaults.get(name) != value}
        self.send_body(json.dumps(facts, separators=(",", ":")), delay)

    def send_body(self, body: str, delay: int = 0) -> None:
        self._call("SendMessage", MessageBody=body, **({"DelaySeconds": delay} if delay else {}))

    def hide(self, message: "Message", seconds: int) -> None:
        """Let a message that was received come again only after so many seconds, twelve hours at most."""
        self._call("ChangeMessageVisibility", ReceiptHandle=message.receipt_handle, VisibilityTimeout=seconds)

    def _call(self, operation: str, **parameters: Any) -> None:
        if not self.url:
            raise TemporarilyUnavailable(detail=f"SQS {operation}: the function's environment names no queue")
        try:
            self.sqs(operation, {"QueueUrl": self.url, **parameters})
        except CallFailed as failed:
            raise TemporarilyUnavailable(detail=f"SQS {operation}: {failed.code}") from failed


class Message(Frozen):
    """A message as Lambda brings it."""

    message_id: str
    receipt_handle: str
    body: str
    sent_at: float  # epoch seconds, when it was sent first

    def read(self, model: type[Model]) -> Model:
        """Its fact. A member of a later release is passed over. Raises ValueError if it is no such fact."""
        members = json.loads(self.body)
        if not isinstance(members, dict) or not members.keys() >= model.FIELDS.keys() - model.DEFAULTS.keys():
            raise ValueError(f"the message is no {model.__name__}")
        return model_from_item(model, members)


def each(event: Mapping[str, Any], settle: Callable[[Message], bool]) -> dict[str, Any]:
    """Lambda's answer to a batch: the messages that `settle` answered False for, or raised for, are to come again.

    Nothing is raised: Lambda would take all messages of the batch for failed, and slow the queue down.
    """
    failed = []
    for record in event["Records"]:
        message = Message(
            record["messageId"],
            record["receiptHandle"],
            record["body"],
            int(record["attributes"]["SentTimestamp"]) / 1000,
        )
        try:
            is_settled = settle(message)
        except OAuthError as error:
            observability.log_refusal(error)
            is_settled = False
        except Exception as failure:
            observability.log_failure(failure)
            is_settled = False
        if not is_settled:
            failed.append({"itemIdentifier": message.message_id})
    return {"batchItemFailures": failed}
