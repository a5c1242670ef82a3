"""Refusals: the code in all its spellings, and the item that a failed condition found."""

import json
from typing import Any

import pytest
from valet.aws.calls import AwsCalls, CallFailed
from valet.aws.dynamodb.table import ConditionFailed, Table
from valet.aws.reply import Reply
from valet.errors import TemporarilyUnavailable

from tests.parts.aws import oracle
from tests.parts.aws.door import SIGNED, Door
from tests.parts.aws.values import Values

CODE = "ResourceNotFoundException"
BODIES: dict[str, Any] = {
    "plain": {"__type": CODE},
    "with a name space": {"__type": f"com.amazonaws.dynamodb.v20120810#{CODE}"},
    "with an address": {"__type": f"{CODE}:http://internal.amazon.com/coral/com.amazon.coral.service/"},
    "with both": {"__type": f"aws.protocoltests.json#{CODE}:http://internal.amazon.com/#coral"},
    "with a message": {"__type": f"com.amazon.coral.service#{CODE}", "message": "no: #1", "Message": "No"},
}
REAL = (
    *("ConditionalCheckFailedException", "ProvisionedThroughputExceededException", "ValidationException"),
    *("ResourceNotFoundException", "AccessDeniedException", "UnrecognizedClientException", "ExpiredTokenException"),
    *("InvalidSignatureException", "SerializationException", "ItemCollectionSizeLimitExceededException"),
)


def failure(door: Door, reply: Reply, service: str = "dynamodb") -> CallFailed:
    door.answer = lambda attempt: reply
    with pytest.raises(CallFailed) as failed:
        AwsCalls(service, SIGNED)("GetItem", {})
    return failed.value


@pytest.mark.parametrize("spelling", BODIES)
def test_the_code_is_read_from_each_spelling_of_the_body(spelling: str, door: Door) -> None:
    reply = Reply(400, {}, json.dumps(BODIES[spelling]).encode())
    theirs = oracle.Client("dynamodb")
    theirs.reply = reply
    refusal = theirs.refusal("GetItem", {"TableName": "Grants", "Key": {"pk": {"S": "a"}}})
    assert refusal == (failure(door, reply).code, None) == (CODE, None)


@pytest.mark.parametrize("code", REAL)
@pytest.mark.parametrize("spelling", ["{}", "com.amazon#{}", "{}:http://internal/", "a#{}:http://internal/#b"])
def test_the_code_is_read_from_the_header_where_the_body_has_none(code: str, spelling: str, door: Door) -> None:
    """The protocol allows it; botocore looks for it only in the protocols that have no operation in a header."""
    reply = Reply(400, {"x-amzn-errortype": spelling.format(code)}, b"{}")
    assert failure(door, reply).code == code


@pytest.mark.parametrize("service", ["dynamodb", "kms"])
def test_every_code_of_the_models_is_read(service: str, door: Door) -> None:
    codes = {shape.metadata.get("error", {}).get("code") or shape.name for shape in oracle.model(service).error_shapes}
    assert len(codes) > 30
    for code in codes:
        assert failure(door, Reply(400, {}, json.dumps({"__type": f"x#{code}"}).encode()), service).code == code


NO_CODES = {
    "no body": Reply(400, {}, b""),
    "a page of something in front": Reply(400, {"content-type": "text/html"}, b"<html>Bad Request</html>"),
    "a list": Reply(400, {}, b"[]"),
    "a text": Reply(400, {}, b'"ResourceNotFoundException"'),
    "a number for a code": Reply(400, {}, b'{"__type": 1}'),
    "an empty code": Reply(400, {}, b'{"__type": "a#"}'),
    "a line break in a code": Reply(400, {}, b'{"__type": "Fine\\nlevel=ERROR forged"}'),
    "a code without end": Reply(400, {}, json.dumps({"__type": "A" * 10_000}).encode()),
    "letters of another script": Reply(400, {}, '{"__type": "Отказ"}'.encode()),
    "no UTF-8": Reply(400, {}, b'{"__type": "\xff"}'),
    "an abyss": Reply(400, {}, b"[" * 100_000),
}


@pytest.mark.parametrize("reply", NO_CODES.values(), ids=list(NO_CODES))
def test_a_refusal_without_a_code_is_called_by_its_status(reply: Reply, door: Door) -> None:
    assert failure(door, reply).code == "HTTP 400"
    assert len(door.attempts) == 1


def test_the_item_that_a_failed_condition_found_is_read_as_boto3_reads_it(door: Door) -> None:
    table, values = Table(AwsCalls("dynamodb", SIGNED), "Grants"), Values(8)
    theirs = oracle.Client("dynamodb")
    key = {"pk": {"S": "a"}, "sk": {"S": "b"}}
    for _ in range(300):
        told = {"__type": "com.amazonaws.dynamodb.v20120810#ConditionalCheckFailedException", "message": "no"}
        item = {**values.stored_item(), "pk": {"S": "a"}}
        theirs.reply = reply = Reply(400, {}, json.dumps({**told, "Item": item}).encode())
        code, found = theirs.refusal("PutItem", {"TableName": "Grants", "Item": key})
        door.answers(reply)
        with pytest.raises(ConditionFailed) as failed:
            table.put({"pk": "a", "sk": "b"}, "attribute_not_exists(pk)")
        assert failed.value.found == {name: oracle.plain(value) for name, value in found.items()}
        assert code == "ConditionalCheckFailedException"


@pytest.mark.parametrize("item", [{}, {"Item": {}}, {"Item": None}, {"Item": "a"}, {"Item": []}], ids=repr)
def test_a_failed_condition_without_an_item_found_none(item: dict[str, Any], door: Door) -> None:
    door.answers(Reply(400, {}, json.dumps({"__type": "ConditionalCheckFailedException", **item}).encode()))
    with pytest.raises(ConditionFailed) as failed:
        Table(AwsCalls("dynamodb", SIGNED), "Grants").delete("a", "b", "attribute_exists(pk)")
    assert failed.value.found is None


def test_another_refusal_names_the_operation_and_the_code_to_the_log(door: Door) -> None:
    door.answers(Reply(400, {}, b'{"__type": "a#AccessDeniedException", "message": "secret of AWS"}'))
    with pytest.raises(TemporarilyUnavailable) as failed:
        Table(AwsCalls("dynamodb", SIGNED), "Grants").get("a", "b")
    assert failed.value.detail == "DynamoDB GetItem: AccessDeniedException"
