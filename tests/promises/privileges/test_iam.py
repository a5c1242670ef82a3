"""The judge itself: a test that trusts a lenient one shows nothing."""

from __future__ import annotations

from typing import Any

import pytest

from tests.promises.privileges.iam import Permission, Request, permissions

ROLE = "arn:aws:iam::123456789012:role/r"
TABLE = "arn:aws:dynamodb:us-east-1:123456789012:table/t"


def statement(**members: Any) -> dict[str, Any]:
    return {"Effect": "Allow", "Action": "dynamodb:GetItem", "Resource": TABLE, **members}


def allows(given: dict[str, Any], action: str = "dynamodb:GetItem", resource: str = TABLE, **context: str) -> bool:
    keys = {"dynamodb:LeadingKeys": (context["keys"],)} if context else {}
    return any(each.covers(Request(ROLE, action, resource, keys)) for each in permissions(given))


def partitions(*patterns: str, is_guarded: bool = True) -> dict[str, Any]:
    guard = {"Null": {"dynamodb:LeadingKeys": "false"}} if is_guarded else {}
    return {"ForAllValues:StringLike": {"dynamodb:LeadingKeys": list(patterns)}, **guard}


def test_action_and_resource_both_have_to_match() -> None:
    assert allows(statement())
    assert not allows(statement(), "dynamodb:PutItem")
    assert not allows(statement(), resource=f"{TABLE}2")


def test_a_partition_is_compared_with_its_pattern() -> None:
    held = statement(Condition=partitions("grant#*", "keys"))
    assert allows(held, keys="grant#1")
    assert allows(held, keys="keys")
    assert not allows(held, keys="keys2")
    assert not allows(held, keys="session#1")


def test_for_all_values_is_true_of_none_unless_null_stands_beside_it() -> None:
    assert allows(statement(Condition=partitions("grant#*", is_guarded=False)))
    assert not allows(statement(Condition=partitions("grant#*")))


def test_a_deny_covers_what_it_names_or_all_but_that() -> None:
    def denies(resource: str, **members: Any) -> bool:
        (held,) = permissions({"Effect": "Deny", "Action": "logs:*", **members})
        assert held.is_deny
        return held.covers(Request(ROLE, "logs:PutLogEvents", resource, {}))

    assert denies("arn:a:stream", Resource="*")
    assert not denies("arn:a:stream", NotResource="arn:a:*")
    assert denies("arn:b:stream", NotResource="arn:a:*")


def test_every_attribute_of_the_request_has_to_be_listed() -> None:
    listed = {"ForAllValues:StringEquals": {"dynamodb:Attributes": ["pk", "at"]}}
    guarded = {**listed, "Null": {"dynamodb:Attributes": "false"}}
    (held,) = permissions(statement(Condition=guarded))

    def covers(*names: str, by: Permission = held) -> bool:
        context = {"dynamodb:Attributes": names} if names else {}
        return by.covers(Request(ROLE, "dynamodb:GetItem", TABLE, context))

    assert covers("pk")
    assert covers("pk", "at")
    assert not covers("pk", "at", "sub")
    assert not covers("pk", "a*")
    assert not covers()
    assert covers(by=next(permissions(statement(Condition=listed))))
    assert held.attributes == frozenset({"pk", "at"})
    assert held.of_any_attribute.attributes is None


def test_an_operator_with_if_exists_is_true_where_the_request_does_not_have_the_key() -> None:
    (held,) = permissions(statement(Condition={"StringEqualsIfExists": {"dynamodb:Select": "SPECIFIC_ATTRIBUTES"}}))

    def covers(**context: tuple[str, ...]) -> bool:
        return held.covers(
            Request(ROLE, "dynamodb:GetItem", TABLE, {f"dynamodb:{key}": context[key] for key in context})
        )

    assert covers()
    assert covers(Select=("SPECIFIC_ATTRIBUTES",))
    assert not covers(Select=("ALL_ATTRIBUTES",))


@pytest.mark.parametrize(
    "members",
    [
        {"Condition": {"StringNotEquals": {"kms:KeySpec": "RSA_2048"}}},
        {"Effect": "Deny", "Condition": partitions("grant#*")},
        {"Effect": "Forbid"},
        {"NotAction": "dynamodb:Scan"},
        {"NotResource": TABLE},
    ],
)
def test_what_the_judge_does_not_understand_it_does_not_pass_over(members: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match="judge"):
        list(permissions(statement(**members)))
