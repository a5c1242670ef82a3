"""Tells clients that sessions have ended, by the messages of the queue LogoutTokens (OpenID Connect Back-Channel Logout
§2.5). It signs, and it has no route."""

from collections.abc import Mapping
from typing import Any

from valet.aws import observability, sqs
from valet.errors import TemporarilyUnavailable
from valet.models.sign_outs import LogoutNotice
from valet.outbound import guarded
from valet.outbound.logout_tokens import next_try, tell
from valet.server import SERVER


def handler(event: Mapping[str, Any], context: Any) -> dict[str, Any]:
    """Answer which messages have to come again."""
    observability.begin(context.aws_request_id)
    return sqs.each(event, _tell)


def _tell(message: sqs.Message) -> bool:
    """Whether the message is settled: the client was told, wants to be told no more, or cannot be."""
    notice = message.read(LogoutNotice)
    try:
        client = SERVER.registry.find_client(notice.client_id)
        if client is None or not client.backchannel_logout_uri:
            return True
        failure = tell(SERVER, client, notice, guarded.post)
    except TemporarilyUnavailable as error:  # it counts as a try: DynamoDB may be away for longer than thirty receives
        failure = error.detail
    age = max(0, SERVER.clock() - message.sent_at)
    facts: dict[str, str | int] = {"client_id": notice.client_id, "sub": notice.sub, "sid": notice.sid, "age": int(age)}
    if not failure:
        SERVER.audit.record("logout.told", **facts)
        return True
    seconds = next_try(age)
    settings = SERVER.settings
    if seconds is None:
        # Retention would end in silence, so it is done here: the alarm on the dead letters names the client.
        sqs.Queue(SERVER.sqs, settings.dead_letters_queue).send_body(message.body)
    else:
        sqs.Queue(SERVER.sqs, settings.logout_tokens_queue).hide(message, seconds)
    SERVER.audit.record("logout.refused", **facts, detail=failure, next_in=seconds)
    return seconds is None


SERVER.prepare("signatures")
