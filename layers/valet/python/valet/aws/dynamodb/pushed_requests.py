"""Pushed authorization requests in DynamoDB."""

from contextlib import suppress

from valet.aws.dynamodb.table import ConditionFailed, Table, item_from_model, model_from_item
from valet.frozen import Frozen
from valet.models.pushed_requests import PushedRequest


class DynamoPushedRequests(Frozen):
    """The port PushedRequests."""

    table: Table

    def push(self, request: PushedRequest) -> None:
        # No other invocation can have drawn this handle: if the condition fails, it was our own first try.
        with suppress(ConditionFailed):
            self.table.put(item_from_model(request, _pk(request.digest), "request"), "attribute_not_exists(#pk)")

    def find_pushed(self, digest: bytes) -> PushedRequest | None:
        item = self.table.get(_pk(digest), "request")
        return model_from_item(PushedRequest, item) if item else None


def _pk(digest: bytes) -> str:
    return f"pushed#{digest.hex()}"
