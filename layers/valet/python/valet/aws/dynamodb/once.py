"""Values that may be sent once, in DynamoDB."""

from hashlib import sha256

from valet.aws.dynamodb.table import ConditionFailed, Table
from valet.frozen import Frozen
from valet.models.once import OneTimeValue


class DynamoOnce(Frozen):
    """The port Once."""

    table: Table

    def spend(self, value: OneTimeValue, attempt: bytes, /) -> bool:
        # A digest, because the sender chooses the text: it may be long, and no two values may have one key.
        name = sha256("\0".join((value.kind, value.sender, value.jti)).encode()).hexdigest()
        item = {"pk": f"once#{name}", "sk": "once", "attempt": attempt, "expires_at": value.expires_at}
        try:
            self.table.put(item, "attribute_not_exists(#pk)")
        except ConditionFailed as failed:
            return failed.found is not None and failed.found["attempt"] == attempt
        return True
