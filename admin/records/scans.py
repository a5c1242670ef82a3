"""A table that operators read from end to end, and change only if no other operator has changed the item meanwhile.

No Lambda function scans, and IAM allows none to. An operator who lists all clients has no index for it.
"""

from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import TYPE_CHECKING, Any, TypeVar

from botocore.exceptions import BotoCoreError, ClientError
from valet.aws.dynamodb.table import (
    ConditionFailed,
    Item,
    Table,
    item_from_attributes,
    item_from_model,
    model_from_item,
)
from valet.errors import TemporarilyUnavailable
from valet.models.accounts import Account
from valet.models.clients import Client

from admin.records.boto_calls import BotoCalls

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient

WithEpoch = TypeVar("WithEpoch", Account, Client)


class ScannedTable(Table):
    """A Table that can be read from end to end, and changed attribute by attribute.

    Every write calls `open_log` first, which raises if the change could not be logged.
    """

    def __init__(self, client: "DynamoDBClient", name: str, open_log: Callable[[], None]) -> None:
        super().__init__(BotoCalls(client), name)
        self.name = name
        self._scanning = client
        self._open_log = open_log

    def _write(self, operation: str, condition: str, values: Item, **request: Any) -> Any:
        self._open_log()
        return super()._write(operation, condition, values, **request)

    def scan(self, prefix: str) -> Iterator[Item]:
        """Every item whose partition's name starts with `prefix`. Strongly consistent."""
        start: dict[str, Any] = {}
        while True:
            answer: Any = self._asked(
                "scan",
                TableName=self.name,
                FilterExpression="begins_with(pk, :prefix)",
                ExpressionAttributeValues={":prefix": {"S": prefix}},
                ConsistentRead=True,
                **start,
            )
            yield from map(item_from_attributes, answer["Items"])
            if not answer.get("LastEvaluatedKey"):
                return
            start = {"ExclusiveStartKey": answer["LastEvaluatedKey"]}

    def get_many(self, keys: Sequence[tuple[str, str]]) -> list[Item]:
        """The items by those keys, at most a hundred, in any order; absent items are left out. Strongly consistent."""
        todo: Any = {
            self.name: {"Keys": [{"pk": {"S": pk}, "sk": {"S": sk}} for pk, sk in keys], "ConsistentRead": True}
        }
        found: list[Item] = []
        while todo:
            answer: Any = self._asked("batch_get_item", RequestItems=todo)
            found += map(item_from_attributes, answer["Responses"].get(self.name, ()))
            todo = answer.get("UnprocessedKeys")
        return found

    def _asked(self, operation: str, **request: Any) -> Any:
        try:
            return getattr(self._scanning, operation)(**request)
        except ClientError as error:
            code = error.response.get("Error", {}).get("Code", "")
            raise TemporarilyUnavailable(detail=f"DynamoDB {operation}: {code}") from error
        except BotoCoreError as error:
            raise TemporarilyUnavailable(detail=f"DynamoDB {operation}: {type(error).__name__}") from error

    def add(self, item: Item) -> bool:
        """Write an item that is not there yet; False if one is."""
        try:
            self.put(item, "attribute_not_exists(#pk)")
        except ConditionFailed as failed:
            return failed.found == item  # this command's first attempt, whose answer was lost
        return True

    def change(self, before: Item, after: Item, *, unless_changed: str = "") -> bool:
        """Write what differs between the two, if nobody changed just that meanwhile, nor the attribute that
        `unless_changed` names; False if somebody did."""
        written = {name: value for name, value in after.items() if before.get(name) != value}
        removed = [name for name in before if name not in after]
        if not written and not removed:
            return True
        clauses = []
        if written:
            clauses.append("SET " + ", ".join(f"#{name} = :{name}" for name in written))
        if removed:
            clauses.append("REMOVE " + ", ".join(f"#{name}" for name in removed))
        conditions = ["attribute_exists(#pk)"]
        values = {f":{name}": value for name, value in written.items()}
        for name in dict.fromkeys((*written, *removed, *([unless_changed] if unless_changed else ()))):
            if name in before:
                conditions.append(f"#{name} = :was_{name}")
                values[f":was_{name}"] = before[name]
            else:
                conditions.append(f"attribute_not_exists(#{name})")
        try:
            self.update(before["pk"], before["sk"], " ".join(clauses), values, " AND ".join(conditions))
        except ConditionFailed as failed:
            found = failed.found or {}
            is_ours = all(found.get(name) == value for name, value in written.items())
            return bool(found) and is_ours and not any(name in found for name in removed)
        return True

    def remove(self, before: Item, members: Iterable[str]) -> bool:
        """Delete an item if its `members` are still those of `before`. False if one was changed meanwhile."""
        conditions, values = ["attribute_exists(#pk)"], {}
        for name in members:
            if name in before:
                conditions.append(f"#{name} = :{name}")
                values[f":{name}"] = before[name]
            else:
                conditions.append(f"attribute_not_exists(#{name})")
        try:
            self.delete(before["pk"], before["sk"], " AND ".join(conditions), values)
        except ConditionFailed as failed:
            return failed.found is None  # it is gone: by this command's first attempt, or by another operator's
        return True

    def mark(self, pk: str, sk: str, name: str, at_ms: int) -> bool:
        """Set a time on an existing item, forward only. False if there is nothing to do."""
        condition = f"attribute_exists(#pk) AND (attribute_not_exists(#{name}) OR #{name} < :at)"
        try:
            self.update(pk, sk, f"SET #{name} = :at", {":at": at_ms}, condition)
        except ConditionFailed as failed:
            return (failed.found or {}).get(name) == at_ms  # this command's first attempt
        return True


def raise_epoch(
    table: ScannedTable, record: WithEpoch, pk: str, sk: str, revoked: Callable[[WithEpoch], WithEpoch]
) -> tuple[WithEpoch, WithEpoch]:
    """Write `revoked(record)`, which has the next epoch, by one write. Returns the record before and after the write.

    If another operator has deleted the record, or raised its epoch, since it was read, that has ended what this call
    was to end: nothing is written, and the two are the same record.
    """
    # As it is now: the operator was asked to confirm since it was read, and another may have revoked meanwhile.
    record = _find(table, record, pk, sk) or record
    while True:
        after = revoked(record)
        if table.change(item_from_model(record, pk, sk), item_from_model(after, pk, sk), unless_changed="epoch"):
            return record, after
        found = _find(table, record, pk, sk)
        if found is None or found.epoch > record.epoch:
            ended = found or record
            return ended, ended
        record = found


def _find(table: ScannedTable, record: WithEpoch, pk: str, sk: str) -> WithEpoch | None:
    item = table.get(pk, sk)
    return model_from_item(type(record), item) if item else None
