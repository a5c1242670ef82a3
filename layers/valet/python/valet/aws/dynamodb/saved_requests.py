"""Saved requests in DynamoDB."""

from valet.aws.dynamodb.table import Table, item_from_model, model_from_item
from valet.frozen import Frozen
from valet.models.saved_requests import SavedRequest


class DynamoSavedRequests(Frozen):
    """The port SavedRequests."""

    table: Table

    def save(self, request: SavedRequest) -> None:
        self.table.put(item_from_model(request, f"request#{request.digest.hex()}", "request"))

    def find_saved(self, digest: bytes) -> SavedRequest | None:
        item = self.table.get(f"request#{digest.hex()}", "request")
        return model_from_item(SavedRequest, item) if item else None
