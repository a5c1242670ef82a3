"""One DynamoDB table in the words that the stores need: single items, written on a condition, read strongly.

Every error of DynamoDB becomes TemporarilyUnavailable. A write that gets no answer is sent once more, so a condition
may fail because of our own first try: the caller can see that from the item as found.
"""

import re
from collections.abc import Callable, Iterator, Mapping
from functools import cache, partial
from typing import Any, TypeVar, get_origin

from valet.aws.calls import CallFailed, Calls
from valet.aws.dynamodb.wire import attribute, plain
from valet.errors import TemporarilyUnavailable
from valet.frozen import Frozen

Item = Mapping[str, Any]
Model = TypeVar("Model", bound=Frozen)

_ATTRIBUTE = re.compile(r"#(\w+)")


class ConditionFailed(Exception):
    """The condition did not hold; `found` is the item as it is, None if there is none."""

    def __init__(self, found: Item | None) -> None:
        super().__init__()
        self.found = found


class Table:
    """A table with the keys `pk` and `sk`. In expressions every attribute is written `#name`, since many of the
    specifications' words (scope, state) are reserved in DynamoDB."""

    def __init__(self, dynamodb: Calls, name: str) -> None:
        self._dynamodb = dynamodb
        self._name = name

    def get(self, pk: str, sk: str, *, only: tuple[str, ...] = ()) -> Item | None:
        """The item, or None; of its attributes `only` those named, where some are. Strongly consistent."""
        answer = self._call("GetItem", Key=_key(pk, sk), ConsistentRead=True, **_projection(only))
        return item_from_attributes(answer["Item"]) if "Item" in answer else None

    def query(
        self,
        pk: str,
        prefix: str = "",
        *,
        since: str = "",
        only: tuple[str, ...] = (),
        where: str = "",
    ) -> Iterator[Item]:
        """The partition's items in the order of their sort keys; of each the attributes `only`. Strongly consistent.

        The sort keys start with `prefix`, or are not less than `since`.

        `where` filters them: DynamoDB reads and bills the items that it leaves out, but does not send them.
        """
        condition, values = "pk = :pk", {":pk": pk}
        if prefix:
            condition, values = condition + " AND begins_with(sk, :prefix)", {**values, ":prefix": prefix}
        elif since:
            condition, values = condition + " AND sk >= :since", {**values, ":since": since}
        request: dict[str, Any] = {
            "KeyConditionExpression": condition,
            "ExpressionAttributeValues": _values(values),
            "ConsistentRead": True,
        }
        request |= _projection(only, *_ATTRIBUTE.findall(where))
        if where:
            request["FilterExpression"] = where
        start: dict[str, Any] = {}
        while True:
            answer = self._call("Query", **request, **start)
            yield from map(item_from_attributes, answer["Items"])
            if not answer.get("LastEvaluatedKey"):
                return
            start = {"ExclusiveStartKey": answer["LastEvaluatedKey"]}

    def put(self, item: Item, condition: str = "", values: Item | None = None) -> None:
        """Write the item. Raises ConditionFailed."""
        self._write("PutItem", condition, values or {}, Item=_values(item))

    def update(
        self, pk: str, sk: str, expression: str, values: Item, condition: str = "", returned: str = "NONE"
    ) -> Item:
        """Update the item; answers what `returned` (ReturnValues) names. Raises ConditionFailed."""
        answer = self._write(
            "UpdateItem",
            condition,
            values,
            Key=_key(pk, sk),
            UpdateExpression=expression,
            ReturnValues=returned,
        )
        return item_from_attributes(answer.get("Attributes", {}))

    def delete(self, pk: str, sk: str, condition: str = "", values: Item | None = None) -> None:
        """Delete the item. Raises ConditionFailed."""
        self._write("DeleteItem", condition, values or {}, Key=_key(pk, sk))

    def _write(self, operation: str, condition: str, values: Item, **request: Any) -> Any:
        if condition:
            request["ConditionExpression"] = condition
            request["ReturnValuesOnConditionCheckFailure"] = "ALL_OLD"
        names = _ATTRIBUTE.findall(f"{request.get('UpdateExpression', '')} {condition}")
        if names:
            request["ExpressionAttributeNames"] = {f"#{name}": name for name in names}
        if values:
            request["ExpressionAttributeValues"] = _values(values)
        return self._call(operation, **request)

    def _call(self, operation: str, **request: Any) -> Any:
        try:
            return self._dynamodb(operation, {"TableName": self._name, **request})
        except CallFailed as failure:
            if failure.code == "ConditionalCheckFailedException":
                raise ConditionFailed(item_from_attributes(failure.item) if failure.item else None) from None
            raise TemporarilyUnavailable(detail=f"DynamoDB {operation}: {failure.code}") from failure


def _projection(only: tuple[str, ...], *also_named: str) -> dict[str, Any]:
    """The members of a request that reads the attributes `only`, and names some others in another expression."""
    members: dict[str, Any] = {}
    if only:
        members["ProjectionExpression"] = ", ".join(f"#{name}" for name in only)
    if names := (*only, *also_named):
        members["ExpressionAttributeNames"] = {f"#{name}": name for name in names}
    return members


def _key(pk: str, sk: str) -> dict[str, Any]:
    return {"pk": {"S": pk}, "sk": {"S": sk}}


def _values(values: Item) -> dict[str, Any]:
    return {name: attribute(value) for name, value in values.items()}


def item_from_attributes(attributes: Mapping[str, Any]) -> Item:
    """An item in plain Python values."""
    return {name: plain(value) for name, value in attributes.items()}


def item_from_model(model: Frozen, pk: str, sk: str) -> dict[str, Any]:
    """A fact as an item. A field with its default value is left out, so that a release that adds a field reads old
    items.
    """
    return {"pk": pk, "sk": sk, **_attributes(model)}


def _attributes(model: Frozen) -> dict[str, Any]:
    defaults = model.DEFAULTS
    kept = {
        name: _storable(value) for name, value in vars(model).items() if name not in defaults or value != defaults[name]
    }
    return {name: value for name, value in kept.items() if value is not None}


def _storable(value: Any) -> Any:
    if isinstance(value, Frozen):
        return _attributes(value)
    if isinstance(value, frozenset):
        return sorted(value)
    if isinstance(value, tuple):
        return [_storable(member) for member in value]
    return value


def model_from_item(model: type[Model], item: Item) -> Model:
    """An item as a fact. Attributes of a later release are ignored; a missing optional one is None."""
    values: dict[str, Any] = {}
    hashable: Any = model
    for name, convert, is_required in _members(hashable):
        if name in item:
            values[name] = convert(item[name]) if convert else item[name]
        elif is_required:
            values[name] = None
    return model(**values)


@cache
def _members(model: type[Frozen]) -> tuple[tuple[str, Callable[[Any], Any] | None, bool], ...]:
    """Of each field the name, what makes its value of the item's (None: it stays), and whether it has no default."""
    return tuple((name, _conversion(kind), name not in model.DEFAULTS) for name, kind in model.FIELDS.items())


def _conversion(kind: Any) -> Callable[[Any], Any] | None:
    if isinstance(kind, type) and issubclass(kind, Frozen):
        return partial(model_from_item, kind)
    origin = get_origin(kind)
    return origin if origin in (tuple, frozenset) else None
