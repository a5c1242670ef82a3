"""Saved requests in DynamoDB."""

from dataclasses import dataclass

from valet.aws.dynamodb.table import Table, item_from_model, model_from_item
from valet.models.saved_requests import AuthorizationRequest, SavedRequest


@dataclass(frozen=True, slots=True)
class DynamoSavedRequests:
    """The port SavedRequests."""

    table: Table

    def save(self, request: SavedRequest) -> None:
        item = item_from_model(request, f"request#{request.digest.hex()}", "request")
        members = item_from_model(request.request, "", "")
        del members["pk"], members["sk"]
        self.table.put({**item, "request": members})

    def find_saved(self, digest: bytes) -> SavedRequest | None:
        item = self.table.get(f"request#{digest.hex()}", "request")
        if item is None:
            return None
        request = model_from_item(AuthorizationRequest, item["request"])
        return model_from_item(SavedRequest, {**item, "request": request})
