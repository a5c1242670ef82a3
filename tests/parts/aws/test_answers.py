"""Three thousand answers of DynamoDB and 1,250 of KMS: the stores read from each what boto3 reads."""

import json
from binascii import crc32
from typing import Any

import pytest
from valet.aws.calls import AwsCalls, CallFailed, binary
from valet.aws.dynamodb.table import Table
from valet.aws.reply import Reply

from tests.parts.aws import oracle
from tests.parts.aws.door import SIGNED, Door, answered
from tests.parts.aws.parameters import Parameters
from tests.parts.aws.values import Values

OF_AN_OPERATION = 1_000
BINARIES = {
    "Sign": ("Signature",),
    "Decrypt": ("Plaintext",),
    "GenerateMac": ("Mac",),
    "GetPublicKey": ("PublicKey",),
    "GenerateDataKeyPairWithoutPlaintext": ("PublicKey", "PrivateKeyCiphertextBlob"),
}


def with_checksum(answer: Any, is_ascii: bool) -> Reply:
    """As DynamoDB sends it: UTF-8, or, as other emulators do, in ASCII alone."""
    body = json.dumps(answer, ensure_ascii=is_ascii).encode(errors="surrogatepass" if is_ascii else "replace")
    return Reply(200, {"x-amz-crc32": str(crc32(body))}, body)


def read(attributes: Any) -> Any:
    return {name: oracle.plain(value) for name, value in attributes.items()}


def test_an_item_is_read_as_boto3_reads_it(door: Door) -> None:
    table, values = Table(AwsCalls("dynamodb", SIGNED), "Grants"), Values(3)
    for number in range(OF_AN_OPERATION):
        reply = with_checksum({"Item": values.stored_item()}, number % 2 == 0)
        door.answers(reply)
        assert table.get("a", "b") == read(oracle.answer("dynamodb", "GetItem", reply)["Item"])


def test_a_page_of_items_is_read_as_boto3_reads_it(door: Door) -> None:
    table, values = Table(AwsCalls("dynamodb", SIGNED), "Grants"), Values(4)
    for number in range(OF_AN_OPERATION // 4):
        reply = with_checksum({"Items": [values.stored_item() for _ in range(4)], "Count": 4}, number % 2 == 0)
        door.answers(reply)
        expected = [read(item) for item in oracle.answer("dynamodb", "Query", reply)["Items"]]
        assert list(table.query("a")) == expected


def test_the_attributes_after_an_update_are_read_as_boto3_reads_them(door: Door) -> None:
    table, values = Table(AwsCalls("dynamodb", SIGNED), "Grants"), Values(5)
    for number in range(OF_AN_OPERATION):
        reply = with_checksum({"Attributes": values.stored_item()}, number % 2 == 0)
        door.answers(reply)
        expected = read(oracle.answer("dynamodb", "UpdateItem", reply)["Attributes"])
        assert table.update("a", "b", "SET #c = :c", {":c": 1}, returned="ALL_NEW") == expected


@pytest.mark.parametrize("operation", BINARIES)
def test_the_binaries_of_kms_are_read_as_boto3_reads_them(operation: str, door: Door) -> None:
    calls, values = AwsCalls("kms", SIGNED), Values(6)
    for _ in range(OF_AN_OPERATION // 4):
        told = {name: oracle.base64(values.binary()) for name in BINARIES[operation]}
        reply = with_checksum({**told, "KeyId": values.text()}, is_ascii=True)
        door.answers(reply)
        answer, expected = calls(operation, {}), oracle.answer("kms", operation, reply)
        assert {name: binary(answer[name]) for name in told} == {name: expected[name] for name in told}
        assert answer["KeyId"] == expected["KeyId"]


NUMBERS = {
    "1E+30": 10**30,
    "-1.5E+2": -150,
    "1E+125": 10**125,
    "0": 0,
    "-0": 0,
    "9" * 38: int("9" * 38),
    "1.2345E4": 12_345,
}


@pytest.mark.parametrize("text", NUMBERS)
def test_a_number_in_any_spelling_is_an_int(text: str, door: Door) -> None:
    reply = answered({"Item": {"n": {"N": text}}})
    door.answers(reply)
    found = Table(AwsCalls("dynamodb", SIGNED), "Grants").get("a", "b")
    assert found == {"n": NUMBERS[text]} == read(oracle.answer("dynamodb", "GetItem", reply)["Item"])
    assert type(found["n"]) is int


def test_an_empty_text_and_a_big_binary_are_kept(door: Door) -> None:
    big = bytes(range(256)) * 1_500  # 384,000 bytes; an item may have 400 KB
    door.answers(with_checksum({"Item": {"": {"S": ""}, "big": {"B": oracle.base64(big)}}}, is_ascii=True))
    assert Table(AwsCalls("dynamodb", SIGNED), "Grants").get("a", "b") == {"": "", "big": big}


def test_what_was_written_is_read_again(door: Door) -> None:
    table, values = Table(AwsCalls("dynamodb", SIGNED), "Grants"), Values(7)
    for _ in range(OF_AN_OPERATION):
        item = json.loads(json.dumps({values.text(): values.text(), values.text(): values.number()}))
        door.answers(answered({}))
        table.put({**item, "binary": b"\x00\xff", "members": [{"a": None}, True]})
        door.answers(answered({"Item": json.loads(door.attempts[-1].body)["Item"]}))
        assert table.get("a", "b") == {**item, "binary": b"\x00\xff", "members": [{"a": None}, True]}


def test_an_answer_that_does_not_fit_its_checksum_is_asked_for_again(door: Door) -> None:
    table = Table(AwsCalls("dynamodb", SIGNED), "Grants")
    good = with_checksum({"Item": {"a": {"S": "right"}}}, is_ascii=True)
    door.answers(good._replace(body=good.body.replace(b"right", b"wrong")), good)
    assert table.get("a", "b") == {"a": "right"}
    assert len(door.attempts) == 2


@pytest.mark.parametrize("service", ["dynamodb", "kms"])
@pytest.mark.parametrize("checksum", ["0", "", "none", "-1"])
def test_an_answer_that_never_fits_its_checksum_is_a_failure(service: str, checksum: str, door: Door) -> None:
    door.answer = lambda attempt: Reply(200, {"x-amz-crc32": checksum}, b'{"Item": {}}')
    with pytest.raises(CallFailed, match="ChecksumMismatch"):
        AwsCalls(service, SIGNED)("GetItem", {})
    assert len(door.attempts) == 2


def test_the_generator_of_parameters_draws_the_same_twice() -> None:
    one, other = (Parameters(9, oracle.attribute).of("dynamodb", "PutItem") for _ in range(2))
    assert one == other
