"""What operators see of people's second factors, that they can reset them, and what doctor says of their key."""

from __future__ import annotations

import os
from typing import Any
from urllib.parse import urlsplit

import boto3
import pytest
from valet.aws.dynamodb.factors import DynamoFactors
from valet.models.factors import Totp
from valet.people import recovery_codes

from admin.doctor import CHECKS, examine
from admin.doctor.evidence import Evidence
from admin.records.deployment import Deployment
from admin.terminal.spelling import Where
from tests.parts.admin.audited import Logged
from tests.parts.admin.conftest import Operator


def deployment(valet: Operator) -> Deployment:
    port = urlsplit(valet.stack.aws_url).port
    assert port is not None
    return Deployment(Where(is_local=True, aws_port=port), os.urandom, valet.clock)


@pytest.fixture
def john(valet: Operator) -> None:
    """He has an app, of which three wrong codes were tried, and nine recovery codes."""
    factors, sub = DynamoFactors(deployment(valet).users), "demo-john"
    factors.put_totp(sub, "an app", Totp(sealed_seed=b"sealed", last_step=1, failures=3, added_at=1_800_000_000))
    factors.put_recovery_codes(sub, "codes", recovery_codes.make(os.urandom, 0).kept)
    assert factors.spend_recovery_code(sub, "codes", 3, b"x")
    change, values = "SET #totp_id = :totp, #recovery_id = :codes", {":totp": "an app", ":codes": "codes"}
    deployment(valet).users.update(f"account#{sub}", "account", change, values)


@pytest.mark.usefixtures("john")
def test_a_users_second_factor_is_shown_without_its_seed(valet: Operator) -> None:
    facts = valet.json("users", "show", "john")
    shown = {name: facts[name] for name in ("second_factor", "wrong_codes_in_a_row", "recovery_codes_left")}
    assert shown == {"second_factor": True, "wrong_codes_in_a_row": 3, "recovery_codes_left": 9}
    assert "sealed" not in str(facts)
    assert valet.json("users", "show", "jane")["second_factor"] is False


@pytest.mark.usefixtures("john")
def test_an_operator_resets_a_second_factor_by_one_write_that_raises_the_epoch(valet: Operator, logged: Logged) -> None:
    valet("users", "reset-second-factor", "john", "--yes")
    account = deployment(valet).users.get("account#demo-john", "account")
    assert account is not None
    assert account["epoch"] == 1
    assert not account.keys() & {"totp_id", "recovery_id"}
    assert not list(deployment(valet).users.query("factor#demo-john"))
    assert [line["event"] for line in logged.lines()] == ["user.changed", "second.removed"]


def test_there_is_nothing_to_reset(refused: Operator) -> None:
    refused("users", "reset-second-factor", "john", "--yes", status=3)
    account = deployment(refused).users.get("account#demo-john", "account")
    assert account is not None
    assert "epoch" not in account


@pytest.mark.usefixtures("john")
def test_a_deleted_users_second_factors_are_deleted(valet: Operator) -> None:
    valet("users", "delete", "john", "--yes")
    assert not list(deployment(valet).users.query("factor#demo-john"))


@pytest.mark.parametrize(("option", "value"), [("second-factor", "off"), ("remember-device", "31")])
def test_a_policy_that_is_none_is_refused(refused: Operator, option: str, value: str) -> None:
    refused("people", "set", f"--{option}", value, status=2)


def test_the_policy_has_what_was_set(valet: Operator) -> None:
    valet("people", "set", "--second-factor", "required", "--remember-device", "14")
    facts = valet.json("people", "show")
    assert (facts["second_factor"], facts["remember_device"]) == ("required", 14)


def findings(valet: Operator, check: str) -> list[str]:
    evidence = Evidence(deployment(valet), valet.clock())
    found, skipped = examine(evidence, [each for each in CHECKS if each.name == check])
    assert not skipped
    return [each.what for each in found]


def test_doctor_tells_that_the_key_of_second_factors_does_not_work(valet: Operator) -> None:
    assert findings(valet, "second_factors.key") == []
    kms: Any = boto3.client("kms")
    key = Evidence(deployment(valet), valet.clock()).environment("SecondFunction")["PEOPLE_KEY"]
    key = key.rpartition("/")[2]
    kms.disable_key(KeyId=key)
    assert findings(valet, "second_factors.key") == ["KMS says that the key of second factors is Disabled"]
    kms.enable_key(KeyId=key)


@pytest.mark.usefixtures("john")
def test_doctor_tells_who_is_locked_out_where_second_factors_are_off(
    valet: Operator, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The local stack has no passkeys."""
    assert findings(valet, "second_factors.required") == []
    valet("people", "set", "--second-factor", "required")
    valet("clients", "change", "web_app_123", "--required-acr", "urn:valet:acr:multi-factor")
    assert findings(valet, "second_factors.required") == []
    environment = Evidence.environment
    monkeypatch.setattr(Evidence, "environment", lambda self, name: {**environment(self, name), "SECOND_FACTOR": "off"})
    assert findings(valet, "second_factors.required") == [
        "The policy requires a second factor of everybody",
        "The client web_app_123 requires a second factor",
        "People have authenticator apps, and SecondFactor is off",
    ]
