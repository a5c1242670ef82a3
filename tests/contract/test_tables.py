"""What DynamoDB refuses, and how it pages: the tables in memory are as strict, or a test on them could not fail."""

from typing import Any

import pytest
from valet.aws.dynamodb.table import ConditionFailed, Table
from valet.errors import TemporarilyUnavailable

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
    ],
)
def test_an_expression_whose_names_and_values_do_not_fit_is_refused(table: Table, expressions: dict[str, Any]) -> None:
    with pytest.raises((TemporarilyUnavailable, KeyError)) as refused:  # moto stumbles over a name that is not defined
        table._call("UpdateItem", Key=KEY, **expressions)
    assert getattr(refused.value, "detail", INVALID) == INVALID
    assert table.get("a", "b") is None


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
    assert table.get("a", "b", only=("n", "absent")) == {"n": 1}
