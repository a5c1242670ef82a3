"""`valet people`: the policy for people."""

from __future__ import annotations

import os
from dataclasses import replace
from urllib.parse import urlsplit

import pytest
from valet.aws.dynamodb.registry import DynamoRegistry
from valet.models.policy import ITEM, Policy

from admin.records.deployment import Deployment
from admin.records.register import Register
from admin.terminal.endings import Refused
from admin.terminal.spelling import Where
from tests.parts.admin.audited import Logged
from tests.parts.admin.conftest import Operator


def deployment(valet: Operator) -> Deployment:
    port = urlsplit(valet.stack.aws_url).port
    assert port is not None
    return Deployment(Where(is_local=True, aws_port=port), os.urandom, valet.clock)


def in_force(valet: Operator) -> Policy:
    return DynamoRegistry(deployment(valet).registry, lambda: 0).policy()


def test_without_a_record_the_defaults_are_in_force(valet: Operator) -> None:
    assert in_force(valet) == Policy()
    assert valet.json("people", "show")["default_language"] == "en"


def test_the_policy_is_changed_member_by_member_and_the_functions_read_it(valet: Operator, logged: Logged) -> None:
    valet("people", "set", "--default-language", "de")
    valet("people", "set", "--languages", "en de")
    assert in_force(valet) == Policy(languages=frozenset({"de", "en"}), default_language="de")
    valet("people", "set", "--reset", "languages")
    assert in_force(valet) == Policy(default_language="de")
    assert logged.deeds() == ["policy.changed changed the policy"] * 3


@pytest.mark.parametrize(
    "options",
    [
        ("--default-language", "tlh"),
        ("--languages", "en tlh"),
        ("--languages", "de"),  # without the default language
        ("--default-language", "en"),  # as it is
        ("--languages", "en de", "--reset", "languages"),
        ("--reset", "remember_device"),  # nothing reads it yet
        ("--sign-in-with", "phone"),
        ("--remember-device", "3"),  # nothing reads it yet
        (),
    ],
)
def test_a_wrong_policy_is_refused_and_nothing_changes(refused: Operator, options: tuple[str, ...]) -> None:
    refused("people", "set", *options, status=2)
    assert deployment(refused).registry.get(*ITEM) is None


def test_a_member_that_this_release_does_not_know_stays(valet: Operator) -> None:
    valet("people", "set", "--default-language", "de")
    deployment(valet).registry.update(*ITEM, "SET #later = :one", {":one": 1})
    valet("people", "set", "--reset", "default_language")
    assert (deployment(valet).registry.get(*ITEM) or {})["later"] == 1


def test_two_operators_do_not_overwrite_each_other(valet: Operator) -> None:
    register = Register(deployment(valet).registry, deployment(valet).audit)
    before = register.policy()
    register.change_policy(before, replace(before, default_language="de"))
    with pytest.raises(Refused, match="another operator"):
        register.change_policy(before, replace(before, default_language="fr"))
    assert in_force(valet).default_language == "de"
