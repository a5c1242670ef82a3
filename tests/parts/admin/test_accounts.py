"""`valet users show`, `change` and `delete`: what is kept of a person, and that nothing of it stays."""

from __future__ import annotations

import itertools
import json
from contextlib import suppress

import pytest
from botocore.exceptions import ClientError

from admin.records.deployment import Deployment
from admin.records.people import People
from admin.records.scans import ScannedTable
from admin.terminal.spelling import Where
from tests.parts.admin.audited import Logged
from tests.parts.admin.conftest import Operator
from tests.parts.admin.people import is_refused_by_list, sign_in
from tests.parts.admin.test_users import can_sign_in
from tests.support.browser import Browser, filled_in
from tests.support.wire import over_http


@pytest.fixture
def local(valet: Operator) -> Deployment:
    return Deployment(Where(is_local=True, aws_port=int(valet.stack.aws_url.rpartition(":")[2])), bytes, valet.clock)


def test_a_user_is_shown_without_their_password(valet: Operator) -> None:
    shown = valet.json("users", "show", "JOHN")
    assert (shown["username"], shown["sub"], shown["roles"]) == ("john", "demo-john", ["user"])
    assert "argon2" not in valet("users", "show", "john").out + json.dumps(shown)
    assert "no user" in valet("users", "show", "nobody", status=3).err


def test_a_name_and_an_address_are_changed_and_applications_see_it(valet: Operator) -> None:
    john = sign_in(valet.stack)
    changed = valet.json("users", "change", "john", "--name", "John D.", "--email", "jd@example.com")
    assert (changed["name"], changed["email"], changed["email_verified"]) == ("John D.", "jd@example.com", False)
    claims = john.application.userinfo(john.access_token).json()
    assert (claims["name"], claims["email"], claims["email_verified"]) == ("John D.", "jd@example.com", False)
    assert valet.json("users", "change", "john", "--email-verified")["email_verified"]
    assert valet.json("users", "change", "john", "--name", "J.")["email_verified"]  # of the same address
    again = valet.json("users", "change", "john", "--email", "x@example.com", "--email-verified")
    assert again["email_verified"]
    assert not valet.json("users", "change", "john", "--no-email-verified")["email_verified"]


@pytest.mark.parametrize(
    ("arguments", "status"),
    [
        (("john",), 2),
        (("john", "--name", "John Doe"), 2),  # the same
        (("john", "--email", "nowhere"), 2),
        (("john", "--email", "", "--email-verified"), 2),
        (("john", "--name", "a\u202eb"), 2),
        (("nobody", "--name", "x"), 3),
    ],
)
def test_a_change_that_is_none_or_cannot_be_changes_nothing(
    refused: Operator, arguments: tuple[str, ...], status: int
) -> None:
    before = refused.json("users", "list")
    refused("users", "change", *arguments, status=status)
    assert refused.json("users", "list") == before


def test_what_people_are_called_is_not_in_the_log(valet: Operator, logged: Logged) -> None:
    valet("users", "change", "john", "--name", "Johannes", "--email", "johannes@example.org")
    valet("users", "delete", "john", "--yes")
    lines = logged.lines()
    assert (lines[0]["deed"], lines[0]["members"]) == ("changed", "name email email_verified")
    assert (lines[-1]["deed"], lines[-1]["before"]) == ("deleted", {"roles": "user"})
    for personal in ("ohannes", "Doe", "example.org"):
        assert personal not in json.dumps(lines)


def kept_of(local: Deployment, *names: str) -> list[str]:
    """The partitions of the Users table that say anything of somebody."""
    return [item["pk"] for item in local.users.scan("") if any(name in json.dumps(item, default=str) for name in names)]


def test_of_a_deleted_person_nothing_is_kept_and_all_that_they_held_ends(valet: Operator, local: Deployment) -> None:
    john, jane = sign_in(valet.stack, "john"), sign_in(valet.stack, "jane")
    assert {"consent#demo-john", "account#demo-john", "credential#john"} <= set(kept_of(local, "john"))
    valet("users", "delete", "john", typed="n\n", status=5)
    assert john.userinfo() == 200
    done = valet.json("users", "delete", "john", "--yes")
    assert done == {"username": "john", "sub": "demo-john", "deleted": True, "grants_ended": 1}
    assert kept_of(local, "john") == []
    assert (john.userinfo(), john.refresh()) == (401, 400)
    assert is_refused_by_list(valet.stack, john.access_token)
    assert not can_sign_in(valet, "john", "password123")
    assert (jane.userinfo(), jane.refresh()) == (200, 200)
    assert "no user" in valet("users", "delete", "john", "--yes", status=3).err
    added = valet.json("users", "add", "john", "--generate")
    assert added["sub"] != "demo-john"
    assert can_sign_in(valet, "john", added["password"])


def test_who_deleted_their_own_account_cannot_be_enabled_and_is_removed_for_good(
    valet: Operator, local: Deployment
) -> None:
    """The account page leaves the username and a hash that opens nothing; the operator's command removes both."""
    browser = Browser(over_http, valet.stack.issuer)
    browser.sign_in(browser.open("/account"), "john")
    page = browser.follow(browser.post(*filled_in(browser.get("/account/delete"), confirm="john")))
    assert "Your account is deleted" in page.body
    assert "deleted the account themselves" in valet("users", "enable", "john", status=3).err
    assert not can_sign_in(valet, "john", "password123")
    assert "credential#john" in kept_of(local, "john")
    valet("users", "delete", "john", "--yes")
    assert kept_of(local, "john") == []


def test_what_somebody_gets_while_they_are_deleted_ends_as_well(valet: Operator, local: Deployment) -> None:
    held = [sign_in(valet.stack)]
    disable = {"#is_disabled": "is_disabled"}

    def late() -> None:
        # As a request that read the account just before it was disabled.
        for is_disabled in (False, True):
            local.dynamodb.update_item(
                TableName=local.users.name,
                Key={"pk": {"S": "account#demo-john"}, "sk": {"S": "account"}},
                UpdateExpression="SET #is_disabled = :it",
                ExpressionAttributeNames=disable,
                ExpressionAttributeValues={":it": {"BOOL": is_disabled}},
            )
            if not is_disabled:
                held.append(sign_in(valet.stack))

    valet.while_asleep = late
    assert valet.json("users", "delete", "john", "--yes")["grants_ended"] == 2
    assert valet.slept == [10]  # as long as a function may run
    assert kept_of(local, "john") == []
    assert [is_refused_by_list(valet.stack, each.access_token) for each in held] == [True, True]


class _Killed(Exception):
    """At a write that was not made."""


def test_a_deletion_that_is_cut_short_anywhere_is_done_again(
    valet: Operator, local: Deployment, logged: Logged, monkeypatch: pytest.MonkeyPatch
) -> None:
    whole, writes = ScannedTable._write, 0

    def write(table: ScannedTable, operation: str, condition: str, values: object, **request: object) -> object:
        nonlocal writes
        if writes == 0:
            raise _Killed
        writes -= 1
        return whole(table, operation, condition, values, **request)  # type: ignore[arg-type]

    sign_in(valet.stack)
    monkeypatch.setattr(ScannedTable, "_write", write)
    for made in itertools.count(1):
        writes = made  # each time some more, from where the last time stopped
        with suppress(_Killed):
            valet("users", "delete", "john", "--yes")
            break
    assert made > 3
    assert kept_of(local, "john") == []
    assert logged.deeds()[-1] == "user.changed deleted demo-john"


def test_a_username_that_somebody_else_was_given_meanwhile_stays_theirs(valet: Operator, local: Deployment) -> None:
    people = People(local.users, local.audit, valet.clock)
    john = people.account("john")
    valet("users", "delete", "john", "--yes")
    valet("users", "add", "john", "--generate")
    people.delete(john)
    assert valet.json("users", "show", "john")["sub"] != "demo-john"


def test_a_half_deleted_person_cannot_sign_in(valet: Operator, local: Deployment) -> None:
    local.users.delete("account#demo-john", "account")
    assert not can_sign_in(valet, "john", "password123")
    assert "no user" in valet("users", "show", "john", status=3).err
    assert valet.json("users", "delete", "john", "--yes")["deleted"]
    assert kept_of(local, "john") == []


def test_an_error_of_aws_is_no_deletion(valet: Operator, local: Deployment, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(people: People, account: object) -> None:
        raise ClientError({"Error": {"Code": "AccessDeniedException", "Message": "no"}}, "DeleteItem")

    monkeypatch.setattr(People, "delete", refuse)
    assert "are not allowed to do this" in valet("users", "delete", "john", "--yes", status=4).err
