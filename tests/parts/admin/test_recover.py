"""`valet users recover`: an end-user who has lost everything is let in again, and what was lost opens nothing."""

from __future__ import annotations

import os
from typing import Any
from urllib.parse import urlsplit

import pytest
from valet.aws.dynamodb.factors import DynamoFactors
from valet.models.factors import Totp

from admin.records.deployment import Deployment
from admin.terminal.spelling import Where
from tests.parts.admin.audited import Asked, Logged
from tests.parts.admin.conftest import Operator
from tests.parts.admin.people import is_refused_by_list, join, sign_in
from tests.parts.admin.test_logouts import messages
from tests.parts.admin.test_users import can_sign_in
from tests.support.authenticator import SoftPasskey
from tests.support.passkeys import give_passkey

MAIL = "arn:aws:sqs:us-east-1:123456789012:valet-local-Mail"
ANN = "Ann@Example.org"
PASSWORD = "a long enough password"


def deployment(valet: Operator) -> Deployment:
    port = urlsplit(valet.stack.aws_url).port
    assert port is not None
    return Deployment(Where(is_local=True, aws_port=port), os.urandom, valet.clock)


def account(valet: Operator, sub: str) -> dict[str, Any]:
    return dict(deployment(valet).users.get(f"account#{sub}", "account") or {})


def give_everything(valet: Operator) -> SoftPasskey:
    """To John: a passkey, and everything else that he could sign in with."""
    users = deployment(valet).users
    change = "SET #totp_id = :id, #recovery_id = :id, #links = :links, #has_short_password = :yes"
    values = {":id": "lost", ":links": {"f" * 64}, ":yes": True}
    users.update("account#demo-john", "account", change, values)
    DynamoFactors(users).put_totp("demo-john", "lost", Totp(sealed_seed=b"sealed", last_step=1))
    return give_passkey(users, "demo-john", "localhost")


def test_a_user_who_lost_everything_signs_in_with_the_new_password_and_with_nothing_else(
    valet: Operator,
) -> None:
    before = sign_in(valet.stack)
    passkey = give_everything(valet)
    recovered = valet.json("users", "recover", "john", "--generate", "--yes")
    assert (recovered["recovered"], recovered["grants_ended"]) == (True, 1)
    assert (before.userinfo(), before.refresh()) == (401, 400)
    assert is_refused_by_list(valet.stack, before.access_token)
    assert not can_sign_in(valet, "john", "password123")
    found = account(valet, "demo-john")
    assert not found.keys() & {"passkeys", "links", "totp_id", "recovery_id", "has_short_password"}
    assert found["epoch"] == 1
    assert deployment(valet).users.get(f"passkey#{passkey.digest}", "passkey") is None
    assert not list(deployment(valet).users.query("factor#demo-john"))
    assert can_sign_in(valet, "john", recovered["password"])


def test_the_clients_and_the_user_are_told_before_it_is_done(valet: Operator, asked: Asked, logged: Logged) -> None:
    sign_in(valet.stack)
    give_everything(valet)
    asked.operations.clear()
    valet("users", "recover", "john", "--password-stdin", "--yes", typed=f"{PASSWORD}\n")
    (sign_out,) = messages(valet)
    (notice,) = [each for each in messages(valet, MAIL) if each["what"] == "password.changed"]
    assert (sign_out["sub"], sign_out["revoked_for"]) == ("demo-john", "operator")
    assert (notice["sub"], notice["what"]) == ("demo-john", "password.changed")
    assert notice["mark"] == account(valet, "demo-john")["password_id"]
    calls = asked.operations
    assert max(place for place, each in enumerate(calls) if each == "SendMessage") < calls.index("UpdateItem")
    assert "user.changed" in [line["event"] for line in logged.lines()]


def test_a_user_who_joined_is_named_by_their_address(valet: Operator) -> None:
    sub = join(valet.stack, ANN, has_no_password=True)
    recovered = valet.json("users", "recover", ANN, "--generate", "--yes")
    assert recovered["sub"] == sub
    assert "has_no_password" not in account(valet, sub)
    assert not list(deployment(valet).users.query("credential#"))
    valet("people", "set", "--sign-in-with", "either")
    assert can_sign_in(valet, ANN.upper(), recovered["password"])


@pytest.mark.parametrize(
    ("arguments", "typed", "status"),
    [
        (("john", "--password-stdin", "--yes"), "short\n", 2),
        (("john", "--generate"), "n\n", 5),
        (("nobody", "--generate", "--yes"), "", 3),
    ],
)
def test_what_is_refused_takes_nothing_away(
    refused: Operator, arguments: tuple[str, ...], typed: str, status: int
) -> None:
    kept = give_passkey(deployment(refused).users, "demo-john", "localhost")
    before = account(refused, "demo-john")
    refused("users", "recover", *arguments, typed=typed, status=status)
    assert account(refused, "demo-john") == before
    assert deployment(refused).users.get(f"passkey#{kept.digest}", "passkey") is not None
    assert messages(refused) == messages(refused, MAIL) == []
    assert can_sign_in(refused, "john", "password123")


def test_a_disabled_user_is_not_let_in(valet: Operator) -> None:
    valet("users", "disable", "john", "--yes")
    before = account(valet, "demo-john")
    assert "valet users enable" in valet("users", "recover", "john", "--generate", "--yes", status=3).err
    assert account(valet, "demo-john") == before
