"""Finishes sign-outs, by the messages of the queue SignOuts: ends what was left, and sends a notice for each client to
tell. It has no route."""

from collections.abc import Mapping
from typing import Any

from valet.aws import observability, sqs
from valet.finishing import finish
from valet.models.sign_outs import SignOut
from valet.server import SERVER


def handler(event: Mapping[str, Any], context: Any) -> dict[str, Any]:
    """Answer which messages have to come again."""
    observability.begin(context.aws_request_id)
    return sqs.each(event, _finish)


def _finish(message: sqs.Message) -> bool:
    finish(SERVER, message.read(SignOut), SERVER.clock())
    return True


SERVER.prepare()
