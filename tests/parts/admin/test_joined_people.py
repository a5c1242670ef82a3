"""People who joined have no username: operators name them by their address, and no file of theirs says who they are."""

from __future__ import annotations

import json
from pathlib import Path

import yaml
from valet.aws.dynamodb.accounts import DynamoUsers
from valet.aws.dynamodb.table import Table

from tests.parts.admin.conftest import Operator
from tests.parts.admin.people import join
from tests.parts.admin.test_users import can_sign_in
from tests.support.calls import calls

ANN = "Ann@Example.org"
PASSWORD = "a long enough password"


def users_table(valet: Operator) -> Table:
    return Table(calls("dynamodb"), valet.stack.tables["Users"])


def test_every_command_finds_them_by_their_address(valet: Operator) -> None:
    sub = join(valet.stack, ANN)
    valet("people", "set", "--sign-in-with", "either")
    shown = valet.json("users", "show", "ANN@example.org")
    assert (shown["sub"], shown["username"], shown["email"]) == (sub, "", ANN)
    assert sub in [row["sub"] for row in valet.json("users", "list")]
    assert valet.json("users", "roles", ANN, "--add", "user")["roles"] == ["user"]
    valet("users", "set-password", ANN, "--password-stdin", typed=f"{PASSWORD}\n")
    assert can_sign_in(valet, ANN, PASSWORD)
    assert f"Disable {ANN} and" in valet("users", "disable", ANN, status=5, typed="n\n").err
    valet("users", "disable", ANN, "--yes")
    assert not can_sign_in(valet, ANN, PASSWORD)
    valet("users", "delete", ANN, "--yes")
    users = users_table(valet)
    assert users.get(f"account#{sub}", "account") is None
    assert DynamoUsers(users).find_identifier("ann@example.org") is None
    assert not list(users.query(f"password#{sub}"))


def test_an_address_that_is_their_only_name_is_not_taken_away(valet: Operator) -> None:
    join(valet.stack, ANN)
    before = valet.json("users", "show", ANN)
    valet("users", "change", ANN, "--email", "", status=2)
    valet("users", "change", ANN, "--no-email-verified", status=2)
    assert valet.json("users", "show", ANN) == before


def test_they_are_no_operators_configuration(valet: Operator, tmp_path: Path) -> None:
    join(valet.stack, ANN)
    before = valet.json("users", "show", ANN)
    people = yaml.safe_load(valet("export", "--people").out)["people"]
    assert sorted(people) == ["jane", "jim", "john"]
    file = tmp_path / "valet.json"
    file.write_text(json.dumps({"people": people}), encoding="utf-8")
    assert "No change" in valet("apply", str(file), "--prune").out
    assert valet.json("users", "show", ANN) == before


def test_an_upgrade_leaves_them_as_they_are_and_what_a_join_left_half_done_stays_out_of_reach(valet: Operator) -> None:
    users = DynamoUsers(users_table(valet))
    join(valet.stack, ANN)
    half = {"pk": "account#half", "sk": "account", "sub": "half", "username": "", "email": "bob@example.org"}
    users_table(valet).put({**half, "email_verified": True})
    assert valet.json("users", "upgrade")["taken"] == []
    assert users.find_identifier("bob@example.org") is None
