"""What operators see of people's passkeys, and that they can remove one."""

from __future__ import annotations

import os
from urllib.parse import urlsplit

import pytest
from valet.aws.dynamodb.enrolment import RP_ID

from admin.doctor import CHECKS, examine
from admin.doctor.evidence import Evidence
from admin.records.deployment import Deployment
from admin.terminal.spelling import Where
from tests.parts.admin.audited import Logged
from tests.parts.admin.conftest import Operator
from tests.support.authenticator import SoftPasskey
from tests.support.passkeys import give_passkey


def deployment(valet: Operator) -> Deployment:
    port = urlsplit(valet.stack.aws_url).port
    assert port is not None
    return Deployment(Where(is_local=True, aws_port=port), os.urandom, valet.clock)


@pytest.fixture
def passkey(valet: Operator) -> SoftPasskey:
    return give_passkey(deployment(valet).users, "demo-john", "localhost")


def test_a_users_passkeys_are_shown_without_their_keys(valet: Operator, passkey: SoftPasskey) -> None:
    facts = valet.json("users", "show", "john")
    (shown,) = facts["passkeys"]
    assert (shown["id"], shown["name"], shown["backed_up"]) == (passkey.digest[:12], "Laptop", False)
    assert not shown.keys() & {"public_key", "credential_id", "sign_count"}
    assert valet.json("users", "show", "jane")["passkeys"] == []


def test_an_operator_removes_a_passkey(valet: Operator, passkey: SoftPasskey, logged: Logged) -> None:
    other = give_passkey(deployment(valet).users, "demo-john", "localhost")
    valet("users", "remove-passkey", "john", passkey.digest[:12], "--yes")
    (shown,) = valet.json("users", "show", "john")["passkeys"]
    assert shown["id"] == other.digest[:12]
    assert deployment(valet).users.get(f"passkey#{passkey.digest}", "passkey") is None


@pytest.mark.parametrize("passkey_id", ["", "nothing", "zz"])
def test_a_passkey_that_is_not_there_is_not_removed(refused: Operator, passkey: SoftPasskey, passkey_id: str) -> None:
    refused("users", "remove-passkey", "john", passkey_id, "--yes", status=3)
    assert deployment(refused).users.get(f"passkey#{passkey.digest}", "passkey") is not None


def test_a_deleted_users_passkeys_are_deleted(valet: Operator, passkey: SoftPasskey) -> None:
    valet("users", "delete", "john", "--yes")
    assert deployment(valet).users.get(f"passkey#{passkey.digest}", "passkey") is None


def findings(valet: Operator, check: str) -> list[str]:
    evidence = Evidence(deployment(valet), valet.clock())
    found, skipped = examine(evidence, [each for each in CHECKS if each.name == check])
    assert not skipped
    return [each.what for each in found]


def test_doctor_tells_that_the_passkeys_belong_to_another_domain(valet: Operator) -> None:
    deployment(valet).registry.put({"pk": RP_ID[0], "sk": RP_ID[1], "rp_id": "id.example.com"})
    assert findings(valet, "passkeys.domain") == [
        "People's passkeys belong to id.example.com, but this deployment has none"
    ]
    deployment(valet).registry.delete(*RP_ID)
    assert findings(valet, "passkeys.domain") == []


def test_doctor_tells_who_requires_passkeys_where_there_are_none(valet: Operator) -> None:
    """The local stack is at 127.0.0.1, where browsers let none work."""
    assert findings(valet, "passkeys.required") == []
    valet("clients", "change", "web_app_123", "--required-acr", "phr")
    valet("people", "set", "--role-required-acr", "admin=phr")
    assert findings(valet, "passkeys.required") == [
        "The client web_app_123 requires passkeys",
        "The policy requires passkeys of people with the role admin",
    ]
    valet("clients", "change", "web_app_123", "--required-acr", "any")
    valet("people", "set", "--reset", "role_required_acr")
    assert findings(valet, "passkeys.required") == []


@pytest.mark.parametrize("value", ["admin", "=phr", "admin=gold", "admin=phr admin=urn:valet:acr:password"])
def test_a_level_of_a_role_that_is_none_is_refused(refused: Operator, value: str) -> None:
    refused("people", "set", "--role-required-acr", value, status=2)
