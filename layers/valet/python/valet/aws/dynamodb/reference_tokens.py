"""Reference tokens in DynamoDB. Only the function that issues tokens may write in these partitions: an item here is as
good as a signature.
"""

from valet.aws.dynamodb.table import ConditionFailed, Table, item_from_model, model_from_item
from valet.frozen import Frozen
from valet.models.reference_tokens import ReferenceToken


class DynamoReferenceTokens(Frozen):
    """The port ReferenceTokens."""

    table: Table

    def put_token(self, token: ReferenceToken) -> bool:
        item = item_from_model(token, _pk(token.token_id), "reference")
        del item["token_id"]  # the key says it
        try:
            self.table.put(item, "attribute_not_exists(#pk)")
        except ConditionFailed as failed:
            # Our own first try has this digest: nobody else knows the secret.
            return (failed.found or {}).get("secret_digest") == token.secret_digest
        return True

    def find_token(self, token_id: str) -> ReferenceToken | None:
        item = self.table.get(_pk(token_id), "reference")
        return model_from_item(ReferenceToken, {**item, "token_id": token_id}) if item else None


def _pk(token_id: str) -> str:
    return f"reference#{token_id}"
