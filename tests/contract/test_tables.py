"""DynamoDB refuses these calls, and pages a long query. The tables in memory have to do so too: a test that stands on
laxer ones could not fail."""

from typing import Any

import pytest
from valet.aws.calls import CallFailed
from valet.aws.dynamodb.table import ConditionFailed, Table
from valet.errors import TemporarilyUnavailable

from tests.contract.conftest import BEHIND_CALLS, MINISTACK

INVALID = "DynamoDB UpdateItem: ValidationException"
KEY = {"pk": {"S": "a"}, "sk": {"S": "b"}}


@pytest.mark.parametrize(
    "expressions",
    [
        pytest.param({"UpdateExpression": "SET #n = :n"}, id="neither is defined"),
        pytest.param(
            {"UpdateExpression": "SET #n = :n", "ExpressionAttributeValues": {":n": {"N": "1"}}}, id="a name is not"
        ),
        pytest.param({"UpdateExpression": "SET #n = :n", "ExpressionAttributeNames": {"#n": "n"}}, id="a value is not"),
        pytest.param(
            {
                "UpdateExpression": "SET #n = :n",
                "ExpressionAttributeNames": {"#n": "n", "#m": "m"},
                "ExpressionAttributeValues": {":n": {"N": "1"}},
            },
            id="a name is not used",
        ),
        pytest.param(
            {
                "UpdateExpression": "SET #n = :n",
                "ExpressionAttributeNames": {"#n": "n"},
                "ExpressionAttributeValues": {":n": {"N": "1"}, ":m": {"N": "1"}},
            },
            id="a value is not used",
        ),
        pytest.param(
            {
                "UpdateExpression": "REMOVE #n",
                "ExpressionAttributeNames": {"#n": "n"},
                "ExpressionAttributeValues": {},
            },
            id="there are no values",
        ),
        pytest.param({"UpdateExpression": ""}, id="it is empty"),
        pytest.param(
            {
                "UpdateExpression": "SET #sk = :n",
                "ExpressionAttributeNames": {"#sk": "sk"},
                "ExpressionAttributeValues": {":n": {"S": "c"}},
            },
            id="it changes the key",
        ),
    ],
)
def test_an_expression_whose_names_and_values_do_not_fit_is_refused(table: Table, expressions: dict[str, Any]) -> None:
    with pytest.raises((TemporarilyUnavailable, KeyError)) as refused:  # moto stumbles over a name that is not defined
        table._call("UpdateItem", Key=KEY, **expressions)
    assert getattr(refused.value, "detail", INVALID) == INVALID
    assert table.get("a", "b") is None


# ministack takes them.
@pytest.mark.parametrize("table", [BEHIND_CALLS, "moto"], indirect=True)
@pytest.mark.parametrize("change", ["SET ", "SET #n = :n REMOVE ", "SET #n = :n, #n = :n", "SET #n = :n REMOVE #n"])
def test_an_update_with_an_empty_clause_or_that_changes_an_attribute_twice_is_refused(
    table: Table, change: str
) -> None:
    with pytest.raises(TemporarilyUnavailable) as refused:
        table.update("a", "b", change, {":n": 1} if ":n" in change else {})
    assert refused.value.detail == INVALID
    assert table.get("a", "b") is None


@pytest.mark.parametrize(
    ("change", "operand"),
    [
        pytest.param("ADD #list :x", {"y"}, id="a member to a list"),
        pytest.param("ADD #text :x", {"y"}, id="a member to a text"),
        pytest.param("ADD #texts :x", {1}, id="a number to a set of texts"),
        pytest.param("ADD #texts :x", 1, id="a number to a set"),
        pytest.param("ADD #text :x", 1, id="a number to a text"),
        pytest.param("DELETE #list :x", {"x"}, id="a member of a list"),
        pytest.param("DELETE #texts :x", {1}, id="a number of a set of texts"),
    ],
)
def test_nothing_is_added_to_what_is_of_another_kind_nor_taken_from_it(table: Table, change: str, operand: Any) -> None:
    held = {"pk": "a", "sk": "b", "list": ["x"], "text": "x", "texts": {"x"}}
    table.put(held)
    with pytest.raises(TemporarilyUnavailable) as refused:
        table.update("a", "b", change, {":x": operand})
    assert refused.value.detail == INVALID
    assert table.get("a", "b") == held


# To moto, 1 is true, and it stumbles over a text that is compared with a number.
@pytest.mark.parametrize("table", [BEHIND_CALLS, MINISTACK], indirect=True)
@pytest.mark.parametrize("condition", ["#is = :one", "#text < :one", "#text > :one", "#text <= :one", "#text = :one"])
def test_what_is_of_another_kind_is_neither_equal_nor_less_nor_more(table: Table, condition: str) -> None:
    table.put({"pk": "a", "sk": "b", "is": True, "text": "1"})
    with pytest.raises(ConditionFailed):
        table.update("a", "b", "SET #n = :one", {":one": 1}, condition)


@pytest.mark.parametrize("place", [("a", ""), ("", "b"), ("a" * 2049, "b"), ("ä" * 1025, "b"), ("a", "b" * 1025)])
def test_a_key_that_is_empty_or_too_long_is_refused(table: Table, place: tuple[str, str]) -> None:
    pk, sk = place
    with pytest.raises(TemporarilyUnavailable) as refused:
        table.put({"pk": pk, "sk": sk})
    assert refused.value.detail == "DynamoDB PutItem: ValidationException"
    if not (pk and sk):  # moto looks for a key that is too long
        with pytest.raises(TemporarilyUnavailable):
            table.get(pk, sk)
    if not pk:
        with pytest.raises(TemporarilyUnavailable):
            list(table.query(pk))


def test_the_longest_keys_are_taken(table: Table) -> None:
    held = {"pk": "ä" * 1024, "sk": "b" * 1024}
    table.put(held)
    assert table.get(held["pk"], held["sk"]) == held


def test_an_item_of_more_than_400_kilobytes_is_refused(table: Table) -> None:
    with pytest.raises(TemporarilyUnavailable) as refused:
        table.put({"pk": "a", "sk": "b", "held": "x" * 410_000})
    assert refused.value.detail == "DynamoDB PutItem: ValidationException"
    assert table.get("a", "b") is None


def test_a_query_of_more_than_a_megabyte_goes_on_where_the_page_ended(table: Table) -> None:
    for number in range(12):
        table.put({"pk": "a", "sk": f"{number:02}", "held": "x" * 200_000, "is_odd": number % 2})
    table.put({"pk": "b", "sk": "00", "held": "x"})
    assert [item["sk"] for item in table.query("a")] == [f"{number:02}" for number in range(12)]
    assert [item["sk"] for item in table.query("a", since="07")] == ["07", "08", "09", "10", "11"]
    first = table._call(
        "Query", KeyConditionExpression="pk = :pk", ExpressionAttributeValues={":pk": {"S": "a"}}, ConsistentRead=True
    )
    assert 4 <= len(first["Items"]) <= 6
    assert first["LastEvaluatedKey"] == {name: first["Items"][-1][name] for name in ("pk", "sk")}


def test_a_condition_that_fails_says_what_is_there_and_changes_nothing(table: Table) -> None:
    held = {"pk": "a", "sk": "b", "count": 1, "names": {"x", "y"}, "digest": b"\x00\xff", "more": {"is": [True, None]}}
    table.put(held, "attribute_not_exists(#pk)")
    with pytest.raises(ConditionFailed) as failed:
        table.update("a", "b", "ADD #count :one", {":one": 1, ":two": 2}, "#count = :two")
    assert failed.value.found == held
    with pytest.raises(ConditionFailed):
        table.delete("a", "b", "#count = :two", {":two": 2})
    with pytest.raises(ConditionFailed) as failed:
        table.put({"pk": "a", "sk": "c"}, "attribute_exists(#pk)")
    assert failed.value.found is None
    assert list(table.query("a")) == [held]


def test_an_update_answers_what_it_is_asked_for(table: Table) -> None:
    assert table.update("a", "b", "SET #n = :n", {":n": 1}, returned="ALL_OLD") == {}
    assert table.update("a", "b", "ADD #n :n", {":n": 2}, returned="UPDATED_NEW") == {"n": 3}
    assert table.update("a", "b", "SET #m = :m", {":m": "x"}, returned="ALL_OLD") == {"pk": "a", "sk": "b", "n": 3}
    assert table.update("a", "b", "REMOVE #n", {}, returned="ALL_NEW") == {"pk": "a", "sk": "b", "m": "x"}
    assert table.update("a", "b", "SET #n = :n", {":n": 1}) == {}
    assert table.update("a", "b", "SET #o = if_not_exists(#n, :o)", {":o": 2}, returned="UPDATED_NEW") == {"o": 1}


def test_a_read_answers_what_there_is_of_the_attributes_that_it_names(table: Table) -> None:
    table.put({"pk": "a", "sk": "b", "n": 1, "m": 2})
    assert table.get("a", "b", only=("n", "absent")) == {"n": 1}
    assert table.get("a", "b", only=("absent",)) == {}
    assert table.get("a", "c", only=("absent",)) is None
    assert list(table.query("a", only=("m",), where="attribute_exists(#n)")) == [{"m": 2}]
    with pytest.raises(TemporarilyUnavailable) as refused:
        table.get("a", "b", only=("n", "n"))
    assert refused.value.detail == "DynamoDB GetItem: ValidationException"


def test_many_items_are_read_at_once_but_no_more_than_a_hundred_and_each_once(table: Table) -> None:
    keys = [{"pk": {"S": "a"}, "sk": {"S": str(number)}} for number in range(101)]
    table.put({"pk": "a", "sk": "7"})
    asked = {"RequestItems": {table._name: {"Keys": keys[:100], "ConsistentRead": True}}}
    assert table._dynamodb("BatchGetItem", asked)["Responses"] == {table._name: [keys[7]]}
    for refused in (keys, [keys[7], keys[7]]):
        asked["RequestItems"][table._name]["Keys"] = refused
        with pytest.raises(CallFailed) as failed:
            table._dynamodb("BatchGetItem", asked)
        assert failed.value.code == "ValidationException"


@pytest.mark.parametrize("table", [BEHIND_CALLS], indirect=True)
def test_no_test_stands_on_a_read_that_may_miss_the_last_writes(table: Table) -> None:
    """Moto and ministack answer each read by the last write, so they cannot show a store that has to read strongly."""
    for request in ({}, {"ConsistentRead": False}):
        with pytest.raises(NotImplementedError, match="may miss the last writes"):
            table._call("GetItem", Key=KEY, **request)
