"""What operators change is logged: each change once, nothing that did not change, no secret, and nothing unlogged."""

from __future__ import annotations

import base64
import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import click
import pytest
from valet.handles import digest
from valet.people.passwords import hash_password

from admin.cli import valet as root
from admin.records.audit import OUTPUT
from admin.records.changes import DEEDS
from admin.records.deployment import Deployment
from tests.parts.admin.audited import Asked, Logged
from tests.parts.admin.changes import CHANGES, OTHERS, Change, prepared
from tests.parts.admin.conftest import Operator
from tests.parts.admin.people import sign_in

PASSWORD, WEB = "a long enough password", "web_app_123"
CHANGING = pytest.mark.parametrize("change", CHANGES, ids=lambda change: change.command)


def commands(group: click.Group, path: str = "") -> Iterator[str]:
    for name, each in group.commands.items():
        if isinstance(each, click.Group):
            yield from commands(each, f"{name} ")
        else:
            yield f"{path}{name}"


def test_every_command_is_told_to_change_something_or_not_to() -> None:
    changing = {" ".join(change.command.replace("clients hosts", "hosts").split()[:2]) for change in CHANGES}
    assert changing | OTHERS == set(commands(root))
    assert not changing & OTHERS


@CHANGING
def test_a_change_is_logged_once_after_the_stream_was_opened(
    valet: Operator,
    logged: Logged,
    asked: Asked,
    change: Change,
) -> None:
    prepared(valet, change)
    logged.lines()
    asked.operations.clear()
    valet(*change.command.split(), typed=change.typed)
    assert sorted(logged.deeds()) == sorted(change.lines)
    first_write = asked.operations.index(asked.writes[0])
    assert asked.operations.count("GetCallerIdentity") == asked.operations.count("CreateLogStream") == 1
    assert asked.operations.index("GetCallerIdentity") < asked.operations.index("CreateLogStream") < first_write
    assert asked.operations.index("PutLogEvents") > first_write


@CHANGING
@pytest.mark.parametrize("refused", ["CreateLogStream", "GetCallerIdentity"])
def test_who_cannot_be_logged_changes_nothing(
    valet: Operator,
    logged: Logged,
    asked: Asked,
    change: Change,
    refused: str,
) -> None:
    prepared(valet, change)
    logged.lines()
    asked.operations.clear()
    asked.denied(refused)
    ran = valet(*change.command.split(), typed=change.typed, status=4)
    assert "Nothing was changed" in ran.err
    assert "logs:CreateLogStream" in ran.err
    assert asked.writes == []
    assert logged.lines() == []


NOTHING = (
    ("clients enable web_app_123", 0), ("users enable john", 0), ("users roles john", 0),
    ("users roles john --set user", 0),
    ("clients change web_app_123", 2), ("scopes change items", 2),
    ("apis change nobody --name x", 3), ("clients rotate-secret spa_demo", 3), ("clients add X --id web_app_123", 3),
    ("clients add Again --id api_service_789 --scope admin", 3), ("scopes add admin Again", 3),
    ("scopes delete admin --yes", 3), ("users add john --generate", 3), ("clients delete web_app_123", 5),
    ("users sign-out john", 5), ("users sign-out nobody --yes", 3), ("grants revoke --all --dry-run", 0),
    ("users disable john", 5), ("users delete john", 5), ("users delete nobody --yes", 3),
    ("apis delete nobody --yes", 3), ("users change john --name x --email nowhere", 2),
    ("clients change web_app_123 --scope x --add-scope y", 2), ("users roles john --set user --add admin", 2),
    ("users set-password john --password-stdin", 2),
)  # fmt: skip


@pytest.mark.parametrize(("command", "status"), NOTHING)
def test_what_changes_nothing_leaves_no_line(
    valet: Operator,
    logged: Logged,
    command: str,
    status: int,
) -> None:
    valet(*command.split(), typed="\n", status=status)
    assert logged.lines() == []


def test_the_same_again_is_no_change(valet: Operator, logged: Logged) -> None:
    sign_in(valet.stack)
    for command in (
        "clients disable spa_demo",
        "grants revoke --all --before 2020-01-01 --yes",
        "users sign-out john --yes",
    ):
        valet(*command.split())
        assert logged.lines()
        valet(*command.split())
        assert logged.lines() == []


def test_a_line_says_what_it_was_before_and_after(valet: Operator, logged: Logged) -> None:
    valet("clients", "change", WEB, "--owner", "We", "--scope", "items openid", "--retry-window", "30s")
    [line] = logged.lines()
    assert line["members"] == "owner scope retry_window"
    assert line["before"] == {
        "owner": "Example Inc.",
        "scope": "email items offline_access openid profile",
        "retry_window": None,
    }
    assert line["after"] == {"owner": "We", "scope": "items openid", "retry_window": 30}
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}\+00:00", line["timestamp"])
    valet("clients", "add", "Job", "--id", "job", "--scope", "admin")
    [added] = logged.lines()
    assert added["after"]["scope"] == "admin"
    assert added["after"]["secrets"] == 1
    assert added["after"]["epoch"] == 1
    assert "before" not in added
    valet("scopes", "change", "items", "--includes", "profile")
    [changed] = logged.lines()
    assert (changed["before"], changed["after"]) == ({"includes": ""}, {"includes": "profile"})


def test_the_line_of_a_deleted_client_says_what_it_was_at_its_end(valet: Operator, logged: Logged) -> None:
    valet("clients", "delete", WEB, "--yes")
    _, ended, deleted = logged.lines()
    assert deleted["before"]["epoch"] == ended["after"]["epoch"] == 1
    assert (deleted["before"]["client_name"], deleted["before"]["is_disabled"]) == ("Web App", True)
    assert "after" not in deleted


def test_how_many_secrets_are_good_is_told_and_nothing_else_of_them(valet: Operator, logged: Logged) -> None:
    told = []
    for command in ("rotate-secret", "end-old-secret --yes", "rotate-secret --now --yes"):
        valet("clients", *command.split(), WEB)
        [line] = logged.lines()
        told.append((line["deed"], line["before"], line["after"]))
    assert told == [
        ("secret.rotated", {"secrets": 1}, {"secrets": 2}),
        ("secret.ended", {"secrets": 2}, {"secrets": 1}),
        ("secret.rotated", {"secrets": 1}, {"secrets": 1}),
    ]


def test_of_people_the_roles_are_told_and_of_the_rest_the_names_of_members(
    valet: Operator,
    logged: Logged,
    tmp_path: Path,
) -> None:
    sub = valet.json("users", "add", "ann", "--name", "Ann Doe", "--email", "ann@example.com", "--role", "user",
                     "--generate")["sub"]  # fmt: skip
    [line] = logged.lines()
    assert (line["deed"], line["sub"], line["after"]) == ("added", sub, {"roles": "user"})
    assert line["members"] == "username name email roles created_at"
    valet("users", "roles", "ann", "--add", "admin")
    file = tmp_path / "people.csv"
    file.write_text(
        f'username,email,password_hash\nbob,bob@example.com,"{hash_password(PASSWORD)}"\njohn,,\nevelyn,,\n'
    )
    valet("users", "import", str(file), "--skip-existing")
    roles, *imported = logged.lines()
    assert (roles["before"], roles["after"]) == ({"roles": "user"}, {"roles": "admin user"})
    assert [each["deed"] for each in imported] == ["imported", "imported"]
    everything = json.dumps([line, roles, *imported])
    for personal in ("Ann", "example.com", "bob", "evelyn"):
        assert personal not in everything


def test_no_line_holds_a_secret_or_what_is_kept_of_one(valet: Operator, logged: Logged) -> None:
    secrets = [valet.json("clients", "add", "Job", "--id", "job", "--scope", "admin")["client_secret"]]
    secrets.append(valet.json("clients", "rotate-secret", "job")["client_secret"])
    secrets.append(valet.json("users", "add", "ann", "--generate")["password"])
    secrets.append(valet.json("users", "set-password", "ann", "--generate")["password"])
    valet("clients", "delete", "job", "--yes")
    everything = json.dumps(logged.lines())
    for secret in secrets:
        kept = digest(secret)
        for form in (secret, kept.hex(), base64.b64encode(kept).decode(), base64.urlsafe_b64encode(kept).decode()):
            assert form.rstrip("=") not in everything
    assert "argon2" not in everything
    assert "digest" not in everything


@pytest.mark.parametrize("answer", ["denied", "rejected"])
def test_a_change_whose_line_cannot_be_put_stands_shows_its_secret_and_says_so(
    valet: Operator,
    logged: Logged,
    asked: Asked,
    answer: str,
) -> None:
    if answer == "denied":
        asked.denied("PutLogEvents")
    else:
        asked.answers["PutLogEvents"] = (200, {"rejectedLogEventsInfo": {"tooOldLogEventEndIndex": 0}})
    ran = valet("clients", "rotate-secret", WEB)
    secret = re.search(r"client secret +([\w-]{43})", ran.out)
    assert secret is not None
    told, line = ran.err.strip().splitlines()
    assert "The change was made, but it was not logged" in told
    assert json.loads(line)["deed"] == "secret.rotated"
    assert secret[1] not in ran.err
    assert logged.lines() == []
    assert valet.json("clients", "show", WEB)["secrets"] == 2


def test_a_stack_of_an_older_release_is_operated_and_says_that_nothing_is_logged(
    valet: Operator,
    logged: Logged,
    asked: Asked,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    outputs = Deployment.__dict__["outputs"].func
    older = property(lambda self: {name: value for name, value in outputs(self).items() if name != OUTPUT})
    monkeypatch.setattr(Deployment, "outputs", older)
    sign_in(valet.stack)
    ran = valet("users", "disable", "john", "--yes")
    assert ran.err.count("not logged") == 1
    assert "make deploy" in ran.err
    assert "is shut out" in ran.out
    assert not {"GetCallerIdentity", "CreateLogStream", "PutLogEvents"} & set(asked.operations)
    assert logged.lines() == []
    [finding] = valet.json("doctor", "--only", "logs.operators")["findings"]
    assert (finding["mend"], finding["is_error"]) == ("make deploy", False)


def test_a_second_operator_of_the_day_writes_to_the_same_stream(valet: Operator, logged: Logged) -> None:
    valet("clients", "disable", WEB)
    valet("clients", "enable", WEB)
    assert logged.deeds() == [f"client.changed disabled {WEB}", f"client.changed enabled {WEB}"]


def test_every_deed_is_done_by_some_command() -> None:
    done = {line.split()[1] for change in CHANGES for line in change.lines}
    assert done | {"imported"} >= set(DEEDS)


def test_what_a_log_may_not_hold_is_refused_before_it_is_there() -> None:
    from admin.records.changes import _value

    with pytest.raises(TypeError, match="no form for the log"):
        _value("password_hash", b"bytes")
    values: list[Any] = [None, "text", 1, True]
    assert [_value("name", value) for value in values] == values
