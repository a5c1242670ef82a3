"""Fetches the document of a client that no operator registered. It has no route: authorize and token invoke it.

The only function that goes to an address which a stranger chose, and all that it may read and write is what it has
fetched before and its own counters (docs/decisions/one-function-goes-out.md).
"""

from collections.abc import Mapping
from typing import Any

from valet.aws import observability
from valet.errors import TemporarilyUnavailable
from valet.outbound import documents, guarded
from valet.outbound.asking import Answer
from valet.ports.unknown_clients import Outcome
from valet.server import SERVER


def get(url: str, *, limit: int, timeout: float) -> Answer:
    return guarded.ask(url, form=None, headers=documents.HEADERS, limit=limit, timeout=timeout)


def handler(event: Mapping[str, Any], context: Any) -> dict[str, str]:
    """Answer what became of the fetch. The caller reads what was kept by itself."""
    observability.begin(context.aws_request_id, event["source_ip"])
    try:
        outcome = documents.fetch(
            event["url"],
            event["source_ip"],
            SERVER.document_store,
            get,
            SERVER,
            is_trusted=event["is_trusted"] is True,
            is_local=SERVER.settings.is_plain_http,
        )
    except TemporarilyUnavailable as error:
        observability.log_refusal(error)
        outcome = Outcome.UNAVAILABLE
    return {"outcome": outcome.value}
