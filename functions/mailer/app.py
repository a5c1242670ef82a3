"""Sends mails to people, by the messages of the queue Mail (docs/people.md). It has no route."""

from collections.abc import Mapping
from typing import Any

from valet.aws import observability, sqs
from valet.mails.sending import send
from valet.models.mails import Letter
from valet.server import SERVER


def handler(event: Mapping[str, Any], context: Any) -> dict[str, Any]:
    """Answer which messages have to come again."""
    observability.begin(context.aws_request_id)
    return sqs.each(event, _send)


def _send(message: sqs.Message) -> bool:
    send(SERVER, message.read(Letter), SERVER.clock())
    return True


SERVER.prepare("pages")
