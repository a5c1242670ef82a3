"""Fetches the keys that clients publish, every five minutes and for an operator who asks. It has no route."""

from collections.abc import Mapping
from typing import Any

from valet.aws import observability
from valet.aws.dynamodb.client_keys import DynamoPublishedKeys
from valet.aws.dynamodb.table import Table
from valet.server import SERVER


def handler(event: Mapping[str, Any], context: Any) -> dict[str, dict[str, int | str]]:
    """Answer the number of keys, or the failure, of each client. An operator may name one: {"client_id": "..."}."""
    observability.begin(context.aws_request_id)
    published = DynamoPublishedKeys(Table(SERVER.dynamodb, SERVER.settings.registry_table))
    uris = published.jwks_uris()
    if "client_id" in event:
        uris = {client_id: uri for client_id, uri in uris.items() if client_id == event["client_id"]}
    if not uris:
        return {}
    # Imported here: in most deployments no client publishes keys, and each run is a cold start.
    from valet.outbound import client_keys, guarded

    def get(jwks_uri: str) -> bytes:
        return guarded.get(jwks_uri, limit=client_keys.LARGEST, timeout=client_keys.TIMEOUT)

    return client_keys.fetch_all(uris, published, get, SERVER)
