"""DynamoDB in memory, behind the calls that functions send: for thousands of tests, to which moto would be slow.

It decides expressions as the model's table does, and the contract tests hold it to what moto and ministack do. What the
stores do not send, it refuses to answer.
"""

import json
import re
from base64 import b64encode
from collections.abc import Iterable, Mapping
from threading import Lock
from typing import Any

from valet.aws.dynamodb.table import Item, item_from_attributes
from valet.aws.dynamodb.wire import attribute
from valet.aws.reply import Reply

from local.aws.calls import Call, refusal
from tests.support.expressions import InvalidUpdate, NotSent, attributes_changed, is_met, updated

Key = tuple[str, str]
_LARGEST_ITEM = 400 * 1024  # bytes
_LARGEST_PAGE = 1024 * 1024
_LONGEST_KEY = {"pk": 2048, "sk": 1024}  # bytes
_MOST_KEYS = 100  # of one BatchGetItem
_EXPRESSIONS = ("UpdateExpression", "ConditionExpression", "FilterExpression", "ProjectionExpression")
_READS = ("GetItem", "Query", "Scan", "BatchGetItem")
_DEFINITIONS = ("ExpressionAttributeNames", "ExpressionAttributeValues")
_READ = {"TableName", "ConsistentRead", "ExpressionAttributeNames", "ProjectionExpression"}
_WRITE = {
    *("TableName", "ConditionExpression", "ReturnValuesOnConditionCheckFailure"),
    *("ExpressionAttributeNames", "ExpressionAttributeValues"),
}
_PAGED = {"FilterExpression", "ExpressionAttributeValues", "ExclusiveStartKey"}
_MEMBERS = {
    "GetItem": _READ | {"Key"},
    "Query": _READ | _PAGED | {"KeyConditionExpression"},
    "Scan": _READ | _PAGED,
    "BatchGetItem": {"RequestItems"},
    "PutItem": _WRITE | {"Item"},
    "UpdateItem": _WRITE | {"Key", "UpdateExpression", "ReturnValues"},
    "DeleteItem": _WRITE | {"Key"},
}
_PARTITION = re.compile(r"pk = (:pk)(?: AND (?:begins_with\(sk, (:prefix)\)|sk >= (:since)))?")
_OF_SCAN = "begins_with(pk, :prefix)"


class _Held:
    """An item, which is replaced and never changed; and as it is sent."""

    def __init__(self, item: Item) -> None:
        self.item = item
        self.sent = _sent(item)


class MemoryDynamoDb:
    """Tables by their names, with the keys pk and sk. Each call is atomic."""

    def __init__(self, names: Iterable[str]) -> None:
        self._tables: dict[str, dict[Key, _Held]] = {name: {} for name in names}
        self._lock = Lock()

    def snapshot(self) -> dict[str, dict[Key, _Held]]:
        """The items of every table, for `restore`."""
        with self._lock:
            return {name: dict(items) for name, items in self._tables.items()}

    def restore(self, snapshot: Mapping[str, Mapping[Key, _Held]]) -> None:
        with self._lock:
            self._tables = {name: dict(items) for name, items in snapshot.items()}

    def answer(self, call: Call) -> Reply | None:
        """None if the call names another table."""
        asked = call.parameters
        if not set(asked.get("RequestItems", (asked.get("TableName"),))) <= self._tables.keys():
            return None
        if unknown := asked.keys() - _MEMBERS[call.action]:
            raise NotSent(f"{call.action} with {', '.join(sorted(unknown))}")
        reads = asked.get("RequestItems", {"": asked}).values() if call.action in _READS else ()
        if not all(read.get("ConsistentRead") for read in reads):
            # Here it would be answered by what was written last, and by DynamoDB now and then by what was before.
            raise NotSent(f"{call.action} that may miss the last writes")
        try:
            if why := _unsound(asked):
                return refusal("ValidationException", why)
            with self._lock:
                return self._answered(call.action, asked)
        except InvalidUpdate as invalid:
            return refusal("ValidationException", str(invalid))

    def _answered(self, action: str, asked: Mapping[str, Any]) -> Reply:
        if action == "BatchGetItem":
            found = {
                name: [held for key in wanted["Keys"] if (held := self._tables[name].get(_key(key)))]
                for name, wanted in asked["RequestItems"].items()
            }
            texts = (f"{json.dumps(name)}:[{','.join(held.sent for held in items)}]" for name, items in found.items())
            return _reply(f'{{"Responses":{{{",".join(texts)}}},"UnprocessedKeys":{{}}}}')
        table = self._tables[asked["TableName"]]
        if action == "GetItem":
            got = table.get(_key(asked["Key"]))
            return _reply(f'{{"Item":{_projected(got, asked)}}}' if got else "{}")
        if action in ("Query", "Scan"):
            return _page(table, asked)
        return _write(table, action, asked)


def _write(table: dict[Key, _Held], action: str, asked: Mapping[str, Any]) -> Reply:
    key = _key(asked["Item"] if action == "PutItem" else asked["Key"])
    old, values = table.get(key), item_from_attributes(asked.get("ExpressionAttributeValues", {}))
    condition = asked.get("ConditionExpression", "")
    if condition and not is_met(old.item if old else {}, condition, values):
        found = f',"Item":{old.sent}' if old and "ReturnValuesOnConditionCheckFailure" in asked else ""
        text = f'{{"__type":"com.amazonaws.dynamodb.v20120810#ConditionalCheckFailedException"{found}}}'
        return _reply(text, 400)
    if action == "DeleteItem":
        table.pop(key, None)
        return _reply("{}")
    if action == "PutItem":
        new = _Held(item_from_attributes(asked["Item"]))
    else:
        before = old.item if old else item_from_attributes(asked["Key"])
        new = _Held(updated(before, asked["UpdateExpression"], values))
    if len(new.sent) > _LARGEST_ITEM:
        return refusal("ValidationException", "Item size to update has exceeded the maximum allowed size")
    table[key] = new
    return _reply(_returned(asked, old, new))


def _returned(asked: Mapping[str, Any], old: _Held | None, new: _Held) -> str:
    match asked.get("ReturnValues", "NONE"):
        case "NONE":
            return "{}"
        case "ALL_OLD":
            return f'{{"Attributes":{old.sent}}}' if old else "{}"
        case "ALL_NEW":
            return f'{{"Attributes":{new.sent}}}'
        case "UPDATED_NEW":
            names = attributes_changed(asked["UpdateExpression"])
            return f'{{"Attributes":{_sent({name: new.item[name] for name in names if name in new.item})}}}'
        case other:
            raise NotSent(f"ReturnValues {other}")


def _page(table: Mapping[Key, _Held], asked: Mapping[str, Any]) -> Reply:
    """The first megabyte of what a query or a scan reads, without what its filter leaves out."""
    values = item_from_attributes(asked.get("ExpressionAttributeValues", {}))
    keys, size, page = _keys(table, asked, values), 0, list[_Held]()
    for key in keys:
        page.append(table[key])
        size += len(page[-1].sent)
        if size >= _LARGEST_PAGE:
            break
    condition = asked.get("FilterExpression", "")
    if condition == _OF_SCAN:
        kept = [held for held in page if held.item["pk"].startswith(values[":prefix"])]
    else:
        kept = [held for held in page if not condition or is_met(held.item, condition, values)]
    texts = ",".join(_projected(held, asked) for held in kept)
    more = f',"LastEvaluatedKey":{_sent(_key_of(page[-1].item))}' if len(page) < len(keys) else ""
    return _reply(f'{{"Items":[{texts}],"Count":{len(kept)},"ScannedCount":{len(page)}{more}}}')


def _keys(table: Mapping[Key, _Held], asked: Mapping[str, Any], values: Item) -> list[Key]:
    """The keys of the items that a query or a scan reads, in their order."""
    after = _key(asked["ExclusiveStartKey"]) if "ExclusiveStartKey" in asked else ("", "")
    keys = (key for key in table if key > after)
    if "KeyConditionExpression" in asked:
        by = _PARTITION.fullmatch(asked["KeyConditionExpression"])
        if by is None:
            raise NotSent(asked["KeyConditionExpression"])
        pk, prefix, since = (values[name] if name else "" for name in by.groups())
        keys = (key for key in keys if key[0] == pk and key[1].startswith(prefix) and key[1] >= since)
    return sorted(keys)


def _projected(held: _Held, asked: Mapping[str, Any]) -> str:
    if "ProjectionExpression" not in asked:
        return held.sent
    names = re.findall(r"#(\w+)", asked["ProjectionExpression"])
    return _sent({name: held.item[name] for name in names if name in held.item})


def _unsound(asked: Mapping[str, Any]) -> str:
    """Why DynamoDB refuses the call before it looks at an item, "" if it does not. Raises InvalidUpdate."""
    if "UpdateExpression" in asked:
        attributes_changed(asked["UpdateExpression"])
    return _unsound_expressions(asked) or _unsound_keys(asked)


def _unsound_expressions(asked: Mapping[str, Any]) -> str:
    """Each name and value is to be defined, and used."""
    text = " ".join(asked[member] for member in _EXPRESSIONS if member in asked)
    names = asked.get("ExpressionAttributeNames", {})
    if any(name != f"#{meant}" for name, meant in names.items()):
        raise NotSent("a name that stands for another")
    if set(re.findall(r"#\w+", text)) != names.keys():
        return f"ExpressionAttributeNames has {sorted(names)}, and the expressions are {text}"
    text += " " + asked.get("KeyConditionExpression", "")
    values = asked.get("ExpressionAttributeValues", {})
    if set(re.findall(r":\w+", text)) != values.keys():
        return f"ExpressionAttributeValues has {sorted(values)}, and the expressions are {text}"
    if any(asked.get(member) in ("", {}) for member in (*_EXPRESSIONS, *_DEFINITIONS)):
        return "an expression, or what defines its words, is empty"
    read = asked.get("ProjectionExpression", "").split(", ")
    return f"an attribute is read twice: {read}" if len(set(read)) < len(read) else ""


def _unsound_keys(asked: Mapping[str, Any]) -> str:
    keys = [asked[member] for member in ("Key", "Item") if member in asked]
    if "KeyConditionExpression" in asked:
        keys.append({"pk": asked["ExpressionAttributeValues"][":pk"]})
    for wanted in asked.get("RequestItems", {}).values():
        if wanted.keys() - {"Keys", "ConsistentRead"}:
            raise NotSent(f"BatchGetItem with {', '.join(sorted(wanted))}")
        if not 0 < len({_key(key) for key in wanted["Keys"]}) == len(wanted["Keys"]) <= _MOST_KEYS:
            return "BatchGetItem reads 1 to 100 keys, and each once"
        keys += wanted["Keys"]
    for key in keys:
        for name, longest in _LONGEST_KEY.items():
            if name in key and not 0 < len(key[name]["S"].encode()) <= longest:
                return f"{name} is empty, or longer than {longest} bytes"
    return ""


def _key(attributes: Mapping[str, Any]) -> Key:
    return attributes["pk"]["S"], attributes["sk"]["S"]


def _key_of(item: Item) -> Item:
    return {"pk": item["pk"], "sk": item["sk"]}


def _sent(item: Item) -> str:
    return json.dumps({name: attribute(value) for name, value in item.items()}, default=_base64)


def _base64(value: bytes) -> str:
    return b64encode(value).decode()


def _reply(text: str, status: int = 200) -> Reply:
    return Reply(status, {"content-type": "application/x-amz-json-1.0"}, text.encode())
