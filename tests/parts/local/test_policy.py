"""An authorizer's policy is weighed as IAM does it."""

from __future__ import annotations

from typing import Any

import pytest

from local.gateway.policy import MalformedPolicy, allows

ROUTE = "arn:aws:execute-api:us-east-1:123456789012:api/$default/GET/api/items/1"
API = "arn:aws:execute-api:us-east-1:123456789012:api/$default"


def policy(*statements: tuple[str, Any], action: Any = "execute-api:Invoke") -> dict[str, Any]:
    return {
        "Version": "2012-10-17",
        "Statement": [{"Effect": effect, "Action": action, "Resource": resource} for effect, resource in statements],
    }


@pytest.mark.parametrize(
    ("resource", "allowed"),
    [
        (ROUTE, True),
        ("*", True),
        (f"{API}/*", True),
        (f"{API}/GET/*", True),
        (f"{API}/*/1", True),  # `*` crosses slashes
        (f"{API}/GET/api/items/?", True),
        (f"{API}/GET/api/item?/1", True),
        (f"{API}/GET/api/items/??", False),
        (f"{API}/POST/*", False),
        (f"{API}/GET/api/items", False),
        (f"{API}/get/api/items/1", False),
        (f"{API}/GET/api.items/1", False),  # a dot is a dot
        ([f"{API}/POST/*", ROUTE], True),
    ],
)
def test_resources_match_with_iams_wildcards(resource: Any, allowed: bool) -> None:
    assert allows(policy(("Allow", resource)), ROUTE) is allowed


def test_a_deny_wins_over_any_allow() -> None:
    assert not allows(policy(("Allow", "*"), ("Deny", ROUTE)), ROUTE)
    assert allows(policy(("Allow", "*"), ("Deny", f"{API}/POST/*")), ROUTE)


def test_nothing_said_is_denied() -> None:
    assert not allows({"Statement": []}, ROUTE)


@pytest.mark.parametrize(
    ("action", "allowed"),
    [
        ("execute-api:*", True),
        ("EXECUTE-API:invoke", True),
        ("*", True),
        ("lambda:Invoke", False),
        (["a:b", "*"], True),
    ],
)
def test_actions_match_without_regard_to_case(action: Any, allowed: bool) -> None:
    assert allows(policy(("Allow", "*"), action=action), ROUTE) is allowed


def test_one_statement_needs_no_list() -> None:
    assert allows({"Statement": policy(("Allow", ROUTE))["Statement"][0]}, ROUTE)


@pytest.mark.parametrize(
    "document",
    [
        None,
        [],
        {},
        {"Statement": [{"Effect": "Allow", "Action": "*"}]},
        {"Statement": [{"Effect": "allow", "Action": "*", "Resource": "*"}]},
        {"Statement": [{"Effect": "Allow", "Action": "*", "Resource": "*", "Condition": {}}]},
        {"Statement": [{"Effect": "Allow", "Action": [], "Resource": "*"}]},
        {"Statement": [{"Effect": "Allow", "Action": "*", "Resource": 1}]},
    ],
)
def test_what_could_be_read_in_two_ways_raises(document: Any) -> None:
    with pytest.raises(MalformedPolicy):
        allows(document, ROUTE)
