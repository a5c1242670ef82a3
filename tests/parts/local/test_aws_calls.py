"""What a call to DynamoDB names, as IAM is told of it."""

from __future__ import annotations

import json
from typing import Any

import pytest

from local.aws.calls import Call

KEY = {"pk": {"S": "grant#1"}, "sk": {"S": "grant"}}


def attributes(action: str, **members: Any) -> set[str]:
    return set(Call.from_request("token", f"before-send.dynamodb.{action}", json.dumps(members)).attributes)


@pytest.mark.parametrize(
    ("members", "named"),
    [
        ({"Key": KEY}, {"pk", "sk"}),
        ({"Item": {**KEY, "sub": {"S": "pk2"}}}, {"pk", "sk", "sub"}),
        (
            {
                "Key": KEY,
                "UpdateExpression": "SET #a = if_not_exists(#a, :sub), #b.#c = :b ADD #n :one REMOVE bare, listed[1].x",
                "ConditionExpression": "attribute_exists(#pk) AND NOT #d BETWEEN :low AND :high",
                "ExpressionAttributeNames": {f"#{name}": f"the_{name}" for name in ("a", "b", "c", "n", "d", "unused")}
                | {"#pk": "pk"},
            },
            {"pk", "sk", "the_a", "the_b", "the_n", "bare", "listed", "the_d"},
        ),
        ({"KeyConditionExpression": "pk = :pk AND begins_with(sk, :prefix)"}, {"pk", "sk"}),
        ({"ProjectionExpression": "#x, y", "ExpressionAttributeNames": {"#x": "x"}}, {"x", "y"}),
        ({}, set()),
    ],
)
def test_every_top_level_attribute_that_a_call_names_is_told_and_no_other_word(
    members: dict[str, Any], named: set[str]
) -> None:
    assert attributes("UpdateItem", **members) == named
